-- Samples with their verdicts, for any number of workers. Only here: alone on one machine the embedded store keeps
-- them. Times are microseconds since 1970, UTC; days are those since 1970, by UTC.
--
-- The number of a series is the unsigned one of the routes less 2^63, so that its order here is the one there.

CREATE TABLE lake_series (
    id    BIGINT   PRIMARY KEY,
    words BIGINT[] NOT NULL, -- a hash of the metric's name and of each label with its value, to search by
    name  TEXT     NOT NULL, -- for people; NUL as in the findings
    key   BYTEA    NOT NULL  -- as it is read: postcard
);
CREATE INDEX lake_series_words ON lake_series USING GIN (words);

-- Where rows are appended, one by one, until they move into chunks.
CREATE TABLE lake_head (
    series      BIGINT  NOT NULL,
    at          BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    revision    INTEGER NOT NULL,
    sample      BYTEA   NOT NULL, -- the rest of it: postcard
    PRIMARY KEY (series, at, received_at, revision)
);
-- What moved leaves its room to what comes, and a look at what is due reads the index alone.
ALTER TABLE lake_head SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE lake_chunks (
    day      INTEGER NOT NULL,
    series   BIGINT  NOT NULL,
    first_at BIGINT  NOT NULL,
    last_at  BIGINT  NOT NULL,
    rows     INTEGER NOT NULL,
    chunk    BYTEA   NOT NULL,
    PRIMARY KEY (day, series, first_at)
);
-- They are compressed already.
ALTER TABLE lake_chunks ALTER COLUMN chunk SET STORAGE EXTERNAL;

CREATE TABLE lake_days (
    day      INTEGER PRIMARY KEY,
    rows     BIGINT NOT NULL, -- of all its chunks
    bytes    BIGINT NOT NULL,
    version  BIGINT NOT NULL, -- grows with each change
    exported BIGINT NOT NULL, -- the version that was exported last
    dropped  BOOLEAN NOT NULL DEFAULT FALSE -- its chunks are gone; what comes for it later is not exported
);

CREATE TABLE lake_episodes (
    start_at BIGINT NOT NULL,
    series   BIGINT NOT NULL,
    episode  BYTEA  NOT NULL, -- postcard
    PRIMARY KEY (start_at, series)
);

-- Bodies of samples that no restart needs any more are emptied: the samples are in the lake.
CREATE INDEX events_sample_bodies ON events (partition, seq) WHERE format = 'samples' AND body <> '';
