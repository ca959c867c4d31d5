package daprclient_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestIdempotencyKeysOnTheRealCache(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Catalog, nil, messages.Cache))
	require.NoError(t, err)
	defer client.Close()
	store := daprclient.Idempotency{Store: client.Store(messages.Cache)}
	claim := httpapi.Answer{Fingerprint: "f"}

	t.Run("one of many claims", func(t *testing.T) {
		key := uuid.NewString()
		var (
			group sync.WaitGroup
			won   atomic.Int32
		)
		for range 16 {
			group.Go(func() {
				present, err := store.Claim(t.Context(), key, claim, time.Minute)
				if assert.NoError(t, err) && present == nil {
					won.Add(1)
				} else if present != nil {
					assert.Equal(t, claim, *present)
				}
			})
		}
		group.Wait()
		assert.EqualValues(t, 1, won.Load())
	})
	t.Run("an answer stays and still refuses a claim", func(t *testing.T) {
		key := uuid.NewString()
		_, err := store.Claim(t.Context(), key, claim, time.Minute)
		require.NoError(t, err)
		answer := httpapi.Answer{Fingerprint: "f", Status: 201, Header: http.Header{"Location": {"/x"}}, Body: []byte("{}\n")}
		require.NoError(t, store.Complete(t.Context(), key, answer, time.Hour))
		for range 2 {
			present, err := store.Claim(t.Context(), key, claim, time.Minute)
			require.NoError(t, err)
			require.NotNil(t, present)
			assert.Equal(t, answer, *present)
		}
	})
	t.Run("a released key is free", func(t *testing.T) {
		key := uuid.NewString()
		_, err := store.Claim(t.Context(), key, claim, time.Minute)
		require.NoError(t, err)
		require.NoError(t, store.Release(t.Context(), key))
		present, err := store.Claim(t.Context(), key, claim, time.Minute)
		require.NoError(t, err)
		assert.Nil(t, present)
	})
	t.Run("a claim that nobody completes ends", func(t *testing.T) {
		key := uuid.NewString()
		_, err := store.Claim(t.Context(), key, claim, time.Second)
		require.NoError(t, err)
		harness.Eventually(t, 10*time.Second, "the key is free", func() error {
			present, err := store.Claim(t.Context(), key, claim, time.Second)
			if err == nil && present != nil {
				return assert.AnError
			}
			return err
		})
	})
	t.Run("an answer is kept for its own time, not the claim's", func(t *testing.T) {
		key := uuid.NewString()
		_, err := store.Claim(t.Context(), key, claim, time.Second)
		require.NoError(t, err)
		require.NoError(t, store.Complete(t.Context(), key, httpapi.Answer{Fingerprint: "f", Status: 200}, time.Hour))
		began := time.Now()
		harness.Eventually(t, 10*time.Second, "the claim's time is over", func() error {
			if time.Since(began) < 2500*time.Millisecond {
				return assert.AnError
			}
			return nil
		})
		present, err := store.Claim(t.Context(), key, claim, time.Minute)
		require.NoError(t, err)
		require.NotNil(t, present)
		assert.Equal(t, 200, present.Status)
	})
}
