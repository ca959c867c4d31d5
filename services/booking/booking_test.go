package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
)

// The examples that all tests of booking share.
var (
	unit = bookingtest.Unit
	sale = bookingtest.Sale
	noon = bookingtest.Noon
)

func eur(amount int64) money.Money { return money.Money{Amount: amount, Currency: "EUR"} }

func newBooking() booking.Booking {
	h := booking.Hold{ID: mine, Event: sale().Event, Account: "buyer", Units: []booking.HeldUnit{unit("A1", 4500), unit("A2", 4500)}, Until: later, Status: booking.HoldCheckout}
	return booking.New(uuid.MustParse("0192f0c4-0000-7000-8000-00000000000b"), h, sale(), noon)
}

// in makes a booking of each status, the way it gets there.
func in(t *testing.T, status booking.Status) booking.Booking {
	t.Helper()
	b := newBooking()
	must := func(next booking.Booking, err error) {
		require.NoError(t, err)
		require.Equal(t, b.Version+1, next.Version)
		b = next
	}
	pay := booking.Payment{ID: uuid.New(), Intent: "pi_1"}
	refund := func() {
		next, _, err := b.Refund(uuid.New(), nil, "", booking.ByMerchant, noon)
		must(next, err)
	}
	authorize := func() { must(b.AwaitPayment(pay, noon)); must(b.Authorize(pay, noon)) }
	switch status {
	case booking.Requested:
	case booking.AwaitingPayment:
		must(b.AwaitPayment(pay, noon))
	case booking.Secured:
		authorize()
		must(b.Secure(noon))
	case booking.Confirmed:
		authorize()
		must(b.Secure(noon))
		must(b.Confirm(noon))
	case booking.Expired:
		must(b.Expire(later))
	case booking.Failed:
		must(b.Fail(booking.ReasonSeatsLost, noon))
	case booking.Cancelled:
		must(b.Cancel(booking.ReasonByBuyer, noon))
	case booking.Refunding:
		authorize()
		must(b.Secure(noon))
		must(b.Confirm(noon))
		refund()
	case booking.Refunded:
		authorize()
		must(b.Secure(noon))
		must(b.Confirm(noon))
		next, r, err := b.Refund(uuid.New(), nil, "", booking.ByMerchant, noon)
		must(next, err)
		must(b.Refunded(r, noon))
	}
	require.Equal(t, status, b.Status)
	return b
}

// TestEveryStatusOfABookingMeetsEveryEvent says for each event from where it leads where. What
// is not named is refused and changes nothing.
func TestEveryStatusOfABookingMeetsEveryEvent(t *testing.T) {
	type way map[booking.Status]booking.Status
	pay := booking.Payment{ID: uuid.New(), Intent: "pi_2"}
	unpaid := func(to booking.Status) way { return way{booking.Requested: to, booking.AwaitingPayment: to} }
	for event, c := range map[string]struct {
		apply func(booking.Booking) (booking.Booking, error)
		way   way
	}{
		"await payment": {
			func(b booking.Booking) (booking.Booking, error) { return b.AwaitPayment(pay, noon) },
			way{booking.Requested: booking.AwaitingPayment},
		},
		"authorize": {
			func(b booking.Booking) (booking.Booking, error) { return b.Authorize(pay, noon) }, unpaid(booking.AwaitingPayment),
		},
		"secure":  {func(b booking.Booking) (booking.Booking, error) { return b.Secure(noon) }, way{}}, // only once authorised, below
		"confirm": {func(b booking.Booking) (booking.Booking, error) { return b.Confirm(noon) }, way{booking.Secured: booking.Confirmed}},
		"expire":  {func(b booking.Booking) (booking.Booking, error) { return b.Expire(later) }, unpaid(booking.Expired)},
		"cancel": {
			func(b booking.Booking) (booking.Booking, error) { return b.Cancel(booking.ReasonByBuyer, noon) }, unpaid(booking.Cancelled),
		},
		"fail": {
			func(b booking.Booking) (booking.Booking, error) { return b.Fail(booking.ReasonSeatsLost, noon) },
			way{booking.Requested: booking.Failed, booking.AwaitingPayment: booking.Failed, booking.Secured: booking.Failed},
		},
		"settle": {
			func(b booking.Booking) (booking.Booking, error) { return b.Settle(noon) },
			way{booking.Expired: booking.Expired, booking.Failed: booking.Failed, booking.Cancelled: booking.Cancelled},
		},
		"refund": {
			func(b booking.Booking) (booking.Booking, error) {
				next, _, err := b.Refund(uuid.New(), []string{"A1"}, "ill", booking.ByOwner, noon)
				return next, err
			},
			way{booking.Confirmed: booking.Refunding},
		},
		"refunded in part": {
			func(b booking.Booking) (booking.Booking, error) {
				return b.Refunded(booking.Refund{Units: []string{"A1"}}, noon)
			},
			way{booking.Refunding: booking.Confirmed},
		},
		"refunded whole": {
			func(b booking.Booking) (booking.Booking, error) {
				return b.Refunded(booking.Refund{Units: []string{"A1", "A2"}}, noon)
			},
			way{booking.Refunding: booking.Refunded},
		},
		"refund refused": {
			func(b booking.Booking) (booking.Booking, error) { return b.RefundRefused(noon) },
			way{booking.Refunding: booking.Confirmed},
		},
	} {
		for _, from := range booking.Statuses() {
			t.Run(event+"/"+string(from), func(t *testing.T) {
				before := in(t, from)
				after, err := c.apply(before)
				to, allowed := c.way[from]
				if !allowed {
					require.Error(t, err)
					assert.Equal(t, before, after, "a refusal changes nothing")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, to, after.Status)
				assert.Equal(t, before.Version+1, after.Version)
			})
		}
	}
}

