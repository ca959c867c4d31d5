package waitingroom

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// ErrStale says that an entry changed since it was read.
var ErrStale = fault.New(fault.Conflict, "version_stale", "This was changed by another request. Please try again.")

// ErrInside refuses to take an account out of the line that has a pass already.
var ErrInside = fault.New(fault.Conflict, "already_admitted", "You were already admitted. Your pass expires by itself.")

// LineView is what a replica knows of a line: its front, and the drawn order.
type LineView struct {
	Front    Front
	order    *DrawOrder
	readAt   time.Time
	tickedAt time.Time // of the last broadcast, or the first read
}

// Place returns the place of an arrival; 0: it is not drawn yet.
func (v LineView) Place(arrival int64) int64 {
	if v.order == nil {
		return 0
	}
	return v.order.Place(arrival)
}

// LineViews caches the views of lines. Ticks that replicas broadcast keep them current; without one the
// line is read from the store.
type LineViews struct {
	store LineStore
	now   func() time.Time

	mu     sync.Mutex
	known  map[uuid.UUID]LineView
	flight singleflight.Group
}

// NewLineViews returns an empty cache.
func NewLineViews(store LineStore, now func() time.Time) *LineViews {
	return &LineViews{store: store, now: now, known: map[uuid.UUID]LineView{}}
}

const (
	viewFresh = 3 * time.Second
	maxViews  = 10_000
)

// Apply updates a view with a newer front. An older one than the known is ignored.
func (v *LineViews) Apply(f Front) {
	v.mu.Lock()
	defer v.mu.Unlock()
	have, ok := v.known[f.Event]
	if !ok || f.At.Before(have.Front.At) || f.Served < have.Front.Served {
		return
	}
	if f.Drawn != have.Front.Drawn || (f.Status == Lobby) != (have.Front.Status == Lobby) {
		delete(v.known, f.Event) // the order is new: read it
		return
	}
	have.Front, have.readAt, have.tickedAt = f, v.now(), v.now()
	v.known[f.Event] = have
}

// Get returns the view of an event's line, read from the store when it is not fresh.
func (v *LineViews) Get(ctx context.Context, t SaleTerms) (LineView, error) {
	event := t.Event
	v.mu.Lock()
	have, ok := v.known[event]
	v.mu.Unlock()
	if ok && v.now().Sub(have.readAt) < viewFresh && !overdue(have.Front, v.now()) {
		return have, nil
	}
	_, err, _ := v.flight.Do(event.String(), func() (any, error) {
		_, err := v.Line(context.WithoutCancel(ctx), t)
		return nil, err
	})
	v.mu.Lock()
	defer v.mu.Unlock()
	if now, known := v.known[event]; known {
		return now, nil // a stale view is better than none
	}
	return have, err
}

// overdue reports whether a lobby should be open by now, although no tick said so.
func overdue(f Front, now time.Time) bool { return f.Status == Lobby && !now.Before(f.OpensAt) }

// Stalled returns the events whose lines have people waiting and no tick for longer than span.
func (v *LineViews) Stalled(span time.Duration) []uuid.UUID {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	var stalled []uuid.UUID
	for id, view := range v.known {
		waiting := view.Front.Arrivals > view.Front.Served && view.Front.Status != Closed
		if waiting && now.Sub(view.tickedAt) > span {
			stalled = append(stalled, id)
		}
	}
	return stalled
}

// Line reads a line from the store and caches its view. The terms t are newer than the stored ones.
func (v *LineViews) Line(ctx context.Context, t SaleTerms) (Line, error) {
	event := t.Event
	l, _, err := v.store.Load(ctx, event)
	if err != nil {
		return l, fault.Away("line", err)
	}
	l.Terms = t
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	have, ok := v.known[event]
	view := LineView{Front: l.Front(now), readAt: now, order: have.order, tickedAt: have.tickedAt}
	if !ok {
		view.tickedAt = now
	}
	if !ok && len(v.known) >= maxViews {
		v.known = map[uuid.UUID]LineView{}
	}
	drawn := l.Settings.Order != Shuffle || l.Draw.Held()
	switch {
	case !drawn:
		view.order = nil
	case view.order == nil || int64(len(view.order.places)) != l.Draw.Count:
		view.order = l.Draw.Order()
	}
	if ok && have.Front.Served > view.Front.Served {
		return l, nil // read before the newest tick
	}
	v.known[event] = view
	return l, nil
}
