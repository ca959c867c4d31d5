package search_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// edit changes an event's name as the catalog would.
func (w world) edit(t testing.TB, id uuid.UUID, name string) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `UPDATE events SET name = $2, version = version + 1 WHERE id = $1`, id, name)
	require.NoError(t, err)
}

func (w world) apply(t testing.TB, changes ...search.Change) {
	t.Helper()
	for _, err := range w.indexer.Apply(t.Context(), changes) {
		require.NoError(t, err)
	}
	require.NoError(t, w.index.Refresh(t.Context()))
}

func (w world) position(t testing.TB) uint64 {
	t.Helper()
	position, err := w.maintainer.Truth.Position(t.Context())
	require.NoError(t, err)
	return position
}

// change is one that was just made.
func (w world) change(t testing.TB, id uuid.UUID) search.Change {
	t.Helper()
	return search.Change{Event: id, LSN: w.position(t)}
}

func (w world) found(t testing.TB, text string) []string {
	t.Helper()
	return names(ask(t, w.index, search.Query{Text: text}))
}

func TestChangesTravel(t *testing.T) {
	w := newWorld(t)
	w.check(t)
	id := w.add(t, event{name: "First name", venue: "Hall", city: "Berlin", country: "DE"})
	w.apply(t, w.change(t, id))
	require.Equal(t, []string{"First name"}, w.found(t, "first"))

	w.edit(t, id, "Second name")
	second := w.change(t, id)
	w.apply(t, second, search.Change{Event: id, LSN: second.LSN - 1})
	require.Equal(t, []string{"Second name"}, w.found(t, "second"))
	w.apply(t, second) // once more
	w.equal(t)

	// A replica that froze with an old copy in its hands writes too late.
	stale := search.Event{ID: id, Name: "First name", Status: "published", TimeZone: "UTC"}
	for _, err := range w.index.Write(t.Context(), search.Live, []search.Write{{ID: id, Version: 100, Event: &stale}}) {
		require.NoError(t, err)
	}
	w.equal(t)
	require.Empty(t, w.found(t, "first"))

	_, err := w.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, id)
	require.NoError(t, err)
	third := w.change(t, id)
	w.apply(t, third)
	require.Empty(t, w.found(t, "second"))
	for _, err := range w.index.Write(t.Context(), search.Live, []search.Write{{ID: id, Version: third.LSN - 1, Event: &stale}}) {
		require.NoError(t, err)
	}
	w.equal(t) // what was taken out does not come back
	w.apply(t, w.change(t, uuid.New()))
	w.equal(t) // what never was is no error
}

// TestEditsDoNotWaitForTheIndex: without its own refreshes, too, people find what changed.
func TestEditsDoNotWaitForTheIndex(t *testing.T) {
	w := newWorld(t)
	id := w.add(t, event{name: "First name", venue: "Hall", city: "Berlin", country: "DE"})
	w.check(t)
	w.request(t, http.MethodPut, "/events/_settings", `{"index": {"refresh_interval": -1}}`, nil)
	for n := range 3 {
		name := fmt.Sprint("Other name ", n)
		w.edit(t, id, name)
		for _, err := range w.indexer.Apply(t.Context(), []search.Change{w.change(t, id)}) {
			require.NoError(t, err)
		}
		harness.Eventually(t, 10*time.Second, "found", func() error {
			if found := w.found(t, "other"); !slices.Equal(found, []string{name}) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
}

func TestAvailabilityTravels(t *testing.T) {
	w := newWorld(t)
	w.check(t)
	id := w.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"})
	w.apply(t, w.change(t, id))
	require.Len(t, ask(t, w.index, search.Query{Available: true}).Hits, 1)
	_, err := w.pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 0, 0, 100, 5)`, id)
	require.NoError(t, err)
	w.apply(t, w.change(t, id))
	require.Empty(t, ask(t, w.index, search.Query{Available: true}).Hits)
	w.equal(t)
}

func TestRepair(t *testing.T) {
	w := newWorld(t)
	var ids []uuid.UUID
	for range 30 {
		ids = append(ids, w.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	require.Equal(t, 30, w.check(t), "an empty index is filled")
	require.Equal(t, 0, w.check(t))
	w.equal(t)

	w.edit(t, ids[3], "Nobody heard of this")
	w.request(t, http.MethodDelete, "/events/_doc/"+ids[5].String()+"?version="+fmt.Sprint(w.position(t))+"&version_type=external_gte", "", nil)
	ghost := search.Event{ID: uuid.New(), Name: "Ghost", Status: "published", TimeZone: "UTC"}
	for _, err := range w.index.Write(t.Context(), search.Live, []search.Write{{ID: ghost.ID, Version: 50, Event: &ghost}}) {
		require.NoError(t, err)
	}
	require.NoError(t, w.index.Refresh(t.Context()))
	require.Equal(t, 3, w.check(t), "one stale, one missing, one too many")
	w.equal(t)

	// A change that was told too early took an event out. What is left of it in the index is newer than a first copy.
	w.request(t, http.MethodDelete, "/events/_doc/"+ids[7].String()+"?version="+fmt.Sprint(w.position(t))+"&version_type=external_gte", "", nil)
	require.NoError(t, w.index.Refresh(t.Context()))
	require.Equal(t, 1, w.check(t))
	w.equal(t)
	w.edit(t, ids[7], "Changed after the repair")
	w.apply(t, w.change(t, ids[7]))
	w.equal(t)

	// Somebody throws the index away while all runs.
	w.request(t, http.MethodDelete, "/events-*", "", nil)
	for _, err := range w.indexer.Apply(t.Context(), []search.Change{w.change(t, ids[0])}) {
		require.Error(t, err, "the broker keeps the change")
	}
	w.apply(t, w.change(t, ids[0]))
	require.Equal(t, 29, w.check(t))
	w.equal(t)
}

func TestSnapshotWritesWhatDiffers(t *testing.T) {
	w := newWorld(t)
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, w.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	w.check(t)
	versions := func() map[uuid.UUID]uint64 {
		written, err := w.index.Written(t.Context(), ids)
		require.NoError(t, err)
		versions := map[uuid.UUID]uint64{}
		for _, s := range written {
			versions[s.ID] = s.Written
		}
		return versions
	}
	first := versions()
	_, err := w.pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 0, 0, 100, 5)`, ids[1])
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, ids[2])
	require.NoError(t, err)
	w.request(t, http.MethodDelete, "/events/_doc/"+ids[3].String()+"?version="+fmt.Sprint(w.position(t))+"&version_type=external_gte", "", nil)
	require.NoError(t, w.index.Refresh(t.Context()))
	position := w.position(t)
	var all []search.Change
	for _, id := range ids {
		all = append(all, search.Change{Event: id, LSN: position, Snapshot: true})
	}
	w.apply(t, all...)
	w.equal(t)
	require.Equal(t, map[uuid.UUID]uint64{ids[0]: first[ids[0]], ids[1]: position, ids[3]: position, ids[4]: first[ids[4]]}, versions(), "only what differed was written")
}

