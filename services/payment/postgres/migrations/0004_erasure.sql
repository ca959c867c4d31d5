-- +goose Up
-- Finds an account's payments when it is exported or deleted.
CREATE INDEX payments_of_account ON payments (account, id);

-- +goose Down
DROP INDEX payments_of_account;
