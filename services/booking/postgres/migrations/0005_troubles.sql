-- +goose Up
-- Bookings that cannot be brought on, each in the version it stands still in.
CREATE TABLE troubles (
    booking_id uuid PRIMARY KEY REFERENCES bookings ON DELETE CASCADE,
    version    bigint NOT NULL,
    code       text NOT NULL,
    tries      int NOT NULL,
    since      timestamptz NOT NULL,
    next_try   timestamptz NOT NULL,
    set_aside  timestamptz -- when it was put before an admin
);
CREATE INDEX troubles_set_aside ON troubles (set_aside) WHERE set_aside IS NOT NULL;

ALTER TABLE hold_deadlines ADD COLUMN tries int NOT NULL DEFAULT 0;

-- A refund that succeeded may come back, and is tried again.
ALTER TABLE refunds ADD COLUMN failures int NOT NULL DEFAULT 0;
ALTER TABLE refunds DROP CONSTRAINT refunds_status_check;
ALTER TABLE refunds ADD CONSTRAINT refunds_status_check CHECK (status IN ('requested', 'succeeded', 'retrying', 'failed'));
CREATE INDEX refunds_of_booking ON refunds (booking_id);

-- What lets a page pay is kept only while there is something to pay.
UPDATE bookings SET client_secret = NULL WHERE client_secret <> '' AND (authorized OR status NOT IN ('requested', 'awaiting_payment'));

-- The reconciliation pages through what moved.
CREATE INDEX bookings_moved ON bookings (updated_at, id);

-- +goose Down
DROP INDEX bookings_moved;
DROP INDEX refunds_of_booking;
UPDATE refunds SET status = 'succeeded' WHERE status = 'retrying';
ALTER TABLE refunds DROP CONSTRAINT refunds_status_check;
ALTER TABLE refunds ADD CONSTRAINT refunds_status_check CHECK (status IN ('requested', 'succeeded', 'failed'));
ALTER TABLE refunds DROP COLUMN failures;
ALTER TABLE hold_deadlines DROP COLUMN tries;
DROP TABLE troubles;
