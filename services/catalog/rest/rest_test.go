package rest_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/catalog/rest"
	"github.com/foyer-tickets/foyer/services/catalog/seating"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// verifier takes a token for the merchant of that name.
type verifier struct{}

func (verifier) Verify(_ context.Context, raw string) (identity.Account, error) {
	return identity.Account{ID: raw, Roles: []identity.Role{identity.Merchant}}, nil
}

// cache counts what is asked of it, and can be away.
type cache struct {
	kept map[string][]byte
	hits int
	away bool
}

func (c *cache) Get(_ context.Context, key string) ([]byte, error) {
	if c.away {
		return nil, errors.New("away")
	}
	if c.kept[key] != nil {
		c.hits++
	}
	return c.kept[key], nil
}

func (c *cache) Put(_ context.Context, key string, answer []byte) error {
	if c.away {
		return errors.New("away")
	}
	c.kept[key] = answer
	return nil
}

type server struct {
	t     *testing.T
	store postgres.Store
	cache *cache
	http.Handler
}

const index = `<!doctype html><html><head><meta charset="utf-8"><title>Foyer</title><script src="/boot.js"></script></head><body><div id="root"></div></body></html>`

func serve(t *testing.T) server {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := server{t: t, store: postgres.Store{Pool: pool}, cache: &cache{kept: map[string][]byte{}}}
	router, err := httpapi.NewRouter(httpapi.Options{Service: "catalog", Spec: rest.Spec, Verifier: verifier{}})
	require.NoError(t, err)
	rest.Mount(router, rest.Server{Store: s.store, Cache: s.cache, Now: time.Now})
	page := filepath.Join(t.TempDir(), "index.html")
	require.NoError(t, os.WriteFile(page, []byte(index), 0o600))
	rest.Pages{Store: s.store, PublicURL: "https://foyer.test", App: httpapi.Page{Index: page, API: router}}.Mount(router)
	s.Handler = router
	return s
}

func (s server) call(method, path string, body any, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	raw := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(s.t, err)
		raw = string(encoded)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s server) make(path string, form any, header ...string) rest.Event {
	s.t.Helper()
	w := s.call(http.MethodPost, path, form, append(header, "Authorization", "Bearer m")...)
	require.Less(s.t, w.Code, 300, w.Body.String())
	var made rest.Event
	require.NoError(s.t, json.Unmarshal(w.Body.Bytes(), &made))
	return made
}

func (s server) venue() uuid.UUID {
	s.t.Helper()
	return s.make("/api/v1/venues", map[string]any{"name": "Haus", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}).Id
}

func form(venue uuid.UUID, name string) map[string]any {
	return map[string]any{
		"name": name, "venue": venue, "description": "Ein \"Abend\" &\nmehr", "performers": []string{"Band"}, "image": "/poster.png",
		"startsAt": "2099-01-01T19:00:00Z", "endsAt": "2099-01-01T22:00:00Z",
		"ticketTypes": []any{map[string]any{"name": "Stehplatz", "capacity": 10, "price": map[string]any{"amount": 1250, "currency": "EUR"}}},
	}
}

func (s server) published(name string) rest.Event {
	s.t.Helper()
	return s.make("/api/v1/events/"+s.make("/api/v1/events", form(s.venue(), name)).Id.String()+"/publish", nil)
}

func TestAReadIsConditionalOnAllItShows(t *testing.T) {
	s := serve(t)
	e := s.published("Fest")
	path := "/api/v1/events/" + e.Id.String()
	first := s.call(http.MethodGet, path, nil)
	tag := first.Header().Get("ETag")
	assert.Equal(t, httpapi.Shared, first.Header().Get("Cache-Control"), "what everyone gets, the gateway may keep")
	assert.Equal(t, "private, no-cache", s.call(http.MethodGet, path, nil, "Authorization", "Bearer m").Header().Get("Cache-Control"))
	assert.Equal(t, 304, s.call(http.MethodGet, path, nil, "If-None-Match", tag).Code)
	assert.Equal(t, 304, s.call(http.MethodGet, path, nil, "If-None-Match", "W/"+tag).Code)

	require.NoError(t, s.store.SetAvailability(t.Context(), messages.Inventory{Event: e.Id, Available: 3, Held: 2, Booked: 5, Version: 7}))
	second := s.call(http.MethodGet, path, nil, "If-None-Match", tag)
	require.Equal(t, 200, second.Code, "what is left has changed")
	var now rest.Event
	require.NoError(t, json.Unmarshal(second.Body.Bytes(), &now))
	assert.Equal(t, rest.Availability{Available: 3, Held: 2, Booked: 5, Status: "available"}, now.Availability)

	// A change goes by the event's version alone: sales do not get in a merchant's way.
	patch := func(tag string) int {
		return s.call(http.MethodPatch, path, map[string]any{"name": "Neu"}, "If-Match", tag, "Authorization", "Bearer m").Code
	}
	assert.Equal(t, 412, patch(`"99"`))
	assert.Equal(t, 412, patch(`"nonsense"`))
	assert.Equal(t, 200, patch(tag))
	assert.Equal(t, 412, patch(tag))
}

