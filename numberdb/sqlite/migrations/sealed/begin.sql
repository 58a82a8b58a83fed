-- The first part of migration 4: everything of a real number is sealed from
-- here on.

ALTER TABLE bindings RENAME TO clear_bindings;
ALTER TABLE restrictions RENAME TO clear_restrictions;
DROP INDEX restrictions_version;

-- Data keys, wrapped by the key file or the KMS. One so far: id 1.
CREATE TABLE keys (
    id      INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL,
    made    INTEGER NOT NULL -- microseconds since 1970 UTC
) STRICT;

-- One row for each (mask, party). Masks are the packed integers of the edge. A
-- row is valid as a whole: sealed is tied to all columns but keep. A later
-- version adds columns at the end, with defaults.
CREATE TABLE bindings (
    mask     INTEGER NOT NULL, -- digits in the low 50 bits, their count above
    party    BLOB NOT NULL CHECK (length(party) = 16), -- encrypted so that equal ones are equal; zeros: everybody
    sealed   BLOB NOT NULL,    -- the real end
    present  INTEGER NOT NULL, -- as mask
    second   INTEGER NOT NULL, -- presented where no carrier may present present; 0: none
    services INTEGER NOT NULL, -- 1 sms, 2 voice, 3 both
    carriers TEXT NOT NULL,    -- names divided by |, empty: routing decides
    expires  INTEGER NOT NULL, -- microseconds since 1970 UTC, 0: never
    tenant   TEXT NOT NULL,    -- empty: the operator's own
    session  INTEGER NOT NULL, -- 0: bound by hand
    counted  INTEGER NOT NULL CHECK (counted = 0 OR counted = 1), -- the session counts contacts
    keep     INTEGER NOT NULL, -- microseconds since 1970 UTC until which the mask rests for the party, 0: not beyond expires
    digest   INTEGER NOT NULL, -- keyed, of what the table in memory holds
    PRIMARY KEY (mask, party)
) STRICT, WITHOUT ROWID;

-- Opt-outs of parties and blocks of the operator. One that was lifted stays as
-- a row, so that a reader learns of its end. version is the value of
-- restrictions_feed at the last change.
CREATE TABLE restrictions (
    kind    TEXT NOT NULL CHECK (kind = 'opt_out' OR kind = 'block'),
    tenant  TEXT NOT NULL,    -- of an opt-out: whose messages; of a block: empty is every tenant
    mask    INTEGER NOT NULL, -- of a block, as in bindings; 0: every mask
    party   BLOB NOT NULL CHECK (length(party) = 16), -- as in bindings; of a block zeros are every party
    peer    INTEGER NOT NULL, -- of an opt-out: keyed digest of the other end; 0: all of the tenant
    sealed  BLOB NOT NULL,    -- the other end
    since   INTEGER NOT NULL, -- microseconds since 1970 UTC
    lifted  INTEGER NOT NULL CHECK (lifted = 0 OR lifted = 1),
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, tenant, mask, party, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX restrictions_version ON restrictions (version);
