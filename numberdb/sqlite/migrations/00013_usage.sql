-- +goose Up

-- What the traffic of tenants came to, as each process of an edge has counted it: days
-- from 1970-01-01 of UTC, cost in millionths.
CREATE TABLE usage (
    day      INTEGER NOT NULL,
    tenant   TEXT NOT NULL,
    holder   TEXT NOT NULL,
    messages INTEGER NOT NULL,
    calls    INTEGER NOT NULL,
    seconds  INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    PRIMARY KEY (day, tenant, holder)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE usage;
