package dapr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/dapr"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// shelf is a catalog and an index in memory, with an event that no index takes.
type shelf struct {
	mu      sync.Mutex
	written map[uuid.UUID]uint64
	batches int
	poison  uuid.UUID
	flaky   int // so many batches fail first
}

func (s *shelf) Documents(_ context.Context, ids []uuid.UUID) ([]search.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	if s.flaky > 0 {
		s.flaky--
		return nil, fault.Away("catalog", errors.New("refused"))
	}
	events := make([]search.Event, 0, len(ids))
	for _, id := range ids {
		events = append(events, search.Event{ID: id, Status: "published"})
	}
	return events, nil
}

func (s *shelf) Published(context.Context, uuid.UUID) ([]search.EventVersions, error) {
	return nil, nil
}
func (s *shelf) Versions(context.Context, []uuid.UUID) ([]search.EventVersions, error) {
	return nil, nil
}
func (s *shelf) Summary(context.Context) (search.CatalogSummary, error) {
	return search.CatalogSummary{}, nil
}
func (s *shelf) Written(context.Context, []uuid.UUID) ([]search.EventVersions, error) {
	return nil, nil
}
func (s *shelf) IsBuilding(context.Context) (bool, error) { return false, nil }
func (s *shelf) Show(context.Context)                     {}
func (s *shelf) Ready(context.Context) error              { return nil }

func (s *shelf) Write(_ context.Context, _ search.Target, writes []search.Write) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(writes))
	for i, w := range writes {
		if w.ID == s.poison {
			errs[i] = fault.New(fault.Invalid, "not_indexable", "No.")
			continue
		}
		s.written[w.ID] = max(s.written[w.ID], w.Version)
	}
	return errs
}

func (s *shelf) has(ids ...uuid.UUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, id := range ids {
		if s.written[id] == 0 {
			return fmt.Errorf("%d of %d is missing", i, len(ids))
		}
	}
	return nil
}

func TestChangesArriveInBatchesAndPoisonGoesAside(t *testing.T) {
	s := &shelf{written: map[uuid.UUID]uint64{}, poison: uuid.New(), flaky: 2}
	harness.Sidecar(t, messages.Search, func(cfg daprclient.Config) http.Handler {
		router := mux.NewRouter()
		daprclient.Mount(router, cfg.AppToken, dapr.Subscriptions(search.Indexer{Catalog: s, Writer: s})...)
		return router
	}, messages.PubSub)
	client, err := daprclient.New(harness.Sidecar(t, messages.Catalog, nil, messages.PubSub))
	require.NoError(t, err)
	defer client.Close()
	publish := func(topic string, ids ...uuid.UUID) {
		changes := make([]daprclient.Message, 0, len(ids))
		for i, id := range ids {
			payload, err := json.Marshal(messages.CatalogChanged{Event: id, LSN: uint64(100 + i)})
			require.NoError(t, err)
			changes = append(changes, daprclient.Message{Key: id.String(), Payload: payload})
		}
		harness.Eventually(t, time.Minute, "published", func() error {
			_, err := client.PublishBulk(t.Context(), messages.PubSub, topic, changes)
			return err
		})
	}
	var ids []uuid.UUID
	for range 400 {
		ids = append(ids, uuid.New())
	}
	publish(messages.CatalogChanges, append([]uuid.UUID{s.poison}, ids...)...)
	left := uuid.New()
	publish(messages.AvailabilityChanges, left)
	harness.Eventually(t, time.Minute, "all but the poison are written", func() error { return s.has(append(ids, left)...) })
	s.mu.Lock()
	require.Less(t, s.batches, 200, "in batches")
	s.mu.Unlock()

	broker := harness.Kafka(t)
	var letters []devstack.DeadLetter
	harness.Eventually(t, time.Minute, "the poison is a dead letter", func() error {
		if letters, err = devstack.DeadLetters(t.Context(), broker, messages.CatalogChanges); err == nil && len(letters) != 1 {
			err = fmt.Errorf("%d letters", len(letters))
		}
		return err
	})
	require.Equal(t, messages.CatalogChanges, letters[0].Topic)
	require.Equal(t, s.poison.String(), letters[0].About)

	s.mu.Lock()
	poison := s.poison
	s.poison = uuid.Nil // what was wrong with it is mended
	s.mu.Unlock()
	require.NoError(t, devstack.Replay(t.Context(), broker, letters))
	harness.Eventually(t, time.Minute, "the replayed letter is handled", func() error { return s.has(poison) })
	letters, err = devstack.DeadLetters(t.Context(), broker, messages.CatalogChanges)
	require.NoError(t, err)
	require.Empty(t, letters, "and is not listed again")
}
