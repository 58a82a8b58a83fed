-- The first part of migration 4: everything of a real number is sealed from
-- here on, so other programs no longer read or write these tables.

DROP TRIGGER log_insert ON maskline.bindings;
DROP TRIGGER log_update ON maskline.bindings;
DROP TRIGGER log_delete ON maskline.bindings;
DROP TRIGGER log_truncate ON maskline.bindings;
ALTER TABLE maskline.bindings RENAME TO clear_bindings;
ALTER TABLE maskline.clear_bindings RENAME CONSTRAINT bindings_pkey TO clear_bindings_pkey;
ALTER TABLE maskline.restrictions RENAME TO clear_restrictions;
ALTER TABLE maskline.clear_restrictions RENAME CONSTRAINT restrictions_pkey TO clear_restrictions_pkey;
DROP INDEX maskline.restrictions_version;
DROP TRIGGER restrictions_begin ON maskline.clear_restrictions;
DROP TRIGGER restrictions_row ON maskline.clear_restrictions;

-- Data keys, wrapped by the key file or the KMS. One so far: id 1.
CREATE TABLE maskline.keys (
    id      bigint PRIMARY KEY,
    wrapped bytea NOT NULL,
    made    bigint NOT NULL
);
COMMENT ON TABLE maskline.keys IS 'Without the wrapping key, kept elsewhere, nothing sealed can be read.';
COMMENT ON COLUMN maskline.keys.made IS 'microseconds since 1970';

-- One row for each (mask, party). The order of the columns is that of COPY and
-- of logical replication; a later version adds columns at the end, with
-- defaults. Masks are the packed integers of the edge. A row is valid as a
-- whole: sealed is tied to all columns but keep.
CREATE TABLE maskline.bindings (
    mask     bigint NOT NULL,
    party    bytea NOT NULL CHECK (octet_length(party) = 16),
    sealed   bytea NOT NULL,
    present  bigint NOT NULL,
    second   bigint NOT NULL,
    services smallint NOT NULL,
    carriers text COLLATE "C" NOT NULL,
    expires  bigint NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    session  bigint NOT NULL,
    counted  boolean NOT NULL,
    keep     bigint NOT NULL,
    digest   bigint NOT NULL,
    PRIMARY KEY (mask, party)
);
COMMENT ON TABLE maskline.bindings IS 'Who is reached when party contacts mask. Written by the edge alone.';
COMMENT ON COLUMN maskline.bindings.mask IS 'digits in the low 50 bits, their count above';
COMMENT ON COLUMN maskline.bindings.party IS 'encrypted so that equal ones are equal; zeros: everybody without a row of their own';
COMMENT ON COLUMN maskline.bindings.sealed IS 'the real end';
COMMENT ON COLUMN maskline.bindings.present IS 'what the real end sees as the sender or caller, as mask';
COMMENT ON COLUMN maskline.bindings.second IS 'presented where no carrier may present present; 0: none';
COMMENT ON COLUMN maskline.bindings.services IS '1 sms, 2 voice, 3 both';
COMMENT ON COLUMN maskline.bindings.carriers IS 'in order of preference, divided by |; empty: routing decides';
COMMENT ON COLUMN maskline.bindings.expires IS 'microseconds since 1970 at which the edge stops routing; 0: never';
COMMENT ON COLUMN maskline.bindings.tenant IS 'empty: the operator''s own';
COMMENT ON COLUMN maskline.bindings.session IS '0: bound by hand';
COMMENT ON COLUMN maskline.bindings.counted IS 'the session counts contacts';
COMMENT ON COLUMN maskline.bindings.keep IS 'microseconds since 1970 until which the mask rests for the party; 0: not beyond expires';
COMMENT ON COLUMN maskline.bindings.digest IS 'keyed, of what the table in memory holds';

-- Opt-outs of parties and blocks of the operator. One that was lifted stays as
-- a row, so that every edge learns of its end; DELETE works too, and makes the
-- edges read everything again.
CREATE TABLE maskline.restrictions (
    kind    text COLLATE "C" NOT NULL CHECK (kind IN ('opt_out', 'block')),
    tenant  text COLLATE "C" NOT NULL,
    mask    bigint NOT NULL,
    party   bytea NOT NULL CHECK (octet_length(party) = 16),
    peer    bigint NOT NULL,
    sealed  bytea NOT NULL,
    since   bigint NOT NULL,
    lifted  boolean NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, tenant, mask, party, peer)
);
CREATE INDEX restrictions_version ON maskline.restrictions (version);
COMMENT ON TABLE maskline.restrictions IS 'Who wants no messages (opt_out) and who may not be in contact (block).';
COMMENT ON COLUMN maskline.restrictions.tenant IS 'of an opt_out: whose messages; of a block: empty is every tenant';
COMMENT ON COLUMN maskline.restrictions.mask IS 'of a block, as in bindings; 0: every mask';
COMMENT ON COLUMN maskline.restrictions.party IS 'as in bindings; of a block zeros are every party';
COMMENT ON COLUMN maskline.restrictions.peer IS 'of an opt_out: keyed digest of the other end; 0: all of the tenant';
COMMENT ON COLUMN maskline.restrictions.sealed IS 'the other end';
COMMENT ON COLUMN maskline.restrictions.since IS 'microseconds since 1970';
COMMENT ON COLUMN maskline.restrictions.lifted IS 'true: it no longer holds';
COMMENT ON COLUMN maskline.restrictions.version IS 'of the feed at the last change; set by a trigger';
