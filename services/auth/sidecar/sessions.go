// Package sidecar keeps sessions in the component `cache`.
package sidecar

import (
	"context"
	"encoding/json"
	"time"

	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/auth"
)

// Sessions is auth.Sessions on a state store.
type Sessions struct{ Store *sidecar.Store }

var _ auth.Sessions = Sessions{}

func tokensKey(key string) string       { return "session:" + key }
func keycloakKey(session string) string { return "session-of:" + session }

// Save implements auth.Sessions. The second key lets Keycloak's logout find the session.
func (s Sessions) Save(ctx context.Context, key string, t auth.Tokens, ttl time.Duration) error {
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := s.Store.Put(ctx, tokensKey(key), raw, ttl); err != nil {
		return err
	}
	if t.Session == "" {
		return nil
	}
	reference, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return s.Store.Put(ctx, keycloakKey(t.Session), reference, ttl)
}

// Load implements auth.Sessions.
func (s Sessions) Load(ctx context.Context, key string) (auth.Tokens, bool, error) {
	var t auth.Tokens
	item, err := s.Store.Get(ctx, tokensKey(key))
	if err != nil || !item.Found {
		return t, false, err
	}
	return t, true, json.Unmarshal(item.Value, &t)
}

// Delete implements auth.Sessions.
func (s Sessions) Delete(ctx context.Context, key string) error {
	return s.Store.Delete(ctx, tokensKey(key))
}

// DeleteByKeycloakSession implements auth.Sessions.
func (s Sessions) DeleteByKeycloakSession(ctx context.Context, session string) error {
	item, err := s.Store.Get(ctx, keycloakKey(session))
	if err != nil || !item.Found {
		return err
	}
	var key string
	if err := json.Unmarshal(item.Value, &key); err != nil {
		return err
	}
	if err := s.Delete(ctx, key); err != nil {
		return err
	}
	return s.Store.Delete(ctx, keycloakKey(session))
}
