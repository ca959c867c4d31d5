package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Import stores an imported event as published, or brings it up to date. What is already on sale
// keeps its tickets. It may be repeated without effect.
func (s Store) Import(ctx context.Context, merchant string, i catalog.Imported, now time.Time) (id uuid.UUID, outcome catalog.ImportOutcome, err error) {
	id, outcome, err = s.importOnce(ctx, merchant, i, now)
	if database.Violates(err, database.UniqueViolation, "events_by_source") {
		// Another import of the same record came first; what it stored is there to compare with now.
		return s.importOnce(ctx, merchant, i, now)
	}
	return id, outcome, err
}

func (s Store) importOnce(ctx context.Context, merchant string, i catalog.Imported, now time.Time) (id uuid.UUID, outcome catalog.ImportOutcome, err error) {
	mark := fingerprint(i)
	err = database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		var present string
		err := tx.QueryRow(ctx, `SELECT id, fingerprint FROM events WHERE merchant = $1 AND source_id = $2 FOR UPDATE`,
			merchant, i.SourceID).Scan(&id, &present)
		switch {
		case err == nil && present == mark:
			outcome = catalog.ImportUnchanged
			return nil
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("import: %w", err)
		}
		known := err == nil
		e := i.Event
		if e.Venue.ID, err = importVenue(ctx, tx, merchant, e.Venue); err != nil {
			return err
		}
		if known {
			outcome = catalog.ImportUpdated
			return s.reimport(ctx, tx, id, e, mark, now)
		}
		if id, err = uuid.NewV7(); err != nil {
			return err
		}
		outcome = catalog.ImportCreated
		e.ID, e.Merchant, e.Status, e.UpdatedAt = id, merchant, catalog.Published, now
		e.TicketTypes = slices.Clone(e.TicketTypes) // the caller's record stays as it was read
		for n := range e.TicketTypes {
			if e.TicketTypes[n].ID, err = uuid.NewV7(); err != nil {
				return err
			}
		}
		return insertEvent(ctx, tx, e, &i.SourceID, mark)
	})
	return id, outcome, err
}

// importVenue finds or makes the venue that imports of this merchant share. It is looked for first:
// a venue that is written to counts as changed, and with it all its events.
func importVenue(ctx context.Context, tx pgx.Tx, merchant string, v catalog.Venue) (id uuid.UUID, err error) {
	key := v.Country + "/" + v.City + "/" + v.Name
	for range 3 { // each statement sees what others have committed meanwhile
		err = tx.QueryRow(ctx, `SELECT id FROM venues WHERE merchant = $1 AND import_key = $2`, merchant, key).Scan(&id)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		if v.ID, err = uuid.NewV7(); err != nil {
			return id, err
		}
		v.Merchant = merchant
		if id, err = insertVenue(ctx, tx, v, &key); !errors.Is(err, pgx.ErrNoRows) {
			return id, err
		}
	}
	if err != nil {
		return id, fmt.Errorf("import venue: %w", err)
	}
	return id, nil
}

func (s Store) reimport(ctx context.Context, tx pgx.Tx, id uuid.UUID, next catalog.Event, fingerprint string, now time.Time) error {
	e, err := s.event(ctx, tx, id, "")
	if err != nil {
		return err
	}
	next.ID, next.Merchant, next.Status, next.Source = e.ID, e.Merchant, e.Status, e.Source
	next.TicketTypes, next.Version, next.UpdatedAt = e.TicketTypes, e.Version+1, now
	if err := updateEvent(ctx, tx, next); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE events SET fingerprint = $2 WHERE id = $1`, id, fingerprint); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}
