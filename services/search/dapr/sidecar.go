// Package dapr connects search to Dapr: the catalog's changes, and the catalog itself.
package dapr

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/search"
)

// Catalog asks the catalog service.
type Catalog struct{ Client *daprclient.Client }

var _ search.Catalog = Catalog{}

// Documents implements search.Catalog.
func (c Catalog) Documents(ctx context.Context, ids []uuid.UUID) ([]search.Event, error) {
	var out struct {
		Items []search.Event `json:"items"`
	}
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/documents", map[string]any{"ids": ids}, &out)
	return out.Items, err
}

// Published implements search.Catalog.
func (c Catalog) Published(ctx context.Context, before uuid.UUID) ([]search.Stamp, error) {
	var out versions
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodGet, "/internal/events/ids?before="+before.String(), nil, &out)
	return out.stamps(), err
}

// Versions implements search.Catalog.
func (c Catalog) Versions(ctx context.Context, ids []uuid.UUID) ([]search.Stamp, error) {
	var out versions
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodPost, "/internal/events/versions", map[string]any{"ids": ids}, &out)
	return out.stamps(), err
}

// versions is how the catalog says them.
type versions struct {
	Items []struct {
		ID           uuid.UUID `json:"id"`
		Version      int64     `json:"version"`
		Venue        int64     `json:"venue"`
		Availability int64     `json:"availability"`
	} `json:"items"`
}

func (v versions) stamps() []search.Stamp {
	stamps := make([]search.Stamp, 0, len(v.Items))
	for _, i := range v.Items {
		stamps = append(stamps, search.Stamp{ID: i.ID, Versions: search.Versions{Event: i.Version, Venue: i.Venue, Availability: i.Availability}})
	}
	return stamps
}

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
	index := make([]int, 0, len(batch))
	for i, d := range batch {
		c, err := daprclient.Decode[messages.CatalogChanged](d)
		if err != nil {
			errs[i] = err
			continue
		}
		changes, index = append(changes, search.Change{Event: c.Event, LSN: c.LSN, Snapshot: c.Snapshot}), append(index, i)
	}
	for n, err := range indexer.Apply(ctx, changes) {
		errs[index[n]] = err
	}
	return errs
}
