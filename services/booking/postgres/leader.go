package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Lock is the lock of a task that one replica runs at a time.
type Lock int64

// The locks. Each has a number of its own.
const (
	InventoryLock    Lock = 0x466f796572_01 // publishes inventories
	CancellationLock Lock = 0x466f796572_03 // processes cancelled events
)

// task names the duty in metrics.
func (l Lock) task() string {
	if l == InventoryLock {
		return "inventories"
	}
	return "event cancellations"
}

const leadEvery = time.Second

// AsLeader gives a task that runs while this process has the lock. It is an advisory lock of a session: another
// replica gets it when the process or its connection ends.
func (s Store) AsLeader(lock Lock, task func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := lead(ctx, s.Pool, lock, task); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "leader's task interrupted", "lock", int64(lock), "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(leadEvery):
			}
		}
	}
}

func lead(ctx context.Context, pool *pgxpool.Pool, lock Lock, task func(context.Context) error) error {
	err := database.WithLock(ctx, pool, int64(lock), func(ctx context.Context, alive func(context.Context) error) error {
		telemetry.Leads.Add(ctx, 1, lock.task())
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		done := make(chan error, 1)
		go func() { done <- task(ctx) }()
		for {
			select {
			case err := <-done:
				return err
			case <-time.After(leadEvery):
				if err := alive(ctx); err != nil {
					cancel(err)
					return errors.Join(fmt.Errorf("lock lost: %w", err), <-done)
				}
			}
		}
	})
	if errors.Is(err, database.ErrLocked) {
		return nil
	}
	return err
}
