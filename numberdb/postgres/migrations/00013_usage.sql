-- +goose Up

-- What the traffic of tenants came to, as each process of an edge has counted it: days
-- from 1970-01-01 of UTC, cost in millionths.
CREATE TABLE maskline.usage (
    day      bigint NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    holder   text COLLATE "C" NOT NULL,
    messages bigint NOT NULL,
    calls    bigint NOT NULL,
    seconds  bigint NOT NULL,
    cost     bigint NOT NULL,
    PRIMARY KEY (day, tenant, holder)
);

-- +goose Down
DROP TABLE maskline.usage;
