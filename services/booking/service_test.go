package booking_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

var (
	buyer  = identity.Account{ID: "buyer", Roles: []identity.Role{identity.Customer}}
	rival  = identity.Account{ID: "rival", Roles: []identity.Role{identity.Customer}}
	seller = identity.Account{ID: "merchant", Roles: []identity.Role{identity.Merchant}}
	other  = identity.Account{ID: "someone", Roles: []identity.Role{identity.Merchant}}
	clerk  = identity.Account{ID: "clerk", Roles: []identity.Role{identity.Admin}}
)

// counter is the booking service in memory.
type counter struct {
	*booking.Service
	sale  *booking.Sale
	store *bookingtest.Store
	now   time.Time
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{sale: sale(), store: bookingtest.NewStore(), now: noon}
	clock := func() time.Time { return c.now }
	seats := bookingtest.NewMemory(clock)
	var m *seatmap.Map
	m = seatmap.NewMap(c.sale, 1, func(ctx context.Context, event uuid.UUID, units []string) {
		since := m.Clock()
		found, err := seats.Read(ctx, event, units)
		if err == nil {
			m.Correct(units, found, since, c.now)
		}
	})
	c.Service = &booking.Service{
		Seats: seats, SeatMaps: seatMaps(func() *seatmap.Map { return m }), Bookings: c.store, Announcer: silent{}, HoldFor: 5 * time.Minute, Now: clock,
	}
	return c
}

type seatMaps func() *seatmap.Map

func (h seatMaps) SeatMap(_ context.Context, event uuid.UUID) (booking.SeatMap, error) {
	if m := h(); event == m.Sale().Event {
		return m, nil
	}
	return nil, booking.ErrEventNotFound
}

// silent announces nothing: the projection learns only by being wrong.
type silent struct{}

func (silent) Announce(uuid.UUID, []booking.Change) {}

func (c *counter) hold(t *testing.T, who identity.Account, units ...string) booking.Hold {
	t.Helper()
	h, err := c.Hold(t.Context(), who, c.sale.Event, booking.HoldRequest{Units: units})
	require.NoError(t, err)
	return h
}

func TestWhatCannotBeHeld(t *testing.T) {
	c := newCounter(t)
	for name, w := range map[string]struct {
		wish    booking.HoldRequest
		refusal error
	}{
		"nothing":             {booking.HoldRequest{}, booking.ErrNothing},
		"none of a type":      {booking.HoldRequest{Items: []booking.Item{{TicketType: "stalls"}}}, booking.ErrNothing},
		"a type that is not":  {booking.HoldRequest{Items: []booking.Item{{TicketType: "box", Quantity: 1}}}, booking.ErrUnknownType},
		"a place that is not": {booking.HoldRequest{Units: []string{"Z1"}}, booking.ErrUnknownUnit},
		"more than an order":  {booking.HoldRequest{Items: []booking.Item{{TicketType: "stalls", Quantity: 5}}}, booking.ErrLimitExceeded},
		"more than there are numbers": {booking.HoldRequest{Items: []booking.Item{
			{TicketType: "stalls", Quantity: math.MaxInt}, {TicketType: "stalls", Quantity: math.MaxInt}, {TicketType: "stalls", Quantity: 3},
		}}, booking.ErrLimitExceeded},
		"named and best, again": {booking.HoldRequest{Units: []string{"A1", "A2"}, Items: []booking.Item{{TicketType: "stalls", Quantity: 3}}}, booking.ErrLimitExceeded},
	} {
		_, err := c.Hold(t.Context(), buyer, c.sale.Event, w.wish)
		assert.ErrorIs(t, err, w.refusal, name)
	}
	dear := newCounter(t)
	for n := range dear.sale.TicketTypes {
		dear.sale.TicketTypes[n].Price = money.Money{Amount: 60_000_000, Currency: "EUR"}
	}
	_, err := dear.Hold(t.Context(), buyer, dear.sale.Event, booking.HoldRequest{Units: []string{"A1", "A2"}})
	assert.ErrorIs(t, err, money.ErrTooLarge, "each could be paid, both at once could not")
	dear.hold(t, buyer, "A1")
	_, err = c.Hold(t.Context(), buyer, uuid.New(), booking.HoldRequest{Units: []string{"A1"}})
	assert.ErrorIs(t, err, booking.ErrEventNotFound)
	c.now = c.sale.SalesEnd
	_, err = c.Hold(t.Context(), buyer, c.sale.Event, booking.HoldRequest{Units: []string{"A1"}})
	assert.ErrorIs(t, err, booking.ErrNotOnSale)
}

