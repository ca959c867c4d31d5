package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/services/auth"
)

var _ auth.Jobs = Store{}

// AddJob implements auth.Jobs. Several that are added at once may exceed the limit by their number.
func (s Store) AddJob(ctx context.Context, j auth.Job, due time.Time, limit int) (bool, error) {
	tag, err := s.Pool.Exec(ctx, `
		INSERT INTO jobs (id, kind, account, sealed, due, created_at) SELECT $1, $2, $3, $4, $5, $6
		WHERE (SELECT count(*) FROM (SELECT FROM jobs LIMIT $7) AS waiting) < $7`,
		j.ID, j.Kind, j.Account, j.Sealed, due, j.CreatedAt, limit)
	if err != nil {
		return false, fmt.Errorf("add job: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// DueJobs implements auth.Jobs.
func (s Store) DueJobs(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]auth.Job, error) {
	rows, err := s.Pool.Query(ctx, `
		UPDATE jobs SET due = $2, tries = tries + 1
		WHERE id IN (SELECT id FROM jobs WHERE due <= $1 ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED)
		RETURNING id, kind, account, sealed, counted, made, notice, tries, created_at`,
		now, now.Add(lease), limit)
	if err != nil {
		return nil, fmt.Errorf("jobs due: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[auth.Job])
	if err != nil {
		return nil, fmt.Errorf("jobs due: %w", err)
	}
	return jobs, nil
}

// SaveJob implements auth.Jobs.
func (s Store) SaveJob(ctx context.Context, j auth.Job) error {
	_, err := s.Pool.Exec(ctx, `UPDATE jobs SET account = $2, sealed = $3, counted = $4, made = $5, notice = $6 WHERE id = $1`,
		j.ID, j.Account, j.Sealed, j.Counted, j.Made, j.Notice)
	if err != nil {
		return fmt.Errorf("save job: %w", err)
	}
	return nil
}

// PostponeJob implements auth.Jobs.
func (s Store) PostponeJob(ctx context.Context, id uuid.UUID, due time.Time) error {
	if _, err := s.Pool.Exec(ctx, `UPDATE jobs SET due = $2 WHERE id = $1`, id, due); err != nil {
		return fmt.Errorf("postpone job: %w", err)
	}
	return nil
}

// DropJob implements auth.Jobs.
func (s Store) DropJob(ctx context.Context, id uuid.UUID) error {
	if _, err := s.Pool.Exec(ctx, `DELETE FROM jobs WHERE id = $1`, id); err != nil {
		return fmt.Errorf("drop job: %w", err)
	}
	return nil
}