func TestOnlyAnAuthorisedBookingIsSecured(t *testing.T) {
	b := in(t, booking.AwaitingPayment)
	_, err := b.Secure(noon)
	require.Error(t, err)
	b, err = b.Authorize(*b.Payment, noon)
	require.NoError(t, err)
	again, err := b.Authorize(*b.Payment, noon)
	require.NoError(t, err)
	assert.Equal(t, b, again, "a second notice of the same thing changes nothing")
	b, err = b.Secure(noon)
	require.NoError(t, err)
	assert.Equal(t, booking.Secured, b.Status)
}

func TestNeitherBuyerNorClockEndsWhatIsAuthorised(t *testing.T) {
	b := in(t, booking.AwaitingPayment)
	b, err := b.Authorize(*b.Payment, noon)
	require.NoError(t, err)
	_, err = b.Cancel(booking.ReasonByBuyer, noon)
	require.ErrorIs(t, err, booking.ErrTooLateToCancel)
	_, err = b.Expire(later.Add(time.Hour))
	require.Error(t, err)
}

func TestAuthorisationMayOvertakeTheIntent(t *testing.T) {
	pay := booking.Payment{ID: uuid.New(), Intent: "pi_fast"}
	b, err := newBooking().Authorize(pay, noon)
	require.NoError(t, err)
	assert.Equal(t, booking.AwaitingPayment, b.Status)
	assert.Equal(t, pay, *b.Payment)
}

func TestABookingDoesNotExpireEarly(t *testing.T) {
	_, err := in(t, booking.AwaitingPayment).Expire(later.Add(-time.Nanosecond))
	require.Error(t, err)
}

func TestRefundPolicy(t *testing.T) {
	b := in(t, booking.Confirmed)
	starts := b.Occasion.StartsAt
	_, _, err := b.Refund(uuid.New(), nil, "", booking.ByOwner, starts)
	require.ErrorIs(t, err, booking.ErrRefundClosed, "not once it began")
	deadline := noon.Add(time.Hour)
	b.Occasion.RefundableUntil = &deadline
	_, _, err = b.Refund(uuid.New(), nil, "", booking.ByOwner, deadline)
	require.ErrorIs(t, err, booking.ErrRefundClosed)
	_, r, err := b.Refund(uuid.New(), []string{"A2"}, "", booking.ByMerchant, starts.AddDate(0, 0, 7))
	require.NoError(t, err, "the merchant is not bound by it")
	assert.Equal(t, int64(4500), r.Amount)

	_, _, err = b.Refund(uuid.New(), []string{"A2", "A2"}, "", booking.ByOwner, noon)
	require.ErrorIs(t, err, booking.ErrUnitTwice, "nobody gets the same money twice")
	_, _, err = b.Refund(uuid.New(), []string{"Z9"}, "", booking.ByOwner, noon)
	require.ErrorIs(t, err, booking.ErrUnknownUnit)

	next, r, err := b.Refund(uuid.New(), []string{"A1"}, "", booking.ByOwner, noon)
	require.NoError(t, err)
	next, err = next.Refunded(r, noon)
	require.NoError(t, err)
	assert.Equal(t, []string{"A2"}, next.UnitIDs())
	_, _, err = next.Refund(uuid.New(), []string{"A1"}, "", booking.ByOwner, noon)
	require.ErrorIs(t, err, booking.ErrUnknownUnit, "what went back cannot go back again")
	_, r, err = next.Refund(uuid.New(), nil, "", booking.ByOwner, noon)
	require.NoError(t, err)
	assert.Equal(t, []string{"A2"}, r.Units)
	assert.Equal(t, int64(4500), r.Amount, "the rest, not the whole")
}

func TestSaleOpens(t *testing.T) {
	s := sale()
	assert.NoError(t, s.Open(noon))
	assert.ErrorIs(t, s.Open(s.SalesStart.Add(-time.Second)), booking.ErrNotOnSale)
	assert.ErrorIs(t, s.Open(s.SalesEnd), booking.ErrNotOnSale)
	s.Status = booking.EventCancelled
	assert.ErrorIs(t, s.Open(noon), booking.ErrNotOnSale)
	s.Status = "draft"
	assert.ErrorIs(t, s.Open(noon), booking.ErrEventNotFound, "a draft is nobody's business")
}

func TestSalePrices(t *testing.T) {
	s := sale()
	s.Units[1].Blocked = true
	_, err := s.Price([]string{"A1", "A1"})
	assert.ErrorIs(t, err, booking.ErrUnitTwice)
	_, err = s.Price([]string{"elsewhere"})
	assert.ErrorIs(t, err, booking.ErrUnknownUnit)
	_, err = s.Price(nil)
	assert.ErrorIs(t, err, booking.ErrNothing)
	_, err = s.Price([]string{"A1", "A2"})
	assert.ErrorIs(t, err, booking.ErrUnitsUnavailable, "blocked by the plan")
	s.Units[3].Kind = booking.Standing
	units, err := s.Price([]string{"A3", "A4"})
	require.NoError(t, err)
	assert.Equal(t, eur(4500), units[0].Price)
	assert.Equal(t, seat.Place{Row: "A"}, units[0].Place)
	assert.Zero(t, units[1].Place, "whoever stands has no seat")
}
