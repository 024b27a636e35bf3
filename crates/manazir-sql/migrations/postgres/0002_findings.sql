-- What people look at: findings with what people say of them, dead letters, jobs.
--
-- Times are microseconds since 1970, UTC. A text that holds NUL, which PostgreSQL cannot keep, has SUB (0x1A) and 0
-- in its place, and SUB twice for SUB itself.

-- Numbers that grow by one a row, given within the transaction that writes the row: a sequence would let them be
-- seen out of order.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES
    ('findings', 0),
    ('dead_letters', 0),
    ('dead_letter_bytes', 0),    -- of all bodies that ever came
    ('dead_letters_dropped', 0), -- those that went because there were too many
    ('jobs', 0),
    ('outbox_seq', 0);           -- the entry of the outbox up to which everything is here

CREATE TABLE findings (
    number           BIGINT PRIMARY KEY,
    kind             TEXT NOT NULL,   -- event or series
    source           TEXT NOT NULL,
    event_id         TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    actor            TEXT NOT NULL,   -- the role
    action           TEXT NOT NULL,   -- the type of the event
    resources        TEXT NOT NULL,   -- the affected assets, a JSON list
    at               BIGINT NOT NULL,
    ended_at         BIGINT,
    first_seen_at    BIGINT NOT NULL,
    received_at      BIGINT NOT NULL,
    score            DOUBLE PRECISION NOT NULL,
    reasons          TEXT NOT NULL,   -- a JSON list of detector, surprise, text
    detector         TEXT NOT NULL,   -- of the first reason
    sentence         TEXT NOT NULL,
    searched         TEXT NOT NULL,   -- the sentence in small letters
    series           TEXT,
    feedback         TEXT,            -- confirmed or rejected
    feedback_comment TEXT,
    feedback_by      TEXT,
    feedback_at      BIGINT
);

-- For a search by one affected asset: it is compared as a whole, whatever is in its name.
CREATE TABLE finding_resources (
    number   BIGINT NOT NULL REFERENCES findings (number) ON DELETE CASCADE,
    resource TEXT NOT NULL
);

CREATE TABLE dead_letters (
    number       BIGINT PRIMARY KEY,
    source       TEXT NOT NULL,
    id           TEXT NOT NULL,
    format       TEXT NOT NULL,
    body         BYTEA NOT NULL,
    body_bytes   BIGINT NOT NULL,
    bytes_before BIGINT NOT NULL, -- of all bodies that came before this one, as they came
    reason       TEXT NOT NULL,
    searched     TEXT NOT NULL,   -- the reason in small letters
    received_at  BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    replayed_at  BIGINT,
    discarded_at BIGINT
);

CREATE TABLE jobs (
    id               BIGINT PRIMARY KEY,
    kind             TEXT NOT NULL,
    input            TEXT NOT NULL,   -- JSON
    incarnation      TEXT NOT NULL,   -- of the process that runs it
    state            TEXT NOT NULL,   -- queued, running, done, failed, cancelled
    done             BIGINT NOT NULL,
    total            BIGINT,
    message          TEXT NOT NULL,
    result           TEXT,            -- JSON
    link             TEXT,
    cancel_requested BIGINT NOT NULL, -- 0 or 1
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);

CREATE INDEX findings_at ON findings (at);
-- A tree refuses texts longer than a third of a page; a hash takes any, and equality is all that is asked.
CREATE INDEX findings_event_id ON findings USING HASH (event_id);
CREATE INDEX findings_request_id ON findings USING HASH (request_id);
CREATE INDEX findings_actor ON findings USING HASH (actor);
CREATE INDEX findings_action ON findings USING HASH (action);
CREATE INDEX finding_resources_resource ON finding_resources USING HASH (resource);
CREATE INDEX finding_resources_number ON finding_resources (number);

-- For people who look with a database client.
CREATE VIEW anomalies AS
SELECT
    number,
    to_char(timestamp 'epoch' + at * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
    actor     AS role,
    action    AS event_type,
    resources AS affected_assets,
    score,
    sentence  AS reason,
    detector,
    feedback,
    feedback_comment,
    feedback_by,
    to_char(timestamp 'epoch' + feedback_at / 1000000 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        AS feedback_at,
    kind,
    source,
    event_id,
    request_id,
    series,
    to_char(timestamp 'epoch' + ended_at * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ended_at,
    to_char(timestamp 'epoch' + first_seen_at / 1000000 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        AS first_seen_at,
    to_char(timestamp 'epoch' + received_at / 1000000 * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        AS received_at
FROM findings;
