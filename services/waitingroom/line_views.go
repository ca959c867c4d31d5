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
var ErrStale = fault.New(fault.Conflict, "version_stale", "This changed in the meantime.")

// ErrInside is for whoever wants to leave the line and is through it already.
var ErrInside = fault.New(fault.Conflict, "already_admitted", "You are inside already; your pass ends by itself.")

// View is what a replica knows of a line.
type View struct {
	Front  Front
	deal   *DrawOrder
	seen   time.Time
	ticked time.Time // last heard of, or first read
}

// Place gives the place of an arrival; 0: it is still to be drawn.
func (v View) Place(arrival int64) int64 {
	if v.deal == nil {
		return 0
	}
	return v.deal.Place(arrival)
}

// Views keeps the fronts of lines, as ticks tell them. What no tick told lately is read.
type Views struct {
	ledger LineStore
	now    func() time.Time

	mu     sync.Mutex
	known  map[uuid.UUID]View
	flight singleflight.Group
}

// NewViews returns Views that know nothing yet.
func NewViews(ledger LineStore, now func() time.Time) *Views {
	return &Views{ledger: ledger, now: now, known: map[uuid.UUID]View{}}
}

const (
	viewFresh = 3 * time.Second
	viewsMost = 10_000
)

// Apply takes in a front. A front that is older than the known one is ignored.
func (v *Views) Apply(f Front) {
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
	have.Front, have.seen, have.ticked = f, v.now(), v.now()
	v.known[f.Event] = have
}

// Get gives the view of an event's line.
func (v *Views) Get(ctx context.Context, t SaleTerms) (View, error) {
	event := t.Event
	v.mu.Lock()
	have, ok := v.known[event]
	v.mu.Unlock()
	if ok && v.now().Sub(have.seen) < viewFresh && !opens(have.Front, v.now()) {
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
func opens(f Front, now time.Time) bool { return f.Status == Lobby && !now.Before(f.OpensAt) }

// Silent names the lines that people wait in and that no tick came from for a while.
func (v *Views) Silent(span time.Duration) []uuid.UUID {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	var silent []uuid.UUID
	for id, view := range v.known {
		waiting := view.Front.Taken > view.Front.Served && view.Front.Status != Closed
		if waiting && now.Sub(view.ticked) > span {
			silent = append(silent, id)
		}
	}
	return silent
}

// Line reads a line and remembers its front. The terms are newer than those it was stored with.
func (v *Views) Line(ctx context.Context, t SaleTerms) (Line, error) {
	event := t.Event
	l, _, err := v.ledger.Load(ctx, event)
	if err != nil {
		return l, fault.Away("line", err)
	}
	l.Terms = t
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	have, ok := v.known[event]
	view := View{Front: l.Front(now), seen: now, deal: have.deal, ticked: have.ticked}
	if !ok {
		view.ticked = now
	}
	if !ok && len(v.known) >= viewsMost {
		v.known = map[uuid.UUID]View{}
	}
	drawn := l.Settings.Order != Shuffle || l.Draw.Held()
	switch {
	case !drawn:
		view.deal = nil
	case view.deal == nil || int64(len(view.deal.places)) != l.Draw.Count:
		view.deal = l.Draw.Deal()
	}
	if ok && have.Front.Served > view.Front.Served {
		return l, nil // read before a tick that we know of
	}
	v.known[event] = view
	return l, nil
}
