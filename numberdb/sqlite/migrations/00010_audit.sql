-- +goose Up

-- Who changed what. A line is committed with the change into audit_waiting, with a
-- code that only an edge can make, and is moved to audit soon after, where each line
-- is tied to the one before it by a keyed hash. It holds no real number.
CREATE TABLE audit_waiting (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    node    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    sum     BLOB NOT NULL
) STRICT;
CREATE TABLE audit (
    place   INTEGER PRIMARY KEY,
    id      INTEGER NOT NULL UNIQUE,
    at      INTEGER NOT NULL,
    node    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32) -- keyed, of the line, its place and the hash before
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant, place);
CREATE INDEX audit_subject ON audit (subject, place);
-- +goose StatementBegin
CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_whole BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is never shortened');
END;
-- +goose StatementEnd

-- The end of the chain, one row, with a code that only an edge can make.
CREATE TABLE audit_end (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    place INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    sum   BLOB NOT NULL
) STRICT;
INSERT INTO audit_end VALUES (1, 0, x'', x'');

-- Who has agreed to what. The party is hidden as in bindings; text, method and
-- workflow are sealed.
CREATE TABLE consents (
    id        INTEGER PRIMARY KEY,
    tenant    TEXT NOT NULL,
    party     BLOB NOT NULL CHECK (length(party) = 16),
    given     INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL, -- 0: it stands
    sealed    BLOB NOT NULL
) STRICT;
CREATE INDEX consents_party ON consents (tenant, party, id);
CREATE INDEX consents_tenant ON consents (tenant, id);

-- +goose Down
DROP TABLE consents;
DROP TABLE audit_end;
DROP TABLE audit;
DROP TABLE audit_waiting;
