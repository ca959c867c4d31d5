// Package dapr connects search to Dapr: the catalog's changes, calls of the catalog, and the lock of the
// replica that maintains the index.
package dapr

import (
	"context"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/search"
)

// Bounds of a batch of changes.
const (
	batchSize = 500
	batchWait = 10 * time.Millisecond

	// A batch waits so long for an index that is away, and eight times more when it is redelivered.
	batchPatience = 10 * time.Minute
)

// Subscriptions are changes of events and of what is left of them, in batches.
func Subscriptions(indexer search.Indexer) []daprclient.Subscription {
	subscription := func(topic string) daprclient.Subscription {
		return daprclient.Subscription{
			Component: messages.PubSub, Topic: topic, Bulk: true, Max: batchSize, Wait: batchWait, Patience: batchPatience,
			HandleBulk: func(ctx context.Context, batch []daprclient.Delivery) []error { return apply(ctx, indexer, batch) },
		}
	}
	return []daprclient.Subscription{subscription(messages.CatalogChanges), subscription(messages.AvailabilityChanges)}
}

func apply(ctx context.Context, indexer search.Indexer, batch []daprclient.Delivery) []error {
	errs := make([]error, len(batch))
	changes := make([]search.Change, 0, len(batch))
	places := make([]int, 0, len(batch))
	for i, d := range batch {
		c, err := daprclient.Decode[messages.CatalogChanged](d)
		if err != nil {
			errs[i] = err
			continue
		}
		changes, places = append(changes, search.Change{Event: c.Event, LSN: c.LSN, Snapshot: c.Snapshot}), append(places, i)
	}
	for n, err := range index(ctx, indexer, changes) {
		errs[places[n]] = err
	}
	return errs
}
