-- The event graph and explanations. Times are microseconds since 1970, UTC; texts as in the findings.

INSERT INTO counters (name, value) VALUES
    ('graph_events', 0),         -- changes of events
    ('graph_dependencies', 0),   -- changes of dependencies
    ('explanations', 0),
    ('explanation_verdicts', 0); -- times that somebody said something

CREATE TABLE graph_events (
    key          BYTEA PRIMARY KEY, -- a hash of the identity, which may be longer than an index takes
    seq          BIGINT NOT NULL,      -- of its last change: whoever copies reads on by it
    length_class BIGINT NOT NULL,      -- 0 to 4, how long it is: see where events are read
    from_at      BIGINT NOT NULL,
    until_at     BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    id           TEXT NOT NULL,
    entity       TEXT NOT NULL,
    event_type   TEXT NOT NULL,
    severity     DOUBLE PRECISION NOT NULL,
    target       TEXT,
    dims         TEXT NOT NULL,        -- a JSON list of lists of name and value
    source       TEXT NOT NULL,
    sentence     TEXT NOT NULL
);
CREATE UNIQUE INDEX graph_events_seq ON graph_events (seq);
CREATE INDEX graph_events_from_at ON graph_events (length_class, from_at);
CREATE INDEX graph_events_until_at ON graph_events (until_at);

CREATE TABLE graph_dependencies (
    edge     BYTEA NOT NULL,   -- a hash of caller, callee and source
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,     -- from_at, if it went: that is told to whoever copies
    seq      BIGINT NOT NULL,
    caller   TEXT COLLATE "C" NOT NULL,
    callee   TEXT COLLATE "C" NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (edge, from_at)
);
CREATE UNIQUE INDEX graph_dependencies_seq ON graph_dependencies (seq);
CREATE INDEX graph_dependencies_until_at ON graph_dependencies (until_at);

CREATE TABLE explanations (
    number       BIGINT PRIMARY KEY,
    revision     BIGINT NOT NULL, -- of the last answer
    finding      BIGINT,
    entity       TEXT NOT NULL,
    at           BIGINT NOT NULL,
    asked_by     TEXT NOT NULL,
    question     TEXT NOT NULL,   -- JSON
    cause_type   TEXT NOT NULL,   -- of the last answer, as is cause_entity
    cause_entity TEXT NOT NULL,
    created_at   BIGINT NOT NULL
);
-- A tree refuses texts longer than a third of a page; a hash takes any, and equality is all that is asked.
CREATE INDEX explanations_finding ON explanations (finding);
CREATE INDEX explanations_created_at ON explanations (created_at);
CREATE INDEX explanations_entity ON explanations USING HASH (entity);
CREATE INDEX explanations_cause_type ON explanations USING HASH (cause_type);
CREATE INDEX explanations_cause_entity ON explanations USING HASH (cause_entity);

CREATE TABLE explanation_answers (
    number       BIGINT NOT NULL REFERENCES explanations (number) ON DELETE CASCADE,
    revision     BIGINT NOT NULL,
    answered_at  BIGINT NOT NULL,
    answer       TEXT NOT NULL,   -- JSON
    cause_type   TEXT NOT NULL,
    cause_entity TEXT NOT NULL,
    PRIMARY KEY (number, revision)
);

CREATE TABLE explanation_verdicts (
    seq       BIGINT PRIMARY KEY, -- the order in which they were given
    said      BYTEA NOT NULL,  -- a hash of explanation, cause and person: one word each
    number    BIGINT NOT NULL REFERENCES explanations (number) ON DELETE CASCADE,
    cause     TEXT NOT NULL,
    confirmed BIGINT NOT NULL,    -- 0 or 1
    comment   TEXT NOT NULL,
    said_by   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    lesson    TEXT NOT NULL       -- JSON
);
CREATE UNIQUE INDEX explanation_verdicts_said ON explanation_verdicts (said);
CREATE INDEX explanation_verdicts_number ON explanation_verdicts (number);
