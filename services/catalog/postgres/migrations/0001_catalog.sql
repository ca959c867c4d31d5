-- +goose Up
CREATE TABLE venues (
    id           uuid PRIMARY KEY,
    merchant     text NOT NULL,
    name         text NOT NULL,
    city         text NOT NULL DEFAULT '',
    country      text NOT NULL DEFAULT '',
    lat          double precision,
    lon          double precision,
    time_zone    text NOT NULL,
    plan         jsonb, -- as it was put: pretix's editor gets back what it gave
    import_key   text, -- set on venues that an import made
    version      bigint NOT NULL DEFAULT 1
);
CREATE INDEX venues_by_merchant ON venues (merchant, id);
CREATE UNIQUE INDEX venues_by_import ON venues (merchant, import_key);

CREATE TABLE events (
    id               uuid PRIMARY KEY,
    merchant         text NOT NULL,
    venue            uuid NOT NULL REFERENCES venues,
    slug             text NOT NULL,
    name             text NOT NULL,
    description      text NOT NULL DEFAULT '',
    category         text NOT NULL,
    performers       text[] NOT NULL DEFAULT '{}',
    topics           text[] NOT NULL DEFAULT '{}',
    url              text NOT NULL DEFAULT '',
    image            text NOT NULL DEFAULT '',
    online           boolean NOT NULL DEFAULT false,
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL,
    time_zone        text NOT NULL,
    sales_start      timestamptz NOT NULL,
    sales_end        timestamptz NOT NULL,
    max_per_order    int NOT NULL,
    max_per_account  int NOT NULL,
    high_demand      boolean NOT NULL DEFAULT false,
    refundable_until timestamptz,
    status           text NOT NULL CHECK (status IN ('draft', 'published', 'cancelled')),
    source           text NOT NULL DEFAULT '',
    source_id        text, -- the natural key of an imported event
    fingerprint      text NOT NULL DEFAULT '', -- of what was imported
    version          bigint NOT NULL DEFAULT 1,
    updated_at       timestamptz NOT NULL,
    CHECK (ends_at > starts_at)
);
CREATE INDEX events_public ON events (starts_at, id) WHERE status = 'published';
CREATE INDEX events_by_merchant ON events (merchant, updated_at DESC, id DESC);
CREATE INDEX events_by_venue ON events (venue);
CREATE UNIQUE INDEX events_by_source ON events (merchant, source_id);

CREATE TABLE ticket_types (
    id         uuid PRIMARY KEY,
    event      uuid NOT NULL REFERENCES events ON DELETE CASCADE,
    position   int NOT NULL,
    name       text NOT NULL,
    amount     bigint NOT NULL CHECK (amount >= 0),
    currency   text NOT NULL,
    capacity   int NOT NULL,
    seated     boolean NOT NULL,
    categories text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX ticket_types_by_event ON ticket_types (event, position);

-- What booking last said is left. It changes far more often than the event: it stays out of
-- events, whose changes are published.
CREATE TABLE availability (
    event     uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
    available int NOT NULL,
    held      int NOT NULL,
    booked    int NOT NULL,
    version   bigint NOT NULL
);

-- +goose Down
DROP TABLE availability;
DROP TABLE ticket_types;
DROP TABLE events;
DROP TABLE venues;
