package sidecar

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
)

// Relay carries the outbox to its topics in the order of its rows, one replica at a time.
type Relay struct {
	Client *sidecar.Client
	Outbox postgres.Store
}

const (
	relayBatch = 200
	relayPause = 25 * time.Millisecond
)

// Run relays until ctx ends.
func (r Relay) Run(ctx context.Context) error {
	for {
		n, err := r.step(ctx)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "outbox not relayed", "error", err)
		}
		pause := relayPause
		switch {
		case n == relayBatch && err == nil:
			continue
		case err != nil:
			pause = time.Second
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (r Relay) step(ctx context.Context) (int, error) {
	letters, err := r.Outbox.Letters(ctx, relayBatch)
	if err != nil || len(letters) == 0 {
		return 0, err
	}
	byTopic := map[string][]sidecar.Message{}
	ids := map[string][]uuid.UUID{}
	for _, l := range letters {
		byTopic[l.Topic] = append(byTopic[l.Topic], sidecar.Message{Key: l.Key, Payload: json.RawMessage(l.Payload)})
		ids[l.Topic] = append(ids[l.Topic], l.ID)
	}
	for topic, messages := range byTopic {
		failed, err := r.Client.PublishBulk(ctx, event.PubSub, topic, messages)
		if err != nil && len(failed) == 0 {
			return 0, err // nothing is known: all of them again
		}
		var done []uuid.UUID
		for i, id := range ids[topic] {
			if !slices.Contains(failed, i) {
				done = append(done, id)
			}
		}
		if derr := r.Outbox.Delivered(ctx, done); derr != nil {
			return 0, derr
		}
		if err != nil {
			return 0, err
		}
	}
	return len(letters), nil
}

// Inventories publishes what is left of events, at most once an event and second.
type Inventories struct {
	Client *sidecar.Client
	Live   *booking.Live
	Store  postgres.Store
}

// Run publishes until ctx ends. It starts with the events whose holds nobody may be watching.
func (p Inventories) Run(ctx context.Context) error {
	unsettled, err := p.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, id := range unsettled {
		if _, err := p.Live.House(ctx, id); err != nil {
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
			p.Live.Changed(func(id uuid.UUID, i booking.Inventory) error {
				msg := event.Inventory{
					Event: id, Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, Version: i.Version, At: now.UTC(),
				}
				if err := p.Client.Publish(ctx, event.PubSub, event.InventorySummary, id.String(), msg); err != nil {
					return err
				}
				return p.Store.KeepInventory(ctx, id, i, now)
			})
		}
	}
}
