package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/leased"
	"github.com/foyer-tickets/foyer/services/booking"
)

// ExpiryNotifier tells a buyer that a hold ran out.
type ExpiryNotifier interface {
	HoldExpired(ctx context.Context, h booking.Hold) error
}

// HoldReader finds holds.
type HoldReader interface {
	Find(ctx context.Context, id uuid.UUID) (booking.Hold, error)
}

// Deadline is when a hold runs out.
type Deadline struct {
	Hold uuid.UUID
	At   time.Time
}

// PassedHold is a hold whose deadline is over. Try counts from one.
type PassedHold struct {
	Hold uuid.UUID
	Try  int
}

// DeadlineStore keeps when holds run out, whichever replica made them.
type DeadlineStore interface {
	Remember(ctx context.Context, all []Deadline) error
	// Passed leases deadlines to one replica, so that nobody is told twice, and counts the try.
	Passed(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]PassedHold, error)
	Forget(ctx context.Context, holds []uuid.UUID) error
}

// Expiries tells buyers when their holds ran out. The store frees the units without it. Deadlines
// are written down in batches beside the holds, not with them: a crash forgets those of a second.
type Expiries struct {
	Deadlines DeadlineStore
	Holds     HoldReader
	Notifier  ExpiryNotifier
	Now       func() time.Time

	mu      sync.Mutex
	pending []Deadline
}

const (
	expireEvery = time.Second
	expirers    = 16
	expireTries = 20 // a buyer who was not told for so long knows
	// maxPending bounds what waits while the database is away: more holds than a minute of any sale makes.
	maxPending = 50_000

	// NotifyTimeout is for one hold: a look at it, and the notice.
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

// Run tells of holds until ctx ends. What was to be remembered by then is left to Flush.
func (e *Expiries) Run(ctx context.Context) error {
	return every(ctx, expireEvery, "expired holds", e.Step)
}

// Flush writes down what is to be remembered.
func (e *Expiries) Flush(ctx context.Context) error { return e.writeDown(ctx) }

// Step writes down what is to be remembered, and tells of what passed.
func (e *Expiries) Step(ctx context.Context) error {
	if err := e.writeDown(ctx); err != nil {
		return err
	}
	queue := leased.Queue[PassedHold]{
		Name: "expired holds", Workers: expirers, Timeout: NotifyTimeout, Do: e.pass,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]PassedHold, error) {
			return e.Deadlines.Passed(ctx, e.Now(), lease, limit)
		},
	}
	for {
		if n, err := queue.Step(ctx); err != nil || n < expirers {
			return err
		}
	}
}

// pass tells of one hold, and is done with it: when the buyer was told, or cannot be.
func (e *Expiries) pass(ctx context.Context, p PassedHold) error {
	err := e.tell(ctx, p.Hold)
	switch {
	case err == nil:
	case p.Try < expireTries:
		return fmt.Errorf("hold %s: %w", p.Hold, err) // its lease ends
	default:
		slog.ErrorContext(ctx, "buyer never told of an expired hold", "hold", p.Hold, "tries", p.Try, "error", err)
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	return e.Deadlines.Forget(note, []uuid.UUID{p.Hold})
}

func (e *Expiries) writeDown(ctx context.Context) error {
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

// tell looks at the hold first: it may have been bought or given back meanwhile.
func (e *Expiries) tell(ctx context.Context, id uuid.UUID) error {
	h, err := e.Holds.Find(ctx, id)
	if errors.Is(err, booking.ErrHoldNotFound) {
		return nil
	}
	if err != nil || h.Status != booking.HoldOpen || h.StatusAt(e.Now()) != booking.HoldExpired {
		return err
	}
	return e.Notifier.HoldExpired(ctx, h)
}
