package rest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/booking"
)

// TestAFreeBookingHasNoPayment: a client secret is shown where there is one to pay with, to its buyer alone.
func TestAFreeBookingHasNoPayment(t *testing.T) {
	buyer := identity.Account{ID: "buyer"}
	shown := func(who identity.Account, p booking.Payment) *Payment {
		return bookingView(who, booking.Booking{Account: "buyer", Status: booking.AwaitingPayment, Payment: &p}, nil, nil).Payment
	}
	assert.Nil(t, shown(buyer, booking.Payment{PublishableKey: "pk"}))
	paid := booking.Payment{Intent: "pi", ClientSecret: "secret", PublishableKey: "pk"}
	got := shown(buyer, paid)
	require.NotNil(t, got)
	assert.Equal(t, "secret", got.ClientSecret)
	assert.Nil(t, shown(identity.Account{ID: "merchant"}, paid))
}
