package postgres

import (
	"context"

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

// AsLeader returns a task that runs while this process has the lock (database.Leader).
func (s Store) AsLeader(lock Lock, task func(context.Context) error) func(context.Context) error {
	leader := database.Leader{Pool: s.Pool, Key: int64(lock)}
	return func(ctx context.Context) error {
		return leader.Run(ctx, func(ctx context.Context) error {
			telemetry.Leads.Add(ctx, 1, lock.task())
			return task(ctx)
		})
	}
}
