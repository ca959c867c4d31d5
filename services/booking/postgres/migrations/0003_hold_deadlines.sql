-- +goose Up
-- When holds run out, so that their buyers are told after a restart too. The holds themselves are
-- in the store of seats, which frees them without this.
CREATE TABLE hold_deadlines (
    hold_id uuid PRIMARY KEY,
    due     timestamptz NOT NULL -- when somebody is to look: at the hold's end, or at a lease's
);
CREATE INDEX hold_deadlines_due ON hold_deadlines (due);

-- +goose Down
DROP TABLE hold_deadlines;
