package load_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func TestRunMakesExactlyTheRequestsAskedFor(t *testing.T) {
	var calls atomic.Int64
	r := load.Run(t.Context(), load.Plan{Clients: 7, Requests: 100}, func(_ context.Context, client, _ int) (string, error) {
		if calls.Add(1) == 1 {
			return "", errors.New("boom")
		}
		return fmt.Sprint(client%2 == 0), nil
	})
	assert.EqualValues(t, 100, calls.Load())
	assert.Equal(t, 99, r.Requests())
	assert.Equal(t, 1, r.Outcomes["error"])
	assert.Equal(t, 99, r.Outcomes["true"]+r.Outcomes["false"])
	assert.ErrorContains(t, r.Only("true"), "boom")
}

func TestRunEndsWithTime(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	h := load.NewHTTP(4)
	plan := load.Plan{Clients: 4, Duration: 100 * time.Millisecond}
	r := load.Run(t.Context(), plan, h.Get(server.URL))
	require.NoError(t, r.Only("418"))
	assert.Error(t, r.Only("200"))
	assert.Positive(t, r.Rate())
	assert.LessOrEqual(t, r.Quantile(50), r.Quantile(99))

	r = load.Run(t.Context(), plan, h.Get(server.URL+"/slow"))
	assert.Zero(t, r.Requests(), "what the end of a run cuts off is no result")
	assert.Empty(t, r.Outcomes)
}

func TestClientsWaitForArrivals(t *testing.T) {
	var busy, most atomic.Int64
	answer := func(ctx context.Context, _, _ int) (string, error) {
		most.Store(max(most.Load(), busy.Add(1)))
		defer busy.Add(-1)
		return "ok", ctx.Err()
	}
	r := load.Run(t.Context(), load.Plan{Clients: 3, Requests: 60, Arrivals: 1e5}, answer)
	require.NoError(t, r.Only("ok"))
	assert.Equal(t, 60, r.Requests())
	assert.LessOrEqual(t, most.Load(), int64(3))

	r = load.Run(t.Context(), load.Plan{Clients: 3, Duration: 50 * time.Millisecond, Arrivals: 1e-6}, answer)
	assert.Zero(t, r.Requests(), "nobody came")
}
