-- +goose Up
-- What a message about a refund says: amount and units.
ALTER TABLE messages ADD COLUMN refund jsonb;
CREATE INDEX messages_by_age ON messages (at);

-- +goose Down
DROP INDEX messages_by_age;
ALTER TABLE messages DROP COLUMN refund;
