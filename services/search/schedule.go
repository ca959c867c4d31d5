package search

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// How often the index is compared with the database, and how soon after trouble.
const (
	checkInterval = time.Minute
	checkAgain    = time.Second
	checkAgainMax = 10 * time.Second
	checkPatience = 10 * time.Minute
)

// DriftGrace is for changes on their way: what differs counts when it still does after twice that.
const DriftGrace = 2 * time.Second

// ErrBusy tells that another replica is at it.
var ErrBusy = errors.New("another replica keeps the index")

// Run checks the index at once and then on schedule, and builds it anew when somebody asks.
func (m Maintainer) Run(ctx context.Context) error {
	asked := false
	for again := checkAgain; ; {
		wait := checkInterval
		switch err := m.once(ctx, asked); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			again, asked = checkAgain, false
		case errors.Is(err, ErrBusy):
			wait = 5 * time.Second
		default:
			slog.WarnContext(ctx, "index not checked", "retry", again.String(), "error", err)
			wait, again = again, min(2*again, checkAgainMax)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.Asked:
			asked = true
		case <-time.After(wait):
		}
	}
}

func (m Maintainer) once(ctx context.Context, anew bool) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	if anew {
		return m.Rebuild(ctx)
	}
	_, err := m.Check(ctx)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
