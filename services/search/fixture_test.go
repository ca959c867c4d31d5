package search_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
	catalogstore "github.com/foyer-tickets/foyer/services/catalog/postgres"
	catalogrest "github.com/foyer-tickets/foyer/services/catalog/rest"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/elastic"
	fallback "github.com/foyer-tickets/foyer/services/search/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// now is the day on which the tests take place, so that what is seeded stays the same.
var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// direct is the catalog without the sidecars between: its own store and its own view.
type direct struct{ store catalogstore.Store }

func (d direct) Documents(ctx context.Context, ids []uuid.UUID) ([]search.Event, error) {
	events, err := d.store.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	documents := make([]catalogrest.Document, 0, len(events))
	for _, e := range events {
		documents = append(documents, catalogrest.Document{Event: catalogrest.View(e), VenueVersion: e.Venue.Version, AvailabilityVersion: e.Availability.Version})
	}
	raw, err := json.Marshal(documents)
	if err != nil {
		return nil, err
	}
	var out []search.Event
	return out, json.Unmarshal(raw, &out)
}

func (d direct) Published(ctx context.Context, before uuid.UUID) ([]search.Stamp, error) {
	ids, err := d.store.PublishedIDs(ctx, before, 1000)
	return stamps(ids), err
}

func (d direct) Versions(ctx context.Context, ids []uuid.UUID) ([]search.Stamp, error) {
	versions, err := d.store.Versions(ctx, ids)
	return stamps(versions), err
}

func stamps(ids []catalogstore.IDVersion) []search.Stamp {
	stamps := make([]search.Stamp, 0, len(ids))
	for _, i := range ids {
		stamps = append(stamps, search.Stamp{ID: i.ID, Versions: search.Versions{Event: i.Version, Venue: i.Venue, Availability: i.Availability}})
	}
	return stamps
}

// world is a catalog with an index, both real.
type world struct {
	store      catalogstore.Store
	pool       *pgxpool.Pool
	database   fallback.Database
	index      *elastic.Index
	elastic    string // address
	indexer    search.Indexer
	maintainer search.Maintainer
}

func newWorld(t testing.TB) world {
	t.Helper()
	url := harness.Postgres(t)
	pool, err := database.Open(t.Context(), url, catalogstore.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	database, err := fallback.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(database.Close)
	w := world{store: catalogstore.Store{Pool: pool}, pool: pool, database: database, elastic: harness.Elasticsearch(t)}
	// One node for all tests of this package: each begins without an index.
	w.request(t, http.MethodDelete, "/events-*", "", nil)
	w.index, err = elastic.New(w.elastic)
	require.NoError(t, err)
	w.indexer = search.Indexer{Catalog: direct{w.store}, Writer: w.index}
	w.maintainer = search.Maintainer{Indexer: w.indexer, Keeper: w.index, Truth: w.database}
	return w
}

// request speaks to Elasticsearch past our code.
func (w world) request(t testing.TB, method, path, body string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.elastic+path, strings.NewReader(body))
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
func (w world) seedConferences(t testing.TB) {
	t.Helper()
	file, err := seed.Upcoming(data.Conferences, now)
	require.NoError(t, err)
	require.NoError(t, catalog.ReadImport(strings.NewReader(string(file)), func(r catalog.Record) error {
		if r.Err != nil {
			return nil //nolint:nilerr // the source has a few bad ones, which the catalog's own tests look at
		}
		_, _, err := w.store.Import(t.Context(), merchant, r.Imported, now)
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

func (w world) add(t testing.TB, e event) uuid.UUID {
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
	id, _, err := w.store.Import(t.Context(), merchant, i, now)
	require.NoError(t, err)
	return id
}

// check brings the index up to the database and makes it visible.
func (w world) check(t testing.TB) int {
	t.Helper()
	n, err := w.maintainer.Check(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.index.Refresh(t.Context()))
	return n
}

func (w world) equal(t testing.TB) {
	t.Helper()
	require.NoError(t, w.index.Refresh(t.Context()))
	have, err := w.index.Summary(t.Context())
	require.NoError(t, err)
	want, err := w.database.Summary(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, have, "the index equals the database")
}
