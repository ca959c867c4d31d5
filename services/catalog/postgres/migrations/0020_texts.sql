-- +goose Up
-- The words of each event and its venue, folded, for whoever searches while the index is away.
-- A table of its own, kept by triggers: a change of it is none of the event's.
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- +goose StatementBegin
CREATE FUNCTION fold(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, words)) $$;
-- +goose StatementEnd

CREATE TABLE event_texts (
    event uuid PRIMARY KEY REFERENCES events ON DELETE CASCADE,
    names text NOT NULL, -- what people misspell
    words tsvector NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION write_event_texts(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO event_texts (event, names, words)
    SELECT e.id, fold(concat_ws(' ', e.name, array_to_string(e.performers, ' '), v.name, v.city)),
        setweight(to_tsvector('simple', fold(e.name || ' ' || array_to_string(e.performers, ' '))), 'A') ||
        setweight(to_tsvector('simple', fold(concat_ws(' ', v.name, v.city, e.category, array_to_string(e.topics, ' ')))), 'B') ||
        setweight(to_tsvector('simple', fold(left(e.description, 20000))), 'D')
    FROM events e JOIN venues v ON v.id = e.venue WHERE e.id = ANY(ids)
    ON CONFLICT (event) DO UPDATE SET names = EXCLUDED.names, words = EXCLUDED.words
$$;
CREATE FUNCTION event_texts_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_event_texts(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
CREATE FUNCTION event_texts_of_venue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_event_texts(ARRAY(SELECT id FROM events WHERE venue = NEW.id));
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER event_texts AFTER INSERT OR UPDATE OF name, performers, category, topics, description, venue ON events
    FOR EACH ROW EXECUTE FUNCTION event_texts_of_event();
CREATE TRIGGER event_texts AFTER UPDATE OF name, city ON venues
    FOR EACH ROW WHEN (OLD.name <> NEW.name OR OLD.city <> NEW.city) EXECUTE FUNCTION event_texts_of_venue();

SELECT write_event_texts(ARRAY(SELECT id FROM events));
CREATE INDEX event_texts_words ON event_texts USING gin (words);
CREATE INDEX event_texts_names ON event_texts USING gin (names gin_trgm_ops);

-- +goose Down
DROP TRIGGER event_texts ON events;
DROP TRIGGER event_texts ON venues;
DROP FUNCTION event_texts_of_event;
DROP FUNCTION event_texts_of_venue;
DROP FUNCTION write_event_texts;
DROP TABLE event_texts;
DROP FUNCTION fold;
