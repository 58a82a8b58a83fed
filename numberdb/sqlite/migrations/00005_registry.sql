-- +goose Up

-- Times are microseconds since 1970 UTC, durations microseconds, masks the
-- packed integers of bindings. Names are the operator's or a tenant's own.

CREATE TABLE tenants (
    name    TEXT PRIMARY KEY,
    state   INTEGER NOT NULL, -- 0 active, 1 suspended, 2 closed
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pools (
    name       TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,    -- who alone may use it, empty: every tenant
    selection  INTEGER NOT NULL, -- 0 rotate, 1 prefer sticky, 2 avoid sticky, 3 pinned
    quarantine INTEGER NOT NULL, -- 0 here and below: as configured
    parties    INTEGER NOT NULL, -- most with one mask at a time
    ttl        INTEGER NOT NULL,
    min_ttl    INTEGER NOT NULL,
    max_ttl    INTEGER NOT NULL,
    idle_ttl   INTEGER NOT NULL, -- 0: never
    max_uses   INTEGER NOT NULL, -- 0: no limit
    second     INTEGER NOT NULL CHECK (second = 0 OR second = 1)
) STRICT, WITHOUT ROWID;

CREATE TABLE masks (
    number   INTEGER PRIMARY KEY,
    pool     TEXT REFERENCES pools (name), -- NULL: bound by hand
    kind     INTEGER NOT NULL, -- 0 long code, 1 short code, 2 toll-free
    country  TEXT NOT NULL,    -- ISO 3166-1 alpha-2, empty: unknown
    region   TEXT NOT NULL,
    services INTEGER NOT NULL, -- 1 sms, 2 voice, 3 both
    carrier  TEXT NOT NULL,    -- that hosts it, empty: any
    presents TEXT NOT NULL,    -- further carriers, divided by |
    cost     INTEGER NOT NULL, -- per month, in millionths
    flags    INTEGER NOT NULL, -- 1 registered address, 2 registered for business messages
    state    INTEGER NOT NULL, -- 0 free, 1 held, 2 quarantined, 3 watchlisted, 4 draining, 5 retired
    since    INTEGER NOT NULL  -- of the state
) STRICT;
CREATE INDEX masks_pool ON masks (pool);

-- What became of each mask. Lines are added and never changed.
CREATE TABLE mask_history (
    line  INTEGER PRIMARY KEY AUTOINCREMENT,
    mask  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    what  INTEGER NOT NULL, -- a state, as in masks
    why   TEXT NOT NULL,
    actor TEXT NOT NULL
) STRICT;
CREATE INDEX mask_history_mask ON mask_history (mask, line);
-- +goose StatementBegin
CREATE TRIGGER mask_history_kept BEFORE UPDATE ON mask_history BEGIN
    SELECT RAISE(ABORT, 'the history is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER mask_history_whole BEFORE DELETE ON mask_history BEGIN
    SELECT RAISE(ABORT, 'the history is never shortened');
END;
-- +goose StatementEnd

-- Participants and label are sealed. party1 and party2 are tags of participants:
-- the first half of the hidden party, to find their sessions by; those of a third
-- and further ones are in session_parties, since few sessions have them.
CREATE TABLE sessions (
    id       INTEGER PRIMARY KEY,
    tenant   TEXT NOT NULL,
    pool     TEXT NOT NULL,
    shape    INTEGER NOT NULL, -- 0 per side, 1 shared, 2 group, 3 open, 4 lease
    services INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    idle_ttl INTEGER NOT NULL, -- 0: never
    max_uses INTEGER NOT NULL, -- 0: no limit
    keep     INTEGER NOT NULL, -- 0: until expires
    ended    INTEGER NOT NULL, -- 0 not before expires, 1 released, 2 idle, 3 used up, 4 burned, 5 rotated
    sealed   BLOB NOT NULL,
    party1   INTEGER,
    party2   INTEGER
) STRICT;
CREATE INDEX sessions_tenant ON sessions (tenant, id);
CREATE INDEX sessions_party1 ON sessions (party1) WHERE party1 IS NOT NULL;
CREATE INDEX sessions_party2 ON sessions (party2) WHERE party2 IS NOT NULL;

CREATE TABLE session_parties (
    party   INTEGER NOT NULL,
    session INTEGER NOT NULL,
    PRIMARY KEY (party, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_parties_session ON session_parties (session);

-- Idempotency keys and the fingerprints of their requests, both hidden.
CREATE TABLE attempts (
    key      BLOB PRIMARY KEY CHECK (length(key) = 16),
    tenant   TEXT NOT NULL,
    request  BLOB NOT NULL CHECK (length(request) = 16),
    response INTEGER NOT NULL, -- id of what the request made
    until    INTEGER NOT NULL  -- the key may be used anew
) STRICT, WITHOUT ROWID;

-- The version of pools and masks, one row.
CREATE TABLE inventory (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO inventory VALUES (1, 1);

-- +goose Down
DROP TABLE inventory;
DROP TABLE attempts;
DROP TABLE session_parties;
DROP TABLE sessions;
DROP TABLE mask_history;
DROP TABLE masks;
DROP TABLE pools;
DROP TABLE tenants;
