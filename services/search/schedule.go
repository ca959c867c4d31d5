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
	driftGrace    = 2 * time.Second
)

// ErrBusy tells that another replica is at it.
var ErrBusy = errors.New("another replica keeps the index")

// Run checks the index at once and then on schedule.
func (m Maintainer) Run(ctx context.Context) error {
	for again := checkAgain; ; {
		wait := checkInterval
		switch err := m.checkOnce(ctx); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			again = checkAgain
		case errors.Is(err, ErrBusy):
			wait = 5 * time.Second
		default:
			slog.WarnContext(ctx, "index not checked", "retry", again.String(), "error", err)
			wait, again = again, min(2*again, checkAgainMax)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (m Maintainer) checkOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
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
