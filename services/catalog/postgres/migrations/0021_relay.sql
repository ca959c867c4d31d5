-- +goose Up
-- What the relay (internal/cdc) notes: finished snapshots, and messages that the broker never took. The
-- relay of earlier releases made these tables itself.
CREATE TABLE IF NOT EXISTS cdc_snapshots (
    slot        text PRIMARY KEY,
    finished_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS cdc_rejected (
    at      timestamptz NOT NULL DEFAULT now(),
    topic   text NOT NULL,
    key     text NOT NULL,
    payload jsonb NOT NULL,
    reason  text NOT NULL
);
CREATE INDEX IF NOT EXISTS cdc_rejected_by_age ON cdc_rejected (at);

-- +goose Down
DROP TABLE cdc_rejected;
DROP TABLE cdc_snapshots;
