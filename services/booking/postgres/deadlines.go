package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/services/booking/saga"
)

var _ saga.DeadlineStore = Store{}

// Remember implements saga.DeadlineStore.
func (s Store) Remember(ctx context.Context, all []saga.Deadline) error {
	holds, due := make([]uuid.UUID, len(all)), make([]time.Time, len(all))
	for i, d := range all {
		holds[i], due[i] = d.Hold, d.At
	}
	_, err := s.Pool.Exec(ctx, `INSERT INTO hold_deadlines (hold_id, due) SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) ON CONFLICT DO NOTHING`, holds, due)
	if err != nil {
		return fmt.Errorf("remember holds: %w", err)
	}
	return nil
}

// Passed implements saga.DeadlineStore.
func (s Store) Passed(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]saga.PassedHold, error) {
	rows, err := s.Pool.Query(ctx, `UPDATE hold_deadlines SET due = $2, tries = tries + 1 WHERE hold_id IN (
			SELECT hold_id FROM hold_deadlines WHERE due <= $1 ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING hold_id, tries`, now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("passed holds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[saga.PassedHold])
}

// Forget implements saga.DeadlineStore.
func (s Store) Forget(ctx context.Context, holds []uuid.UUID) error {
	if _, err := s.Pool.Exec(ctx, `DELETE FROM hold_deadlines WHERE hold_id = ANY($1)`, holds); err != nil {
		return fmt.Errorf("forget holds: %w", err)
	}
	return nil
}
