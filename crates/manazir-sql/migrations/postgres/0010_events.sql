-- Several machines judge the same stream: who holds which partition, what was judged, and the models.
-- Only here: alone on one machine the embedded store keeps all of this. Times are microseconds since 1970, UTC.

CREATE TABLE workers (
    id      TEXT PRIMARY KEY,   -- new at each start of a process
    seen_at BIGINT NOT NULL
);

CREATE TABLE partitions (
    id             SMALLINT PRIMARY KEY,
    owner          TEXT,                        -- a worker; NULL if the partition is free
    epoch          BIGINT  NOT NULL DEFAULT 0,  -- grows with each takeover; a commit under an older one is refused
    lease_until    BIGINT  NOT NULL DEFAULT 0,  -- after this others may take it
    applied_seq    BIGINT  NOT NULL DEFAULT 0,  -- number of the last message that was committed
    begun_seq      BIGINT,                      -- applied_seq at the takeover; NULL after a worker ended in order
    failures       INTEGER NOT NULL DEFAULT 0,  -- takeovers in a row that began at the same place
    suspect_source TEXT,                        -- the message that a careful worker is about to judge
    suspect_id     TEXT
);
INSERT INTO partitions (id) SELECT generate_series(0, 63);

CREATE TABLE snapshots (
    partition SMALLINT PRIMARY KEY REFERENCES partitions (id),
    seq       BIGINT NOT NULL,  -- everything up to here is in the models
    state     BYTEA  NOT NULL   -- zstd
);
ALTER TABLE snapshots ALTER COLUMN state SET STORAGE EXTERNAL;

CREATE TABLE events (
    source      TEXT             NOT NULL,
    id          TEXT             NOT NULL,
    partition   SMALLINT         NOT NULL,
    seq         BIGINT           NOT NULL,
    received_at BIGINT           NOT NULL,
    at          BIGINT           NOT NULL,
    request_id  TEXT             NOT NULL,
    actor       TEXT             NOT NULL,
    action      TEXT             NOT NULL,
    resources   TEXT             NOT NULL, -- JSON, a list of texts
    score       DOUBLE PRECISION NOT NULL,
    anomaly     BOOLEAN          NOT NULL,
    reasons     TEXT             NOT NULL, -- JSON, a list of {detector, surprise, text}
    format      TEXT             NOT NULL,
    body        BYTEA            NOT NULL, -- as it came
    PRIMARY KEY (source, id)
);
CREATE UNIQUE INDEX events_place ON events (partition, seq);
CREATE INDEX events_received_at ON events (received_at);
