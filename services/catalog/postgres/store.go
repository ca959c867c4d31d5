// Package postgres is the catalog's store.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations of the database `catalog`.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store keeps venues and events.
type Store struct{ Pool *pgxpool.Pool }

// One query reads an event with all that belongs to it.
const selectEvent = `
	SELECT e.id, e.merchant, e.slug, e.name, e.description, e.category, e.performers, e.topics, e.url, e.image, e.online,
		e.starts_at, e.ends_at, e.time_zone, e.sales_start, e.sales_end, e.max_per_order, e.max_per_account, e.high_demand,
		e.refundable_until, e.status, e.source, e.version, e.updated_at,
		v.id, v.merchant, v.name, v.city, v.country, v.lat, v.lon, v.time_zone, v.plan IS NOT NULL, v.version,
		t.types, a.available, a.held, a.booked, a.version
	FROM events e
	JOIN venues v ON v.id = e.venue
	LEFT JOIN availability a ON a.event = e.id
	LEFT JOIN LATERAL (
		SELECT json_agg(json_build_object('id', id, 'name', name, 'amount', amount, 'currency', currency,
			'capacity', capacity, 'seated', seated, 'categories', categories) ORDER BY position) AS types
		FROM ticket_types WHERE event = e.id) t ON true`

type ticketRow struct {
	ID         uuid.UUID `json:"id"`
	Name       string    `json:"name"`
	Amount     int64     `json:"amount"`
	Currency   string    `json:"currency"`
	Capacity   int       `json:"capacity"`
	Seated     bool      `json:"seated"`
	Categories []string  `json:"categories"`
}

func scanEvent(row pgx.CollectableRow) (catalog.Event, error) {
	var (
		e                       catalog.Event
		v                       = &e.Venue
		lat, lon                *float64
		types                   []byte
		available, held, booked *int
		said                    *int64
	)
	err := row.Scan(&e.ID, &e.Merchant, &e.Slug, &e.Name, &e.Description, &e.Category, &e.Performers, &e.Topics, &e.URL, &e.Image, &e.Online,
		&e.StartsAt, &e.EndsAt, &e.TimeZone, &e.SalesStart, &e.SalesEnd, &e.MaxPerOrder, &e.MaxPerAccount, &e.HighDemand,
		&e.RefundableUntil, &e.Status, &e.Source, &e.Version, &e.UpdatedAt,
		&v.ID, &v.Merchant, &v.Name, &v.City, &v.Country, &lat, &lon, &v.TimeZone, &v.HasPlan, &v.Version,
		&types, &available, &held, &booked, &said)
	if err != nil {
		return e, err
	}
	if lat != nil && lon != nil {
		v.Location = &catalog.Location{Lat: *lat, Lon: *lon}
	}
	var rows []ticketRow
	if len(types) > 0 {
		if err := json.Unmarshal(types, &rows); err != nil {
			return e, err
		}
	}
	capacity := 0
	for _, r := range rows {
		e.TicketTypes = append(e.TicketTypes, catalog.TicketType{
			ID: r.ID, Name: r.Name, Price: money.Money{Amount: r.Amount, Currency: r.Currency},
			Capacity: r.Capacity, Seated: r.Seated, Categories: r.Categories,
		})
		capacity += r.Capacity
	}
	e.Availability.Available = capacity
	if available != nil { // until booking has spoken, everything is there
		e.Availability = catalog.Availability{Available: *available, Held: *held, Booked: *booked, Version: *said}
	}
	return e, nil
}

