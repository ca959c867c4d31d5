// Package authtest has sessions in memory for tests, and the suite that they and the real store pass.
package authtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/auth"
)

// Sessions is auth.Sessions without a store.
type Sessions struct {
	mu  sync.Mutex
	all map[string]kept
}

type kept struct {
	tokens auth.Tokens
	until  time.Time
}

var _ auth.Sessions = (*Sessions)(nil)

// NewSessions returns none yet.
func NewSessions() *Sessions { return &Sessions{all: map[string]kept{}} }

// Save implements auth.Sessions.
func (s *Sessions) Save(_ context.Context, key string, t auth.Tokens, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[key] = kept{t, time.Now().Add(ttl)}
	return nil
}

// Load implements auth.Sessions.
func (s *Sessions) Load(_ context.Context, key string) (auth.Tokens, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.all[key]
	if !ok || time.Now().After(k.until) {
		return auth.Tokens{}, false, nil
	}
	return k.tokens, true, nil
}

// Delete implements auth.Sessions.
func (s *Sessions) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
	return nil
}

// DeleteByKeycloakSession implements auth.Sessions.
func (s *Sessions) DeleteByKeycloakSession(_ context.Context, session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, k := range s.all {
		if k.tokens.Session == session {
			delete(s.all, key)
		}
	}
	return nil
}

// Run checks what sign-in relies on.
func Run(t *testing.T, s auth.Sessions) {
	ctx := t.Context()
	fresh := func() (key string, tokens auth.Tokens) {
		return uuid.NewString(), auth.Tokens{
			Access: "access", Refresh: "refresh", Session: uuid.NewString(),
			Expires: time.Now().Add(time.Minute).UTC().Truncate(time.Second), SessionExpiry: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
		}
	}
	has := func(key string) bool {
		_, ok, err := s.Load(ctx, key)
		require.NoError(t, err)
		return ok
	}
	t.Run("what is saved is loaded, and replaced", func(t *testing.T) {
		key, tokens := fresh()
		require.False(t, has(key))
		require.NoError(t, s.Save(ctx, key, tokens, time.Hour))
		got, ok, err := s.Load(ctx, key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, tokens, got)
		tokens.Access = "renewed"
		require.NoError(t, s.Save(ctx, key, tokens, time.Hour))
		got, _, err = s.Load(ctx, key)
		require.NoError(t, err)
		require.Equal(t, "renewed", got.Access)
	})
	t.Run("a session ends with its time", func(t *testing.T) {
		key, tokens := fresh()
		require.NoError(t, s.Save(ctx, key, tokens, time.Second))
		require.Eventually(t, func() bool { return !has(key) }, 10*time.Second, 50*time.Millisecond)
	})
	t.Run("it is deleted, also twice", func(t *testing.T) {
		key, tokens := fresh()
		require.NoError(t, s.Save(ctx, key, tokens, time.Hour))
		require.NoError(t, s.Delete(ctx, key))
		require.False(t, has(key))
		require.NoError(t, s.Delete(ctx, key))
	})
	t.Run("Keycloak's id finds it, and only it", func(t *testing.T) {
		key, tokens := fresh()
		other, others := fresh()
		require.NoError(t, s.Save(ctx, key, tokens, time.Hour))
		require.NoError(t, s.Save(ctx, other, others, time.Hour))
		require.NoError(t, s.DeleteByKeycloakSession(ctx, tokens.Session))
		require.False(t, has(key))
		require.True(t, has(other))
		require.NoError(t, s.DeleteByKeycloakSession(ctx, "unknown"))
	})
}