// gate lets a test do something between the pages of a rebuild.
type gate struct {
	search.Catalog
	between func()
}

func (g gate) Published(ctx context.Context, before uuid.UUID) ([]search.Stamp, error) {
	stamps, err := g.Catalog.Published(ctx, before)
	g.between()
	return stamps, err
}

func TestRebuildWhileLive(t *testing.T) {
	w := newWorld(t)
	var ids []uuid.UUID
	for range 20 {
		ids = append(ids, w.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	w.check(t)
	var once sync.Once
	m := w.maintainer
	m.Catalog = gate{w.indexer.Catalog, func() {
		once.Do(func() {
			// A page was listed, and nothing of it is copied yet: events change, go and come.
			w.edit(t, ids[0], "Changed meanwhile")
			_, err := w.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, ids[1])
			require.NoError(t, err)
			fresh := w.add(t, event{name: "Made meanwhile", venue: "Hall", city: "Berlin", country: "DE"})
			w.apply(t, w.change(t, ids[0]), w.change(t, ids[1]), w.change(t, fresh))
			require.Equal(t, []string{"Changed meanwhile"}, w.found(t, "changed"), "the old index answers and learns")
		})
	}}
	require.NoError(t, m.Rebuild(t.Context()))
	w.equal(t)
	require.Equal(t, []string{"Changed meanwhile"}, w.found(t, "changed"))
	require.Equal(t, []string{"Made meanwhile"}, w.found(t, "made"))
	var aliases map[string]any
	w.request(t, http.MethodGet, "/_alias/events", "", &aliases)
	require.Len(t, aliases, 1, "the old index is gone")

	// A build that broke off is thrown away by the next one.
	require.NoError(t, w.index.Build(t.Context()))
	require.NoError(t, w.maintainer.Rebuild(t.Context()))
	w.equal(t)
}

func TestOtherRulesMeanRebuild(t *testing.T) {
	w := newWorld(t)
	w.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"})
	w.request(t, http.MethodPut, "/events-of-old", `{"aliases": {"events": {}}}`, nil)
	w.check(t)
	w.equal(t)
	require.Equal(t, []string{"Concert"}, w.found(t, "concert"))
}

func TestOneKeeperAtATime(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.database.Alone(t.Context(), func(context.Context) error {
		_, err := w.maintainer.Check(t.Context())
		require.ErrorIs(t, err, search.ErrBusy)
		return nil
	}))
	w.check(t)
}

// flaky is an engine that can be away.
type flaky struct {
	search.Engine
	mu    sync.Mutex
	away  error
	asked int
}

func (f *flaky) Search(ctx context.Context, q search.Query) (search.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.away != nil {
		return search.Page{}, f.away
	}
	return search.Page{Total: 1}, nil
}

func TestFinderFallsBackAndHeals(t *testing.T) {
	index, database := &flaky{}, &flaky{}
	f := search.Finder{Index: index, Database: database}
	q := search.Query{Limit: 1, Now: now}
	page, err := f.Search(t.Context(), q)
	require.NoError(t, err)
	require.False(t, page.Degraded)
	index.away = fault.Away("elasticsearch", errors.New("refused"))
	for range 50 {
		page, err = f.Search(t.Context(), q)
		require.NoError(t, err)
		require.True(t, page.Degraded)
	}
	require.LessOrEqual(t, index.asked, 3, "who is away is not asked each time")
	index.mu.Lock()
	index.away = nil
	index.mu.Unlock()
	require.Eventually(t, func() bool {
		page, err := f.Search(t.Context(), q)
		return err == nil && !page.Degraded
	}, 5*time.Second, 20*time.Millisecond)

	index.away = fmt.Errorf("%w: too many clauses", search.ErrRefused)
	page, err = f.Search(t.Context(), q)
	require.NoError(t, err)
	require.True(t, page.Degraded)
	index.away = nil
	page, err = f.Search(t.Context(), q)
	require.NoError(t, err)
	require.False(t, page.Degraded, "who refuses one question is asked the next")

	index.away = search.ErrInvalidCursor
	_, err = f.Search(t.Context(), q)
	require.ErrorIs(t, err, search.ErrInvalidCursor, "a refusal is an answer")
	page, err = f.Search(t.Context(), search.Query{Sort: search.ByDistance})
	require.ErrorIs(t, err, search.ErrNearRequired)
	require.Empty(t, page)
}
