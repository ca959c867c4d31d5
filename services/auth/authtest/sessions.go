// Package authtest has sessions in memory for tests, and the suite that they and the real store pass.
package authtest

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/auth"
)

// Sessions is auth.Sessions without a store.
type Sessions struct {
	mu     sync.Mutex
	all    map[string]kept
	claims map[string]time.Time
}

type kept struct {
	sealed  []byte
	version int
	until   time.Time
}

var _ auth.Sessions = (*Sessions)(nil)

// NewSessions returns none yet.
func NewSessions() *Sessions {
	return &Sessions{all: map[string]kept{}, claims: map[string]time.Time{}}
}

// Create implements auth.Sessions.
func (s *Sessions) Create(_ context.Context, key string, sealed []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[key] = kept{sealed, 1, time.Now().Add(ttl)}
	return nil
}

// Load implements auth.Sessions.
func (s *Sessions) Load(_ context.Context, key string) (auth.Stored, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.all[key]
	if !ok || time.Now().After(k.until) {
		return auth.Stored{}, false, nil
	}
	return auth.Stored{Sealed: k.sealed, Version: strconv.Itoa(k.version)}, true, nil
}

// Replace implements auth.Sessions.
func (s *Sessions) Replace(_ context.Context, key string, sealed []byte, version string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.all[key]
	if !ok || strconv.Itoa(k.version) != version {
		return false, nil
	}
	s.all[key] = kept{sealed, k.version + 1, time.Now().Add(ttl)}
	return true, nil
}

// End implements auth.Sessions.
func (s *Sessions) End(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
	return nil
}

// Claim implements auth.Sessions.
func (s *Sessions) Claim(_ context.Context, key string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, ok := s.claims[key]; ok && time.Now().Before(until) {
		return false, nil
	}
	s.claims[key] = time.Now().Add(ttl)
	return true, nil
}

// Release implements auth.Sessions.
func (s *Sessions) Release(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.claims, key)
	return nil
}

// Run checks what sign-in relies on.
func Run(t *testing.T, s auth.Sessions) {
	ctx := t.Context()
	load := func(t *testing.T, key string) (auth.Stored, bool) {
		stored, ok, err := s.Load(ctx, key)
		require.NoError(t, err)
		return stored, ok
	}
	create := func(t *testing.T, ttl time.Duration) string {
		key := uuid.NewString()
		_, ok := load(t, key)
		require.False(t, ok)
		require.NoError(t, s.Create(ctx, key, []byte("first"), ttl))
		return key
	}
	replace := func(t *testing.T, key, value, version string) bool {
		ok, err := s.Replace(ctx, key, []byte(value), version, time.Hour)
		require.NoError(t, err)
		return ok
	}
	t.Run("what is stored is loaded, and replaced once for each version", func(t *testing.T) {
		key := create(t, time.Hour)
		first, ok := load(t, key)
		require.True(t, ok)
		require.Equal(t, "first", string(first.Sealed))
		require.True(t, replace(t, key, "second", first.Version))
		require.False(t, replace(t, key, "third", first.Version), "it has changed since")
		second, _ := load(t, key)
		require.Equal(t, "second", string(second.Sealed))
		require.True(t, replace(t, key, "third", second.Version))
	})
	t.Run("a session ends with its time", func(t *testing.T) {
		key := create(t, time.Second)
		require.Eventually(t, func() bool { _, ok := load(t, key); return !ok }, 10*time.Second, 50*time.Millisecond)
	})
	t.Run("it is ended, also twice, and a renewal on its way does not bring it back", func(t *testing.T) {
		key := create(t, time.Hour)
		stored, _ := load(t, key)
		require.NoError(t, s.End(ctx, key))
		_, ok := load(t, key)
		require.False(t, ok)
		require.False(t, replace(t, key, "renewed", stored.Version))
		_, ok = load(t, key)
		require.False(t, ok)
		require.NoError(t, s.End(ctx, key))
	})
	t.Run("one renews at a time", func(t *testing.T) {
		key := create(t, time.Hour)
		claim := func() bool {
			ok, err := s.Claim(ctx, key, 2*time.Second)
			require.NoError(t, err)
			return ok
		}
		require.True(t, claim())
		require.False(t, claim())
		require.NoError(t, s.Release(ctx, key))
		require.True(t, claim())
		require.Eventually(t, claim, 20*time.Second, 100*time.Millisecond, "whoever died keeps it no longer than said")
	})
}
