-- +goose Up
-- What happened to accounts: added to, never changed, removed only when it is old.
CREATE TABLE audit (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    kind    text NOT NULL,
    account text NOT NULL DEFAULT '', -- opaque id
    actor   text NOT NULL DEFAULT '', -- opaque id of who did it, when it was somebody else
    address text NOT NULL DEFAULT '', -- IP address
    detail  jsonb NOT NULL DEFAULT '{}',
    source  text NOT NULL DEFAULT 'foyer' CHECK (source IN ('foyer', 'keycloak'))
);
CREATE INDEX audit_newest ON audit (at DESC, id DESC);
CREATE INDEX audit_account ON audit (account, at DESC, id DESC) WHERE account <> '';
CREATE INDEX audit_kind ON audit (kind, at DESC, id DESC);
CREATE INDEX audit_source ON audit (source, at DESC);

-- +goose StatementBegin
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR OLD.at > now() - interval '80 days' THEN
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep();

-- The links of mails: the newest of each kind, by hash.
CREATE TABLE links (
    account text NOT NULL,
    kind    text NOT NULL,
    hash    bytea NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (account, kind)
);
CREATE INDEX links_expires ON links (expires);

-- How often something was done lately, by the keyed hash of an address or an IP address.
CREATE TABLE counts (
    key bytea NOT NULL,
    at  timestamptz NOT NULL
);
CREATE INDEX counts_key ON counts (key, at);
CREATE INDEX counts_at ON counts (at);

-- +goose Down
DROP TABLE counts;
DROP TABLE links;
DROP TABLE audit;
DROP FUNCTION audit_keep;
