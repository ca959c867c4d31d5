package dapr

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/payment"
)

// BookingClient asks the booking service.
type BookingClient struct{ Client *daprclient.Client }

var _ payment.BookingReader = BookingClient{}

// Bounds of reading what bookings believe. A page is answered within one attempt of the sidecar.
const (
	moneyPage  = 2000
	moneyPages = 2500 // five million bookings
)

var errTooMany = fault.New(fault.Invalid, "period_too_long", "There are too many bookings in this period. Use a shorter one.")

// Money implements payment.BookingReader. A booking that moves while it is read comes more than once: the
// last one counts.
func (b BookingClient) Money(ctx context.Context, from, to time.Time) ([]payment.BookingMoney, error) {
	query := url.Values{
		"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Add(time.Second).Format(time.RFC3339)}, "limit": {strconv.Itoa(moneyPage)},
	}
	var all []payment.BookingMoney
	at := map[uuid.UUID]int{}
	for range moneyPages {
		var page struct {
			Items []struct {
				Booking  uuid.UUID  `json:"booking"`
				Payment  *uuid.UUID `json:"payment"`
				Status   string     `json:"status"`
				Amount   int64      `json:"amount"`
				Refunded int64      `json:"refunded"`
				Currency string     `json:"currency"`
				At       time.Time  `json:"at"`
				Trouble  string     `json:"trouble"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := b.Client.Invoke(ctx, messages.Booking, http.MethodGet, "/internal/reconciliation/bookings?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, k := range page.Items {
			i, seen := at[k.Booking]
			if !seen {
				i = len(all)
				at[k.Booking], all = i, append(all, payment.BookingMoney{})
			}
			all[i] = payment.BookingMoney(k)
		}
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
	return nil, errTooMany
}
