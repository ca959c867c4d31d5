package seatmap

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// InventoryStore keeps what was last published of each event.
type InventoryStore interface {
	KeepInventory(ctx context.Context, event uuid.UUID, i Inventory, at time.Time) error
	// Unsettled lists events that had holds when they were last published.
	Unsettled(ctx context.Context) ([]uuid.UUID, error)
}

// InventoryPublisher publishes what is left of events, at most once an event and second. One replica
// does it for all.
type InventoryPublisher struct {
	Client *daprclient.Client
	Live   *Cache
	Store  InventoryStore
}

// Run publishes until ctx ends. It starts with the events whose holds nobody may be watching.
func (p InventoryPublisher) Run(ctx context.Context) error {
	p.Live.Follow(true)
	defer p.Live.Follow(false)
	unsettled, err := p.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, id := range unsettled {
		if _, err := p.Live.Get(ctx, id); err != nil {
			slog.WarnContext(ctx, "event not loaded", "event", id, "error", err)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			p.Live.Changed(func(id uuid.UUID, i Inventory) error { return p.tell(ctx, id, i, now) })
		}
	}
}

func (p InventoryPublisher) tell(ctx context.Context, id uuid.UUID, i Inventory, now time.Time) error {
	msg := messages.Inventory{
		Event: id, Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, Version: i.Version, At: now.UTC(),
	}
	if err := p.Client.Publish(ctx, messages.PubSub, messages.InventorySummary, id.String(), msg); err != nil {
		return err
	}
	return p.Store.KeepInventory(ctx, id, i, now)
}
