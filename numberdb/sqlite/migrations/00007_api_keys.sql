-- +goose Up

-- Keys of the API. hash is the SHA-256 of a key's text, which is kept nowhere;
-- public is the part of it by which a key is found. Times are microseconds since
-- 1970, 0: never.
CREATE TABLE api_keys (
    id        INTEGER PRIMARY KEY,
    public    TEXT NOT NULL UNIQUE,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    tenant    TEXT NOT NULL, -- empty: the operator's
    role      TEXT NOT NULL,
    scopes    TEXT NOT NULL, -- divided by spaces
    label     TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    suspended INTEGER NOT NULL,
    revoked   INTEGER NOT NULL,
    used      INTEGER NOT NULL
) STRICT;

-- The version of the keys, one row. Their use does not change it.
CREATE TABLE api_keys_feed (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO api_keys_feed VALUES (1, 1);

-- +goose Down
DROP TABLE api_keys_feed;
DROP TABLE api_keys;
