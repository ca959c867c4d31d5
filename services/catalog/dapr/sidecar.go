// Package dapr connects the catalog to Dapr: the read cache, and what booking says is left.
package dapr

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// Cache keeps large answers, compressed, in the component `cache`.
type Cache struct{ Store *daprclient.Store }

// cacheTTL lets entries of old versions go.
const cacheTTL = 10 * time.Minute

// Get gives what is kept under a key, nil when there is nothing.
func (c Cache) Get(ctx context.Context, key string) ([]byte, error) {
	item, err := c.Store.Get(ctx, key)
	if err != nil || !item.Found {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(item.Value))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Put keeps an answer.
func (c Cache) Put(ctx context.Context, key string, answer []byte) error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(answer); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Store.Put(ctx, key, b.Bytes(), cacheTTL)
}

// Subscriptions of the catalog.
func Subscriptions(setAvailability func(context.Context, messages.Inventory) error) []daprclient.Subscription {
	return []daprclient.Subscription{daprclient.On(messages.PubSub, messages.InventorySummary, setAvailability)}
}
