package elastic

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// refreshPace is the least time between the starts of two refreshes that we ask for: half of the
	// index's own interval, of which an edit would wait up to the whole.
	refreshPace    = 250 * time.Millisecond
	refreshTimeout = 5 * time.Second
)

// refresher asks for refreshes on behalf of many writes: the first one at once, one at a time, and
// what is written meanwhile shares the next.
type refresher struct {
	refresh func(context.Context) error

	mu     sync.Mutex
	busy   bool      // somebody is at it
	wanted bool      // something was written since the last one began
	next   time.Time // not before
}

// soon returns at once.
func (r *refresher) soon(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = true
	if !r.busy {
		r.busy = true
		go r.run(context.WithoutCancel(ctx)) // the write's deadline is not ours
	}
}

func (r *refresher) run(ctx context.Context) {
	for r.begin() {
		one, cancel := context.WithTimeout(ctx, refreshTimeout)
		if err := r.refresh(one); err != nil { // the index refreshes itself, a little later
			slog.DebugContext(ctx, "index not refreshed", "error", err)
		}
		cancel()
	}
}

// begin waits for its turn; false when nothing was written since.
func (r *refresher) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.wanted {
		r.busy = false
		return false
	}
	wait := time.Until(r.next)
	r.mu.Unlock()
	time.Sleep(wait)
	r.mu.Lock()
	r.wanted, r.next = false, time.Now().Add(refreshPace)
	return true
}