func TestHighDemandNeedsAPass(t *testing.T) {
	c := newCounter(t)
	c.sale.HighDemand = true
	_, err := c.Hold(t.Context(), buyer, c.sale.Event, booking.HoldRequest{Units: []string{"A1"}, Pass: "a pass"})
	assert.ErrorIs(t, err, identity.ErrEmailUnverified, "whoever could make accounts by the dozen")
	buyer := buyer
	buyer.EmailVerified = true
	for _, pass := range []string{"", "forged"} { // without a gate nobody comes in, whatever they show
		_, err := c.Hold(t.Context(), buyer, c.sale.Event, booking.HoldRequest{Units: []string{"A1"}, Pass: pass})
		assert.ErrorIs(t, err, booking.ErrAdmissionRequired)
	}
}

func TestAProjectionThatLagsFindsOtherPlaces(t *testing.T) {
	c := newCounter(t)
	c.hold(t, rival, "A4", "A5") // the best; our projection did not hear of it
	h, err := c.Hold(t.Context(), buyer, c.sale.Event, booking.HoldRequest{Items: []booking.Item{{TicketType: "stalls", Quantity: 2}}})
	require.NoError(t, err)
	assert.NotContains(t, h.UnitIDs(), "A4")
	assert.NotContains(t, h.UnitIDs(), "A5")
	_, err = c.Hold(t.Context(), identity.Account{ID: "third"}, c.sale.Event, booking.HoldRequest{Units: []string{"A4"}})
	assert.ErrorIs(t, err, booking.ErrUnitsUnavailable, "who names a place gets it or nothing")
}

func TestOtherPeoplesHoldsAreNotThere(t *testing.T) {
	c := newCounter(t)
	h := c.hold(t, buyer, "A1")
	_, err := c.Find(t.Context(), rival, h.ID)
	assert.ErrorIs(t, err, booking.ErrHoldNotFound)
	_, err = c.Change(t.Context(), rival, h.ID, []string{"A2"}, nil)
	assert.ErrorIs(t, err, booking.ErrHoldNotFound)
	assert.ErrorIs(t, c.Release(t.Context(), rival, h.ID), booking.ErrHoldNotFound)
	_, _, err = c.CheckOut(t.Context(), rival, h.ID)
	assert.ErrorIs(t, err, booking.ErrHoldNotFound)
	c.now = h.Until
	_, err = c.Find(t.Context(), buyer, h.ID)
	assert.ErrorIs(t, err, booking.ErrHoldExpired)
	_, _, err = c.CheckOut(t.Context(), buyer, h.ID)
	assert.ErrorIs(t, err, booking.ErrHoldExpired)
}

func TestAHoldIsCheckedOutOnce(t *testing.T) {
	c := newCounter(t)
	h := c.hold(t, buyer, "A1", "A2")
	ids := make([]uuid.UUID, 20)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			b, _, err := c.CheckOut(t.Context(), buyer, h.ID)
			assert.NoError(t, err)
			ids[i] = b.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	assert.ErrorIs(t, c.Release(t.Context(), buyer, h.ID), booking.ErrCheckoutStarted)
	_, err := c.Change(t.Context(), buyer, h.ID, nil, []string{"A1"})
	assert.ErrorIs(t, err, booking.ErrCheckoutStarted)
}

func TestWhoMaySeeAndChangeABooking(t *testing.T) {
	c := newCounter(t)
	b, _, err := c.CheckOut(t.Context(), buyer, c.hold(t, buyer, "A1").ID)
	require.NoError(t, err)
	for who, sees := range map[*identity.Account]bool{&buyer: true, &seller: true, &clerk: true, &rival: false, &other: false} {
		_, err := c.Booking(t.Context(), *who, b.ID)
		if sees {
			assert.NoError(t, err, who.ID)
		} else {
			assert.ErrorIs(t, err, booking.ErrBookingNotFound, who.ID)
		}
	}
	_, err = c.Cancel(t.Context(), seller, b.ID)
	assert.ErrorIs(t, err, booking.ErrBookingNotFound, "only its owner gives up a booking")
	_, _, err = c.Refund(t.Context(), buyer, b.ID, nil, "")
	assert.ErrorIs(t, err, booking.ErrNotRefundable)
	for range 2 {
		b, err = c.Cancel(t.Context(), buyer, b.ID)
		require.NoError(t, err)
		assert.Equal(t, booking.Cancelled, b.Status)
	}
}

// told remembers whose holds ran out.
type told []uuid.UUID

func (t *told) HoldExpired(_ context.Context, h booking.Hold) error {
	*t = append(*t, h.ID)
	return nil
}

// diary keeps deadlines as the database does, for one replica.
type diary struct {
	*sync.Mutex

	due   map[uuid.UUID]time.Time
	tries map[uuid.UUID]int
}

