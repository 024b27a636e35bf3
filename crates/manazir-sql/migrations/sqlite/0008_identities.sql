-- Who people are at a provider where they sign in, and the sign-ins there that have come back.

CREATE TABLE account_identities (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,   -- what the issuer calls its owner, for good: it decides, and nothing else
    account   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label     TEXT NOT NULL,   -- what its owner was called there when it was linked
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- Each comes back once. Of those that never do nothing is kept.
CREATE TABLE account_states (
    hash       BLOB PRIMARY KEY, -- SHA-256 of the state
    expires_at BIGINT NOT NULL
);

CREATE INDEX account_identities_account ON account_identities (account);
CREATE INDEX account_states_expires_at ON account_states (expires_at);
