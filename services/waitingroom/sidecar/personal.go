package sidecar

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Personal answers for what the waiting room keeps about an account: see personaldata.yaml. Lines
// have no key of an account's own, so that joining costs none; all of them are looked through.
type Personal struct {
	Ledger Ledger
	Rooms  *Rooms
	Book   Book
}

var _ personaldata.Stepwise = Personal{}

// Bounds of a search through the lines. A call has three seconds (dapr/resiliency.yaml): it looks
// through few lines at a time for as long as stepTime, and says where the next call goes on.
const (
	stepTime     = time.Second
	linesAtOnce  = 8
	stateAwayFor = "line"
)

type exportedPlace struct {
	Event   uuid.UUID `json:"event"`
	Arrival int64     `json:"arrival"`
	Left    bool      `json:"left"`
}

// each calls f for the events after one, and gives the last one when the time was over before all
// were done.
func (p Personal) each(ctx context.Context, cursor string, f func(ctx context.Context, event uuid.UUID) error) (next string, err error) {
	after, err := personaldata.CursorID(cursor)
	if err != nil {
		return "", err
	}
	events, err := p.Ledger.Events(ctx)
	if err != nil {
		return "", fault.Away(stateAwayFor, err)
	}
	first, found := slices.BinarySearchFunc(events, after, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	if found {
		first++
	}
	return inSteps(ctx, events[first:], stepTime, f)
}

// inSteps calls f for few events at once until the time is over. It always does some, so that every
// step goes further.
func inSteps(ctx context.Context, events []uuid.UUID, most time.Duration, f func(ctx context.Context, event uuid.UUID) error) (next string, err error) {
	began := time.Now()
	for batch := range slices.Chunk(events, linesAtOnce) {
		if next != "" && time.Since(began) >= most {
			return next, nil
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, event := range batch {
			group.Go(func() error { return f(ctx, event) })
		}
		if err := group.Wait(); err != nil {
			return "", err
		}
		next = batch[len(batch)-1].String()
	}
	return "", nil
}

// Export implements personaldata.Holder.
func (p Personal) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	var mu sync.Mutex
	places := []any{}
	next, err := p.each(ctx, cursor, func(ctx context.Context, event uuid.UUID) error {
		found, err := waitingroom.TracesOf(ctx, p.Ledger, event, account)
		if err != nil {
			return fault.Away(stateAwayFor, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range found.Arrivals {
			places = append(places, exportedPlace{event, a.Number, a.Left})
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
	return p.each(ctx, cursor, func(ctx context.Context, event uuid.UUID) error {
		found, err := waitingroom.TracesOf(ctx, p.Ledger, event, account)
		if err != nil {
			return fault.Away(stateAwayFor, err)
		}
		if len(found.Pages) == 0 && !found.Merchant {
			return nil
		}
		if err := p.Book.Erase(ctx, event, account); err != nil {
			return fault.Away("cache", err)
		}
		return p.Rooms.Erase(ctx, event, account, tombstone, found.Pages)
	})
}
