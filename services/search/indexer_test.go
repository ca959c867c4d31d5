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
func (env environment) edit(t testing.TB, id uuid.UUID, name string) {
	t.Helper()
	_, err := env.pool.Exec(t.Context(), `UPDATE events SET name = $2, version = version + 1 WHERE id = $1`, id, name)
	require.NoError(t, err)
}

func (env environment) apply(t testing.TB, changes ...search.Change) {
	t.Helper()
	for _, err := range env.indexer.Apply(t.Context(), changes) {
		require.NoError(t, err)
	}
	require.NoError(t, env.index.Refresh(t.Context()))
}

func (env environment) position(t testing.TB) uint64 {
	t.Helper()
	summary, err := env.catalog.Summary(t.Context())
	require.NoError(t, err)
	return summary.Position
}

// change is one that was just made.
func (env environment) change(t testing.TB, id uuid.UUID) search.Change {
	t.Helper()
	return search.Change{Event: id, LSN: env.position(t)}
}

func (env environment) found(t testing.TB, text string) []string {
	t.Helper()
	return names(ask(t, env.index, search.Query{Text: text}))
}

func TestChangesTravel(t *testing.T) {
	env := newEnvironment(t)
	env.check(t)
	id := env.add(t, event{name: "First name", venue: "Hall", city: "Berlin", country: "DE"})
	env.apply(t, env.change(t, id))
	require.Equal(t, []string{"First name"}, env.found(t, "first"))

	env.edit(t, id, "Second name")
	second := env.change(t, id)
	env.apply(t, second, search.Change{Event: id, LSN: second.LSN - 1})
	require.Equal(t, []string{"Second name"}, env.found(t, "second"))
	env.apply(t, second) // once more
	env.equal(t)

	// A replica that froze with an old copy in its hands writes too late.
	stale := search.Event{ID: id, Name: "First name", Status: "published", TimeZone: "UTC"}
	for _, err := range env.index.Write(t.Context(), search.Live, []search.Write{{ID: id, Version: 100, Event: &stale}}) {
		require.NoError(t, err)
	}
	env.equal(t)
	require.Empty(t, env.found(t, "first"))

	_, err := env.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, id)
	require.NoError(t, err)
	third := env.change(t, id)
	env.apply(t, third)
	require.Empty(t, env.found(t, "second"))
	for _, err := range env.index.Write(t.Context(), search.Live, []search.Write{{ID: id, Version: third.LSN - 1, Event: &stale}}) {
		require.NoError(t, err)
	}
	env.equal(t) // what was taken out does not come back
	env.apply(t, env.change(t, uuid.New()))
	env.equal(t) // what never was is no error
}

// TestEditsDoNotWaitForTheIndex: without its own refreshes, too, people find what changed.
func TestEditsDoNotWaitForTheIndex(t *testing.T) {
	env := newEnvironment(t)
	id := env.add(t, event{name: "First name", venue: "Hall", city: "Berlin", country: "DE"})
	env.check(t)
	env.request(t, http.MethodPut, "/events/_settings", `{"index": {"refresh_interval": -1}}`, nil)
	for n := range 3 {
		name := fmt.Sprint("Other name ", n)
		env.edit(t, id, name)
		for _, err := range env.indexer.Apply(t.Context(), []search.Change{env.change(t, id)}) {
			require.NoError(t, err)
		}
		harness.Eventually(t, 10*time.Second, "found", func() error {
			if found := env.found(t, "other"); !slices.Equal(found, []string{name}) {
				return fmt.Errorf("found %q", found)
			}
			return nil
		})
	}
}