// TestAnotherMerchantsDraftIsNotThere: whatever the version, and however the request is made.
func TestAnotherMerchantsDraftIsNotThere(t *testing.T) {
	s := serve(t)
	e := s.make("/api/v1/events", form(s.venue(), "Mine"))
	path := "/api/v1/events/" + e.Id.String()
	for _, tag := range []string{`"1"`, `"99"`} {
		w := s.call(http.MethodPatch, path, map[string]any{"name": "Yours"}, "If-Match", tag, "Authorization", "Bearer another")
		assert.Equal(t, 404, w.Code, tag)
	}
}

func TestThePlanIsKeptUntilWhatItShowsChanges(t *testing.T) {
	s := serve(t)
	venue := s.venue()
	raw, err := json.Marshal(seating.Club())
	require.NoError(t, err)
	require.NoError(t, s.store.PutPlan(t.Context(), venue, raw))
	f := form(venue, "Fest")
	f["ticketTypes"] = []any{map[string]any{"name": "Galerie", "seated": true, "categories": []string{"Gallery"}, "price": map[string]any{"amount": 4500, "currency": "EUR"}}}
	e := s.make("/api/v1/events", f)
	path := "/api/v1/events/" + e.Id.String() + "/plan"
	assert.Equal(t, 404, s.call(http.MethodGet, path, nil).Code, "a draft's plan is the merchant's")

	rows := func() int {
		t.Helper()
		w := s.call(http.MethodGet, path, nil, "Authorization", "Bearer m")
		require.Equal(t, 200, w.Code, w.Body.String())
		var plan rest.EventPlan
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &plan))
		require.Len(t, *plan.Areas, 3, "what is drawn beside the seats")
		require.Equal(t, rest.Stage, *(*plan.Areas)[0].Kind)
		return len(plan.Units.Row)
	}
	assert.Equal(t, 40, rows())
	assert.Equal(t, 40, rows())
	assert.Equal(t, 1, s.cache.hits)
	tag := s.call(http.MethodGet, path, nil, "Authorization", "Bearer m").Header().Get("ETag")
	assert.Equal(t, 304, s.call(http.MethodGet, path, nil, "Authorization", "Bearer m", "If-None-Match", tag).Code)

	smaller := seating.Club()
	smaller.Zones[2].Rows = smaller.Zones[2].Rows[:1]
	raw, err = json.Marshal(smaller)
	require.NoError(t, err)
	require.NoError(t, s.store.PutPlan(t.Context(), venue, raw))
	assert.Equal(t, 10, rows(), "at once")
	s.cache.away = true
	assert.Equal(t, 10, rows(), "a cache that is away costs time, not answers")
}

func TestAnImportSaysWhatBecameOfEachRecord(t *testing.T) {
	s := serve(t)
	send := func(file, contentType string) (*httptest.ResponseRecorder, rest.ImportReport) {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/events/import", strings.NewReader(file))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer m")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var report rest.ImportReport
		if w.Code == 200 {
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &report))
		}
		return w, report
	}
	good := `{"name":"Konf","startDate":"2027-01-01"}`
	_, report := send(good+"\nnonsense\n", "application/x-ndjson")
	assert.Equal(t, []int{1, 0, 0, 1}, []int{report.Created, report.Updated, report.Unchanged, report.Rejected})
	assert.Equal(t, "malformed_record", *report.Results[1].Code)
	_, report = send("["+good+",{", "application/json")
	assert.Equal(t, 1, report.Unchanged, "what came before the break is kept")
	require.NotNil(t, report.Error)
	assert.Contains(t, *report.Error, "truncated")
	w, _ := send("", "application/json")
	assert.Equal(t, 422, w.Code)
	_, report = send(good, "application/x-www-form-urlencoded")
	assert.Equal(t, 1, report.Unchanged, "the file itself tells what it is")
	w, report = send(good+"\n"+strings.Repeat(strings.Repeat(" ", 1<<20)+"\n", 33), "application/x-ndjson")
	require.Equal(t, 200, w.Code, w.Body.String())
	require.NotNil(t, report.Error)
	assert.Contains(t, *report.Error, "32 MiB")
}

