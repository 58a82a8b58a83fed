-- +goose Up

-- Everything lives in the schema maskline, so that it can share a database.

-- The form in which a number is a key: without "+", and without the mobile
-- prefixes that exist on one side of the wire only (+54 9 ..., +52 1 ...).
-- Use it to look a number up: WHERE mask = maskline.canonical('+44...').
CREATE FUNCTION maskline.canonical(number text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN d ~ '^549[0-9]{10}$' THEN '54' || substr(d, 4)
                WHEN d ~ '^521[0-9]{10}$' THEN '52' || substr(d, 4)
                ELSE d END
    FROM (SELECT CASE WHEN number LIKE '+%' THEN substr(number, 2) ELSE number END AS d) AS bare
$$;

-- One row for each (mask, party). Numbers are text and not integers: teams
-- write these rows with their own SQL, leading zeros survive, and a row reads
-- like a line of the CSV. They may be written with or without "+"; a trigger
-- keeps them as bare digits, mask and party in canonical form, so that one key
-- has one row.
CREATE TABLE maskline.bindings (
    mask       text COLLATE "C" NOT NULL CHECK (mask ~ '^[0-9]{7,15}$'),
    party      text COLLATE "C" NOT NULL DEFAULT '*' CHECK (party = '*' OR party ~ '^[0-9]{7,15}$'),
    to_kind    text COLLATE "C" NOT NULL,
    to_value   text COLLATE "C" NOT NULL,
    present    text COLLATE "C" NOT NULL CHECK (present ~ '^[0-9]{7,15}$'),
    services   text COLLATE "C" NOT NULL CHECK (services IN ('sms', 'voice', 'sms+voice')),
    carriers   text[] NOT NULL DEFAULT '{}',
    expires_at timestamptz CHECK (expires_at >= '1970-01-01 00:00:00+00' AND expires_at < '2262-01-01 00:00:00+00'),
    tenant     text NOT NULL DEFAULT '' CHECK (length(tenant) <= 64),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mask, party),
    CONSTRAINT bindings_to CHECK (CASE to_kind
        WHEN 'tel' THEN to_value ~ '^[0-9]{7,15}$'
        WHEN 'smpp' THEN to_value ~ '^[\x21-\x7e]{1,15}$' AND services = 'sms'
        WHEN 'sip' THEN to_value ~ '^[\x21-\x7e]+@[\x21-\x7e]+$' AND length(to_value) <= 255 AND services = 'voice'
        ELSE false END),
    CONSTRAINT bindings_loop CHECK (party <> mask AND NOT (to_kind = 'tel' AND to_value = mask)),
    CONSTRAINT bindings_carriers CHECK (cardinality(carriers) <= 32 AND array_position(carriers, NULL) IS NULL
        AND array_position(carriers, '') IS NULL AND position('|' IN array_to_string(carriers, '')) = 0)
);

COMMENT ON TABLE maskline.bindings IS 'Who is reached when party contacts mask. Changes made here are routed within moments.';
COMMENT ON COLUMN maskline.bindings.mask IS '7 to 15 digits; a leading + is removed';
COMMENT ON COLUMN maskline.bindings.party IS '7 to 15 digits, or * for everybody without a row of their own';
COMMENT ON COLUMN maskline.bindings.to_kind IS 'tel: a number, through carriers; smpp: an account; sip: USER@HOST[:PORT]';
COMMENT ON COLUMN maskline.bindings.to_value IS 'digits of tel, system_id of smpp, address of sip';
COMMENT ON COLUMN maskline.bindings.present IS 'what the endpoint sees as the sender or caller';
COMMENT ON COLUMN maskline.bindings.services IS 'sms, voice or sms+voice; smpp takes sms only, sip voice only';
COMMENT ON COLUMN maskline.bindings.carriers IS 'in order of preference; empty: routing decides';
COMMENT ON COLUMN maskline.bindings.expires_at IS 'the edge stops routing by itself at this time; NULL: never';
COMMENT ON COLUMN maskline.bindings.tenant IS 'empty: the operator''s own';
COMMENT ON COLUMN maskline.bindings.updated_at IS 'for people; the edge does not read it';

-- +goose StatementBegin
CREATE FUNCTION maskline.normalise() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.mask := maskline.canonical(NEW.mask);
    NEW.party := maskline.canonical(NEW.party);
    IF NEW.present LIKE '+%' THEN
        NEW.present := substr(NEW.present, 2);
    END IF;
    IF NEW.to_kind = 'tel' AND NEW.to_value LIKE '+%' THEN
        NEW.to_value := substr(NEW.to_value, 2);
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- Only rows that need it pay for it.
CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON maskline.bindings
    FOR EACH ROW WHEN (NEW.mask ~ '^(\+|549|521)' OR NEW.party ~ '^(\+|549|521)'
        OR NEW.present LIKE '+%' OR NEW.to_value LIKE '+%')
    EXECUTE FUNCTION maskline.normalise();
ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER normalise;

-- What changed, as keys: the feed reads the row itself, so the order of changes
-- does not matter. xid is the transaction that made the change; a reader takes
-- only those below the oldest transaction still running, so none can appear
-- later below what it has read. Both columns NULL: the table was truncated.
CREATE TABLE maskline.changelog (
    xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    mask  text COLLATE "C",
    party text COLLATE "C"
);
CREATE INDEX changelog_xid ON maskline.changelog (xid);

-- One row: changes of transactions up to trimmed may be gone from the changelog.
CREATE TABLE maskline.feed (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    trimmed xid8 NOT NULL
);
INSERT INTO maskline.feed (trimmed) VALUES ('0');

-- SECURITY DEFINER: who may write bindings need not be allowed to write here.
-- +goose StatementBegin
CREATE FUNCTION maskline.log_new() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party) SELECT mask, party FROM new_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.log_old() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party) SELECT mask, party FROM old_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.log_both() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party)
        SELECT mask, party FROM new_rows UNION SELECT mask, party FROM old_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.log_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party) VALUES (NULL, NULL);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER log_insert AFTER INSERT ON maskline.bindings
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION maskline.log_new();
CREATE TRIGGER log_update AFTER UPDATE ON maskline.bindings
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION maskline.log_both();
CREATE TRIGGER log_delete AFTER DELETE ON maskline.bindings
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION maskline.log_old();
CREATE TRIGGER log_truncate AFTER TRUNCATE ON maskline.bindings
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.log_truncate();
ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER log_insert;
ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER log_update;
ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER log_delete;
ALTER TABLE maskline.bindings ENABLE ALWAYS TRIGGER log_truncate;

-- +goose Down
DROP TABLE maskline.bindings, maskline.changelog, maskline.feed;
DROP FUNCTION maskline.normalise, maskline.log_new, maskline.log_old, maskline.log_both, maskline.log_truncate, maskline.canonical;
