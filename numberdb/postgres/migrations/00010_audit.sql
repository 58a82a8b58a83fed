-- +goose Up

-- Who changed what. A line is committed with the change into audit_waiting, with a
-- code that only an edge can make, and is moved to audit soon after, where each line
-- is tied to the one before it by a keyed hash. It holds no real number.
CREATE TABLE maskline.audit_waiting (
    id      bigint PRIMARY KEY,
    at      bigint NOT NULL,
    node    text NOT NULL,
    actor   text NOT NULL,
    tenant  text NOT NULL,
    what    text NOT NULL,
    subject text NOT NULL,
    detail  text NOT NULL,
    sum     bytea NOT NULL
);
CREATE TABLE maskline.audit (
    place   bigint PRIMARY KEY,
    id      bigint NOT NULL UNIQUE,
    at      bigint NOT NULL,
    node    text NOT NULL,
    actor   text NOT NULL,
    tenant  text COLLATE "C" NOT NULL,
    what    text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    detail  text NOT NULL,
    hash    bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_tenant ON maskline.audit (tenant, place);
CREATE INDEX audit_subject ON maskline.audit (subject, place);
COMMENT ON COLUMN maskline.audit.hash IS 'keyed hash of the line, its place and the hash before';
-- +goose StatementBegin
CREATE FUNCTION maskline.audit_kept() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the audit is never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON maskline.audit
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.audit_kept();
ALTER TABLE maskline.audit ENABLE ALWAYS TRIGGER audit_kept;

-- The end of the chain, one row, with a code that only an edge can make.
CREATE TABLE maskline.audit_end (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    place bigint NOT NULL,
    hash  bytea NOT NULL,
    sum   bytea NOT NULL
);
INSERT INTO maskline.audit_end (place, hash, sum) VALUES (0, ''::bytea, ''::bytea);

-- Who has agreed to what. The party is hidden as in bindings; text, method and
-- workflow are sealed.
CREATE TABLE maskline.consents (
    id        bigint PRIMARY KEY,
    tenant    text COLLATE "C" NOT NULL,
    party     bytea NOT NULL CHECK (octet_length(party) = 16),
    given     bigint NOT NULL,
    withdrawn bigint NOT NULL,
    sealed    bytea NOT NULL
);
CREATE INDEX consents_party ON maskline.consents (tenant, party, id);
CREATE INDEX consents_tenant ON maskline.consents (tenant, id);
COMMENT ON COLUMN maskline.consents.withdrawn IS '0: it stands';

-- +goose Down
DROP TABLE maskline.consents, maskline.audit_end, maskline.audit, maskline.audit_waiting;
DROP FUNCTION maskline.audit_kept;
