package postgres

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// A booking counts once for each outcome, and a refund for each status.
func TestOutcomesAreCounted(t *testing.T) {
	confirmed := harness.Counting(t, "foyer_booking_bookings_total", "foyer_status", "confirmed")
	refunded := harness.Counting(t, "foyer_booking_bookings_total", "foyer_status", "refunded")
	requested := harness.Counting(t, "foyer_booking_refunds_total", "foyer_status", "requested")
	succeeded := harness.Counting(t, "foyer_booking_refunds_total", "foyer_status", "succeeded")
	asked, done := &booking.Refund{Status: booking.RefundRequested}, &booking.Refund{Status: booking.RefundSucceeded}
	for _, step := range []struct {
		status  booking.Status
		effects booking.Effects
	}{
		{booking.AwaitingPayment, booking.Effects{}},
		{booking.Confirmed, booking.Effects{}},
		{booking.Refunding, booking.Effects{Opened: asked}},
		{booking.Confirmed, booking.Effects{Closed: done, Told: booking.ToldPartlyRefunded}}, // of some units
		{booking.Refunding, booking.Effects{Opened: asked}},
		{booking.Refunded, booking.Effects{Closed: done}},
		{booking.Failed, booking.Effects{Quiet: true}}, // settled
	} {
		count(t.Context(), booking.Booking{Status: step.status}, step.effects)
	}
	assert.InDelta(t, 1, confirmed(), 0)
	assert.InDelta(t, 1, refunded(), 0)
	assert.InDelta(t, 2, requested(), 0)
	assert.InDelta(t, 2, succeeded(), 0)
}
