-- +goose Up
-- What went back to a buyer by other means, a bank transfer say, is no longer owed to the merchant.
ALTER TABLE entries DROP CONSTRAINT entries_account_check;
ALTER TABLE entries ADD CONSTRAINT entries_account_check
    CHECK (account IN ('provider_clearing', 'provider_balance', 'provider_fees', 'sales', 'refund_clearing', 'paid_otherwise'));
INSERT INTO transfers (key, payment, refund, currency, at)
    SELECT 'refund_resolution:' || r.id, r.payment, r.id, p.currency, r.resolved_at
    FROM refunds r JOIN payments p ON p.id = r.payment WHERE r.resolved_at IS NOT NULL AND r.amount > 0;
INSERT INTO entries (transfer, account, amount)
    SELECT 'refund_resolution:' || r.id, e.account, e.sign * r.amount
    FROM refunds r, (VALUES ('sales', 1), ('paid_otherwise', -1)) AS e (account, sign) WHERE r.resolved_at IS NOT NULL AND r.amount > 0;

-- +goose Down
-- The ledger is only ever added to: the entries and the account they name stay.
SELECT 1;
