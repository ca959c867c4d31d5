package seatmap

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// announceEvery is how often the changes of an event are published: one message has all of them.
const announceEvery = 50 * time.Millisecond

// maxChanges bounds the changes of one message, by the most bytes that one takes.
const (
	maxChanges = 1000
	changeSize = 256
)

// ChangePublisher publishes changed units to all replicas. What is lost in a crash, the replicas find in the
// store when they refresh.
type ChangePublisher struct {
	Client *daprclient.Client
	Local  func(event uuid.UUID, changes []booking.Change) // applies them to the seat maps of this process at once; may be nil

	mu      sync.Mutex
	pending map[uuid.UUID][]messages.SeatChange
}

var _ booking.Announcer = (*ChangePublisher)(nil)

// Announce implements booking.Announcer.
func (p *ChangePublisher) Announce(id uuid.UUID, changes []booking.Change) {
	if len(changes) == 0 {
		return
	}
	if p.Local != nil {
		p.Local(id, changes)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending = map[uuid.UUID][]messages.SeatChange{}
	}
	for _, c := range changes {
		w := messages.SeatChange{Unit: c.Unit, State: string(c.State), Hold: c.Hold, Version: c.Version}
		if !c.Until.IsZero() {
			w.Until = c.Until.UnixMilli()
		}
		p.pending[id] = append(p.pending[id], w)
	}
}

// Run publishes what was announced until ctx ends. Flush publishes the rest.
func (p *ChangePublisher) Run(ctx context.Context) error {
	return worker.Every(ctx, announceEvery, func(ctx context.Context) { _ = p.Flush(ctx) }) // logged
}

// Flush publishes what was announced.
func (p *ChangePublisher) Flush(ctx context.Context) error {
	var errs []error
	p.mu.Lock()
	pending := p.pending
	p.pending = nil
	p.mu.Unlock()
	for id, changes := range pending {
		for part := range slices.Chunk(changes, maxChanges) {
			msg := messages.SeatsChanged{Event: id, Changes: part}
			if err := p.Client.Publish(ctx, messages.Broadcast, messages.SeatChanges, id.String(), daprclient.RawJSON(wire.MustEncode(msg))); err != nil {
				slog.WarnContext(ctx, "seat changes not announced", "event", id, "error", err)
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// ReadChanges gives the changes of a message.
func ReadChanges(s messages.SeatsChanged) (changes []booking.Change) {
	for _, c := range s.Changes {
		if len(c.State) != 1 {
			continue
		}
		change := booking.Change{Unit: c.Unit, State: booking.State(c.State[0]), Claim: booking.Claim{Hold: c.Hold, Version: c.Version}}
		if c.Until != 0 {
			change.Until = time.UnixMilli(c.Until)
		}
		changes = append(changes, change)
	}
	return changes
}
