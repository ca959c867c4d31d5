-- +goose Up
-- Whose sessions are still to be ended, and why they were not yet.
CREATE TABLE session_ends (
    account    text PRIMARY KEY,
    everything boolean NOT NULL,            -- all sessions, not only those from before
    before     timestamptz NOT NULL,
    since      timestamptz NOT NULL,        -- last asked for
    version    bigint NOT NULL DEFAULT 1,   -- one more each time it is asked for
    tries      integer NOT NULL DEFAULT 0,
    due        timestamptz NOT NULL
);
CREATE INDEX session_ends_due ON session_ends (due);

-- +goose Down
DROP TABLE session_ends;
