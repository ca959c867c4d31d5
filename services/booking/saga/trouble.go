package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/leased"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Trouble is a booking that cannot be brought on. It is that of one version: once the booking moved, or
// was driven without a failure, its troubles are over.
type Trouble struct {
	Booking  uuid.UUID
	Version  int64
	Code     string // of the last error
	Tries    int    // that failed, in a row
	Since    time.Time
	Next     time.Time  // when it is tried again
	SetAside *time.Time // when it was put before an admin; nil: it is tried at short intervals
}

// Troubles keeps them.
type Troubles interface {
	// NoteTrouble has f make the next trouble of a booking's present version out of the last one,
	// which is zero at first, and makes the booking due when that says.
	NoteTrouble(ctx context.Context, booking uuid.UUID, f func(Trouble) Trouble) (Trouble, error)
	// EndTrouble forgets a booking's trouble: only failures in a row count.
	EndTrouble(ctx context.Context, booking uuid.UUID) error
}

// A booking that fails is tried ever more rarely, and in the end set aside: told with an alarm, shown
// to admins and to the reconciliation, and from then on tried once in a long while, so that what
// mends itself needs nobody. When what it leans on is away that is no fault of its own: it takes
// hours of it before anybody is called.
const (
	troubleFirst   = 5 * time.Second
	troubleMost    = 15 * time.Minute
	outageMost     = time.Minute
	troubleTries   = 10
	troubleLongest = 6 * time.Hour
	asideRetry     = time.Hour
)

// Again is the trouble after another failure.
func (t Trouble) Again(err error, now time.Time) Trouble {
	if t.Tries++; t.Tries == 1 {
		t.Since = now
	}
	if t.Code = fault.CodeOf(err); t.Code == "" {
		t.Code = "internal"
	}
	outage := fault.KindOf(err) == fault.Unavailable || errors.Is(err, context.DeadlineExceeded)
	pause := leased.Pause(troubleFirst, troubleMost, t.Tries-1)
	if outage {
		pause = min(pause, outageMost)
	}
	if t.SetAside == nil && (errors.Is(err, booking.ErrRefundOwed) || !outage && t.Tries >= troubleTries || now.Sub(t.Since) >= troubleLongest) {
		t.SetAside = &now
	}
	if t.SetAside != nil {
		pause = asideRetry
	}
	t.Next = now.Add(pause)
	return t
}

const noteTimeout = 5 * time.Second

// noteTrouble counts a failure, whatever is left of ctx, and sounds the alarm when it was one too many.
func noteTrouble(ctx context.Context, troubles Troubles, id uuid.UUID, err error, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	t, terr := troubles.NoteTrouble(ctx, id, func(t Trouble) Trouble { return t.Again(err, now) })
	if terr == nil && t.SetAside != nil && t.SetAside.Equal(now) {
		slog.ErrorContext(ctx, "booking set aside", "booking", id, "tries", t.Tries, "since", t.Since, "error", err)
	}
	return errors.Join(fmt.Errorf("booking %s, try %d: %w", id, t.Tries, err), terr)
}
