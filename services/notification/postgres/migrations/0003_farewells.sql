-- +goose Up
-- The last mail to somebody whose account is deleted. The recipient is forgotten once it is sent or given
-- up; the id, the account's tombstone, stays, so that no second one is sent.
CREATE TABLE farewells (
    id        text PRIMARY KEY,
    recipient jsonb,
    next_try  timestamptz, -- null: sent, or given up
    tries     int NOT NULL DEFAULT 0,
    at        timestamptz NOT NULL
);
CREATE INDEX farewells_due ON farewells (next_try) WHERE next_try IS NOT NULL;
CREATE INDEX farewells_by_age ON farewells (at);

-- +goose Down
DROP TABLE farewells;
