-- +goose Up
-- The trace that a message goes on with, see cdc.Outbox.
ALTER TABLE outbox ADD COLUMN trace text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE outbox DROP COLUMN trace;
