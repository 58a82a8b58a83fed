-- +goose Up

-- A line of the changelog holds the keys that one statement has changed, up to 256
-- of them, which fit on a page: a line for each key cost more than the row itself.
-- Lines of before stay until they are trimmed. An edge of an earlier version takes
-- the new ones for a TRUNCATE, and reads the whole table again.
ALTER TABLE maskline.changelog ADD COLUMN masks bigint[], ADD COLUMN parties bytea[];
ALTER TABLE maskline.changelog SET (toast_tuple_target = 8160);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_new() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (masks, parties) SELECT array_agg(mask), array_agg(party)
        FROM (SELECT mask, party, (row_number() OVER () - 1) / 256 AS line FROM new_rows) r GROUP BY line;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_old() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (masks, parties) SELECT array_agg(mask), array_agg(party)
        FROM (SELECT mask, party, (row_number() OVER () - 1) / 256 AS line FROM old_rows) r GROUP BY line;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_both() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (masks, parties) SELECT array_agg(mask), array_agg(party)
        FROM (SELECT mask, party, (row_number() OVER () - 1) / 256 AS line
            FROM (SELECT mask, party FROM new_rows UNION SELECT mask, party FROM old_rows) k) r GROUP BY line;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Rows of bindings and sessions as an edge sends them: one array of rows is several
-- times cheaper to take apart than an array for each column. They are never stored.
CREATE TYPE maskline.claim AS (
    mask bigint, party bytea, sealed bytea, present bigint, second bigint, services smallint, carriers text,
    expires bigint, tenant text, session bigint, counted boolean, keep bigint, digest bigint);
CREATE TYPE maskline.session AS (
    id bigint, tenant text, pool text, shape smallint, services smallint, created bigint, expires bigint,
    idle_ttl bigint, max_uses bigint, keep bigint, ended smallint, sealed bytea, party1 bigint, party2 bigint);

-- +goose Down
DROP TYPE maskline.claim, maskline.session;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_new() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party) SELECT mask, party FROM new_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_old() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party) SELECT mask, party FROM old_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION maskline.log_both() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO maskline.changelog (mask, party)
        SELECT mask, party FROM new_rows UNION SELECT mask, party FROM old_rows;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
ALTER TABLE maskline.changelog DROP COLUMN masks, DROP COLUMN parties;