func TestAvailabilityTravels(t *testing.T) {
	env := newEnvironment(t)
	env.check(t)
	id := env.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"})
	env.apply(t, env.change(t, id))
	require.Len(t, ask(t, env.index, search.Query{Available: true}).Hits, 1)
	_, err := env.pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 0, 0, 100, 5)`, id)
	require.NoError(t, err)
	env.apply(t, env.change(t, id))
	require.Empty(t, ask(t, env.index, search.Query{Available: true}).Hits)
	env.equal(t)
}

func TestRepair(t *testing.T) {
	env := newEnvironment(t)
	var ids []uuid.UUID
	for range 30 {
		ids = append(ids, env.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	require.Equal(t, 30, env.check(t), "an empty index is filled")
	require.Equal(t, 0, env.check(t))
	env.equal(t)

	env.edit(t, ids[3], "Nobody heard of this")
	env.request(t, http.MethodDelete, "/events/_doc/"+ids[5].String()+"?version="+fmt.Sprint(env.position(t))+"&version_type=external_gte", "", nil)
	ghost := search.Event{ID: uuid.New(), Name: "Ghost", Status: "published", TimeZone: "UTC"}
	for _, err := range env.index.Write(t.Context(), search.Live, []search.Write{{ID: ghost.ID, Version: 50, Event: &ghost}}) {
		require.NoError(t, err)
	}
	require.NoError(t, env.index.Refresh(t.Context()))
	require.Equal(t, 3, env.check(t), "one stale, one missing, one too many")
	env.equal(t)

	// A change that was told too early took an event out. What is left of it in the index is newer than a first copy.
	env.request(t, http.MethodDelete, "/events/_doc/"+ids[7].String()+"?version="+fmt.Sprint(env.position(t))+"&version_type=external_gte", "", nil)
	require.NoError(t, env.index.Refresh(t.Context()))
	require.Equal(t, 1, env.check(t))
	env.equal(t)
	env.edit(t, ids[7], "Changed after the repair")
	env.apply(t, env.change(t, ids[7]))
	env.equal(t)

	// Somebody throws the index away while all runs.
	env.request(t, http.MethodDelete, "/events-*", "", nil)
	for _, err := range env.indexer.Apply(t.Context(), []search.Change{env.change(t, ids[0])}) {
		require.Error(t, err, "the broker keeps the change")
	}
	env.apply(t, env.change(t, ids[0]))
	require.Equal(t, 29, env.check(t))
	env.equal(t)
}

func TestSnapshotWritesWhatDiffers(t *testing.T) {
	env := newEnvironment(t)
	var ids []uuid.UUID
	for range 5 {
		ids = append(ids, env.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	env.check(t)
	versions := func() map[uuid.UUID]uint64 {
		written, err := env.index.Written(t.Context(), ids)
		require.NoError(t, err)
		versions := map[uuid.UUID]uint64{}
		for _, s := range written {
			versions[s.ID] = s.Written
		}
		return versions
	}
	first := versions()
	_, err := env.pool.Exec(t.Context(), `INSERT INTO availability (event, available, held, booked, version) VALUES ($1, 0, 0, 100, 5)`, ids[1])
	require.NoError(t, err)
	_, err = env.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, ids[2])
	require.NoError(t, err)
	env.request(t, http.MethodDelete, "/events/_doc/"+ids[3].String()+"?version="+fmt.Sprint(env.position(t))+"&version_type=external_gte", "", nil)
	require.NoError(t, env.index.Refresh(t.Context()))
	position := env.position(t)
	var all []search.Change
	for _, id := range ids {
		all = append(all, search.Change{Event: id, LSN: position, Snapshot: true})
	}
	env.apply(t, all...)
	env.equal(t)
	require.Equal(t, map[uuid.UUID]uint64{ids[0]: first[ids[0]], ids[1]: position, ids[3]: position, ids[4]: first[ids[4]]}, versions(), "only what differed was written")
}

// gate lets a test do something between the pages of a rebuild.
type gate struct {
	search.Catalog
	between func()
}

func (g gate) Published(ctx context.Context, before uuid.UUID) ([]search.EventVersions, error) {
	stamps, err := g.Catalog.Published(ctx, before)
	g.between()
	return stamps, err
}

func TestRebuildWhileLive(t *testing.T) {
	env := newEnvironment(t)
	var ids []uuid.UUID
	for range 20 {
		ids = append(ids, env.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"}))
	}
	env.check(t)
	var once sync.Once
	m := env.maintainer
	m.Catalog = gate{env.indexer.Catalog, func() {
		once.Do(func() {
			// A page was listed, and nothing of it is copied yet: events change, go and come.
			env.edit(t, ids[0], "Changed meanwhile")
			_, err := env.pool.Exec(t.Context(), `UPDATE events SET status = 'cancelled', version = version + 1 WHERE id = $1`, ids[1])
			require.NoError(t, err)
			fresh := env.add(t, event{name: "Made meanwhile", venue: "Hall", city: "Berlin", country: "DE"})
			env.apply(t, env.change(t, ids[0]), env.change(t, ids[1]), env.change(t, fresh))
			require.Equal(t, []string{"Changed meanwhile"}, env.found(t, "changed"), "the old index answers and learns")
		})
	}}
	require.NoError(t, m.Rebuild(t.Context()))
	env.equal(t)
	require.Equal(t, []string{"Changed meanwhile"}, env.found(t, "changed"))
	require.Equal(t, []string{"Made meanwhile"}, env.found(t, "made"))
	var aliases map[string]any
	env.request(t, http.MethodGet, "/_alias/events", "", &aliases)
	require.Len(t, aliases, 1, "the old index is gone")

	// A build that broke off is thrown away by the next one.
	require.NoError(t, env.index.Build(t.Context()))
	require.NoError(t, env.maintainer.Rebuild(t.Context()))
	env.equal(t)
}

func TestOtherRulesMeanRebuild(t *testing.T) {
	env := newEnvironment(t)
	env.add(t, event{name: "Concert", venue: "Hall", city: "Berlin", country: "DE"})
	env.request(t, http.MethodPut, "/events-of-old", `{"aliases": {"events": {}}}`, nil)
	env.check(t)
	env.equal(t)
	require.Equal(t, []string{"Concert"}, env.found(t, "concert"))
}

func TestOneReplicaMaintainsTheIndex(t *testing.T) {
	env := newEnvironment(t)
	require.NoError(t, env.maintainer.Lock.WithLock(t.Context(), func(context.Context) error {
		_, err := env.maintainer.Check(t.Context())
		require.ErrorIs(t, err, search.ErrBusy)
		return nil
	}))
	env.check(t)
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
	index, fallback := &flaky{}, &flaky{}
	f := search.Finder{Index: index, Fallback: fallback}
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
