package dapr

import (
	"context"
	"errors"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/search"
)

// Lock is a lease in the cache.
type Lock struct{ Cache *daprclient.Store }

var _ search.Lock = Lock{}

// The lease of the replica that maintains the index. It ends this long after a replica died.
const (
	lockKey = "search:maintainer"
	lockTTL = 15 * time.Second
)

// WithLock implements search.Lock.
func (l Lock) WithLock(ctx context.Context, f func(context.Context) error) error {
	err := daprclient.Lease{Store: l.Cache, Key: lockKey, TTL: lockTTL}.Do(ctx, f)
	if errors.Is(err, daprclient.ErrLeased) {
		return search.ErrBusy
	}
	return err
}
