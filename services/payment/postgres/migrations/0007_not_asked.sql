-- +goose Up
ALTER TABLE reconciliations ADD COLUMN not_asked int NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE reconciliations DROP COLUMN not_asked;
