-- +goose Up

-- One row for each (mask, party). Numbers are text and not integers: leading
-- zeros survive, and people read the file with the sqlite3 shell as they read a
-- CSV. Mask and party are canonical (see the package e164): the edge, which is
-- the only writer of this file, makes them so. (OR and not IN: SQLite builds a
-- table in memory for each IN list of each row that it checks.)
CREATE TABLE bindings (
    mask       TEXT NOT NULL CHECK (length(mask) BETWEEN 7 AND 15 AND mask NOT GLOB '*[^0-9]*'),
    party      TEXT NOT NULL CHECK (party = '*' OR length(party) BETWEEN 7 AND 15 AND party NOT GLOB '*[^0-9]*'),
    to_kind    TEXT NOT NULL CHECK (to_kind = 'tel' OR to_kind = 'smpp' OR to_kind = 'sip'),
    to_value   TEXT NOT NULL CHECK (length(to_value) BETWEEN 1 AND 255),
    present    TEXT NOT NULL CHECK (length(present) BETWEEN 7 AND 15 AND present NOT GLOB '*[^0-9]*'),
    services   TEXT NOT NULL CHECK (services = 'sms' OR services = 'voice' OR services = 'sms+voice'),
    carriers   TEXT NOT NULL,    -- names divided by |, empty: routing decides
    expires_at INTEGER,          -- microseconds since 1970 UTC, NULL: never
    tenant     TEXT NOT NULL,    -- empty: the operator's own
    updated_at INTEGER NOT NULL, -- microseconds since 1970 UTC
    PRIMARY KEY (mask, party)
) STRICT, WITHOUT ROWID;

-- The position of the last commit, one row.
CREATE TABLE feed (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO feed VALUES (1, 1);

-- +goose Down
DROP TABLE feed;
DROP TABLE bindings;
