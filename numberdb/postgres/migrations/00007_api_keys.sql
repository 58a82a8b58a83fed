-- +goose Up

-- Keys of the API. Times are microseconds since 1970, 0: never.
CREATE TABLE maskline.api_keys (
    id        bigint PRIMARY KEY,
    public    text COLLATE "C" NOT NULL CONSTRAINT api_keys_public UNIQUE,
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    tenant    text COLLATE "C" NOT NULL,
    role      text COLLATE "C" NOT NULL,
    scopes    text COLLATE "C" NOT NULL,
    label     text NOT NULL,
    created   bigint NOT NULL,
    expires   bigint NOT NULL,
    suspended bigint NOT NULL,
    revoked   bigint NOT NULL,
    used      bigint NOT NULL
);
COMMENT ON COLUMN maskline.api_keys.public IS 'the part of the text by which a key is found';
COMMENT ON COLUMN maskline.api_keys.hash IS 'SHA-256 of the text, which is kept nowhere';
COMMENT ON COLUMN maskline.api_keys.tenant IS 'empty: the operator''s';
COMMENT ON COLUMN maskline.api_keys.scopes IS 'divided by spaces';

-- The version of the keys, one row. Their use does not change it.
CREATE TABLE maskline.api_keys_feed (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL
);
INSERT INTO maskline.api_keys_feed (version) VALUES (1);

-- +goose Down
DROP TABLE maskline.api_keys_feed, maskline.api_keys;
