package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/services/booking"
)

const reconciledColumns = `b.id, b.payment_id, b.status, b.amount,
	coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.booking_id = b.id AND r.status = 'succeeded'), 0)::bigint, b.currency, b.updated_at,
	coalesce((SELECT t.code FROM troubles t WHERE t.booking_id = b.id AND t.version = b.version AND t.set_aside IS NOT NULL), '')`

// Reconciliation lists a page of the bookings that were created or moved within a time, and of those
// that are set aside, however long ago they moved, in the order in which they last moved. One that
// moves meanwhile comes again, on a later page; none is left out.
func (s Store) Reconciliation(ctx context.Context, from, to time.Time, after booking.Position, limit int) ([]booking.Reconciled, error) {
	moved := after
	if moved.At.Before(from) {
		moved = booking.Position{At: from} // the nil id is before all others
	}
	rows, err := s.Pool.Query(ctx, `
		WITH listed AS (
			(SELECT b.* FROM bookings b WHERE (b.updated_at, b.id) > ($1, $2) AND b.created_at < $3 ORDER BY b.updated_at, b.id LIMIT $4)
			UNION ALL
			(SELECT b.* `+present+` AND b.updated_at < $5 AND (b.updated_at, b.id) > ($6, $7) ORDER BY b.updated_at, b.id LIMIT $4))
		SELECT `+reconciledColumns+` FROM listed b ORDER BY b.updated_at, b.id LIMIT $4`,
		moved.At, moved.ID, to, limit, from, after.At, after.ID)
	if err != nil {
		return nil, fmt.Errorf("reconciliation: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[booking.Reconciled])
}
