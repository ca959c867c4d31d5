// Package worker has helpers for background tasks: periodic loops, pauses and backoff that end with a context.
package worker

import (
	"context"
	"log/slog"
	"time"
)

// Every calls fn at once and then at every interval until ctx ends, and returns ctx's error. A call that takes
// longer than the interval delays the next one; missed ticks are dropped.
func Every(ctx context.Context, interval time.Duration, fn func(context.Context)) error {
	return EveryOr(ctx, interval, nil, fn)
}

// EveryOr is like Every, and also calls fn when wake receives a value.
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

// LogFailures returns a function for Every that logs message when fn fails. Of consecutive failures it logs
// only the first, and none that were caused by the end of ctx.
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

// Grace returns a context with ctx's values that ends some time after ctx: a task that is stopping starts
// nothing new, and uses this context to finish its current work.
func Grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return grace, func() {
		stop()
		cancel()
	}
}

// InHand is how long a stopping task may take to finish its current work: less than the process's task
// timeout.
const InHand = 700 * time.Millisecond
