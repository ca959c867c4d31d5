package keycloak_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/auth/keycloak"
)

// TestErrorsNameNobody: while Keycloak is away, the error of a search does not say what was searched
// for; it is logged.
func TestErrorsNameNobody(t *testing.T) {
	const canary = "kanari@foyer.test"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"access_token": "t", "expires_in": 60}`))
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.(*net.TCPConn).Close())
		}
	}))
	defer server.Close()
	d := keycloak.NewDirectory(keycloak.Config{URL: server.URL, Realm: "foyer", ClientID: "c", ClientSecret: "s"})
	_, err := d.Search(t.Context(), canary, 0, 1)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "kanari")
	_, _, err = d.ByEmail(t.Context(), canary)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "kanari")
}
