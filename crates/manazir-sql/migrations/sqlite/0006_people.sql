-- People, the connections between them, other ties, and the log of what changes. Times are microseconds since 1970,
-- UTC; texts as in the findings. Texts are folded (small letters, no spaces around them) by the service, so that both
-- databases compare them alike, by bytes.

INSERT INTO counters (name, value) VALUES
    ('people', 0),         -- numbers given to people
    ('people_changes', 0); -- changes of the graph

CREATE TABLE people (
    id              INTEGER PRIMARY KEY, -- given in the order of joining
    public_id       TEXT NOT NULL UNIQUE,
    username        TEXT,
    username_folded TEXT UNIQUE,
    name            TEXT,
    name_folded     TEXT,
    sorted          TEXT NOT NULL,       -- what a search sorts by: the folded username, or else the folded name
    email           TEXT UNIQUE,         -- in small letters
    affiliation     TEXT,
    state           BIGINT NOT NULL,     -- 0 active, 1 deactivated, 2 erased
    joined_at       BIGINT NOT NULL,
    changed_at      BIGINT NOT NULL,
    -- How many of each there are, so that nothing is counted when somebody does something.
    contacts        BIGINT NOT NULL DEFAULT 0,
    asked           BIGINT NOT NULL DEFAULT 0,
    asked_by        BIGINT NOT NULL DEFAULT 0,
    blocked         BIGINT NOT NULL DEFAULT 0,
    dismissed       BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX people_sorted ON people (sorted, id, username_folded, name_folded) WHERE state = 0;
CREATE INDEX people_named ON people (name_folded, sorted, id) WHERE state = 0;
CREATE INDEX people_away ON people (id) WHERE state <> 0;

-- Three characters anywhere in a username or a name. The two line feeds at the end, which no text has in it, give
-- its last characters entries of their own.
CREATE VIRTUAL TABLE people_search USING fts5 (
    username, name, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE people_search_terms USING fts5vocab (people_search, 'row');
CREATE TRIGGER people_search_insert AFTER INSERT ON people BEGIN
    INSERT INTO people_search (rowid, username, name)
    VALUES (new.id, new.username_folded || char(10, 10), new.name_folded || char(10, 10));
END;
CREATE TRIGGER people_search_update AFTER UPDATE OF username_folded, name_folded ON people BEGIN
    DELETE FROM people_search WHERE rowid = new.id;
    INSERT INTO people_search (rowid, username, name)
    VALUES (new.id, new.username_folded || char(10, 10), new.name_folded || char(10, 10));
END;

-- Both directions of each connection.
CREATE TABLE connections (
    one   BIGINT NOT NULL,
    other BIGINT NOT NULL CHECK (one <> other),
    PRIMARY KEY (one, other)
) WITHOUT ROWID;

CREATE TABLE ties (
    kind      BIGINT NOT NULL, -- 0 has asked, 1 blocks, 2 has dismissed
    from_user BIGINT NOT NULL,
    to_user   BIGINT NOT NULL CHECK (from_user <> to_user),
    at        BIGINT NOT NULL,
    PRIMARY KEY (kind, from_user, to_user)
) WITHOUT ROWID;
CREATE INDEX ties_to ON ties (to_user, kind, from_user);

-- What holds since then: whoever keeps a copy reads on by the number.
CREATE TABLE people_changes (
    seq   INTEGER PRIMARY KEY,
    kind  BIGINT NOT NULL, -- 0 a person, 1 connected, 2 disconnected, 10 to 12 tied, 20 to 22 no longer tied
    one   BIGINT NOT NULL,
    other BIGINT NOT NULL, -- of a person their state
    at    BIGINT NOT NULL  -- of a tie
);

CREATE TABLE recommendations (
    user_id     BIGINT NOT NULL,
    recommended BIGINT NOT NULL CHECK (user_id <> recommended),
    source      TEXT NOT NULL,
    score       BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (user_id, recommended)
) WITHOUT ROWID;
CREATE INDEX recommendations_recommended ON recommendations (recommended);
