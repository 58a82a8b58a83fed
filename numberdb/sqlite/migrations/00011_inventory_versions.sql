-- +goose Up

-- A mask has the version of the inventory at which it was last written, so that the
-- edge reads those alone that were written since.
ALTER TABLE masks ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
-- Masks have gone at this version: who knows less reads all.
ALTER TABLE inventory ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
CREATE INDEX masks_version ON masks (version);
-- +goose StatementBegin
CREATE TRIGGER masks_gone AFTER DELETE ON masks BEGIN
    UPDATE inventory SET version = version + 1, whole = version + 1;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER masks_gone;
DROP INDEX masks_version;
ALTER TABLE inventory DROP COLUMN whole;
ALTER TABLE masks DROP COLUMN version;
