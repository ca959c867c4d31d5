package seatmap

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// InventoryStore keeps what was last published of each event.
type InventoryStore interface {
	KeepInventory(ctx context.Context, event uuid.UUID, i Inventory, at time.Time) error
	// Unsettled lists events that had holds when they were last published.
	Unsettled(ctx context.Context) ([]uuid.UUID, error)
}

// InventoryPublisher publishes the inventories that changed, each event at most once a second. One replica
// does it for all.
type InventoryPublisher struct {
	Client *daprclient.Client
	Cache  *Cache
	Store  InventoryStore
}

// Run publishes until ctx ends. First it loads the events that had holds when they were last published, as
// those may have expired since.
func (p InventoryPublisher) Run(ctx context.Context) error {
	p.Cache.Follow(true)
	defer p.Cache.Follow(false)
	unsettled, err := p.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, id := range unsettled {
		if _, err := p.Cache.Get(ctx, id); err != nil {
			slog.WarnContext(ctx, "event not loaded", "event", id, "error", err)
		}
	}
	return worker.Every(ctx, time.Second, func(ctx context.Context) {
		now := time.Now()
		p.Cache.Changed(func(id uuid.UUID, i Inventory) error { return p.publish(ctx, id, i, now) })
	})
}

func (p InventoryPublisher) publish(ctx context.Context, id uuid.UUID, i Inventory, now time.Time) error {
	msg := messages.Inventory{
		Event: id, Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, Version: i.Version, At: now.UTC(),
	}
	if err := p.Client.Publish(ctx, messages.PubSub, messages.InventorySummary, id.String(), msg); err != nil {
		return err
	}
	return p.Store.KeepInventory(ctx, id, i, now)
}
