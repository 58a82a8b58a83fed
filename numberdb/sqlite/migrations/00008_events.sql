-- +goose Up

-- What tenants are told: a line is written in the transaction of what it tells of.
CREATE TABLE events (
    line     INTEGER PRIMARY KEY AUTOINCREMENT,
    id       INTEGER NOT NULL,
    tenant   TEXT NOT NULL,    -- whom it is for; empty: the operator
    type     TEXT NOT NULL,
    session  INTEGER NOT NULL, -- 0: of none
    sequence INTEGER NOT NULL, -- within the session, from 1
    at       INTEGER NOT NULL,
    once     TEXT NOT NULL,    -- no other line has the same; empty: any may
    data     TEXT NOT NULL     -- JSON without numbers; empty: nothing
) STRICT;
CREATE INDEX events_tenant ON events (tenant, line);
CREATE INDEX events_id ON events (id);
CREATE INDEX events_session ON events (session, sequence) WHERE session <> 0;
CREATE UNIQUE INDEX events_once ON events (once) WHERE once <> '';

-- One row: everything that expired before that time was told.
CREATE TABLE events_told (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    expired INTEGER NOT NULL
) STRICT;
INSERT INTO events_told VALUES (1, CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER));

CREATE TABLE webhook_endpoints (
    id      INTEGER PRIMARY KEY,
    tenant  TEXT NOT NULL,
    types   TEXT NOT NULL,    -- divided by |; empty: all
    state   INTEGER NOT NULL, -- 0 on, 1 off, 2 gone
    created INTEGER NOT NULL,
    line    INTEGER NOT NULL, -- up to which event all is done, or stands in webhook_deliveries
    epoch   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    replay  INTEGER NOT NULL,
    sealed  BLOB NOT NULL     -- URL, secrets and label
) STRICT;
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant, id);

CREATE TABLE webhook_deliveries (
    endpoint INTEGER NOT NULL,
    event    INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    session  INTEGER NOT NULL,
    type     TEXT NOT NULL,
    state    INTEGER NOT NULL, -- 0 waiting, 1 delivered, 2 given up
    attempts INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    took     INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    PRIMARY KEY (endpoint, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_waiting ON webhook_deliveries (endpoint, line) WHERE state = 0;

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
DROP TABLE events_told;
DROP TABLE events;