func newDiary() diary {
	return diary{Mutex: &sync.Mutex{}, due: map[uuid.UUID]time.Time{}, tries: map[uuid.UUID]int{}}
}

func (d diary) Remember(_ context.Context, all []saga.Deadline) error {
	d.Lock()
	defer d.Unlock()
	for _, x := range all {
		d.due[x.Hold] = x.At
	}
	return nil
}

func (d diary) Passed(_ context.Context, now time.Time, lease time.Duration, limit int) (passed []saga.PassedHold, _ error) {
	d.Lock()
	defer d.Unlock()
	for id, at := range d.due {
		if len(passed) < limit && !now.Before(at) {
			d.due[id] = now.Add(lease)
			d.tries[id]++
			passed = append(passed, saga.PassedHold{Hold: id, Try: d.tries[id]})
		}
	}
	return passed, nil
}

func (d diary) Forget(_ context.Context, holds []uuid.UUID) error {
	d.Lock()
	defer d.Unlock()
	for _, id := range holds {
		delete(d.due, id)
	}
	return nil
}

func TestBuyersAreToldOfHoldsThatRanOut(t *testing.T) {
	c, heard, d := newCounter(t), &told{}, newDiary()
	var expiries *saga.Expiries
	start := func() {
		expiries = &saga.Expiries{Deadlines: d, Holds: c.Seats, Notifier: heard, Now: func() time.Time { return c.now }}
		c.Expiries = expiries
	}
	start()
	left := c.hold(t, buyer, "A1")
	bought := c.hold(t, rival, "A2")
	_, _, err := c.CheckOut(t.Context(), rival, bought.ID)
	require.NoError(t, err)
	released := c.hold(t, seller, "A3")
	require.NoError(t, c.Release(t.Context(), seller, released.ID))
	require.NoError(t, expiries.Step(t.Context()))
	assert.Empty(t, *heard, "nothing ran out yet")
	start() // another process
	c.now = left.Until
	for range 2 {
		require.NoError(t, expiries.Step(t.Context()))
	}
	assert.Equal(t, told{left.ID}, *heard)
	assert.Empty(t, d.due, "and forgotten")
}

// interrupted runs what another request does between the moment a hold is read and what is made of it.
type interrupted struct {
	booking.Seats
	meanwhile func()
}

func (i *interrupted) Find(ctx context.Context, id uuid.UUID) (booking.Hold, error) {
	h, err := i.Seats.Find(ctx, id)
	if f := i.meanwhile; f != nil {
		i.meanwhile = nil
		f()
	}
	return h, err
}

// TestAHoldIsGivenBackOrCheckedOut, never both, however the two requests meet.
func TestAHoldIsGivenBackOrCheckedOut(t *testing.T) {
	c := newCounter(t)
	h := c.hold(t, buyer, "A1", "A2")
	seats := &interrupted{Seats: c.Seats}
	c.Seats = seats
	var b booking.Booking
	seats.meanwhile = func() {
		var err error
		b, _, err = c.CheckOut(t.Context(), buyer, h.ID)
		require.NoError(t, err)
	}
	assert.ErrorIs(t, c.Release(t.Context(), buyer, h.ID), booking.ErrCheckoutStarted)
	for _, unit := range b.UnitIDs() {
		found, err := c.Seats.(*interrupted).Seats.(*bookingtest.Memory).Read(t.Context(), h.Event, []string{unit})
		require.NoError(t, err)
		assert.Equal(t, booking.Held, found[unit].State, unit)
	}

	other := c.hold(t, rival, "A3")
	require.NoError(t, c.Release(t.Context(), rival, other.ID))
	_, _, err := c.CheckOut(t.Context(), rival, other.ID)
	assert.ErrorIs(t, err, booking.ErrHoldReleased)
	assert.ErrorIs(t, c.Release(t.Context(), rival, other.ID), booking.ErrHoldReleased, "it is gone, also for who asks again")
}

// TestAReleaseGivesBackWhatWasAddedMeanwhile: the cart may have grown since it was read.
func TestAReleaseGivesBackWhatWasAddedMeanwhile(t *testing.T) {
	c := newCounter(t)
	h := c.hold(t, buyer, "A1")
	seats := &interrupted{Seats: c.Seats}
	c.Seats = seats
	seats.meanwhile = func() {
		_, err := c.Change(t.Context(), buyer, h.ID, []string{"A2"}, nil)
		require.NoError(t, err)
	}
	require.NoError(t, c.Release(t.Context(), buyer, h.ID))
	found, err := seats.Seats.(*bookingtest.Memory).Read(t.Context(), h.Event, []string{"A1", "A2"})
	require.NoError(t, err)
	for unit, seat := range found {
		assert.NotEqual(t, booking.Held, seat.State, unit)
	}
}
