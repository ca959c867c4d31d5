package rest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/services/search"
	"github.com/foyer-tickets/foyer/services/search/rest"
)

// finder knows one event and remembers the question.
type finder struct {
	asked    search.Query
	degraded bool
	err      error
}

var found = uuid.MustParse("01a210c4-e66d-79e5-9764-f3cea44db3bb")

func (f *finder) Search(_ context.Context, q search.Query) (search.Page, error) {
	f.asked = q
	hit := search.Hit{Event: search.Event{ID: found, Name: "Tom & </script>", StartsAt: time.Date(2027, 5, 1, 18, 0, 0, 0, time.UTC)}}
	hit.Event.Venue.City = "Wien"
	return search.Page{Hits: []search.Hit{hit}, Total: 1, Degraded: f.degraded}, f.err
}

func (f *finder) Suggest(context.Context, string, time.Time) ([]search.Suggestion, bool, error) {
	return nil, false, nil
}

func page(t *testing.T, f *finder, address string) (status int, body string) {
	t.Helper()
	router, err := httpapi.NewRouter(httpapi.Options{Service: "search", Spec: rest.Spec})
	require.NoError(t, err)
	rest.Mount(router, rest.Server{Finder: f, Now: time.Now})
	index := filepath.Join(t.TempDir(), "index.html")
	require.NoError(t, os.WriteFile(index, []byte("<head><title>Foyer</title></head><body></body>"), 0o600))
	rest.Pages{App: httpapi.Page{Index: index, API: router}}.Mount(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody))
	assert.Equal(t, httpapi.Shared, w.Header().Get("Cache-Control"))
	return w.Code, w.Body.String()
}

func TestThePageOfResultsBringsThem(t *testing.T) {
	f := &finder{}
	status, body := page(t, f, "/search?view=map&q=%3Cb%3Ebach&city=Wien")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "<b>bach", f.asked.Text)
	assert.Equal(t, []string{"Wien"}, f.asked.Cities)
	assert.Equal(t, 20, f.asked.Limit)
	assert.Contains(t, body, "<title>&lt;b&gt;bach · Foyer</title>")
	assert.Contains(t, body, `data-address="/api/v1/search?city=Wien&amp;limit=20&amp;q=%3Cb%3Ebach">{`)
	assert.Contains(t, body, `<a href="/events/`+found.String()+`">Tom &amp; &lt;/script&gt;</a>, <time>2027-05-01</time>, Wien`)
	assert.NotContains(t, body, "Tom & ")
}

func TestThePageOfResultsIsThereWithoutThem(t *testing.T) {
	for name, f := range map[string]*finder{
		"nobody answers":    {err: errors.New("away")},
		"the index is away": {degraded: true}, // the app asks itself, and is told so
	} {
		t.Run(name, func(t *testing.T) {
			status, body := page(t, f, "/search?q=bach")
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, "<title>bach · Foyer</title>")
			assert.NotContains(t, body, "data-address")
		})
	}
	status, body := page(t, &finder{}, "/search?sort=nonsense")
	assert.Equal(t, http.StatusOK, status)
	assert.NotContains(t, body, "data-address")
}
