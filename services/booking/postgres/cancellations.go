package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

var _ saga.Cancellations = Store{}

// open statuses: bookings that give a right to something, or may yet.
const unfinished = `status IN ('requested', 'awaiting_payment', 'secured', 'confirmed', 'refunding')`

// Live implements saga.Cancellations.
func (s Store) Live(ctx context.Context, event uuid.UUID) (bool, error) {
	var live bool
	err := s.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM bookings WHERE event_id = $1 AND `+unfinished+`)`, event).Scan(&live)
	if err != nil {
		return false, fmt.Errorf("live bookings: %w", err)
	}
	return live, nil
}

// Begin implements saga.Cancellations.
func (s Store) Begin(ctx context.Context, event uuid.UUID, now time.Time) error {
	_, err := s.Pool.Exec(ctx, `INSERT INTO cancellations (event_id, started_at, total)
		SELECT $1, $2, count(*) FROM bookings WHERE event_id = $1 AND `+unfinished+`
		ON CONFLICT (event_id) DO UPDATE SET finished_at = NULL`, event, now)
	if err != nil {
		return fmt.Errorf("begin cancellation: %w", err)
	}
	return nil
}

// Open implements saga.Cancellations.
func (s Store) Open(ctx context.Context) ([]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, `SELECT event_id FROM cancellations WHERE finished_at IS NULL`)
	if err != nil {
		return nil, fmt.Errorf("open cancellations: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Left implements saga.Cancellations. Those that can be given back now come first.
func (s Store) Left(ctx context.Context, event uuid.UUID, limit int, now time.Time) ([]booking.Booking, error) {
	_, err := s.Pool.Exec(ctx, `UPDATE cancellations c SET done = greatest(c.total - n.open, 0),
			finished_at = CASE WHEN n.open = 0 THEN $2::timestamptz END
		FROM (SELECT count(*)::int AS open FROM bookings WHERE event_id = $1 AND `+unfinished+`) n WHERE c.event_id = $1`, event, now)
	if err != nil {
		return nil, fmt.Errorf("cancellation progress: %w", err)
	}
	rows, err := s.Pool.Query(ctx, `SELECT `+columns+` FROM bookings b WHERE event_id = $1 AND `+unfinished+`
			AND NOT EXISTS (SELECT 1 FROM troubles t WHERE t.booking_id = b.id AND t.version = b.version AND t.next_try > $3)
		ORDER BY status NOT IN ('confirmed', 'requested', 'awaiting_payment'), id LIMIT $2`, event, limit, now)
	if err != nil {
		return nil, fmt.Errorf("bookings of a cancelled event: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (booking.Booking, error) { return scan(row) })
}

// Progress gives a cancellation. false: the event is not being called off.
func (s Store) Progress(ctx context.Context, event uuid.UUID) (saga.Cancellation, bool, error) {
	var c saga.Cancellation
	err := s.Pool.QueryRow(ctx, `SELECT event_id, total, done, started_at, finished_at FROM cancellations WHERE event_id = $1`, event).
		Scan(&c.Event, &c.Total, &c.Done, &c.StartedAt, &c.FinishedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("cancellation: %w", err)
	}
	return c, true, nil
}
