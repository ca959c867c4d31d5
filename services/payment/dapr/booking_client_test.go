package dapr_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/payment/dapr"
)

// pages answers as the sidecar of booking would.
func pages(t *testing.T, answer func(cursor string, limit int) any) dapr.BookingClient {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil {
			http.Error(w, "limit", http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(answer(r.URL.Query().Get("cursor"), limit))
	}))
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
	return dapr.BookingClient{Client: client}
}

type item struct {
	Booking uuid.UUID `json:"booking"`
	Status  string    `json:"status"`
	At      time.Time `json:"at"`
}

type page struct {
	Items []item `json:"items"`
	Next  string `json:"next,omitempty"`
}

// A hundred thousand bookings come page by page. One that moved meanwhile comes twice, and counts as
// it was last.
func TestBookingsAreReadPageByPage(t *testing.T) {
	const bookings = 100_000
	ids := make([]uuid.UUID, bookings)
	for i := range ids {
		ids[i] = uuid.New()
	}
	b := pages(t, func(cursor string, limit int) any {
		first, _ := strconv.Atoi(cursor)
		var p page
		for i := first; i < min(first+limit, bookings); i++ {
			p.Items = append(p.Items, item{ids[i], "confirmed", time.Now()})
		}
		if p.Next = strconv.Itoa(first + limit); first+limit >= bookings {
			p.Next, p.Items = "", append(p.Items, item{ids[7], "refunded", time.Now()})
		}
		return p
	})
	all, err := b.Money(t.Context(), time.Now().AddDate(0, 0, -92), time.Now())
	require.NoError(t, err)
	require.Len(t, all, bookings)
	require.Equal(t, "refunded", all[7].Status)
	require.Equal(t, "confirmed", all[8].Status)
}

// A list without an end has one for us.
func TestEndlessPagesAreRefused(t *testing.T) {
	b := pages(t, func(string, int) any { return page{Next: "on"} })
	_, err := b.Money(t.Context(), time.Now().Add(-time.Hour), time.Now())
	require.ErrorContains(t, err, "period_too_long")
}
