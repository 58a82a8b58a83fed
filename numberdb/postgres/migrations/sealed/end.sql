-- The last part of migration 4, after the rows of before were sealed into the
-- new tables.

DROP TABLE maskline.clear_bindings, maskline.clear_restrictions, maskline.changelog;
DROP FUNCTION maskline.normalise, maskline.canonical;

-- What changed, as keys: the feed reads the row itself, so the order of changes
-- does not matter. xid is the transaction that made the change; a reader takes
-- only those below the oldest transaction still running, so none can appear
-- later below what it has read. Both columns NULL: the table was truncated.
CREATE TABLE maskline.changelog (
    xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    mask  bigint,
    party bytea
);
CREATE INDEX changelog_xid ON maskline.changelog (xid);
UPDATE maskline.feed SET trimmed = pg_current_xact_id();

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

UPDATE maskline.restrictions_feed SET version = version + 1, floor = version + 1;
UPDATE maskline.restrictions SET version = (SELECT version FROM maskline.restrictions_feed);

CREATE OR REPLACE FUNCTION maskline.restrictions_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.version := (SELECT version FROM maskline.restrictions_feed);
    RETURN NEW;
END
$$;
CREATE TRIGGER restrictions_begin BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON maskline.restrictions
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.restrictions_begin();
CREATE TRIGGER restrictions_row BEFORE INSERT OR UPDATE ON maskline.restrictions
    FOR EACH ROW EXECUTE FUNCTION maskline.restrictions_row();
ALTER TABLE maskline.restrictions ENABLE ALWAYS TRIGGER restrictions_begin;
ALTER TABLE maskline.restrictions ENABLE ALWAYS TRIGGER restrictions_row;
