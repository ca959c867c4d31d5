package app

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/actor"
	"github.com/foyer-tickets/foyer/services/waitingroom/clients"
)

// Subscriptions handles the messages of the topics that the waiting room reads.
type Subscriptions struct {
	Show      func(waitingroom.Front)
	Catalogue *clients.Catalog
	Rooms     *actor.Client
	Service   *waitingroom.Service
}

// Subscriptions returns the topics and their handlers.
func (w Subscriptions) Subscriptions() []daprclient.Subscription {
	return []daprclient.Subscription{
		daprclient.On(messages.Broadcast, messages.LineTicks, func(_ context.Context, t messages.LineTick) error {
			w.Show(actor.FrontOf(t))
			return nil
		}),
		daprclient.On(messages.PubSub, messages.InventorySummary, w.inventory),
		daprclient.On(messages.PubSub, messages.BookingEvents, w.booking),
		daprclient.On(messages.PubSub, messages.Notices, w.notice),
		daprclient.On(messages.PubSub, messages.CatalogChanges, func(_ context.Context, c messages.CatalogChanged) error {
			w.Catalogue.Forget(c.Event)
			return nil
		}),
	}
}

// inventory tells a room what is left. Most events have no room.
func (w Subscriptions) inventory(ctx context.Context, i messages.Inventory) error {
	if t, err := w.Catalogue.Terms(ctx, i.Event); err != nil || !t.HighDemand {
		return nil //nolint:nilerr // a tick reads the inventory itself
	}
	return w.Rooms.SetInventory(ctx, i.Event, clients.InventoryOf(i))
}

// booking ends the pass of an account whose booking succeeded or ended.
func (w Subscriptions) booking(ctx context.Context, b messages.BookingChanged) error {
	switch b.Status {
	case "confirmed":
		return w.Service.Finish(ctx, b.Event, b.Account, len(b.Units), w.Rooms.Finish)
	case "expired", "cancelled", "failed":
		return w.Service.Finish(ctx, b.Event, b.Account, 0, w.Rooms.Finish)
	}
	return nil
}

// notice ends the pass of an account whose hold expired.
func (w Subscriptions) notice(ctx context.Context, n messages.Notice) error {
	if n.Kind != messages.NoticeHoldExpired || n.Event == nil {
		return nil
	}
	return w.Service.Finish(ctx, *n.Event, n.Account, 0, w.Rooms.Finish)
}
