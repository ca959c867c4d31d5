package daprclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Keys stores data that token verifiers of all processes share in a state component: Keycloak's published
// keys, and the list of revoked tokens.
type Keys struct{ Store *Store }

var _ identity.Store = Keys{}

const (
	keysKey        = "identity:keys"
	revocationsKey = "identity:revocations"
)

// Load implements identity.Store.
func (k Keys) Load(ctx context.Context) ([]byte, error) {
	item, err := k.Store.Get(ctx, keysKey)
	return item.Value, err
}

// Save implements identity.Store.
func (k Keys) Save(ctx context.Context, keys []byte) error {
	return k.Store.Put(ctx, keysKey, keys, 0)
}

// Revocations implements identity.Store.
func (k Keys) Revocations(ctx context.Context) ([]byte, error) {
	item, err := k.Store.Get(ctx, revocationsKey)
	return item.Value, err
}

// revokeTries bounds the retries of adding to the list after write conflicts with other replicas.
const revokeTries = 20

// Revoke adds to the list of revoked tokens.
func (k Keys) Revoke(ctx context.Context, now time.Time, more ...identity.Revocation) error {
	var failures error
	for try := range revokeTries {
		if try > 0 {
			if err := worker.Sleep(ctx, time.Duration(5+rand.IntN(20))*time.Millisecond); err != nil {
				return errors.Join(failures, err)
			}
		}
		item, err := k.Store.Get(ctx, revocationsKey)
		if err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		list, err := identity.DecodeRevocations(item.Value)
		if err != nil {
			return err
		}
		raw, err := list.With(now, more...).Encode()
		if err != nil {
			return err
		}
		err = k.Store.PutIf(ctx, revocationsKey, raw, item.ETag, 2*identity.MaxTokenAge)
		if err == nil {
			return nil
		}
		failures = err // may be a conflict whatever it says
	}
	return fmt.Errorf("revoke: %w", failures)
}
