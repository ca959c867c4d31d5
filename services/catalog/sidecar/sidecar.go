// Package sidecar connects the catalog to Dapr: the read cache, and what booking says is left.
package sidecar

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/sidecar"
)

// SaleCache keeps compressed sales in the component `cache`.
type SaleCache struct{ Store *sidecar.Store }

// saleTTL lets entries of old versions go.
const saleTTL = 10 * time.Minute

func saleKey(id uuid.UUID, version string) string { return "sale:" + id.String() + ":" + version }

// Get gives the cached sale, nil when there is none.
func (c SaleCache) Get(ctx context.Context, id uuid.UUID, version string) ([]byte, error) {
	item, err := c.Store.Get(ctx, saleKey(id, version))
	if err != nil || !item.Found {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(item.Value))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Put keeps a sale.
func (c SaleCache) Put(ctx context.Context, id uuid.UUID, version string, sale []byte) error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(sale); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Store.Put(ctx, saleKey(id, version), b.Bytes(), saleTTL)
}

// Subscriptions of the catalog.
func Subscriptions(setAvailability func(context.Context, event.Inventory) error) []sidecar.Subscription {
	return []sidecar.Subscription{sidecar.On(event.PubSub, event.InventorySummary, setAvailability)}
}
