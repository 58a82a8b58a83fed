-- +goose Up

-- Opt-outs of parties and blocks of the operator. One that was lifted stays as
-- a row, so that a reader learns of its end. version is the value of
-- restrictions_feed at the last change.
CREATE TABLE restrictions (
    kind    TEXT NOT NULL CHECK (kind = 'opt_out' OR kind = 'block'),
    tenant  TEXT NOT NULL,    -- of an opt-out: whose messages; of a block: empty is every tenant
    mask    TEXT NOT NULL CHECK (mask = '*' OR length(mask) BETWEEN 7 AND 15 AND mask NOT GLOB '*[^0-9]*'),
    party   TEXT NOT NULL CHECK (party = '*' OR length(party) BETWEEN 7 AND 15 AND party NOT GLOB '*[^0-9]*'),
    peer    TEXT NOT NULL,    -- of an opt-out: the other end, such as tel:+447700900202; empty: all of the tenant
    since   INTEGER NOT NULL, -- microseconds since 1970 UTC
    lifted  INTEGER NOT NULL CHECK (lifted = 0 OR lifted = 1),
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, tenant, mask, party, peer),
    CHECK (CASE kind WHEN 'block' THEN (mask <> '*' OR party <> '*') AND peer = '' ELSE mask = '*' AND party <> '*' END)
) STRICT, WITHOUT ROWID;
CREATE INDEX restrictions_version ON restrictions (version);

CREATE TABLE restrictions_feed (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO restrictions_feed VALUES (1, 1);

-- +goose Down
DROP TABLE restrictions_feed;
DROP TABLE restrictions;
