-- +goose Up

-- What tenants are told: a line is written in the transaction of what it tells of.
-- Its order is that of (xid, line). Who reads below the oldest transaction that
-- still runs misses none. An edge of an earlier version writes no lines.
CREATE TABLE maskline.events (
    xid      bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    line     bigint GENERATED ALWAYS AS IDENTITY,
    id       bigint NOT NULL,
    session  bigint NOT NULL,
    sequence bigint NOT NULL,
    at       bigint NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    type     text COLLATE "C" NOT NULL,
    once     text COLLATE "C" NOT NULL,
    data     text NOT NULL,
    PRIMARY KEY (tenant, xid, line)
);
CREATE INDEX events_id ON maskline.events (id);
CREATE INDEX events_session ON maskline.events (session, sequence) WHERE session <> 0;
CREATE UNIQUE INDEX events_once ON maskline.events (once) WHERE once <> '';
COMMENT ON COLUMN maskline.events.tenant IS 'whom it is for; empty: the operator';
COMMENT ON COLUMN maskline.events.session IS '0: of none';
COMMENT ON COLUMN maskline.events.sequence IS 'within the session, from 1';
COMMENT ON COLUMN maskline.events.once IS 'no other line has the same; empty: any may';
COMMENT ON COLUMN maskline.events.data IS 'JSON without numbers; empty: nothing';

-- One row: everything that expired before that time was told.
CREATE TABLE maskline.events_told (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    expired bigint NOT NULL
);
INSERT INTO maskline.events_told (expired) VALUES ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint);

CREATE TABLE maskline.webhook_endpoints (
    id      bigint PRIMARY KEY,
    created bigint NOT NULL,
    xid     bigint NOT NULL,
    line    bigint NOT NULL,
    epoch   bigint NOT NULL,
    lease   bigint NOT NULL,
    version bigint NOT NULL,
    replay  bigint NOT NULL,
    state   smallint NOT NULL,
    tenant  text COLLATE "C" NOT NULL,
    types   text COLLATE "C" NOT NULL,
    holder  text COLLATE "C" NOT NULL,
    sealed  bytea NOT NULL
);
CREATE INDEX webhook_endpoints_tenant ON maskline.webhook_endpoints (tenant, id);
COMMENT ON COLUMN maskline.webhook_endpoints.xid IS 'with line: up to which event all is done, or stands in webhook_deliveries';
COMMENT ON COLUMN maskline.webhook_endpoints.lease IS 'until then the holder alone posts to it, by the clock of the server';
COMMENT ON COLUMN maskline.webhook_endpoints.epoch IS 'of the lease';
COMMENT ON COLUMN maskline.webhook_endpoints.state IS '0 on, 1 off, 2 gone';
COMMENT ON COLUMN maskline.webhook_endpoints.types IS 'divided by |; empty: all';
COMMENT ON COLUMN maskline.webhook_endpoints.sealed IS 'URL, secrets and label';

CREATE TABLE maskline.webhook_deliveries (
    endpoint bigint NOT NULL,
    event    bigint NOT NULL,
    xid      bigint NOT NULL,
    line     bigint NOT NULL,
    session  bigint NOT NULL,
    next     bigint NOT NULL,
    at       bigint NOT NULL,
    took     bigint NOT NULL,
    attempts integer NOT NULL,
    status   integer NOT NULL,
    state    smallint NOT NULL,
    type     text COLLATE "C" NOT NULL,
    outcome  text COLLATE "C" NOT NULL,
    PRIMARY KEY (endpoint, event)
);
CREATE INDEX webhook_waiting ON maskline.webhook_deliveries (endpoint, xid, line) WHERE state = 0;
COMMENT ON COLUMN maskline.webhook_deliveries.state IS '0 waiting, 1 delivered, 2 given up';

-- +goose Down
DROP TABLE maskline.webhook_deliveries, maskline.webhook_endpoints, maskline.events_told, maskline.events;
