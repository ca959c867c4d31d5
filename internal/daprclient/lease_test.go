package daprclient_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestALeaseOnTheRealCache(t *testing.T) {
	client, err := daprclient.New(harness.Sidecar(t, messages.Search, nil, messages.Cache))
	require.NoError(t, err)
	defer client.Close()
	store := client.Store(messages.Cache)
	lease := func(ttl time.Duration) daprclient.Lease {
		return daprclient.Lease{Store: store, Key: "lease:" + uuid.NewString(), TTL: ttl}
	}
	nothing := func(context.Context) error { return nil }
	// overwrite puts another value into the key that a process holds.
	overwrite := func(t *testing.T, l daprclient.Lease, value string) {
		harness.Eventually(t, 30*time.Second, "overwritten, between renewals", func() error {
			item, err := store.Get(t.Context(), l.Key)
			if err != nil {
				return err
			}
			return store.PutIf(t.Context(), l.Key, []byte(value), item.ETag, time.Minute)
		})
	}
	// stays runs until its context ends.
	stays := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}

	t.Run("one holder at a time", func(t *testing.T) {
		l := lease(time.Minute)
		var (
			group         sync.WaitGroup
			inside, times atomic.Int32
		)
		for range 16 {
			group.Go(func() {
				err := l.Do(t.Context(), func(context.Context) error {
					assert.EqualValues(t, 1, inside.Add(1))
					times.Add(1)
					assert.ErrorIs(t, l.Do(t.Context(), nothing), daprclient.ErrLeased)
					inside.Add(-1)
					return nil
				})
				if err != nil {
					assert.ErrorIs(t, err, daprclient.ErrLeased)
				}
			})
		}
		group.Wait()
		assert.Positive(t, times.Load())
		require.NoError(t, l.Do(t.Context(), nothing), "given back")
	})
	t.Run("the error of what is done", func(t *testing.T) {
		failed := errors.New("failed")
		l := lease(time.Minute)
		require.ErrorIs(t, l.Do(t.Context(), func(context.Context) error { return failed }), failed)
		require.NoError(t, l.Do(t.Context(), nothing), "given back")
	})
	t.Run("it is renewed", func(t *testing.T) {
		l := lease(2 * time.Second)
		first, err := store.Get(t.Context(), l.Key)
		require.NoError(t, err)
		require.False(t, first.Found)
		require.NoError(t, l.Do(t.Context(), func(ctx context.Context) error {
			tags := map[string]bool{}
			harness.Eventually(t, 30*time.Second, "more renewals than its time has room for", func() error {
				item, err := store.Get(ctx, l.Key)
				if err != nil {
					return err
				}
				if !item.Found {
					return assert.AnError
				}
				if tags[item.ETag] = true; len(tags) < 6 {
					return assert.AnError
				}
				return nil
			})
			return ctx.Err()
		}))
	})
	t.Run("that of a process that died ends", func(t *testing.T) {
		l := lease(time.Second)
		require.NoError(t, store.PutIf(t.Context(), l.Key, []byte(`{"holder":"`+uuid.NewString()+`","until":"2999-01-01T00:00:00Z"}`), "", l.TTL))
		require.ErrorIs(t, l.Do(t.Context(), nothing), daprclient.ErrLeased)
		harness.Eventually(t, 30*time.Second, "free", func() error { return l.Do(t.Context(), nothing) })
	})
	t.Run("and in a store that kept it without an end", func(t *testing.T) {
		l := lease(time.Minute)
		require.NoError(t, store.PutIf(t.Context(), l.Key, []byte(`{"holder":"`+uuid.NewString()+`","until":"2020-01-01T00:00:00Z"}`), "", 0))
		require.NoError(t, l.Do(t.Context(), nothing))
	})
	t.Run("who lost it is told", func(t *testing.T) {
		l := lease(3 * time.Second)
		err := l.Do(t.Context(), func(ctx context.Context) error {
			overwrite(t, l, `{"holder":"`+uuid.NewString()+`","until":"2999-01-01T00:00:00Z"}`)
			return stays(ctx)
		})
		require.ErrorContains(t, err, "the lease is lost")
		require.ErrorIs(t, l.Do(t.Context(), nothing), daprclient.ErrLeased, "and does not give back another's")
	})
	t.Run("one that cannot be renewed is lost", func(t *testing.T) {
		l := lease(2 * time.Second)
		err := l.Do(t.Context(), func(ctx context.Context) error {
			overwrite(t, l, `not a lease`)
			return stays(ctx)
		})
		require.ErrorContains(t, err, "the lease is lost")
	})
	t.Run("the caller's end is no loss", func(t *testing.T) {
		l := lease(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		err := l.Do(ctx, func(ctx context.Context) error {
			cancel()
			return stays(ctx)
		})
		require.ErrorIs(t, err, context.Canceled)
		require.NotContains(t, err.Error(), "lost")
		require.NoError(t, l.Do(t.Context(), nothing), "given back")
	})
}
