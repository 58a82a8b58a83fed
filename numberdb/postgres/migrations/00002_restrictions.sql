-- +goose Up

-- A row without party silently became a public binding. Whoever means that says
-- it: '*'.
ALTER TABLE maskline.bindings ALTER COLUMN party DROP DEFAULT;

-- Opt-outs of parties and blocks of the operator. One that was lifted stays as
-- a row, so that every edge learns of its end; DELETE works too, and makes the
-- edges read everything again.
CREATE TABLE maskline.restrictions (
    kind    text COLLATE "C" NOT NULL CHECK (kind IN ('opt_out', 'block')),
    tenant  text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(tenant) <= 64),
    mask    text COLLATE "C" NOT NULL CHECK (mask = '*' OR mask ~ '^[0-9]{7,15}$'),
    party   text COLLATE "C" NOT NULL CHECK (party = '*' OR party ~ '^[0-9]{7,15}$'),
    peer    text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(peer) <= 300),
    since   timestamptz NOT NULL DEFAULT now(),
    lifted  boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, tenant, mask, party, peer),
    CONSTRAINT restrictions_form CHECK (CASE kind WHEN 'block' THEN (mask <> '*' OR party <> '*') AND peer = ''
        ELSE mask = '*' AND party <> '*' END)
);
CREATE INDEX restrictions_version ON maskline.restrictions (version);

COMMENT ON TABLE maskline.restrictions IS 'Who wants no messages (opt_out) and who may not be in contact (block).';
COMMENT ON COLUMN maskline.restrictions.tenant IS 'of an opt_out: whose messages; of a block: empty is every tenant';
COMMENT ON COLUMN maskline.restrictions.mask IS 'of a block: 7 to 15 digits, or * for every mask';
COMMENT ON COLUMN maskline.restrictions.party IS '7 to 15 digits; of a block also * for every party';
COMMENT ON COLUMN maskline.restrictions.peer IS 'of an opt_out: the other end, such as tel:+447700900202; empty: all of the tenant';
COMMENT ON COLUMN maskline.restrictions.lifted IS 'true: it no longer holds';
COMMENT ON COLUMN maskline.restrictions.version IS 'of the feed at the last change; set by a trigger';

-- One row, locked by each writer until its end, so that versions are seen in
-- their order: opt-outs and blocks are few, bindings have a feed of their own.
-- Changes up to floor cannot be told any more: rows were deleted.
CREATE TABLE maskline.restrictions_feed (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL,
    floor   bigint NOT NULL
);
INSERT INTO maskline.restrictions_feed (version, floor) VALUES (1, 0);

-- +goose StatementBegin
CREATE FUNCTION maskline.restrictions_begin() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE maskline.restrictions_feed SET version = version + 1,
        floor = CASE WHEN TG_OP IN ('DELETE', 'TRUNCATE') THEN version + 1 ELSE floor END;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.restrictions_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.mask := maskline.canonical(NEW.mask);
    NEW.party := maskline.canonical(NEW.party);
    NEW.version := (SELECT version FROM maskline.restrictions_feed);
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER restrictions_begin BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON maskline.restrictions
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.restrictions_begin();
CREATE TRIGGER restrictions_row BEFORE INSERT OR UPDATE ON maskline.restrictions
    FOR EACH ROW EXECUTE FUNCTION maskline.restrictions_row();
ALTER TABLE maskline.restrictions ENABLE ALWAYS TRIGGER restrictions_begin;
ALTER TABLE maskline.restrictions ENABLE ALWAYS TRIGGER restrictions_row;

-- +goose Down
DROP TABLE maskline.restrictions, maskline.restrictions_feed;
DROP FUNCTION maskline.restrictions_begin, maskline.restrictions_row;
ALTER TABLE maskline.bindings ALTER COLUMN party SET DEFAULT '*';
