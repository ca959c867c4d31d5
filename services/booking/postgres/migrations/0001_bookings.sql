-- +goose Up
CREATE TABLE bookings (
    id              uuid PRIMARY KEY,
    event_id        uuid NOT NULL,
    hold_id         uuid NOT NULL UNIQUE, -- a hold makes one booking
    account         text NOT NULL,
    merchant        text NOT NULL,
    status          text NOT NULL CHECK (status IN ('requested', 'awaiting_payment', 'secured', 'confirmed',
                        'expired', 'failed', 'cancelled', 'refunding', 'refunded')),
    version         bigint NOT NULL,
    reason          text NOT NULL DEFAULT '',
    amount          bigint NOT NULL CHECK (amount >= 0),
    currency        char(3) NOT NULL,
    units           jsonb NOT NULL,
    occasion        jsonb NOT NULL, -- the event as the buyer saw it
    payment_id      uuid,
    intent          text,
    client_secret   text,
    publishable_key text,
    authorized      boolean NOT NULL DEFAULT false,
    settled         boolean NOT NULL DEFAULT false,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    next_look       timestamptz -- when the sweeper looks after it; null: at rest
);
CREATE INDEX bookings_of_account ON bookings (account, id DESC);
CREATE INDEX bookings_of_event ON bookings (event_id, status);
CREATE INDEX bookings_to_look_after ON bookings (next_look) WHERE next_look IS NOT NULL;

-- Who has which unit, for good. The index is the last line of defence against selling twice.
CREATE TABLE booking_units (
    booking_id  uuid NOT NULL REFERENCES bookings,
    event_id    uuid NOT NULL,
    unit_id     text NOT NULL,
    ticket_type text NOT NULL,
    type_name   text NOT NULL,
    amount      bigint NOT NULL,
    currency    char(3) NOT NULL,
    booked_at   timestamptz NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (booking_id, unit_id)
);
CREATE UNIQUE INDEX booking_units_once ON booking_units (event_id, unit_id) WHERE released_at IS NULL;

CREATE TABLE tickets (
    id         uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES bookings,
    event_id   uuid NOT NULL,
    unit_id    text NOT NULL,
    code       text NOT NULL,
    issued_at  timestamptz NOT NULL,
    voided_at  timestamptz,
    UNIQUE (booking_id, unit_id)
);

CREATE TABLE refunds (
    id         uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES bookings,
    units      text[] NOT NULL,
    amount     bigint NOT NULL,
    reason     text NOT NULL,
    status     text NOT NULL CHECK (status IN ('requested', 'succeeded', 'failed')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX refunds_one_open ON refunds (booking_id) WHERE status = 'requested';

-- A cancelled event whose bookings are being given back, one after the other.
CREATE TABLE cancellations (
    event_id    uuid PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    total       int NOT NULL,
    done        int NOT NULL DEFAULT 0
);

-- What is left of each event, as last published.
CREATE TABLE inventory (
    event_id  uuid PRIMARY KEY,
    available int NOT NULL,
    held      int NOT NULL,
    booked    int NOT NULL,
    total     int NOT NULL,
    version   bigint NOT NULL,
    at        timestamptz NOT NULL
);

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
DROP TABLE outbox, inventory, cancellations, refunds, tickets, booking_units, bookings;