// Event reads one event, catalog.ErrEventNotFound when there is none.
func (s Store) Event(ctx context.Context, id uuid.UUID) (catalog.Event, error) {
	return s.event(ctx, s.Pool, id, "")
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (s Store) event(ctx context.Context, q querier, id uuid.UUID, lock string) (catalog.Event, error) {
	rows, err := q.Query(ctx, selectEvent+" WHERE e.id = $1"+lock, id)
	if err != nil {
		return catalog.Event{}, fmt.Errorf("event: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEvent)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, catalog.ErrEventNotFound
	}
	if err != nil {
		return e, fmt.Errorf("event: %w", err)
	}
	return e, nil
}

// Published lists published events that end at or after from, by start.
func (s Store) Published(ctx context.Context, from time.Time, after catalog.Cursor, limit int) ([]catalog.Event, error) {
	rows, err := s.Pool.Query(ctx, selectEvent+`
		WHERE e.status = 'published' AND ($1 OR e.ends_at >= $2) AND (e.starts_at, e.id) > ($3, $4)
		ORDER BY e.starts_at, e.id LIMIT $5`, from.IsZero(), from, after.At, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("published events: %w", err)
	}
	return pgx.CollectRows(rows, scanEvent)
}

// ByMerchant lists a merchant's events, all of them when merchant is empty, newest change first.
func (s Store) ByMerchant(ctx context.Context, merchant string, before catalog.Cursor, limit int) ([]catalog.Event, error) {
	rows, err := s.Pool.Query(ctx, selectEvent+`
		WHERE ($1 = '' OR e.merchant = $1) AND ($2 OR (e.updated_at, e.id) < ($3, $4))
		ORDER BY e.updated_at DESC, e.id DESC LIMIT $5`, merchant, before.At.IsZero(), before.At, before.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("merchant's events: %w", err)
	}
	return pgx.CollectRows(rows, scanEvent)
}

// ByIDs reads many events; those that are gone are left out.
func (s Store) ByIDs(ctx context.Context, ids []uuid.UUID) ([]catalog.Event, error) {
	rows, err := s.Pool.Query(ctx, selectEvent+" WHERE e.id = ANY($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return pgx.CollectRows(rows, scanEvent)
}

const selectVersions = `
	SELECT e.id, e.version, v.version, coalesce(a.version, 0)
	FROM events e JOIN venues v ON v.id = e.venue LEFT JOIN availability a ON a.event = e.id
	WHERE e.status = 'published'`

// PublishedIDs lists published events by id, the youngest first, with versions.
func (s Store) PublishedIDs(ctx context.Context, before uuid.UUID, limit int) ([]catalog.EventVersions, error) {
	return s.versions(ctx, selectVersions+" AND e.id < $1 ORDER BY e.id DESC LIMIT $2", before, limit)
}

// Versions gives those of the events that are published.
func (s Store) Versions(ctx context.Context, ids []uuid.UUID) ([]catalog.EventVersions, error) {
	return s.versions(ctx, selectVersions+" AND e.id = ANY($1)", ids)
}

func (s Store) versions(ctx context.Context, query string, args ...any) ([]catalog.EventVersions, error) {
	rows, err := s.Pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("event ids: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[catalog.EventVersions])
}

// Create stores a new event.
func (s Store) Create(ctx context.Context, e catalog.Event) error {
	return database.InTx(ctx, s.Pool, func(tx pgx.Tx) error { return insertEvent(ctx, tx, e, nil, "") })
}

func insertEvent(ctx context.Context, tx pgx.Tx, e catalog.Event, sourceID *string, fingerprint string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO events (id, merchant, venue, slug, name, description, category, performers, topics, url, image, online,
			starts_at, ends_at, time_zone, sales_start, sales_end, max_per_order, max_per_account, high_demand,
			refundable_until, status, source, source_id, fingerprint, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26)`,
		e.ID, e.Merchant, e.Venue.ID, e.Slug, e.Name, e.Description, e.Category, list(e.Performers), list(e.Topics), e.URL, e.Image, e.Online,
		e.StartsAt, e.EndsAt, e.TimeZone, e.SalesStart, e.SalesEnd, e.MaxPerOrder, e.MaxPerAccount, e.HighDemand,
		e.RefundableUntil, e.Status, e.Source, sourceID, fingerprint, e.UpdatedAt)
	if database.Violates(err, database.ForeignKeyViolation, "") {
		return catalog.ErrVenueNotFound
	}
	if err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	return writeTicketTypes(ctx, tx, e)
}

func writeTicketTypes(ctx context.Context, tx pgx.Tx, e catalog.Event) error {
	ids := make([]uuid.UUID, len(e.TicketTypes))
	batch := &pgx.Batch{}
	for i, t := range e.TicketTypes {
		ids[i] = t.ID
		batch.Queue(`
			INSERT INTO ticket_types (id, event, position, name, amount, currency, capacity, seated, categories)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
			ON CONFLICT (id) DO UPDATE SET position = $3, name = $4, amount = $5, currency = $6, capacity = $7, seated = $8, categories = $9
			WHERE ticket_types.event = $2`,
			t.ID, e.ID, i, t.Name, t.Price.Amount, t.Price.Currency, t.Capacity, t.Seated, list(t.Categories))
	}
	batch.Queue(`DELETE FROM ticket_types WHERE event = $1 AND id <> ALL($2)`, e.ID, ids)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("ticket types: %w", err)
	}
	return nil
}

func updateEvent(ctx context.Context, tx pgx.Tx, e catalog.Event) error {
	_, err := tx.Exec(ctx, `
		UPDATE events SET venue=$2, slug=$3, name=$4, description=$5, category=$6, performers=$7, topics=$8, url=$9, image=$10, online=$11,
			starts_at=$12, ends_at=$13, time_zone=$14, sales_start=$15, sales_end=$16, max_per_order=$17, max_per_account=$18,
			high_demand=$19, refundable_until=$20, status=$21, version=$22, updated_at=$23
		WHERE id = $1`,
		e.ID, e.Venue.ID, e.Slug, e.Name, e.Description, e.Category, list(e.Performers), list(e.Topics), e.URL, e.Image, e.Online,
		e.StartsAt, e.EndsAt, e.TimeZone, e.SalesStart, e.SalesEnd, e.MaxPerOrder, e.MaxPerAccount,
		e.HighDemand, e.RefundableUntil, e.Status, e.Version, e.UpdatedAt)
	if database.Violates(err, database.ForeignKeyViolation, "") {
		return catalog.ErrVenueNotFound
	}
	if err != nil {
		return fmt.Errorf("update event: %w", err)
	}
	return writeTicketTypes(ctx, tx, e)
}

// Change applies one step to an event under a row lock; a step that changes nothing leaves no
// trace. change gets the venue's plan, nil without one; the venue is held too, so that no other plan comes between
// counting the seats and selling them. change makes no call of its own to the database.
func (s Store) Change(ctx context.Context, id uuid.UUID, now time.Time, change func(catalog.Event, *catalog.Plan) (catalog.Event, error)) (catalog.Event, error) {
	var next catalog.Event
	err := database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		e, err := s.event(ctx, tx, id, " FOR UPDATE OF e FOR SHARE OF v")
		if err != nil {
			return err
		}
		plan, err := plan(ctx, tx, e.Venue.ID)
		if err != nil {
			return err
		}
		if next, err = change(e, plan); err != nil {
			return err
		}
		if reflect.DeepEqual(next, e) {
			return nil
		}
		next.Version, next.UpdatedAt = e.Version+1, now
		if err := updateEvent(ctx, tx, next); err != nil {
			return err
		}
		next, err = s.event(ctx, tx, id, "")
		return err
	})
	return next, err
}

// Sale reads an event with its plan, for booking.
func (s Store) Sale(ctx context.Context, id uuid.UUID) (catalog.Event, *catalog.Plan, error) {
	e, err := s.Event(ctx, id)
	if err != nil {
		return e, nil, err
	}
	p, err := plan(ctx, s.Pool, e.Venue.ID)
	return e, p, err
}

// SetAvailability keeps what booking says is left, unless something newer is there.
func (s Store) SetAvailability(ctx context.Context, i messages.Inventory) error {
	_, err := s.Pool.Exec(ctx, `
		INSERT INTO availability (event, available, held, booked, version)
		SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT FROM events WHERE id = $1)
		ON CONFLICT (event) DO UPDATE SET available = $2, held = $3, booked = $4, version = $5
		WHERE availability.version < $5`, i.Event, i.Available, i.Held, i.Booked, i.Version)
	if err != nil {
		return fmt.Errorf("availability: %w", err)
	}
	return nil
}

// list keeps NULL out of columns that hold lists.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
