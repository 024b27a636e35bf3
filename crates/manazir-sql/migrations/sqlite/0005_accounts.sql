-- Accounts, their sessions and links, what was revoked, who did what, and the keys that sign.
--
-- Times are microseconds since 1970, UTC. Identities are hexadecimal digits. Of what lets somebody in, only hashes are
-- here, and keys sealed under a secret that is elsewhere: a copy of these tables lets nobody in.

INSERT INTO counters (name, value) VALUES
    ('accounts', 0),            -- locked while roles or bans change, and while what is over goes
    ('account_invitations', 0), -- locked while one is counted and made
    ('account_revocations', 0),
    ('account_audit', 0),
    ('signing_keys', 0);        -- locked while a key is added

CREATE TABLE accounts (
    id              TEXT PRIMARY KEY,
    username        TEXT NOT NULL,
    username_folded TEXT NOT NULL UNIQUE, -- without case
    username_look   TEXT NOT NULL UNIQUE, -- equal for names that look alike
    email           TEXT NOT NULL,        -- where letters go
    email_key       TEXT NOT NULL UNIQUE, -- without case
    role            TEXT NOT NULL,        -- viewer, member, admin
    avatar_seed     TEXT NOT NULL,
    password        TEXT,                 -- a PHC string of argon2id
    version         BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    banned_at       BIGINT
);

CREATE TABLE account_sessions (
    id                TEXT PRIMARY KEY,
    account           TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    proof_hash        BLOB NOT NULL, -- SHA-256 of what all refresh tokens of the session share
    current_hash      BLOB NOT NULL, -- SHA-256 of the current one
    replaced          BLOB NOT NULL, -- those just replaced: hash, time (8 bytes, big-endian), sealed successor
    device            TEXT NOT NULL,
    address           TEXT,
    opened_at         BIGINT NOT NULL,
    used_at           BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    rotations_full_at BIGINT NOT NULL,
    ended_at          BIGINT,
    ended_by          TEXT              -- owner, admin, reuse, password, crowd
);

CREATE TABLE account_links (
    hash       BLOB PRIMARY KEY, -- SHA-256 of the secret
    purpose    TEXT NOT NULL,     -- invitation or reset
    role       TEXT,              -- of an invitation
    email      TEXT,              -- of an invitation for one address
    account    TEXT REFERENCES accounts (id) ON DELETE CASCADE, -- of a reset
    expires_at BIGINT NOT NULL
);

CREATE TABLE account_revocations (
    number  BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    session TEXT,   -- a session that is over
    account TEXT,   -- or an account, of which access tokens below this version are over
    version BIGINT
);

CREATE TABLE account_audit (
    number  BIGINT PRIMARY KEY,
    kind    TEXT NOT NULL,
    account TEXT,          -- to whose account
    actor   TEXT NOT NULL, -- nobody, system, or an account
    address TEXT,
    at      BIGINT NOT NULL,
    detail  TEXT NOT NULL
);

CREATE TABLE signing_keys (
    id      TEXT PRIMARY KEY,
    public  BLOB NOT NULL,
    sealed  BLOB NOT NULL, -- under the secret of the installation
    made_at BIGINT NOT NULL
);

CREATE INDEX accounts_admins ON accounts (id) WHERE role = 'admin' AND banned_at IS NULL;
CREATE INDEX account_sessions_account ON account_sessions (account, ended_at, used_at);
CREATE INDEX account_sessions_expires_at ON account_sessions (expires_at);
CREATE INDEX account_sessions_ended_at ON account_sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX account_links_account ON account_links (account) WHERE account IS NOT NULL;
CREATE INDEX account_links_expires_at ON account_links (purpose, expires_at);
CREATE INDEX account_revocations_at ON account_revocations (at);
CREATE INDEX account_audit_kind ON account_audit (kind, number);
CREATE INDEX account_audit_account ON account_audit (account) WHERE account IS NOT NULL;
CREATE INDEX account_audit_actor ON account_audit (actor);
