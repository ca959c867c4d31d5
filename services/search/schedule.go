package search

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
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

// ErrBusy says that another replica maintains the index now.
var ErrBusy = errors.New("another replica maintains the index")

// Run checks the index at once and then on schedule, and builds it anew when somebody asks.
func (m Maintainer) Run(ctx context.Context) error {
	asked := false
	for again := worker.Backoff(checkAgain, checkAgainMax, 0); ; {
		wait := checkInterval
		switch err := m.once(ctx, asked); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			asked = false
			again.Reset()
		case errors.Is(err, ErrBusy):
			wait = 5 * time.Second
		default:
			wait = again.NextBackOff()
			slog.WarnContext(ctx, "index not checked", "retry", wait.String(), "error", err)
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
