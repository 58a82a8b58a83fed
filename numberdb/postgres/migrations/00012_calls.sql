-- +goose Up

-- Calls that the edge made to both participants of a session. Times are microseconds
-- since 1970, 0: not yet.

CREATE TABLE maskline.calls (
    id        bigint PRIMARY KEY,
    session   bigint NOT NULL,
    created   bigint NOT NULL,
    answered  bigint NOT NULL,
    connected bigint NOT NULL,
    ended     bigint NOT NULL,
    until     bigint NOT NULL,
    state     smallint NOT NULL,
    outcome   smallint NOT NULL,
    leg       smallint NOT NULL,
    tenant    text COLLATE "C" NOT NULL,
    node      text COLLATE "C" NOT NULL,
    reason    text COLLATE "C" NOT NULL
);
CREATE INDEX calls_session ON maskline.calls (session, id);
CREATE INDEX calls_open ON maskline.calls (node, id) WHERE ended = 0;
CREATE INDEX calls_until ON maskline.calls (until);
COMMENT ON COLUMN maskline.calls.answered IS 'by the one who was called first';
COMMENT ON COLUMN maskline.calls.until IS 'from then on the row may be deleted';
COMMENT ON COLUMN maskline.calls.state IS '0 calling, 1 ringing, 2 connecting, 3 connected, 4 ended';
COMMENT ON COLUMN maskline.calls.outcome IS
    '0 not ended, 1 completed, 2 no answer, 3 busy, 4 declined, 5 unreachable, 6 cancelled, 7 refused, 8 failed, 9 nobody knows';
COMMENT ON COLUMN maskline.calls.leg IS 'that was called last: 0 the first, 1 the second';
COMMENT ON COLUMN maskline.calls.node IS 'of the edge that makes it';

-- +goose Down
DROP TABLE maskline.calls;
