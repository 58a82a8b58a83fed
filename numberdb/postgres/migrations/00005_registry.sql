-- +goose Up

-- Times are microseconds since 1970, durations microseconds, masks the packed
-- integers of bindings. Names are the operator's or a tenant's own. A later
-- version adds columns at the end, with defaults.

CREATE TABLE maskline.tenants (
    name    text COLLATE "C" PRIMARY KEY,
    state   smallint NOT NULL,
    created bigint NOT NULL
);
COMMENT ON COLUMN maskline.tenants.state IS '0 active, 1 suspended, 2 closed';

CREATE TABLE maskline.pools (
    name       text COLLATE "C" PRIMARY KEY,
    tenant     text COLLATE "C" NOT NULL,
    selection  smallint NOT NULL,
    quarantine bigint NOT NULL,
    parties    bigint NOT NULL,
    ttl        bigint NOT NULL,
    min_ttl    bigint NOT NULL,
    max_ttl    bigint NOT NULL,
    idle_ttl   bigint NOT NULL,
    max_uses   bigint NOT NULL,
    second     boolean NOT NULL
);
COMMENT ON COLUMN maskline.pools.tenant IS 'who alone may use it; empty: every tenant';
COMMENT ON COLUMN maskline.pools.selection IS '0 rotate, 1 prefer sticky, 2 avoid sticky, 3 pinned';
COMMENT ON COLUMN maskline.pools.quarantine IS '0 here and below: as configured';
COMMENT ON COLUMN maskline.pools.parties IS 'most with one mask at a time';

CREATE TABLE maskline.masks (
    number   bigint PRIMARY KEY,
    pool     text COLLATE "C" CONSTRAINT masks_pool REFERENCES maskline.pools,
    kind     smallint NOT NULL,
    country  text COLLATE "C" NOT NULL,
    region   text COLLATE "C" NOT NULL,
    services smallint NOT NULL,
    carrier  text COLLATE "C" NOT NULL,
    presents text COLLATE "C" NOT NULL,
    cost     bigint NOT NULL,
    flags    smallint NOT NULL,
    state    smallint NOT NULL,
    since    bigint NOT NULL
);
CREATE INDEX masks_of_pool ON maskline.masks (pool);
COMMENT ON COLUMN maskline.masks.pool IS 'NULL: bound by hand';
COMMENT ON COLUMN maskline.masks.kind IS '0 long code, 1 short code, 2 toll-free';
COMMENT ON COLUMN maskline.masks.country IS 'ISO 3166-1 alpha-2; empty: unknown';
COMMENT ON COLUMN maskline.masks.services IS '1 sms, 2 voice, 3 both';
COMMENT ON COLUMN maskline.masks.carrier IS 'that hosts it; empty: any';
COMMENT ON COLUMN maskline.masks.presents IS 'further carriers, divided by |';
COMMENT ON COLUMN maskline.masks.cost IS 'per month, in millionths';
COMMENT ON COLUMN maskline.masks.flags IS '1 registered address, 2 registered for business messages';
COMMENT ON COLUMN maskline.masks.state IS '0 free, 1 held, 2 quarantined, 3 watchlisted, 4 draining, 5 retired';
COMMENT ON COLUMN maskline.masks.since IS 'of the state';

-- What became of each mask. Lines are added and never changed.
CREATE TABLE maskline.mask_history (
    mask  bigint NOT NULL,
    line  bigint GENERATED ALWAYS AS IDENTITY,
    at    bigint NOT NULL,
    what  smallint NOT NULL,
    why   text NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (mask, line)
);
COMMENT ON COLUMN maskline.mask_history.what IS 'a state, as in masks';
-- +goose StatementBegin
CREATE FUNCTION maskline.history_kept() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the history is never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER history_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON maskline.mask_history
    FOR EACH STATEMENT EXECUTE FUNCTION maskline.history_kept();
ALTER TABLE maskline.mask_history ENABLE ALWAYS TRIGGER history_kept;

-- Participants and label are sealed. party1 and party2 are tags of participants:
-- the first half of the hidden party, to find their sessions by; those of a third
-- and further ones are in session_parties, since few sessions have them.
CREATE TABLE maskline.sessions (
    id       bigint PRIMARY KEY,
    created  bigint NOT NULL,
    expires  bigint NOT NULL,
    idle_ttl bigint NOT NULL,
    max_uses bigint NOT NULL,
    keep     bigint NOT NULL,
    party1   bigint,
    party2   bigint,
    shape    smallint NOT NULL,
    services smallint NOT NULL,
    ended    smallint NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    pool     text COLLATE "C" NOT NULL,
    sealed   bytea NOT NULL
);
CREATE INDEX sessions_tenant ON maskline.sessions (tenant, id);
CREATE INDEX sessions_party1 ON maskline.sessions (party1) WHERE party1 IS NOT NULL;
CREATE INDEX sessions_party2 ON maskline.sessions (party2) WHERE party2 IS NOT NULL;
COMMENT ON COLUMN maskline.sessions.idle_ttl IS '0: never';
COMMENT ON COLUMN maskline.sessions.max_uses IS '0: no limit';
COMMENT ON COLUMN maskline.sessions.keep IS 'until then its masks rest for its parties; 0: until expires';
COMMENT ON COLUMN maskline.sessions.shape IS '0 per side, 1 shared, 2 group, 3 open, 4 lease';
COMMENT ON COLUMN maskline.sessions.ended IS '0 not before expires, 1 released, 2 idle, 3 used up, 4 burned, 5 rotated';
COMMENT ON COLUMN maskline.sessions.sealed IS 'participants and label';

CREATE TABLE maskline.session_parties (
    party   bigint NOT NULL,
    session bigint NOT NULL,
    PRIMARY KEY (party, session)
);
CREATE INDEX session_parties_session ON maskline.session_parties (session);

CREATE TABLE maskline.attempts (
    key      bytea PRIMARY KEY CHECK (octet_length(key) = 16),
    response bigint NOT NULL,
    until    bigint NOT NULL,
    request  bytea NOT NULL CHECK (octet_length(request) = 16),
    tenant   text COLLATE "C" NOT NULL
);
COMMENT ON TABLE maskline.attempts IS 'Idempotency keys and the fingerprints of their requests, both hidden.';
COMMENT ON COLUMN maskline.attempts.response IS 'id of what the request made';
COMMENT ON COLUMN maskline.attempts.until IS 'from then on the key may be used anew';

-- The version of pools and masks, one row.
CREATE TABLE maskline.inventory (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL
);
INSERT INTO maskline.inventory (version) VALUES (1);

-- A group of rows is written in one round trip, so the server itself has to stop
-- it where a key is taken: MK001 a binding's, MK002 an idempotency key.
-- +goose StatementBegin
CREATE FUNCTION maskline.all_written(written bigint, wanted bigint, state text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF written <> wanted THEN
        RAISE EXCEPTION 'taken' USING ERRCODE = state;
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION maskline.all_written;
DROP TABLE maskline.inventory, maskline.attempts, maskline.session_parties, maskline.sessions, maskline.mask_history,
    maskline.masks, maskline.pools, maskline.tenants;
DROP FUNCTION maskline.history_kept;
