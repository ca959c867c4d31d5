package daprclient_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// An answer that is too large is an error, and not one that passes: half of it would be taken for the whole.
func TestAnAnswerIsReadWholeOrNotAtAll(t *testing.T) {
	size := 0
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// As a list that goes on: what is read of it has an end of its own, before the limit and after it.
		_, _ = w.Write([]byte(`{"items":[]}` + strings.Repeat(" ", size)))
	})
	var out struct{ Items []string }
	require.NoError(t, client.Invoke(t.Context(), messages.Booking, http.MethodGet, "/internal/x", nil, &out))
	size = daprclient.MaxAnswer
	err := client.Invoke(t.Context(), messages.Booking, http.MethodGet, "/internal/x", nil, &out)
	require.ErrorContains(t, err, "at most")
	require.NotEqual(t, fault.Unavailable, fault.KindOf(err))
}

// A sidecar that is stopping may say 200 for a service that it did not reach. That is no answer.
func TestAnEmptyAnswerIsNone(t *testing.T) {
	status := http.StatusOK
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	var out struct{ Items []string }
	for _, into := range []any{nil, &out} {
		err := client.Invoke(t.Context(), messages.Payment, http.MethodPost, "/internal/x", struct{}{}, into)
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	}
	for _, status = range []int{http.StatusAccepted, http.StatusNoContent} {
		require.NoError(t, client.Invoke(t.Context(), messages.Payment, http.MethodPost, "/internal/x", struct{}{}, nil))
		require.Error(t, client.Invoke(t.Context(), messages.Payment, http.MethodPost, "/internal/x", struct{}{}, &out))
	}
}

// The sidecar counts a canceled call as a failure of the service that it called: a caller who leaves
// must not open its circuit breaker for everybody.
func TestACallerWhoLeavesCancelsNoCall(t *testing.T) {
	began, leave := make(chan struct{}), make(chan struct{}) // began is closed once: a second call would panic
	ended := make(chan error, 1)
	stay := sync.OnceFunc(func() { close(leave) })
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-leave
		// More than the buffers of a connection hold: it is written only to a reader who is there.
		_, err := w.Write(bytes.Repeat([]byte(" "), 15<<20))
		ended <- err
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	defer stay()
	err := client.Invoke(ctx, messages.Booking, http.MethodGet, "/internal/x", nil, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	stay()
	require.NoError(t, <-ended)
	require.ErrorIs(t, client.Invoke(ctx, messages.Booking, http.MethodGet, "/internal/x", nil, nil), context.Canceled, "nothing is begun")
}

// A caller's own deadline ends the call: what is late is a failure.
func TestACallerMayHaveLessTime(t *testing.T) {
	ended := make(chan struct{})
	client := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := client.Invoke(ctx, messages.Booking, http.MethodGet, "/internal/x", nil, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-ended
}

// answering is a client of a sidecar that answers as handle does.
func answering(t *testing.T, handle http.HandlerFunc) *daprclient.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(address.Host)
	require.NoError(t, err)
	n, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	client, err := daprclient.New(daprclient.Config{Host: host, HTTPPort: uint16(n), GRPCPort: 1, APIToken: "t", AppToken: "t"})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
