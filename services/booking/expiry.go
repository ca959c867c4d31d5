package booking

import (
	"container/heap"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Teller tells a buyer that a hold ran out.
type Teller interface {
	HoldExpired(ctx context.Context, h Hold) error
}

// HoldReader finds holds.
type HoldReader interface {
	Find(ctx context.Context, id uuid.UUID) (Hold, error)
}

// Expiries tells buyers when the holds they made here ran out. The store frees the units without
// it: what a crash makes it forget costs a notice, nothing else.
type Expiries struct {
	Holds  HoldReader
	Teller Teller
	Now    func() time.Time

	mu   sync.Mutex
	next deadlines
}

// maxDeadlines bounds what is remembered: more holds than fit into five minutes of any sale.
const maxDeadlines = 200_000

// Watch remembers a hold. A nil Expiries remembers nothing.
func (e *Expiries) Watch(h Hold) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.next) < maxDeadlines {
		heap.Push(&e.next, deadline{h.ID, h.Until})
	}
}

// Run tells of holds until ctx ends.
func (e *Expiries) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			for _, id := range e.due() {
				if err := e.tell(ctx, id); err != nil && ctx.Err() == nil {
					slog.WarnContext(ctx, "buyer not told of an expired hold", "hold", id, "error", err)
				}
			}
		}
	}
}

func (e *Expiries) due() []uuid.UUID {
	now := e.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	var ids []uuid.UUID
	for len(e.next) > 0 && !now.Before(e.next[0].at) {
		d, _ := heap.Pop(&e.next).(deadline)
		ids = append(ids, d.hold)
	}
	return ids
}

// tell looks at the hold first: it may have been bought or given back meanwhile.
func (e *Expiries) tell(ctx context.Context, id uuid.UUID) error {
	h, err := e.Holds.Find(ctx, id)
	if errors.Is(err, ErrHoldNotFound) {
		return nil
	}
	if err != nil || h.Status != HoldOpen || h.StatusAt(e.Now()) != HoldExpired {
		return err
	}
	return e.Teller.HoldExpired(ctx, h)
}

type deadline struct {
	hold uuid.UUID
	at   time.Time
}

// deadlines is a heap, the earliest first.
type deadlines []deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push implements heap.Interface.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
