package app_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom/app"
)

// The news of a refund ends no pass: the account's pass may be for another purchase.
func TestRefundsEndNoPass(t *testing.T) {
	for _, s := range (app.Subscriptions{}).Subscriptions() { // without a service, at which passes end
		if s.Topic != messages.BookingEvents {
			continue
		}
		handle := func(status string) error {
			raw, err := json.Marshal(messages.BookingChanged{Booking: uuid.New(), Event: uuid.New(), Account: "a", Status: status})
			require.NoError(t, err)
			return s.Handle(t.Context(), daprclient.Delivery{Data: raw})
		}
		for _, status := range []string{messages.BookingRefunded, messages.BookingPartlyRefunded, messages.BookingRefundDelayed, messages.BookingRefundRefused, messages.BookingRefundFailed} {
			require.NotPanics(t, func() { require.NoError(t, handle(status)) }, status)
		}
		require.Panics(t, func() { _ = handle("confirmed") }, "the service is asked")
	}
}
