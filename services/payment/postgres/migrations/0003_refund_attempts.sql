-- +goose Up
-- A refund that is owed is tried again when it fails, and in the end an admin sees to it.
ALTER TABLE refunds
    ADD COLUMN attempt     int NOT NULL DEFAULT 1,
    ADD COLUMN owed        boolean NOT NULL DEFAULT false,
    ADD COLUMN next_try    timestamptz,
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN resolution  text NOT NULL DEFAULT '';
UPDATE refunds SET owed = true WHERE status = 'succeeded';
ALTER TABLE refunds DROP CONSTRAINT refunds_status_check;
ALTER TABLE refunds ADD CONSTRAINT refunds_status_check CHECK (status IN ('requested', 'pending', 'succeeded', 'retrying', 'failed'));
CREATE INDEX refunds_owing ON refunds (updated_at) WHERE owed AND status = 'failed' AND resolved_at IS NULL;
CREATE INDEX refunds_resolved ON refunds (payment) WHERE resolved_at IS NOT NULL;

-- What lets a page pay is kept only while there is something to pay.
UPDATE payments SET client_secret = '' WHERE client_secret <> '' AND status NOT IN ('preparing', 'pending');

CREATE INDEX inbox_by_age ON inbox (at);

-- +goose Down
DROP INDEX inbox_by_age, refunds_resolved, refunds_owing;
UPDATE refunds SET status = 'failed' WHERE status = 'retrying';
ALTER TABLE refunds DROP CONSTRAINT refunds_status_check;
ALTER TABLE refunds ADD CONSTRAINT refunds_status_check CHECK (status IN ('requested', 'pending', 'succeeded', 'failed'));
ALTER TABLE refunds DROP COLUMN resolution, DROP COLUMN resolved_at, DROP COLUMN next_try, DROP COLUMN owed, DROP COLUMN attempt;
