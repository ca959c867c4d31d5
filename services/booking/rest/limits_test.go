package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/rest"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// named takes a token for the name of its account.
type named struct{}

func (named) Verify(_ context.Context, raw string) (identity.Account, error) {
	return identity.Account{ID: raw}, nil
}

type quiet struct{}

func (quiet) Announce(uuid.UUID, []booking.Change) {}

// api is booking's API as its process serves it, over seats in memory.
func api(t *testing.T, sale *booking.Sale, now func() time.Time) *httptest.Server {
	t.Helper()
	maps, seats := rest.NewMaps(), bookingtest.NewMemory(now)
	live := seatmap.NewCache(oneSale{sale}, seats, maps, now)
	go func() { _ = live.Run(t.Context()) }()
	office := &booking.Service{Seats: seats, SeatMaps: live, Bookings: bookingtest.NewStore(), Announcer: quiet{}, HoldFor: 5 * time.Minute, Now: now}
	router, err := httpapi.NewRouter(httpapi.Options{Service: "booking", Spec: rest.Spec, Verifier: named{}})
	require.NoError(t, err)
	server := rest.Server{Service: office, Live: live, Maps: maps, Steps: &rest.Steps{}}
	rest.Mount(router, server)
	s := httptest.NewServer(router)
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return s
}

// reply is an answer as far as its headers, and the code of a refusal. Its body is open until the test ends.
type reply struct {
	status int
	header http.Header
	code   string
}

// ask sends a request as an account; "" is nobody.
func ask(t *testing.T, method, url, account, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	if account != "" {
		req.Header.Set("Authorization", "Bearer "+account)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	r := reply{status: res.StatusCode, header: res.Header}
	if r.status >= http.StatusBadRequest {
		var problem struct{ Code string }
		require.NoError(t, json.NewDecoder(res.Body).Decode(&problem))
		r.code = problem.Code
	}
	return r
}

// TestStreamsOfAnAccountAreLimited: those of seats and those of bookings together.
func TestStreamsOfAnAccountAreLimited(t *testing.T) {
	sale := hall(20)
	server := api(t, sale, time.Now)
	seats := server.URL + "/api/v1/events/" + sale.Event.String() + "/seats/stream"
	one := server.URL + "/api/v1/bookings/" + uuid.NewString() + "/stream"
	for range 20 {
		require.Equal(t, http.StatusOK, ask(t, http.MethodGet, seats, "buyer", "").status)
	}
	for _, url := range []string{seats, one} {
		res := ask(t, http.MethodGet, url, "buyer", "")
		require.Equal(t, http.StatusTooManyRequests, res.status, url)
		assert.Equal(t, "too_many_streams", res.code)
		assert.Equal(t, "10", res.header.Get("Retry-After"))
	}
	assert.Equal(t, http.StatusOK, ask(t, http.MethodGet, seats, "rival", "").status)
	assert.Equal(t, http.StatusOK, ask(t, http.MethodGet, seats, "", "").status)
	assert.Equal(t, http.StatusNotFound, ask(t, http.MethodGet, one, "rival", "").status, "no such booking")
}

// TestWhoGivesBackALotHasToWait: three times are free and so is the hold after them; when that was given back too, the
// next one is refused, with the time that it takes.
func TestWhoGivesBackALotHasToWait(t *testing.T) {
	sale := hall(20)
	sale.SalesEnd, sale.MaxPerOrder, sale.MaxPerAccount = time.Now().Add(time.Hour), 4, 8
	sale.TicketTypes = []booking.TicketType{{ID: "t", Name: "Floor", Price: money.Money{Amount: 4500, Currency: "EUR"}}}
	sale.Prepare()
	var later atomic.Int64
	server := api(t, sale, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
	holds := server.URL + "/api/v1/events/" + sale.Event.String() + "/holds"
	request := fmt.Sprintf(`{"units":[%q]}`, sale.Units[0].ID)
	for n := range 4 {
		res := ask(t, http.MethodPost, holds, "buyer", request)
		require.Equal(t, http.StatusCreated, res.status, "hold %d: %s", n+1, res.code)
		require.Equal(t, http.StatusNoContent, ask(t, http.MethodDelete, server.URL+res.header.Get("Location"), "buyer", "").status)
	}
	res := ask(t, http.MethodPost, holds, "buyer", request)
	require.Equal(t, http.StatusTooManyRequests, res.status)
	assert.Equal(t, "hold_cooldown", res.code)
	wait, err := strconv.Atoi(res.header.Get("Retry-After"))
	require.NoError(t, err)
	assert.InDelta(t, 15, wait, 1)
	other := ask(t, http.MethodPost, holds, "rival", request)
	require.Equal(t, http.StatusCreated, other.status, "the place is free for somebody else")
	require.Equal(t, http.StatusNoContent, ask(t, http.MethodDelete, server.URL+other.header.Get("Location"), "rival", "").status)
	later.Store(int64(time.Duration(wait) * time.Second))
	require.Equal(t, http.StatusCreated, ask(t, http.MethodPost, holds, "buyer", request).status, "after what Retry-After said")
}
