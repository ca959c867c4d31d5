package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Trouble is the record of failures of a booking's next step. It belongs to one version of the booking and ends
// with the first success.
type Trouble struct {
	Booking  uuid.UUID
	Version  int64
	Code     string // of the last error
	Tries    int    // that failed, in a row
	Since    time.Time
	Next     time.Time  // when it is tried again
	SetAside *time.Time // when it was left to an admin; nil: it is tried at short intervals
}

// Troubles stores them.
type Troubles interface {
	// NoteTrouble replaces the trouble of a booking's current version by what f makes of it, and makes the
	// booking due at its Next. The first trouble that f gets is zero.
	NoteTrouble(ctx context.Context, booking uuid.UUID, f func(Trouble) Trouble) (Trouble, error)
	// EndTrouble deletes a booking's trouble: only consecutive failures count.
	EndTrouble(ctx context.Context, booking uuid.UUID) error
}

// A booking that fails is tried again with growing pauses, and in the end set aside: an alarm is raised, admins
// and the reconciliation see it, and it is tried once in setAsidePause, in case the cause goes away. While a
// dependency is unavailable a booking is set aside only after maxTrouble.
const (
	firstPause     = 5 * time.Second
	maxPause       = 15 * time.Minute
	maxOutagePause = time.Minute
	maxTries       = 10
	maxTrouble     = 6 * time.Hour
	setAsidePause  = time.Hour
)

// Failed gives the trouble after another failure.
func (t Trouble) Failed(err error, now time.Time) Trouble {
	if t.Tries++; t.Tries == 1 {
		t.Since = now
	}
	if t.Code = fault.CodeOf(err); t.Code == "" {
		t.Code = "internal"
	}
	outage := fault.KindOf(err) == fault.Unavailable || errors.Is(err, context.DeadlineExceeded)
	pause := worker.Pause(firstPause, maxPause, t.Tries-1)
	if outage {
		pause = min(pause, maxOutagePause)
	}
	if t.SetAside == nil && (errors.Is(err, booking.ErrRefundOwed) || !outage && t.Tries >= maxTries || now.Sub(t.Since) >= maxTrouble) {
		t.SetAside = &now
	}
	if t.SetAside != nil {
		pause = setAsidePause
	}
	t.Next = now.Add(pause)
	return t
}

const noteTimeout = 5 * time.Second

// noteTrouble stores a failure, also when ctx has ended, and raises the alarm when the booking is set aside.
func noteTrouble(ctx context.Context, troubles Troubles, id uuid.UUID, err error, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	t, terr := troubles.NoteTrouble(ctx, id, func(t Trouble) Trouble { return t.Failed(err, now) })
	if terr == nil && t.SetAside != nil && t.SetAside.Equal(now) {
		slog.ErrorContext(ctx, "booking set aside", "booking", id, "tries", t.Tries, "since", t.Since, "error", err)
	}
	return errors.Join(fmt.Errorf("booking %s, try %d: %w", id, t.Tries, err), terr)
}
