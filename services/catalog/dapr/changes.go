package dapr

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/cdc"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// EventsOfVenue lists the events that a change of a venue concerns.
type EventsOfVenue func(ctx context.Context, venue uuid.UUID) ([]uuid.UUID, error)

// Changes relays committed changes of events, with their ticket types and venues, to the topic
// catalog.changes: one message an event, which says only that it changed. What is left of an
// event changes far more often and concerns fewer: it has the topic availability.changes.
func Changes(databaseURL string, publisher cdc.Publisher, ofVenue EventsOfVenue) *cdc.Relay {
	return &cdc.Relay{
		DatabaseURL: databaseURL, Name: "catalog", Tables: []string{"events", "ticket_types", "venues", "availability"}, Latest: true,
		Publisher: publisher,
		Map: func(ctx context.Context, c cdc.Change) ([]cdc.Message, error) {
			if c.Snapshot && c.Table != "events" { // the event itself is in the snapshot too
				return nil, nil
			}
			switch c.Table {
			case "events":
				return changed(messages.CatalogChanges, messages.CatalogChanged{LSN: c.LSN, Deleted: c.Op == cdc.Delete, Snapshot: c.Snapshot}, c.Row["id"])
			case "ticket_types":
				if c.Op == cdc.Delete { // only its key is known; the event's own row changed too
					return nil, nil
				}
				return changed(messages.CatalogChanges, messages.CatalogChanged{LSN: c.LSN}, c.Row["event"])
			case "availability":
				if c.Op == cdc.Delete { // goes with its event
					return nil, nil
				}
				return changed(messages.AvailabilityChanges, messages.CatalogChanged{LSN: c.LSN}, c.Row["event"])
			}
			if c.Op != cdc.Update { // a new venue has no events yet
				return nil, nil
			}
			venue, err := uuid.Parse(c.Row["id"])
			if err != nil {
				return nil, err
			}
			events, err := ofVenue(ctx, venue)
			if err != nil {
				return nil, err
			}
			var all []cdc.Message
			for _, id := range events {
				messages, err := changed(messages.CatalogChanges, messages.CatalogChanged{LSN: c.LSN}, id.String())
				if err != nil {
					return nil, err
				}
				all = append(all, messages...)
			}
			return all, nil
		},
	}
}

func changed(topic string, c messages.CatalogChanged, id string) (_ []cdc.Message, err error) {
	c.Event, err = uuid.Parse(id)
	if err != nil {
		return nil, fmt.Errorf("catalog change: %w", err)
	}
	payload, err := json.Marshal(c)
	return []cdc.Message{{Topic: topic, Key: id, Payload: payload}}, err
}
