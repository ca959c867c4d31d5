package rest

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Cache keeps answers that are large for a large venue and cost much to put together.
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, answer []byte) error
}

// offerVersion changes with all that is sold of an event: its own version and the plan's.
func offerVersion(e catalog.Event) string { return httpapi.ETag(e.Version, e.Venue.Version) }

// cached gives the answer of this kind about the event as it is now. The key names the versions
// that the answer is made of: a change invalidates it at once, in every replica. A cache that is
// away costs time, not answers.
func cached(ctx context.Context, c Cache, kind string, e catalog.Event, build func() (any, error)) ([]byte, error) {
	key := kind + ":" + e.ID.String() + ":" + offerVersion(e)
	if raw, err := c.Get(ctx, key); err != nil {
		slog.WarnContext(ctx, "answer not read from cache", "kind", kind, "error", err)
	} else if raw != nil {
		return raw, nil
	}
	v, err := build()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := c.Put(ctx, key, raw); err != nil {
		slog.WarnContext(ctx, "answer not cached", "kind", kind, "error", err)
	}
	return raw, nil
}
