package sidecar_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	dapr "github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/waitingroom/sidecar"
)

// What becomes of a refund ends nobody's pass: it may be that of another purchase.
func TestRefundsEndNoPass(t *testing.T) {
	for _, s := range (sidecar.Subscriptions{}).Subscriptions() { // without a service, at which passes end
		if s.Topic != event.BookingEvents {
			continue
		}
		handle := func(status string) error {
			raw, err := json.Marshal(event.BookingChanged{Booking: uuid.New(), Event: uuid.New(), Account: "a", Status: status})
			require.NoError(t, err)
			return s.Handle(t.Context(), dapr.Delivery{Data: raw})
		}
		for _, status := range []string{event.BookingRefunded, event.BookingPartlyRefunded, event.BookingRefundDelayed, event.BookingRefundRefused, event.BookingRefundFailed} {
			require.NotPanics(t, func() { require.NoError(t, handle(status)) }, status)
		}
		require.Panics(t, func() { _ = handle("confirmed") }, "the service is asked")
	}
}
