// Package worker has helpers for background tasks: periodic loops, pauses and backoff that end with a context.
package worker

import (
	"context"
	"log/slog"
	"time"
)

// Every calls fn at once and then every interval until ctx ends, and returns ctx's error. A call
// that takes longer than the interval delays the next one; missed ticks are not made up for.
func Every(ctx context.Context, interval time.Duration, fn func(context.Context)) error {
	return EveryOr(ctx, interval, nil, fn)
}

// EveryOr is Every, and also calls fn when wake gets a value.
func EveryOr(ctx context.Context, interval time.Duration, wake <-chan struct{}, fn func(context.Context)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		fn(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-wake:
		}
	}
}

// LogFailures returns a function for Every that logs message when fn fails: the first time only
// of failures in a row, and none that ctx's end caused.
func LogFailures(message string, fn func(context.Context) error) func(context.Context) {
	failing := false
	return func(ctx context.Context) {
		err := fn(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			slog.WarnContext(ctx, message, "error", err)
		}
		failing = err != nil
	}
}

// Sleep waits for d. It returns ctx's error as soon as ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Grace returns a context with ctx's values that ends a while after ctx does: a task that is told
// to end takes nothing new, and finishes within it what it has in hand.
func Grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return grace, func() {
		stop()
		cancel()
	}
}

// InHand is how long a task that ends may take for what it has in hand: less than a process gives
// its tasks to end.
const InHand = 700 * time.Millisecond
