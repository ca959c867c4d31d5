package saga

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// DueQueue leases bookings that should have made a step and did not, each to one replica at a time.
type DueQueue interface {
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]uuid.UUID, error)
}

// Sweeper drives bookings that a crash or an outage interrupted, a few at a time.
type Sweeper struct {
	Due      DueQueue
	Driver   *Driver
	Troubles Troubles
	Now      func() time.Time
}

const (
	sweepEvery = time.Second
	sweepers   = 8

	// DriveTimeout is for one drive of a booking: its seats, and the payment service at its slowest.
	DriveTimeout = 25 * time.Second
)

// Run sweeps until ctx ends.
func (s Sweeper) Run(ctx context.Context) error { return s.queue().Run(ctx) }

// Sweep drives one batch.
func (s Sweeper) Sweep(ctx context.Context) error {
	_, err := s.queue().Step(ctx)
	return err
}

func (s Sweeper) queue() worker.LeasedQueue[uuid.UUID] {
	return worker.LeasedQueue[uuid.UUID]{
		Name: "sweep", Workers: sweepers, Every: sweepEvery, Timeout: DriveTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]uuid.UUID, error) {
			return s.Due.Due(ctx, s.Now(), lease, limit)
		},
		Do: s.drive,
	}
}

func (s Sweeper) drive(ctx context.Context, id uuid.UUID) error {
	err := s.Driver.Drive(ctx, id)
	switch {
	case err == nil:
		return s.Troubles.EndTrouble(ctx, id)
	case errors.Is(err, booking.ErrBookingNotFound):
		return nil
	}
	return noteTrouble(ctx, s.Troubles, id, err, s.Now())
}

// every calls step each period until ctx ends. An error is logged with the name; the next call tries again.
func every(ctx context.Context, period time.Duration, name string, step func(context.Context) error) error {
	return worker.Every(ctx, period, func(ctx context.Context) {
		if err := step(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, name, "error", err)
		}
	})
}
