package sidecar_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/sidecar"
)

// An answer that is too large is an error, and not one that passes: half of it would be taken for the whole.
func TestAnAnswerIsReadWholeOrNotAtAll(t *testing.T) {
	size := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// As a list that goes on: what is read of it has an end of its own, before the limit and after it.
		_, _ = w.Write([]byte(`{"items":[]}` + strings.Repeat(" ", size)))
	}))
	defer server.Close()
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(address.Host)
	require.NoError(t, err)
	n, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	client, err := sidecar.New(sidecar.Config{Host: host, HTTPPort: uint16(n), GRPCPort: 1, APIToken: "t", AppToken: "t"})
	require.NoError(t, err)
	defer client.Close()
	var out struct{ Items []string }
	require.NoError(t, client.Invoke(t.Context(), event.Booking, http.MethodGet, "/internal/x", nil, &out))
	size = 17 << 20
	err = client.Invoke(t.Context(), event.Booking, http.MethodGet, "/internal/x", nil, &out)
	require.ErrorContains(t, err, "at most")
	require.NotEqual(t, fault.Unavailable, fault.KindOf(err))
}
