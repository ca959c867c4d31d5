package search_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/search"
)

// outage is a catalog with every event and an index that is away for a while, or takes nothing.
type outage struct {
	search.Catalog
	until   time.Time
	refuses error
	tries   int
}

func (o *outage) Documents(_ context.Context, ids []uuid.UUID) ([]search.Event, error) {
	events := make([]search.Event, 0, len(ids))
	for _, id := range ids {
		events = append(events, search.Event{ID: id, Status: "published"})
	}
	return events, nil
}

func (o *outage) Ready(context.Context) error {
	if time.Now().Before(o.until) {
		return fault.Away("elasticsearch", errors.New("refused"))
	}
	return nil
}

func (o *outage) Write(ctx context.Context, _ search.Target, writes []search.Write) []error {
	o.tries++
	errs := make([]error, len(writes))
	for n := range errs {
		if errs[n] = o.Ready(ctx); errs[n] == nil {
			errs[n] = o.refuses
		}
	}
	return errs
}

func (o *outage) IsBuilding(context.Context) (bool, error) { return false, nil }
func (o *outage) Show(context.Context)                     {}
func (o *outage) Written(context.Context, []uuid.UUID) ([]search.EventVersions, error) {
	return nil, nil
}

func TestChangesWaitForAnIndexThatIsAway(t *testing.T) {
	batch := []search.Change{{Event: uuid.New(), LSN: 1}, {Event: uuid.New(), LSN: 2}}
	within := func(t *testing.T, o *outage, patience time.Duration) []error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return search.Indexer{Catalog: o, Writer: o}.Apply(ctx, batch)
	}
	t.Run("and go in when it is back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &outage{until: time.Now().Add(5 * time.Minute)}
			require.Equal(t, []error{nil, nil}, within(t, o, 10*time.Minute))
			require.Equal(t, 2, o.tries)
		})
	})
	t.Run("but not for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &outage{until: time.Now().Add(time.Hour)}
			for _, err := range within(t, o, 10*time.Minute) {
				require.Equal(t, fault.Unavailable, fault.KindOf(err))
			}
		})
	})
	t.Run("and not for one that is there and refuses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &outage{refuses: errors.New("too many requests")}
			began := time.Now()
			require.Equal(t, []error{o.refuses, o.refuses}, within(t, o, 10*time.Minute))
			require.Zero(t, time.Since(began))
		})
	})
}
