package httpapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

func pageOf(t *testing.T, api http.HandlerFunc) httpapi.Page {
	t.Helper()
	index := filepath.Join(t.TempDir(), "index.html")
	require.NoError(t, os.WriteFile(index, []byte(`<head><title>Foyer</title><script src="/boot.js"></script></head><body><main></main></body>`), 0o600))
	return httpapi.Page{Index: index, API: api}
}

func TestAPageBringsWhatItWillBeAskedFor(t *testing.T) {
	page := pageOf(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"), "a page is shared: a stranger asks")
		_ = httpapi.WriteJSON(w, r, http.StatusOK, map[string]string{"asked": r.URL.String(), "name": "</script><b>"})
	})
	answer, header, ok := page.Answer(t.Context(), `/api?q="a"&n=1`)
	require.True(t, ok)
	assert.Equal(t, "application/json", header.Get("Content-Type"))
	got := string(page.With(append([]byte("<title>Bach</title>"), httpapi.Data(`/api?q="a"&n=1`, answer)...), []byte("<p>plain</p>")))
	// Before the first script, which looks for it.
	assert.Equal(t, `<head><title>Bach</title><script type="application/json" data-address="/api?q=&#34;a&#34;&amp;n=1">`+
		`{"asked":"/api?q=\"a\"\u0026n=1","name":"\u003c/script\u003e\u003cb\u003e"}</script>`+"\n"+
		`<script src="/boot.js"></script></head><body><main></main><p>plain</p></body>`, got)
}

func TestAPageDoesNotWaitForWhatItBrings(t *testing.T) {
	page := pageOf(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			httpapi.WriteProblem(w, r, r.Context().Err())
		case <-time.After(time.Minute):
		}
	})
	_, _, ok := page.Answer(t.Context(), "/api")
	assert.False(t, ok)
}

func TestAPageWithoutARefusal(t *testing.T) {
	page := pageOf(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) })
	_, _, ok := page.Answer(t.Context(), "/api")
	assert.False(t, ok)
	page.Index = "not built"
	assert.Contains(t, string(page.With([]byte("<title>Bach</title>"), nil)), "Bach")
}
