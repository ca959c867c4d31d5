-- +goose Up
-- Find the messages about an account when it is deleted.
CREATE INDEX outbox_of_account ON outbox ((payload ->> 'account')) WHERE payload ->> 'account' IS NOT NULL;
CREATE INDEX cdc_rejected_of_account ON cdc_rejected ((payload ->> 'account')) WHERE payload ->> 'account' IS NOT NULL;

-- +goose Down
DROP INDEX cdc_rejected_of_account;
DROP INDEX outbox_of_account;
