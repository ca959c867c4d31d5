package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// ExpiryNotifier tells a buyer that a hold expired.
type ExpiryNotifier interface {
	HoldExpired(ctx context.Context, h booking.Hold) error
}

// HoldReader finds holds.
type HoldReader interface {
	Find(ctx context.Context, id uuid.UUID) (booking.Hold, error)
}

// Deadline is when a hold expires.
type Deadline struct {
	Hold uuid.UUID
	At   time.Time
}

// PassedHold is a hold whose deadline passed. Try counts from one.
type PassedHold struct {
	Hold uuid.UUID
	Try  int
}

// DeadlineStore keeps the deadlines of holds, of all replicas.
type DeadlineStore interface {
	Remember(ctx context.Context, all []Deadline) error
	// Passed leases holds whose deadlines passed to one replica, so that no buyer is told twice, and counts the try.
	Passed(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]PassedHold, error)
	Forget(ctx context.Context, holds []uuid.UUID) error
}

// Expiries tells buyers when their holds expired. The units are freed without it. Deadlines are stored in
// batches, apart from the holds: a crash loses those of the last second.
type Expiries struct {
	Deadlines DeadlineStore
	Holds     HoldReader
	Notifier  ExpiryNotifier
	Now       func() time.Time

	mu      sync.Mutex
	pending []Deadline
}

const (
	expireEvery    = time.Second
	expiryWorkers  = 16
	maxExpiryTries = 20 // then the notice is of no use any more
	// maxPending bounds the deadlines in memory while the database is away: more than the holds of a minute.
	maxPending = 50_000

	// NotifyTimeout is for one hold: to read it and to send the notice.
	NotifyTimeout = 15 * time.Second
)

// Watch implements booking.ExpiryWatcher: it remembers a hold.
func (e *Expiries) Watch(h booking.Hold) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.pending) < maxPending {
		e.pending = append(e.pending, Deadline{h.ID, h.Until})
	}
}

// Run tells buyers until ctx ends. Flush stores the deadlines that are left.
func (e *Expiries) Run(ctx context.Context) error {
	return every(ctx, expireEvery, "expired holds", e.Step)
}

// Flush stores the deadlines in memory.
func (e *Expiries) Flush(ctx context.Context) error { return e.store(ctx) }

// Step stores the deadlines in memory and tells the buyers of holds that expired.
func (e *Expiries) Step(ctx context.Context) error {
	if err := e.store(ctx); err != nil {
		return err
	}
	queue := worker.LeasedQueue[PassedHold]{
		Name: "expired holds", Workers: expiryWorkers, Timeout: NotifyTimeout, Do: e.handle,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]PassedHold, error) {
			return e.Deadlines.Passed(ctx, e.Now(), lease, limit)
		},
	}
	for {
		if n, err := queue.Step(ctx); err != nil || n < expiryWorkers {
			return err
		}
	}
}

// handle tells the buyer of one hold and forgets its deadline, also when the tries are over.
func (e *Expiries) handle(ctx context.Context, p PassedHold) error {
	err := e.notify(ctx, p.Hold)
	switch {
	case err == nil:
	case p.Try < maxExpiryTries:
		return fmt.Errorf("hold %s: %w", p.Hold, err) // tried again when its lease ends
	default:
		slog.ErrorContext(ctx, "buyer never told of an expired hold", "hold", p.Hold, "tries", p.Try, "error", err)
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	return e.Deadlines.Forget(note, []uuid.UUID{p.Hold})
}

func (e *Expiries) store(ctx context.Context) error {
	e.mu.Lock()
	pending := e.pending
	e.pending = nil
	e.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	err := e.Deadlines.Remember(ctx, pending)
	if err != nil {
		e.mu.Lock()
		e.pending = append(pending, e.pending...)
		e.mu.Unlock()
	}
	return err
}

// notify tells the buyer, unless the hold was booked or released meanwhile.
func (e *Expiries) notify(ctx context.Context, id uuid.UUID) error {
	h, err := e.Holds.Find(ctx, id)
	if errors.Is(err, booking.ErrHoldNotFound) {
		return nil
	}
	if err != nil || h.Status != booking.HoldOpen || h.StatusAt(e.Now()) != booking.HoldExpired {
		return err
	}
	return e.Notifier.HoldExpired(ctx, h)
}
