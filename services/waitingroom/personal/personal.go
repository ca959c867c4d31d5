// Package personal exports and erases what the waiting room stores about an account.
package personal

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
)

// Holder exports and erases an account's data: see personaldata.yaml. A line has no key of an account's
// own, so that joining writes none; all lines are searched.
type Holder struct {
	Store  Lines
	Rooms  Rooms
	Passes Passes
	Now    func() time.Time
}

var _ personaldata.Stepwise = Holder{}

// Lines is a line store that lists the events with a line.
type Lines interface {
	waitingroom.LineStore
	Events(ctx context.Context) ([]uuid.UUID, error)
}

// Rooms erases an account from pages of an event's line; of the merchant a tombstone remains.
type Rooms interface {
	Erase(ctx context.Context, event uuid.UUID, account, tombstone string, pages []int64) error
}

// Passes erases an account's pass for an event.
type Passes interface {
	Erase(ctx context.Context, event uuid.UUID, account string) error
}

// Bounds of a search through the lines. A call has three seconds (dapr/resiliency.yaml): it searches
// parts of lines for stepTime and returns where the next call continues.
const (
	stepTime     = time.Second
	partPages    = 64 // pages of one part
	partsAtOnce  = 8
	partsRead    = 16 // between two readings of the clock
	stateAwayFor = "line"
)

type exportedPlace struct {
	Event   uuid.UUID `json:"event"`
	Arrival int64     `json:"arrival"`
	Left    bool      `json:"left"`
}

// position is where a search continues: a page of an event's line.
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

// search calls f for the parts of all lines from a cursor on. When stepTime is over it returns the cursor
// of the rest. It always calls f for some, so that every step makes progress.
func (h Holder) search(ctx context.Context, cursor string, f func(ctx context.Context, in part) error) (next string, err error) {
	var from position
	if cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &from); err != nil {
			return "", err
		}
		if from.Page < 0 {
			return "", httpapi.ErrInvalidCursor
		}
	}
	began := h.Now()
	events, err := h.Store.Events(ctx)
	if err != nil {
		return "", fault.Away(stateAwayFor, err)
	}
	for {
		first, _ := slices.BinarySearchFunc(events, from.Event, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		events = events[first:]
		parts, more, err := h.parts(ctx, events, from)
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
		if from = *more; h.Now().Sub(began) >= stepTime {
			return httpapi.EncodeCursor(from)
		}
	}
}

// parts returns the next parts, at most partsRead, and where the rest begins: nil when there is none.
func (h Holder) parts(ctx context.Context, events []uuid.UUID, from position) (found []part, rest *position, err error) {
	lines := make([]waitingroom.Line, min(len(events), partsRead))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range lines {
		group.Go(func() (err error) {
			lines[i], _, err = h.Store.Load(within, events[i])
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
func (h Holder) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	var mu sync.Mutex
	places := []any{}
	next, err := h.search(ctx, cursor, func(ctx context.Context, in part) error {
		found, err := waitingroom.TracesOf(ctx, h.Store, in.event, account, in.pages)
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

// Obstacles implements personaldata.Holder: a place in a line does not stop an erasure.
func (h Holder) Obstacles(context.Context, string) ([]personaldata.Obstacle, error) {
	return []personaldata.Obstacle{}, nil
}

// Erase implements personaldata.Holder.
func (h Holder) Erase(ctx context.Context, account, tombstone string) error {
	return personaldata.Steps(func(cursor string) (string, error) { return h.EraseStep(ctx, account, tombstone, cursor) })
}

// EraseStep implements personaldata.Stepwise. The published hash replaces the account on a page, so that a
// draw can still be verified.
func (h Holder) EraseStep(ctx context.Context, account, tombstone, cursor string) (string, error) {
	return h.search(ctx, cursor, func(ctx context.Context, in part) error {
		found, err := waitingroom.TracesOf(ctx, h.Store, in.event, account, in.pages)
		if err != nil {
			return fault.Away(stateAwayFor, err)
		}
		if len(found.Pages) == 0 && in.merchant != account {
			return nil
		}
		if err := h.Passes.Erase(ctx, in.event, account); err != nil {
			return fault.Away("cache", err)
		}
		return h.Rooms.Erase(ctx, in.event, account, tombstone, found.Pages)
	})
}
