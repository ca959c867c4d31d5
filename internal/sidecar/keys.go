package sidecar

import (
	"context"

	"github.com/foyer-tickets/foyer/internal/identity"
)

// Keys keeps Keycloak's published keys in a state component.
type Keys struct{ Store *Store }

var _ identity.KeyStore = Keys{}

const keysKey = "identity:keys"

// Load implements identity.KeyStore.
func (k Keys) Load(ctx context.Context) ([]byte, error) {
	item, err := k.Store.Get(ctx, keysKey)
	return item.Value, err
}

// Save implements identity.KeyStore.
func (k Keys) Save(ctx context.Context, keys []byte) error {
	return k.Store.Put(ctx, keysKey, keys, 0)
}
