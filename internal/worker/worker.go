// Package worker has what tasks that run beside a server share.
package worker

import (
	"context"
	"time"
)

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
