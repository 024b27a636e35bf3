-- API tokens. Only the hash of a secret is kept, so that a copy of this file lets nobody in.
CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,   -- words with a space between them
    created_at BIGINT NOT NULL, -- microseconds since 1970, UTC
    revoked_at BIGINT
);
