-- +goose Up

-- Messages that the edge wrote, codes among them. Neither a text nor the number of
-- a person is in clear. Times are microseconds since 1970, 0: not yet.

CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    session      INTEGER NOT NULL, -- 0: none
    verification INTEGER NOT NULL, -- 0: none
    created      INTEGER NOT NULL,
    submitted    INTEGER NOT NULL,
    ended        INTEGER NOT NULL,
    until        INTEGER NOT NULL, -- from then on the row may be deleted
    code         INTEGER NOT NULL, -- error code of the network
    -- 0 accepted, 1 not answered, 2 submitted, 3 delivered, 4 undelivered, 5 expired,
    -- 6 rejected, 7 the network cannot say
    state        INTEGER NOT NULL,
    segments     INTEGER NOT NULL,
    tenant       TEXT NOT NULL,
    carrier      TEXT NOT NULL,
    tries        TEXT NOT NULL -- a line for each: command_status in hexadecimal, - without an answer, and the carrier
) STRICT;
CREATE INDEX messages_session ON messages (session, id) WHERE session <> 0;
CREATE INDEX messages_verification ON messages (verification, id) WHERE verification <> 0;
CREATE INDEX messages_open ON messages (id) WHERE state = 0;

CREATE TABLE workflows (
    id       INTEGER PRIMARY KEY,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    ttl      INTEGER NOT NULL,
    sender   INTEGER NOT NULL, -- the mask that writes; 0: one of the pool
    digits   INTEGER NOT NULL,
    tries    INTEGER NOT NULL, -- guesses for one verification
    sends    INTEGER NOT NULL, -- codes for one verification
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    template TEXT NOT NULL,
    pool     TEXT NOT NULL,
    channels TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE verifications (
    id        INTEGER PRIMARY KEY,
    workflow  INTEGER NOT NULL,
    party     INTEGER NOT NULL, -- a tag by which those of one number are found
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL, -- the code is worth nothing from then on
    next_send INTEGER NOT NULL,
    verified  INTEGER NOT NULL,
    until     INTEGER NOT NULL, -- from then on the row may be deleted
    state     INTEGER NOT NULL, -- 0 pending, 1 verified, 2 failed
    digits    INTEGER NOT NULL,
    round     INTEGER NOT NULL, -- codes sent; of rounds at most
    rounds    INTEGER NOT NULL,
    tries     INTEGER NOT NULL, -- guesses; of most at most
    most      INTEGER NOT NULL,
    tenant    TEXT NOT NULL,
    prefix    TEXT NOT NULL,    -- calling code and the three digits after it
    code      BLOB NOT NULL CHECK (length(code) = 16), -- keyed digest of the code
    sealed    BLOB NOT NULL     -- the number
) STRICT;
CREATE INDEX verifications_party ON verifications (party, created);
CREATE INDEX verifications_created ON verifications (created);

-- +goose Down
DROP TABLE verifications;
DROP TABLE workflows;
DROP TABLE messages;
