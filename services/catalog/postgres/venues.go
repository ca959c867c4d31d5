package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/catalog"
)

const selectVenue = `SELECT id, merchant, name, city, country, lat, lon, time_zone, plan IS NOT NULL, version FROM venues `

func scanVenue(row pgx.CollectableRow) (catalog.Venue, error) {
	var (
		v        catalog.Venue
		lat, lon *float64
	)
	err := row.Scan(&v.ID, &v.Merchant, &v.Name, &v.City, &v.Country, &lat, &lon, &v.TimeZone, &v.HasPlan, &v.Version)
	if lat != nil && lon != nil {
		v.Location = &catalog.Location{Lat: *lat, Lon: *lon}
	}
	return v, err
}

// Venue reads one venue, catalog.ErrVenueNotFound when there is none.
func (s Store) Venue(ctx context.Context, id uuid.UUID) (catalog.Venue, error) {
	rows, err := s.Pool.Query(ctx, selectVenue+"WHERE id = $1", id)
	if err != nil {
		return catalog.Venue{}, fmt.Errorf("venue: %w", err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVenue)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, catalog.ErrVenueNotFound
	}
	if err != nil {
		return v, fmt.Errorf("venue: %w", err)
	}
	return v, nil
}

// maxVenues bounds the list; venues made by imports are not in it.
const maxVenues = 500

// Venues lists the venues that a merchant made by hand.
func (s Store) Venues(ctx context.Context, merchant string) ([]catalog.Venue, error) {
	rows, err := s.Pool.Query(ctx, selectVenue+"WHERE merchant = $1 AND import_key IS NULL ORDER BY id LIMIT $2", merchant, maxVenues)
	if err != nil {
		return nil, fmt.Errorf("venues: %w", err)
	}
	return pgx.CollectRows(rows, scanVenue)
}

// CreateVenue stores a new venue.
func (s Store) CreateVenue(ctx context.Context, v catalog.Venue) error {
	_, err := insertVenue(ctx, s.Pool, v, nil)
	return err
}

type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// insertVenue stores a venue. pgx.ErrNoRows when one with that import key is there.
func insertVenue(ctx context.Context, q rower, v catalog.Venue, importKey *string) (uuid.UUID, error) {
	var lat, lon *float64
	if v.Location != nil {
		lat, lon = &v.Location.Lat, &v.Location.Lon
	}
	var id uuid.UUID
	err := q.QueryRow(ctx, `
		INSERT INTO venues (id, merchant, name, city, country, lat, lon, time_zone, import_key)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
		ON CONFLICT (merchant, import_key) DO NOTHING
		RETURNING id`, v.ID, v.Merchant, v.Name, v.City, v.Country, lat, lon, v.TimeZone, importKey).Scan(&id)
	if err != nil {
		return id, fmt.Errorf("insert venue: %w", err)
	}
	return id, nil
}

// Plan gives a venue's plan as it was put, nil without one.
func (s Store) Plan(ctx context.Context, venue uuid.UUID) ([]byte, error) {
	return rawPlan(ctx, s.Pool, venue)
}

func rawPlan(ctx context.Context, q rower, venue uuid.UUID) ([]byte, error) {
	var raw []byte
	err := q.QueryRow(ctx, `SELECT plan FROM venues WHERE id = $1`, venue).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, catalog.ErrVenueNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return raw, nil
}

func plan(ctx context.Context, q rower, venue uuid.UUID) (*catalog.Plan, error) {
	raw, err := rawPlan(ctx, q, venue)
	if err != nil || raw == nil {
		return nil, err
	}
	return catalog.ReadPlan(raw)
}

// PutPlan keeps a venue's plan. catalog.ErrPlanInUse once a published event sells its seats. The
// same plan again changes nothing.
func (s Store) PutPlan(ctx context.Context, venue uuid.UUID, raw []byte) error {
	return database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		var same bool
		err := tx.QueryRow(ctx, `SELECT plan IS NOT DISTINCT FROM $2::jsonb FROM venues WHERE id = $1 FOR UPDATE`, venue, raw).Scan(&same)
		if errors.Is(err, pgx.ErrNoRows) {
			return catalog.ErrVenueNotFound
		}
		if err != nil {
			return fmt.Errorf("put plan: %w", err)
		}
		if same {
			return nil
		}
		// A statement of its own: it sees what was published while we waited for the lock.
		var inUse bool
		err = tx.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM events e JOIN ticket_types t ON t.event = e.id AND t.seated
				WHERE e.venue = $1 AND e.status = 'published')`, venue).Scan(&inUse)
		if err != nil {
			return fmt.Errorf("put plan: %w", err)
		}
		if inUse {
			return catalog.ErrPlanInUse
		}
		if _, err := tx.Exec(ctx, `UPDATE venues SET plan = $2, version = version + 1 WHERE id = $1`, venue, raw); err != nil {
			return fmt.Errorf("put plan: %w", err)
		}
		return nil
	})
}

// EventsOf lists the events at a venue.
func (s Store) EventsOf(ctx context.Context, venue uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, `SELECT id FROM events WHERE venue = $1`, venue)
	if err != nil {
		return nil, fmt.Errorf("events of venue: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
