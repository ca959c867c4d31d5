package booking

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// Queue hands out bookings that stand still although they should not. Each is leased to one
// replica at a time.
type Queue interface {
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]uuid.UUID, error)
}

// Sweeper resumes what a crash or an outage interrupted: a few bookings at a time.
type Sweeper struct {
	Queue  Queue
	Driver *Driver
	Now    func() time.Time
}

const (
	sweepEvery = time.Second
	sweepBatch = 32
	sweepLease = 15 * time.Second
	sweepers   = 4
)

// Run sweeps until ctx ends.
func (s Sweeper) Run(ctx context.Context) error { return every(ctx, sweepEvery, "sweep", s.Sweep) }

// every does a step again and again until ctx ends. A step that fails is logged by its name: the
// next one finds what it left.
func every(ctx context.Context, period time.Duration, name string, step func(context.Context) error) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if err := step(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, name, "error", err)
			}
		}
	}
}

// Sweep drives one batch.
func (s Sweeper) Sweep(ctx context.Context) error {
	due, err := s.Queue.Due(ctx, s.Now(), sweepLease, sweepBatch)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(sweepers)
	for _, id := range due {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, sweepLease)
			defer cancel()
			if err := s.Driver.Drive(ctx, id); err != nil {
				slog.WarnContext(ctx, "booking not driven", "booking", id, "error", err)
			}
			return nil
		})
	}
	return errors.Join(group.Wait())
}
