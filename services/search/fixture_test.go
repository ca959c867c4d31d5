package search_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/catalog/rest"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/dapr"
	"github.com/foyer-tickets/foyer/services/search/elastic"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// now is the day on which the tests take place, so that what is seeded stays the same.
var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// environment is a catalog with an index, both real. Search asks the catalog over HTTP as it does through
// the sidecars, which are left out.
type environment struct {
	store      postgres.Store
	pool       *pgxpool.Pool
	catalog    dapr.Catalog
	index      *elastic.Index
	elastic    string // address
	indexer    search.Indexer
	maintainer search.Maintainer
}

// lock is one in memory.
type lock struct{ mu sync.Mutex }

func (l *lock) WithLock(ctx context.Context, f func(context.Context) error) error {
	if !l.mu.TryLock() {
		return search.ErrBusy
	}
	defer l.mu.Unlock()
	return f(ctx)
}

func newEnvironment(t testing.TB) environment {
	t.Helper()
	url := harness.Postgres(t)
	pool, err := database.Open(t.Context(), url, postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	finder, err := postgres.OpenSearch(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(finder.Close)
	env := environment{store: postgres.Store{Pool: pool}, pool: pool, elastic: harness.Elasticsearch(t)}
	env.catalog = dapr.Catalog{Client: catalogClient(t, rest.Internal{Sales: env.store, Index: env.store, Finder: finder})}
	// One node for all tests of this package: each begins without an index.
	env.request(t, http.MethodDelete, "/events-*", "", nil)
	env.index, err = elastic.New(env.elastic)
	require.NoError(t, err)
	env.indexer = search.Indexer{Catalog: env.catalog, Writer: env.index}
	env.maintainer = search.Maintainer{Indexer: env.indexer, Index: env.index, Lock: &lock{}}
	return env
}

// catalogClient is a client of a server that answers calls of the catalog as a sidecar does.
func catalogClient(t testing.TB, internal rest.Internal) *daprclient.Client {
	t.Helper()
	router := mux.NewRouter()
	internal.Mount(router)
	server := httptest.NewServer(http.StripPrefix("/v1.0/invoke/catalog/method", router))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	number, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	client, err := daprclient.New(daprclient.Config{Host: "127.0.0.1", HTTPPort: uint16(number)})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// request speaks to Elasticsearch past our code.
func (env environment) request(t testing.TB, method, path, body string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, env.elastic+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Less(t, res.StatusCode, 300, path)
	if out != nil {
		require.NoError(t, json.NewDecoder(res.Body).Decode(out))
	}
}

const merchant = "merchant"

// seedConferences imports what `foyer seed` imports.
func (env environment) seedConferences(t testing.TB) {
	t.Helper()
	file, err := seed.Upcoming(data.Conferences, now)
	require.NoError(t, err)
	require.NoError(t, catalog.ReadImport(strings.NewReader(string(file)), func(r catalog.Record) error {
		if r.Err != nil {
			return nil //nolint:nilerr // the source has a few bad ones, which the catalog's own tests look at
		}
		_, _, err := env.store.Import(t.Context(), merchant, r.Imported, now)
		return err
	}))
}

// event is a published event with defaults for what a test does not care about.
type event struct {
	name, description, category, venue, city, country, zone string
	lat, lon                                                float64
	performers, topics                                      []string
	at                                                      time.Time
	prices                                                  []int64
	currency                                                string
	highDemand                                              bool
}

var sources = 0

func (env environment) add(t testing.TB, e event) uuid.UUID {
	t.Helper()
	sources++
	i := catalog.Imported{Source: "test", SourceID: fmt.Sprint("test-", sources), City: e.city, Country: e.country}
	v := catalog.Venue{Name: e.venue, City: e.city, Country: e.country, TimeZone: "UTC"}
	if e.lat != 0 {
		v.Location = &catalog.Location{Lat: e.lat, Lon: e.lon}
	}
	if e.zone == "" {
		e.zone = "UTC"
	}
	if e.at.IsZero() {
		e.at = now.AddDate(0, 1, 0)
	}
	if e.category == "" {
		e.category = "music"
	}
	if e.currency == "" {
		e.currency = "EUR"
	}
	if e.prices == nil {
		e.prices = []int64{20_00}
	}
	i.Event = catalog.Event{
		Venue: v, Name: e.name, Description: e.description, Category: e.category, Performers: e.performers, Topics: e.topics, Slug: "x",
		StartsAt: e.at, EndsAt: e.at.Add(2 * time.Hour), TimeZone: e.zone, SalesStart: now, SalesEnd: e.at, MaxPerOrder: 8, MaxPerAccount: 8, HighDemand: e.highDemand,
	}
	for n, p := range e.prices {
		i.Event.TicketTypes = append(i.Event.TicketTypes, catalog.TicketType{Name: fmt.Sprint("Type ", n), Price: money.Money{Amount: p, Currency: e.currency}, Capacity: 100})
	}
	id, _, err := env.store.Import(t.Context(), merchant, i, now)
	require.NoError(t, err)
	return id
}

// check brings the index up to the database and makes it visible.
func (env environment) check(t testing.TB) int {
	t.Helper()
	n, err := env.maintainer.Check(t.Context())
	require.NoError(t, err)
	require.NoError(t, env.index.Refresh(t.Context()))
	return n
}

func (env environment) equal(t testing.TB) {
	t.Helper()
	require.NoError(t, env.index.Refresh(t.Context()))
	have, err := env.index.Summary(t.Context())
	require.NoError(t, err)
	want, err := env.catalog.Summary(t.Context())
	require.NoError(t, err)
	require.Equal(t, want.Summary, have, "the index equals the database")
}
