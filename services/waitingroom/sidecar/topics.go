package sidecar

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Subscriptions is what the topics lead to.
type Subscriptions struct {
	Show      func(waitingroom.Front)
	Catalogue *Catalog
	Rooms     *Rooms
	Service   *waitingroom.Service
}

// Subscriptions are the waiting room's topics.
func (w Subscriptions) Subscriptions() []sidecar.Subscription {
	return []sidecar.Subscription{
		sidecar.On(event.Broadcast, event.LineTicks, func(_ context.Context, t event.LineTick) error {
			w.Show(FrontOf(t))
			return nil
		}),
		sidecar.On(event.PubSub, event.InventorySummary, w.inventory),
		sidecar.On(event.PubSub, event.BookingEvents, w.booking),
		sidecar.On(event.PubSub, event.Notices, w.notice),
		sidecar.On(event.PubSub, event.CatalogChanges, func(_ context.Context, c event.CatalogChanged) error {
			w.Catalogue.Forget(c.Event)
			return nil
		}),
	}
}

// inventory tells a room what is left. Most events have none.
func (w Subscriptions) inventory(ctx context.Context, i event.Inventory) error {
	if t, err := w.Catalogue.Terms(ctx, i.Event); err != nil || !t.HighDemand {
		return nil //nolint:nilerr // a room asks for itself, when it is ticked
	}
	return w.Rooms.Count(ctx, i.Event, stockOf(i))
}

// booking ends the passes of those who have bought, or whose purchase came to nothing.
func (w Subscriptions) booking(ctx context.Context, b event.BookingChanged) error {
	switch b.Status {
	case "confirmed":
		return w.Service.Finish(ctx, b.Event, b.Account, len(b.Units), w.Rooms.Finish)
	case "expired", "cancelled", "failed":
		return w.Service.Finish(ctx, b.Event, b.Account, 0, w.Rooms.Finish)
	}
	return nil
}

// notice ends the passes of those who let their hold run out.
func (w Subscriptions) notice(ctx context.Context, n event.Notice) error {
	if n.Kind != event.NoticeHoldExpired || n.Event == nil {
		return nil
	}
	return w.Service.Finish(ctx, *n.Event, n.Account, 0, w.Rooms.Finish)
}
