package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

var _ saga.Troubles = Store{}

// NoteTrouble implements saga.Troubles.
func (s Store) NoteTrouble(ctx context.Context, id uuid.UUID, f func(saga.Trouble) saga.Trouble) (t saga.Trouble, err error) {
	err = database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		var version int64
		err := tx.QueryRow(ctx, `SELECT version FROM bookings WHERE id = $1 FOR UPDATE`, id).Scan(&version)
		if err != nil {
			return err
		}
		t = saga.Trouble{Booking: id, Version: version}
		err = tx.QueryRow(ctx, `SELECT code, tries, since, next_try, set_aside FROM troubles WHERE booking_id = $1 AND version = $2`, id, version).
			Scan(&t.Code, &t.Tries, &t.Since, &t.Next, &t.SetAside)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		t = f(t)
		if _, err := tx.Exec(ctx, `INSERT INTO troubles (booking_id, version, code, tries, since, next_try, set_aside) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (booking_id) DO UPDATE SET version = $2, code = $3, tries = $4, since = $5, next_try = $6, set_aside = $7`,
			id, version, t.Code, t.Tries, t.Since, t.Next, t.SetAside); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE bookings SET next_look = $2 WHERE id = $1 AND next_look IS NOT NULL`, id, t.Next)
		return err
	})
	if err != nil {
		return t, fmt.Errorf("note trouble: %w", err)
	}
	return t, nil
}

// EndTrouble implements saga.Troubles.
func (s Store) EndTrouble(ctx context.Context, id uuid.UUID) error {
	if _, err := s.Pool.Exec(ctx, `DELETE FROM troubles WHERE booking_id = $1`, id); err != nil {
		return fmt.Errorf("end trouble: %w", err)
	}
	return nil
}

// present is the troubles of bookings that have not moved since.
const present = `FROM troubles t JOIN bookings b ON b.id = t.booking_id AND b.version = t.version WHERE t.set_aside IS NOT NULL`

// SetAside lists bookings that were set aside, the longest ago first.
func (s Store) SetAside(ctx context.Context, limit int) ([]saga.Trouble, error) {
	rows, err := s.Pool.Query(ctx, `SELECT t.booking_id, t.version, t.code, t.tries, t.since, t.next_try, t.set_aside `+present+` ORDER BY t.set_aside LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("bookings set aside: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[saga.Trouble])
}

// CountSetAside tells how many bookings are set aside.
func (s Store) CountSetAside(ctx context.Context) (n int, err error) {
	if err := s.Pool.QueryRow(ctx, `SELECT count(*) `+present).Scan(&n); err != nil {
		return 0, fmt.Errorf("bookings set aside: %w", err)
	}
	return n, nil
}

// Retry has a booking that was set aside tried again from the start. false: it is not set aside.
func (s Store) Retry(ctx context.Context, id uuid.UUID, now time.Time) (bool, error) {
	var found bool
	err := database.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM troubles WHERE booking_id = $1 AND set_aside IS NOT NULL`, id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		found = true
		_, err = tx.Exec(ctx, `UPDATE bookings SET next_look = $2 WHERE id = $1 AND next_look IS NOT NULL`, id, now)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("retry booking: %w", err)
	}
	return found, nil
}
