-- +goose Up
CREATE TABLE payments (
    id            uuid PRIMARY KEY,
    booking       uuid NOT NULL,
    attempt       int NOT NULL,
    account       text NOT NULL, -- opaque id
    event         uuid NOT NULL,
    amount        bigint NOT NULL CHECK (amount >= 0),
    currency      char(3) NOT NULL,
    intent        text UNIQUE,
    client_secret text NOT NULL DEFAULT '',
    status        text NOT NULL CHECK (status IN ('preparing', 'pending', 'authorized', 'captured', 'voided', 'refunded')),
    captured      bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
    refunded      bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
    settled       boolean NOT NULL DEFAULT false,
    reason        text NOT NULL DEFAULT '',
    looks         int NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    next_look     timestamptz, -- null: at rest
    UNIQUE (booking, attempt)
);
CREATE INDEX payments_by_age ON payments (created_at);
CREATE INDEX payments_to_look_after ON payments (next_look) WHERE next_look IS NOT NULL;

CREATE TABLE refunds (
    id         uuid PRIMARY KEY, -- the caller's: asked for twice, it is one refund
    payment    uuid NOT NULL REFERENCES payments,
    amount     bigint NOT NULL CHECK (amount >= 0),
    reason     text NOT NULL,
    provider   text UNIQUE,
    status     text NOT NULL CHECK (status IN ('requested', 'pending', 'succeeded', 'failed')),
    failure    text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX refunds_of_payment ON refunds (payment);
CREATE INDEX refunds_by_age ON refunds (updated_at);

-- One effect for each webhook: its row is written in the transaction of the effect.
CREATE TABLE inbox (
    id      text PRIMARY KEY,
    type    text NOT NULL,
    payment uuid REFERENCES payments,
    outcome text NOT NULL CHECK (outcome IN ('applied', 'ignored', 'refused', 'noted')),
    reason  text NOT NULL DEFAULT '',
    at      timestamptz NOT NULL
);
CREATE INDEX inbox_for_people ON inbox (at) WHERE outcome IN ('refused', 'noted');

-- The ledger: transfers between accounts, each with entries that sum to zero.
CREATE TABLE transfers (
    key      text PRIMARY KEY, -- makes it happen once
    payment  uuid NOT NULL REFERENCES payments,
    refund   uuid REFERENCES refunds,
    currency char(3) NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX transfers_of_payment ON transfers (payment);
CREATE TABLE entries (
    transfer text NOT NULL REFERENCES transfers,
    account  text NOT NULL CHECK (account IN ('provider_clearing', 'provider_balance', 'provider_fees', 'sales', 'refund_clearing')),
    amount   bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transfer, account)
);

-- +goose StatementBegin
CREATE FUNCTION ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only ever added to' USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER transfers_are_final BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER transfers_stay BEFORE TRUNCATE ON transfers EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER entries_stay BEFORE TRUNCATE ON entries EXECUTE FUNCTION ledger_is_final();

-- Checked when the transaction ends: by then all entries are there.
-- +goose StatementBegin
CREATE FUNCTION transfer_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    key text := CASE TG_TABLE_NAME WHEN 'transfers' THEN to_jsonb(NEW) ->> 'key' ELSE to_jsonb(NEW) ->> 'transfer' END;
BEGIN
    IF (SELECT count(*) < 2 OR sum(amount) <> 0 FROM entries WHERE transfer = key) THEN
        RAISE EXCEPTION 'transfer % does not balance', key USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_balances';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER transfer_balances AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION transfer_balances();
CREATE CONSTRAINT TRIGGER entries_balance AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION transfer_balances();

CREATE VIEW ledger_balances AS
    SELECT e.account, t.currency, sum(e.amount)::bigint AS amount FROM entries e JOIN transfers t ON t.key = e.transfer GROUP BY 1, 2;

CREATE TABLE reconciliations (
    id          uuid PRIMARY KEY,
    trigger     text NOT NULL,
    from_at     timestamptz NOT NULL,
    to_at       timestamptz NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    intents     int NOT NULL,
    payments    int NOT NULL,
    refunds     int NOT NULL,
    bookings    int NOT NULL,
    findings    jsonb NOT NULL,
    failure     text NOT NULL DEFAULT ''
);
CREATE INDEX reconciliations_newest ON reconciliations (started_at DESC);

-- What the world is to hear of, written with what it is about. Change data capture carries the
-- rows to their topics.
CREATE TABLE outbox (
    id         uuid PRIMARY KEY,
    topic      text NOT NULL,
    key        text NOT NULL,
    payload    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_by_age ON outbox (created_at);

-- +goose Down
DROP TABLE outbox, reconciliations;
DROP VIEW ledger_balances;
DROP TABLE entries, transfers, inbox, refunds, payments;
DROP FUNCTION ledger_is_final, transfer_balances;
