-- +goose Up

-- A mask has the version of the inventory at which it was last written, by an edge of
-- any version or by hand, so that an edge reads those alone that were written since.
-- Writers follow one another by the row of the inventory.
ALTER TABLE maskline.masks ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE maskline.inventory ADD COLUMN whole bigint NOT NULL DEFAULT 0;
CREATE INDEX masks_version ON maskline.masks (version);
COMMENT ON COLUMN maskline.masks.version IS 'of the inventory, when the mask was written';
COMMENT ON COLUMN maskline.inventory.whole IS 'masks have gone at this version: who knows less reads all';

-- +goose StatementBegin
CREATE FUNCTION maskline.masks_written() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE maskline.inventory SET version = version + 1;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.mask_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.version := (SELECT version FROM maskline.inventory);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION maskline.masks_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE maskline.inventory SET version = version + 1, whole = version + 1;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER masks_written BEFORE INSERT OR UPDATE ON maskline.masks
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.masks_written();
CREATE TRIGGER mask_version BEFORE INSERT OR UPDATE ON maskline.masks
    FOR EACH ROW EXECUTE FUNCTION maskline.mask_version();
CREATE TRIGGER masks_gone AFTER DELETE OR TRUNCATE ON maskline.masks
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.masks_gone();

-- +goose Down
DROP TRIGGER masks_written ON maskline.masks;
DROP TRIGGER mask_version ON maskline.masks;
DROP TRIGGER masks_gone ON maskline.masks;
DROP FUNCTION maskline.masks_written, maskline.mask_version, maskline.masks_gone;
ALTER TABLE maskline.inventory DROP COLUMN whole;
ALTER TABLE maskline.masks DROP COLUMN version;
