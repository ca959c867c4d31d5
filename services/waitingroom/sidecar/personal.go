package sidecar

import (
	"bytes"
	"context"
	"slices"
	"sync"

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

var _ personaldata.Holder = Personal{}

// Bounds of a search through the lines.
const (
	exportLines  = 200 // a page of an export
	linesAtOnce  = 8
	stateAwayFor = "line"
)

type exportedPlace struct {
	Event   uuid.UUID `json:"event"`
	Arrival int64     `json:"arrival"`
	Left    bool      `json:"left"`
}

// each calls f for the events from after one on, at most so many, and gives the last one when there
// are more.
func (p Personal) each(ctx context.Context, after uuid.UUID, most int, f func(ctx context.Context, event uuid.UUID) error) (next string, err error) {
	events, err := p.Ledger.Events(ctx)
	if err != nil {
		return "", fault.Away(stateAwayFor, err)
	}
	first, found := slices.BinarySearchFunc(events, after, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	if found {
		first++
	}
	if events = events[first:]; len(events) > most {
		events = events[:most]
		next = events[most-1].String()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(linesAtOnce)
	for _, event := range events {
		group.Go(func() error { return f(ctx, event) })
	}
	return next, group.Wait()
}

// Export implements personaldata.Holder.
func (p Personal) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	after, err := uuid.Parse(cursor)
	if err != nil && cursor != "" {
		return personaldata.Page{}, fault.New(fault.Malformed, "invalid_cursor", "This cursor is not from us.")
	}
	var mu sync.Mutex
	places := []any{}
	next, err := p.each(ctx, after, exportLines, func(ctx context.Context, event uuid.UUID) error {
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

// Erase implements personaldata.Holder. The published hash of an entry stays where the account
// stood, so that a draw can still be checked.
func (p Personal) Erase(ctx context.Context, account, tombstone string) error {
	_, err := p.each(ctx, uuid.Nil, maxLines, func(ctx context.Context, event uuid.UUID) error {
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
	return err
}

// maxLines is more than any state component holds.
const maxLines = 1 << 30
