package app

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/actor"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
)

// Personal answers for what the waiting room keeps about an account: see personaldata.yaml. Lines
// have no key of an account's own, so that joining costs none; all of them are looked through.
type Personal struct {
	Store  Lines
	Rooms  *actor.Client
	Passes daprstore.PassStore
	Now    func() time.Time
}

var _ personaldata.Stepwise = Personal{}

// Lines is a ledger that knows the events it has lines of.
type Lines interface {
	waitingroom.LineStore
	Events(ctx context.Context) ([]uuid.UUID, error)
}

// Bounds of a search through the lines. A call has three seconds (dapr/resiliency.yaml): it looks
// through parts of lines for as long as stepTime, and says where the next call goes on.
const (
	stepTime     = time.Second
	partPages    = 64 // pages of one part
	partsAtOnce  = 8
	partsRead    = 16 // between two looks at the clock
	stateAwayFor = "line"
)

type exportedPlace struct {
	Event   uuid.UUID `json:"event"`
	Arrival int64     `json:"arrival"`
	Left    bool      `json:"left"`
}

// place is where a search goes on: a page of an event's line.
type position struct {
	Event uuid.UUID `json:"event"`
	Page  int64     `json:"page"`
}

// part is a run of pages of a line. A line without pages has one part.
type part struct {
	event    uuid.UUID
	pages    []int64
	merchant string // of the event
}

// search calls f for the parts of all lines from a cursor on, and gives the cursor of what is left
// when the time is over. It always does some, so that every step goes further.
func (p Personal) search(ctx context.Context, cursor string, f func(ctx context.Context, in part) error) (next string, err error) {
	var from position
	if cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &from); err != nil {
			return "", err
		}
		if from.Page < 0 {
			return "", httpapi.ErrInvalidCursor
		}
	}
	began := p.Now()
	events, err := p.Store.Events(ctx)
	if err != nil {
		return "", fault.Away(stateAwayFor, err)
	}
	for {
		first, _ := slices.BinarySearchFunc(events, from.Event, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		events = events[first:]
		parts, more, err := p.parts(ctx, events, from)
		if err != nil {
			return "", err
		}
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(partsAtOnce)
		for _, in := range parts {
			group.Go(func() error { return f(within, in) })
		}
		if err := group.Wait(); err != nil || more == nil {
			return "", err
		}
		if from = *more; p.Now().Sub(began) >= stepTime {
			return httpapi.EncodeCursor(from)
		}
	}
}

// parts gives the next parts, at most partsRead, and where the rest begins: nil when there is none.
func (p Personal) parts(ctx context.Context, events []uuid.UUID, from position) (found []part, rest *position, err error) {
	lines := make([]waitingroom.Line, min(len(events), partsRead))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range lines {
		group.Go(func() (err error) {
			lines[i], _, err = p.Store.Load(within, events[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fault.Away(stateAwayFor, err)
	}
	for i, l := range lines {
		page := int64(0)
		if events[i] == from.Event {
			page = from.Page
		}
		count := max(1, (l.Arrivals+waitingroom.PageSize-1)/waitingroom.PageSize)
		for page < count {
			if len(found) == partsRead {
				return found, &position{events[i], page}, nil
			}
			in := part{event: events[i], merchant: l.Terms.Merchant}
			for end := min(page+partPages, count); page < end; page++ {
				in.pages = append(in.pages, page)
			}
			found = append(found, in)
		}
	}
	if len(lines) < len(events) {
		return found, &position{Event: events[len(lines)]}, nil
	}
	return found, nil, nil
}

// Export implements personaldata.Holder.
func (p Personal) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	var mu sync.Mutex
	places := []any{}
	next, err := p.search(ctx, cursor, func(ctx context.Context, in part) error {
		found, err := waitingroom.TracesOf(ctx, p.Store, in.event, account, in.pages)
		if err != nil {
			return fault.Away(stateAwayFor, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range found.Arrivals {
			places = append(places, exportedPlace{in.event, a.Number, a.Left})
		}
		return nil
	})
	return personaldata.Page{Sections: map[string][]any{"waitingRooms": places}, Next: next}, err
}

// Obstacles implements personaldata.Holder: a place in line keeps nobody.
func (p Personal) Obstacles(context.Context, string) ([]personaldata.Obstacle, error) {
	return []personaldata.Obstacle{}, nil
}

// Erase implements personaldata.Holder.
func (p Personal) Erase(ctx context.Context, account, tombstone string) error {
	return personaldata.Steps(func(cursor string) (string, error) { return p.EraseStep(ctx, account, tombstone, cursor) })
}

// EraseStep implements personaldata.Stepwise. The published hash of an entry stays where the account
// stood, so that a draw can still be checked.
func (p Personal) EraseStep(ctx context.Context, account, tombstone, cursor string) (string, error) {
	return p.search(ctx, cursor, func(ctx context.Context, in part) error {
		found, err := waitingroom.TracesOf(ctx, p.Store, in.event, account, in.pages)
		if err != nil {
			return fault.Away(stateAwayFor, err)
		}
		if len(found.Pages) == 0 && in.merchant != account {
			return nil
		}
		if err := p.Passes.Erase(ctx, in.event, account); err != nil {
			return fault.Away("cache", err)
		}
		return p.Rooms.Erase(ctx, in.event, account, tombstone, found.Pages)
	})
}