var ldScript = regexp.MustCompile(`(?s)<script type="application/ld\+json">(.*?)</script>`)

func TestAnEventsPageSpeaksToThoseWithoutScript(t *testing.T) {
	s := serve(t)
	const name = `Fest </script><script>alert(1)</script> & "mehr"`
	e := s.published(name)
	w := s.call(http.MethodGet, "/events/"+e.Id.String(), nil)
	require.Equal(t, 200, w.Code)
	page := w.Body.String()
	assert.NotContains(t, page, "<script>alert")
	assert.Contains(t, page, `<div id="root"></div>`, "the app is in it")
	assert.Contains(t, page, `<script src="/boot.js"></script>`)
	assert.Equal(t, 1, strings.Count(page, "<title>"))
	assert.Contains(t, page, `<meta property="og:image" content="https://foyer.test/poster.png">`)
	assert.Contains(t, page, `<link rel="canonical" href="https://foyer.test/events/`+e.Id.String()+`">`)
	assert.Contains(t, page, `<time datetime="2099-01-01T20:00:00&#43;01:00">1 January 2099, 20:00 CET</time>, Haus, Wien`)
	assert.Contains(t, page, "<li>Stehplatz: 12.50 EUR</li>")

	found := ldScript.FindStringSubmatch(page)
	require.Len(t, found, 2)
	good := 0
	require.NoError(t, catalog.ReadImport(strings.NewReader(strings.TrimSpace(found[1])), func(r catalog.Record) error {
		good++
		assert.Equal(t, name, r.Event.Name)
		assert.Equal(t, "Haus", r.Event.Venue.Name)
		assert.Equal(t, "https://foyer.test/poster.png", r.Event.Image)
		assert.EqualValues(t, 1250, r.Event.TicketTypes[0].Price.Amount)
		return r.Err
	}), "what we publish, we can import")
	assert.Equal(t, 1, good)

	// What the app will ask for first is in it, before the script that looks for it; in the seat picker's page too.
	api := "/api/v1/events/" + e.Id.String()
	answer := `<script type="application/json" data-address="` + api + `">` + strings.TrimSpace(s.call(http.MethodGet, api, nil).Body.String()) + "</script>"
	for _, path := range []string{"/events/" + e.Id.String(), "/events/" + e.Id.String() + "/tickets"} {
		before, _, _ := strings.Cut(s.call(http.MethodGet, path, nil).Body.String(), `<script src="/boot.js">`)
		assert.Contains(t, before, answer)
		assert.Regexp(t, ldScript, before)
	}

	draft := s.make("/api/v1/events", form(s.venue(), "Geheim"))
	for _, path := range []string{"/events/" + draft.Id.String(), "/events/" + draft.Id.String() + "/tickets", "/events/" + uuid.NewString(), "/events/nonsense"} {
		w := s.call(http.MethodGet, path, nil)
		assert.Equal(t, 404, w.Code)
		assert.Contains(t, w.Body.String(), `<div id="root"></div>`, "the app says it in the reader's language")
		assert.NotContains(t, w.Body.String(), "Geheim")
	}

	var sitemap struct {
		URL []struct {
			Loc string `xml:"loc"`
		} `xml:"url"`
	}
	require.NoError(t, xml.Unmarshal(s.call(http.MethodGet, "/sitemap.xml", nil).Body.Bytes(), &sitemap))
	require.Len(t, sitemap.URL, 2, "the start page and what is public")
	assert.Equal(t, "https://foyer.test/events/"+e.Id.String(), sitemap.URL[1].Loc)
	assert.Contains(t, s.call(http.MethodGet, "/robots.txt", nil).Body.String(), "Sitemap: https://foyer.test/sitemap.xml")
}
