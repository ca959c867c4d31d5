package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
)

// Lock names a duty that one replica has at a time.
type Lock int64

// The duties. The numbers only have to differ.
const (
	InventoryLock    Lock = 0x466f796572_01 // publishes inventories
	CancellationLock Lock = 0x466f796572_03 // works off cancelled events
)

const leadEvery = time.Second

// Alone is a task that does its duty while this process has the lock. The lock is an advisory one
// of a session: it falls to another replica when the process or its connection is gone.
func (s Store) Alone(lock Lock, duty func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := lead(ctx, s.Pool, lock, duty); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "duty interrupted", "lock", int64(lock), "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(leadEvery):
			}
		}
	}
}

func lead(ctx context.Context, pool *pgxpool.Pool, lock Lock, duty func(context.Context) error) error {
	err := database.WithLock(ctx, pool, int64(lock), func(ctx context.Context, alive func(context.Context) error) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		done := make(chan error, 1)
		go func() { done <- duty(ctx) }()
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
