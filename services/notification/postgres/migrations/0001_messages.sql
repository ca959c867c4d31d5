-- +goose Up
CREATE TABLE messages (
    id      uuid PRIMARY KEY,
    account text NOT NULL,
    kind    text NOT NULL,
    event   uuid,
    booking uuid,
    hold    uuid,
    at      timestamptz NOT NULL,
    read    boolean NOT NULL DEFAULT false
);
CREATE INDEX messages_newest ON messages (account, at DESC, id DESC);

-- A mail due. No address and no text: both are asked for when it is sent.
CREATE TABLE mails (
    message  uuid PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    next_try timestamptz, -- null: sent, or given up
    tries    int NOT NULL DEFAULT 0,
    sent_at  timestamptz
);
CREATE INDEX mails_due ON mails (next_try) WHERE next_try IS NOT NULL;

-- +goose Down
DROP TABLE mails;
DROP TABLE messages;
