-- +goose Up
-- What was promised with an answer and is done after it: accounts to make, mails to send, sessions to end.
CREATE TABLE jobs (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    account    text NOT NULL DEFAULT '', -- opaque id, once it is known
    sealed     bytea,                    -- the form, encrypted; NULL once it was used
    counted    boolean NOT NULL DEFAULT false, -- against the limit of mails
    made       boolean NOT NULL DEFAULT false, -- only the mail is left
    notice     text NOT NULL DEFAULT '', -- the mail, '' for none
    tries      int NOT NULL DEFAULT 0,
    due        timestamptz NOT NULL,     -- while it is leased: when the lease ends
    created_at timestamptz NOT NULL
);
CREATE INDEX jobs_due ON jobs (due);

-- +goose Down
DROP TABLE jobs;
