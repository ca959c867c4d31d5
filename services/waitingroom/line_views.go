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

// ErrInside is for whoever wants to leave the line and is through it already.
var ErrInside = fault.New(fault.Conflict, "already_admitted", "You were already admitted. Your pass expires by itself.")

// View is what a replica knows of a line.
type LineView struct {
	Front    Front
	order    *DrawOrder
	readAt   time.Time
	tickedAt time.Time // last heard of, or first read
}

// Place gives the place of an arrival; 0: it is still to be drawn.
func (v LineView) Place(arrival int64) int64 {
	if v.order == nil {
		return 0
	}
	return v.order.Place(arrival)
}

// Views keeps the fronts of lines, as ticks tell them. What no tick told lately is read.
type LineViews struct {
	store LineStore
	now   func() time.Time

	mu     sync.Mutex
	known  map[uuid.UUID]LineView
	flight singleflight.Group
}

// NewViews returns Views that know nothing yet.
func NewLineViews(store LineStore, now func() time.Time) *LineViews {
	return &LineViews{store: store, now: now, known: map[uuid.UUID]LineView{}}
}

const (
	viewFresh = 3 * time.Second
	maxViews  = 10_000
)

// Apply takes in a front. A front that is older than the known one is ignored.
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

// Get gives the view of an event's line.
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

// opens tells that a lobby's time is over although no tick said so yet.
func overdue(f Front, now time.Time) bool { return f.Status == Lobby && !now.Before(f.OpensAt) }

// Silent names the lines that people wait in and that no tick came from for a while.
func (v *LineViews) Stalled(span time.Duration) []uuid.UUID {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	var silent []uuid.UUID
	for id, view := range v.known {
		waiting := view.Front.Arrivals > view.Front.Served && view.Front.Status != Closed
		if waiting && now.Sub(view.tickedAt) > span {
			silent = append(silent, id)
		}
	}
	return silent
}

// Line reads a line and remembers its front. The terms are newer than those it was stored with.
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
		return l, nil // read before a tick that we know of
	}
	v.known[event] = view
	return l, nil
}
