-- +goose Up

-- Calls that the edge made to both participants of a session. Times are microseconds
-- since 1970, 0: not yet.

CREATE TABLE calls (
    id        INTEGER PRIMARY KEY,
    session   INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    answered  INTEGER NOT NULL, -- by the one who was called first
    connected INTEGER NOT NULL,
    ended     INTEGER NOT NULL,
    until     INTEGER NOT NULL, -- from then on the row may be deleted
    state     INTEGER NOT NULL, -- 0 calling, 1 ringing, 2 connecting, 3 connected, 4 ended
    -- 0 not ended, 1 completed, 2 no answer, 3 busy, 4 declined, 5 unreachable,
    -- 6 cancelled, 7 refused, 8 failed, 9 nobody knows
    outcome   INTEGER NOT NULL,
    leg       INTEGER NOT NULL, -- that was called last: 0 the first, 1 the second
    tenant    TEXT NOT NULL,
    node      TEXT NOT NULL,    -- of the edge that makes it
    reason    TEXT NOT NULL
) STRICT;
CREATE INDEX calls_session ON calls (session, id);
CREATE INDEX calls_open ON calls (node, id) WHERE ended = 0;
CREATE INDEX calls_until ON calls (until);

-- +goose Down
DROP TABLE calls;
