-- +goose Up

-- Messages that the edge wrote, codes among them. Neither a text nor the number of
-- a person is in clear. Times are microseconds since 1970.

CREATE TABLE maskline.messages (
    id           bigint PRIMARY KEY,
    session      bigint NOT NULL,
    verification bigint NOT NULL,
    created      bigint NOT NULL,
    submitted    bigint NOT NULL,
    ended        bigint NOT NULL,
    until        bigint NOT NULL,
    code         integer NOT NULL,
    state        smallint NOT NULL,
    segments     smallint NOT NULL,
    tenant       text COLLATE "C" NOT NULL,
    carrier      text COLLATE "C" NOT NULL,
    tries        text COLLATE "C" NOT NULL
);
CREATE INDEX messages_session ON maskline.messages (session, id) WHERE session <> 0;
CREATE INDEX messages_verification ON maskline.messages (verification, id) WHERE verification <> 0;
CREATE INDEX messages_open ON maskline.messages (id) WHERE state = 0;
COMMENT ON COLUMN maskline.messages.session IS '0 here and below: none, or not yet';
COMMENT ON COLUMN maskline.messages.until IS 'from then on the row may be deleted';
COMMENT ON COLUMN maskline.messages.code IS 'error code of the network';
COMMENT ON COLUMN maskline.messages.state IS
    '0 accepted, 1 not answered, 2 submitted, 3 delivered, 4 undelivered, 5 expired, 6 rejected, 7 the network cannot say';
COMMENT ON COLUMN maskline.messages.tries IS 'a line for each: command_status in hexadecimal, - without an answer, and the carrier';

CREATE TABLE maskline.workflows (
    id       bigint PRIMARY KEY,
    created  bigint NOT NULL,
    updated  bigint NOT NULL,
    ttl      bigint NOT NULL,
    sender   bigint NOT NULL,
    digits   smallint NOT NULL,
    tries    smallint NOT NULL,
    sends    smallint NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    template text COLLATE "C" NOT NULL,
    pool     text COLLATE "C" NOT NULL,
    channels text COLLATE "C" NOT NULL,
    UNIQUE (tenant, name)
);
COMMENT ON COLUMN maskline.workflows.sender IS 'the mask that writes; 0: one of the pool';
COMMENT ON COLUMN maskline.workflows.tries IS 'guesses for one verification';
COMMENT ON COLUMN maskline.workflows.sends IS 'codes for one verification';

CREATE TABLE maskline.verifications (
    id        bigint PRIMARY KEY,
    workflow  bigint NOT NULL,
    party     bigint NOT NULL,
    created   bigint NOT NULL,
    expires   bigint NOT NULL,
    next_send bigint NOT NULL,
    verified  bigint NOT NULL,
    until     bigint NOT NULL,
    state     smallint NOT NULL,
    digits    smallint NOT NULL,
    round     smallint NOT NULL,
    rounds    smallint NOT NULL,
    tries     smallint NOT NULL,
    most      smallint NOT NULL,
    tenant    text COLLATE "C" NOT NULL,
    prefix    text COLLATE "C" NOT NULL,
    code      bytea NOT NULL CHECK (octet_length(code) = 16),
    sealed    bytea NOT NULL
);
CREATE INDEX verifications_party ON maskline.verifications (party, created);
CREATE INDEX verifications_created ON maskline.verifications (created);
COMMENT ON COLUMN maskline.verifications.party IS 'a tag by which those of one number are found';
COMMENT ON COLUMN maskline.verifications.prefix IS 'calling code and the three digits after it';
COMMENT ON COLUMN maskline.verifications.expires IS 'the code is worth nothing from then on';
COMMENT ON COLUMN maskline.verifications.state IS '0 pending, 1 verified, 2 failed';
COMMENT ON COLUMN maskline.verifications.round IS 'codes sent; of rounds at most';
COMMENT ON COLUMN maskline.verifications.tries IS 'guesses; of most at most';
COMMENT ON COLUMN maskline.verifications.code IS 'keyed digest of the code';
COMMENT ON COLUMN maskline.verifications.sealed IS 'the number';

-- +goose Down
DROP TABLE maskline.verifications, maskline.workflows, maskline.messages;
