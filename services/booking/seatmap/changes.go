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
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// announceEvery bounds how often one event's changes go out: one message carries what gathered.
const announceEvery = 50 * time.Millisecond

// changesMost bounds the changes in one message, by what one of them takes at most.
const (
	changesMost = 1000
	changeSize  = 256
)

// ChangePublisher tells all replicas of changed units. What it loses in a crash the replicas find out
// by looking at the store.
type ChangePublisher struct {
	Client *daprclient.Client
	Local  func(event uuid.UUID, changes []booking.Change) // this process's own seat maps; may be nil

	mu      sync.Mutex
	pending map[uuid.UUID][]messages.SeatChange
}

var _ booking.Announcer = (*ChangePublisher)(nil)

// Announce implements booking.Announcer.
func (m *ChangePublisher) Announce(id uuid.UUID, changes []booking.Change) {
	if len(changes) == 0 {
		return
	}
	if m.Local != nil {
		m.Local(id, changes)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pending == nil {
		m.pending = map[uuid.UUID][]messages.SeatChange{}
	}
	for _, c := range changes {
		wire := messages.SeatChange{Unit: c.Unit, State: string(c.State), Hold: c.Hold, Version: c.Version}
		if !c.Until.IsZero() {
			wire.Until = c.Until.UnixMilli()
		}
		m.pending[id] = append(m.pending[id], wire)
	}
}

// Run sends what was announced until ctx ends. What is announced later is sent by Flush.
func (m *ChangePublisher) Run(ctx context.Context) error {
	tick := time.NewTicker(announceEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			_ = m.Flush(ctx) // logged
		}
	}
}

// Flush sends what was announced.
func (m *ChangePublisher) Flush(ctx context.Context) error {
	var errs []error
	m.mu.Lock()
	pending := m.pending
	m.pending = nil
	m.mu.Unlock()
	for id, changes := range pending {
		for part := range slices.Chunk(changes, changesMost) {
			msg := messages.SeatsChanged{Event: id, Changes: part}
			if err := m.Client.Publish(ctx, messages.Broadcast, messages.SeatChanges, id.String(), daprclient.RawJSON(wire.MustEncode(msg))); err != nil {
				slog.WarnContext(ctx, "seat changes not announced", "event", id, "error", err)
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// ReadChanges reads an announcement.
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
