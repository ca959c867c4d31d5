package saga_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// fixture is the booking service in memory whose clock the test sets.
type fixture struct {
	t      *testing.T
	now    time.Time
	seats  *bookingtest.Memory
	store  *bookingtest.Store
	bank   *bookingtest.Bank
	driver *saga.Driver
	told   []booking.Change
}

const grace = 30 * time.Second

func newFixture(t *testing.T) *fixture {
	s := &fixture{t: t, now: bookingtest.Noon, store: bookingtest.NewStore(), bank: bookingtest.NewBank()}
	clock := func() time.Time { return s.now }
	s.seats = bookingtest.NewMemory(clock)
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s.driver = &saga.Driver{
		Store: s.store, Fence: s.seats, Payments: s.bank, PaymentFinder: s.bank, Announcer: s,
		Key: func() ed25519.PrivateKey { return key }, Grace: grace, Now: clock,
	}
	return s
}

func (s *fixture) Announce(_ uuid.UUID, changes []booking.Change) {
	s.told = append(s.told, changes...)
}

// requested holds two seats and asks for a booking of them.
func (s *fixture) requested() booking.Booking {
	h := booking.Hold{
		ID: uuid.New(), Event: bookingtest.Sale().Event, Account: "buyer", Until: s.now.Add(5 * time.Minute), Status: booking.HoldOpen,
		Units: []booking.HeldUnit{bookingtest.Unit("A1", 4500), bookingtest.Unit("A2", 4500)},
	}
	require.NoError(s.t, s.seats.Take(s.t.Context(), h, 0))
	b, _, err := s.store.Create(s.t.Context(), booking.New(uuid.New(), h, bookingtest.Sale(), s.now))
	require.NoError(s.t, err)
	return b
}

func (s *fixture) awaiting() booking.Booking {
	b := s.requested()
	s.drive(b)
	return s.expect(b, booking.AwaitingPayment)
}

func (s *fixture) confirmed() booking.Booking {
	b := s.awaiting()
	s.pay(b)
	return s.expect(b, booking.Confirmed)
}

func (s *fixture) drive(b booking.Booking) { require.NoError(s.t, s.driver.Drive(s.t.Context(), b.ID)) }

func (s *fixture) notice(b booking.Booking) saga.PaymentNotice {
	p, _, _, err := s.bank.FindPayment(s.t.Context(), b.ID)
	require.NoError(s.t, err)
	return saga.PaymentNotice{Booking: b.ID, Payment: p, Status: saga.PaymentAuthorized, Amount: b.Total}
}

// pay is the buyer paying and the notice of it arriving.
func (s *fixture) pay(b booking.Booking) {
	require.True(s.t, s.bank.Authorize(b.ID))
	require.NoError(s.t, s.take(s.t.Context(), s.notice(b)))
}

// take is what the pool does with a notice.
func (s *fixture) take(ctx context.Context, n saga.PaymentNotice) error {
	if _, err := s.driver.Note(ctx, n); err != nil {
		return err
	}
	return s.driver.Drive(ctx, n.Booking)
}

func (s *fixture) expect(b booking.Booking, status booking.Status) booking.Booking {
	s.t.Helper()
	now, err := s.store.Get(s.t.Context(), b.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, status, now.Status, now.Reason)
	s.balanced(now)
	return now
}

// balanced is I2: what we keep of the money is what the good tickets cost, and nothing stays
// reserved for a booking that is over.
func (s *fixture) balanced(b booking.Booking) {
	s.t.Helper()
	taken, reserved := s.bank.Kept(b.ID)
	tickets := int64(len(s.store.Tickets(b.ID)))
	assert.Equal(s.t, tickets*4500, taken, "%s: money against tickets", b.Status)
	if b.Status.Ended() || b.Status == booking.Refunded {
		assert.Zero(s.t, reserved, "%s: money stays reserved", b.Status)
		assert.True(s.t, b.Settled)
	}
}

func (s *fixture) seat(unit string) booking.State {
	s.t.Helper()
	seats, err := s.seats.Read(s.t.Context(), bookingtest.Sale().Event, []string{unit})
	require.NoError(s.t, err)
	return seats[unit].At(s.now).State
}

// rival takes a seat that was let go.
func (s *fixture) rival(unitID string) error {
	return s.seats.Take(s.t.Context(), booking.Hold{
		ID: uuid.New(), Event: bookingtest.Sale().Event, Account: "rival", Until: s.now.Add(5 * time.Minute), Status: booking.HoldOpen,
		Units: []booking.HeldUnit{bookingtest.Unit(unitID, 4500)},
	}, 0)
}

func TestABookingIsPaidAndConfirmed(t *testing.T) {
	s := newFixture(t)
	b := s.confirmed()
	assert.Equal(t, booking.Booked, s.seat("A1"))
	tickets := s.store.Tickets(b.ID)
	require.Len(t, tickets, 2)
	_, err := booking.VerifyTicket(s.driver.Key().Public().(ed25519.PublicKey), tickets[0].Code)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, s.take(t.Context(), s.notice(b))) // again, and late
		s.drive(b)
	}
	assert.Len(t, s.store.Tickets(b.ID), 2)
	s.now = s.now.AddDate(0, 0, 1)
	s.drive(b)
	s.expect(b, booking.Confirmed)
}

func TestANoticeMayOvertakeOurOwnAnswer(t *testing.T) {
	s := newFixture(t)
	b := s.requested()
	_, err := s.bank.Intend(t.Context(), b) // the intent is made, the answer is on its way
	require.NoError(t, err)
	s.pay(b)
	s.expect(b, booking.Confirmed)
}

func TestALostNoticeIsFoundInTheBooks(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	require.True(t, s.bank.Authorize(b.ID))
	s.now = s.now.Add(5*time.Minute + grace)
	s.drive(b)
	s.expect(b, booking.Confirmed)
}

func TestNobodyPaid(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	s.now = s.now.Add(5 * time.Minute)
	s.drive(b)
	s.expect(b, booking.AwaitingPayment) // the card may be on its way
	s.now = s.now.Add(grace)
	s.drive(b)
	b = s.expect(b, booking.Expired)
	assert.Equal(t, booking.ReasonPaymentTimeout, b.Reason)
	assert.False(t, s.bank.Authorize(b.ID), "the intent takes no money any more")
	assert.NoError(t, s.rival("A1"))
}

func TestPaidLateWithTheSeatsFree(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	s.now = s.now.Add(5*time.Minute + time.Second)
	s.pay(b)
	s.expect(b, booking.Confirmed)
	assert.Equal(t, booking.Booked, s.seat("A2"))
}

func TestPaidLateWithASeatResold(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	s.now = s.now.Add(5*time.Minute + time.Second)
	require.NoError(t, s.rival("A2"))
	s.pay(b)
	b = s.expect(b, booking.Failed)
	assert.Equal(t, booking.ReasonSeatsLost, b.Reason)
	assert.Equal(t, booking.Held, s.seat("A2"), "the rival keeps it")
	assert.Equal(t, booking.Available, s.seat("A1"))
}

func TestPaidAfterTheEnd(t *testing.T) {
	s := newFixture(t)
	b := s.requested()
	_, err := s.bank.Intend(t.Context(), b)
	require.NoError(t, err)
	require.True(t, s.bank.Authorize(b.ID))
	now, err := b.Cancel(booking.ReasonByBuyer, s.now) // the buyer was faster than the notice
	require.NoError(t, err)
	require.NoError(t, s.store.Save(t.Context(), now, booking.Effects{}))
	require.NoError(t, s.take(t.Context(), s.notice(b)))
	s.expect(b, booking.Cancelled)
}

func TestAnotherAmountIsRefused(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	require.True(t, s.bank.Authorize(b.ID))
	n := s.notice(b)
	n.Amount.Amount--
	require.NoError(t, s.take(t.Context(), n))
	b = s.expect(b, booking.Failed)
	assert.Equal(t, booking.ReasonAmountMismatch, b.Reason)
}

func TestCaptureRefused(t *testing.T) {
	s := newFixture(t)
	b := s.awaiting()
	n := s.notice(b) // a notice of money that is not there
	require.NoError(t, s.take(t.Context(), n))
	b = s.expect(b, booking.Failed)
	assert.Equal(t, booking.ReasonCaptureRefused, b.Reason)
	assert.Equal(t, booking.Available, s.seat("A1"))
}

func TestTheDatabaseHasTheLastWord(t *testing.T) {
	s := newFixture(t)
	first := s.confirmed()
	// The store of seats forgets everything, as no store should.
	require.NoError(t, s.seats.Free(t.Context(), booking.Hold{ID: first.Hold, Event: first.Event, Account: "buyer"}, first.UnitIDs(), true))
	second := s.awaiting()
	s.pay(second)
	b := s.expect(second, booking.Failed)
	assert.Equal(t, booking.ReasonSeatsLost, b.Reason)
	s.expect(first, booking.Confirmed)
}

func TestRefundsFreeTheirSeats(t *testing.T) {
	s := newFixture(t)
	b := s.confirmed()
	for _, units := range [][]string{{"A2"}, nil} {
		now, err := s.store.Get(t.Context(), b.ID)
		require.NoError(t, err)
		next, r, err := now.Refund(uuid.New(), units, "", booking.ByOwner, s.now)
		require.NoError(t, err)
		require.NoError(t, s.store.Save(t.Context(), next, booking.Effects{Opened: &r}))
		s.told = nil
		s.drive(b)
		assert.NotEmpty(t, s.told, "it is announced")
		if units != nil {
			s.expect(b, booking.Confirmed)
			assert.Equal(t, booking.Booked, s.seat("A1"))
			assert.NoError(t, s.rival("A2"))
		}
	}
	s.expect(b, booking.Refunded)
	assert.Equal(t, booking.Available, s.seat("A1"))
}

// refunding asks for money back for units, all when none are named.
func (s *fixture) refunding(b booking.Booking, reason string, units ...string) booking.Refund {
	s.t.Helper()
	now, err := s.store.Get(s.t.Context(), b.ID)
	require.NoError(s.t, err)
	next, r, err := now.Refund(uuid.New(), units, reason, booking.ByMerchant, s.now)
	require.NoError(s.t, err)
	require.NoError(s.t, s.store.Save(s.t.Context(), next, booking.Effects{Opened: &r, Drive: true}))
	return r
}

func (s *fixture) heard(b booking.Booking, want ...string) {
	s.t.Helper()
	assert.Equal(s.t, want, s.store.Told(b.ID))
}

// Nobody hears again that a booking is confirmed when some of it, or nothing, was refunded.
func TestRefundsAreToldAsWhatTheyAre(t *testing.T) {
	s := newFixture(t)
	b := s.confirmed()
	s.bank.RefundStatus = booking.RefundFailed
	s.refunding(b, "", "A1")
	s.drive(b)
	s.expect(b, booking.Confirmed)
	s.heard(b, "confirmed", "refund_refused")

	s.bank.RefundStatus = ""
	s.refunding(b, "", "A1")
	s.drive(b)
	s.expect(b, booking.Confirmed)
	s.heard(b, "confirmed", "refund_refused", "partly_refunded")

	s.refunding(b, "")
	s.drive(b)
	s.expect(b, booking.Refunded)
	s.heard(b, "confirmed", "refund_refused", "partly_refunded", "refunded")
}

// A refund that comes back after it was made is told once, and told again when it went through or
// was given up. The units stay given back.
func TestARefundThatComesBack(t *testing.T) {
	for status, units := range map[booking.Status][]string{booking.Confirmed: {"A1"}, booking.Refunded: nil} {
		s := newFixture(t)
		b := s.confirmed()
		r := s.refunding(b, "", units...)
		s.drive(b)
		done := map[booking.Status]string{booking.Confirmed: "partly_refunded", booking.Refunded: "refunded"}[status]
		n := s.notice(b)
		n.Status, n.Refund = "", &r.ID
		say := func(attempt int, delayed, failed bool) {
			t.Helper()
			n.Attempt, n.Delayed, n.Failed = attempt, delayed, failed
			for range 2 { // and again
				require.NoError(t, s.take(t.Context(), n))
			}
			s.expect(b, status)
		}
		say(1, true, false)
		s.heard(b, "confirmed", done, "refund_delayed")
		say(2, true, false)
		s.heard(b, "confirmed", done, "refund_delayed")
		say(3, false, false)
		s.heard(b, "confirmed", done, "refund_delayed", done)
		say(1, true, false) // late
		s.heard(b, "confirmed", done, "refund_delayed", done)
		say(4, false, true)
		s.heard(b, "confirmed", done, "refund_delayed", done, "refund_failed")
		say(5, false, false) // an admin had it made
		s.heard(b, "confirmed", done, "refund_delayed", done, "refund_failed", done)
	}
}

// Money that was taken for a booking that is over goes back whole. Until it has, the booking does
// not count as settled; its seats are free at once.
func TestMoneyOfAnEndedBookingGoesBack(t *testing.T) {
	s := newFixture(t)
	b := s.requested()
	_, err := s.bank.Intend(t.Context(), b)
	require.NoError(t, err)
	require.True(t, s.bank.Authorize(b.ID))
	s.bank.Take(b.ID) // somebody did, in the provider's dashboard
	ended, err := b.Cancel(booking.ReasonByBuyer, s.now)
	require.NoError(t, err)
	require.NoError(t, s.store.Save(t.Context(), ended, booking.Effects{}))
	settled := func() bool {
		now, err := s.store.Get(t.Context(), b.ID)
		require.NoError(t, err)
		return now.Settled
	}
	s.bank.RefundStatus = booking.RefundRequested
	s.drive(b)
	assert.False(t, settled(), "the money is on its way")
	assert.NoError(t, s.rival("A1"), "the seats are not")

	s.bank.RefundStatus = booking.RefundOwed
	require.ErrorIs(t, s.driver.Drive(t.Context(), b.ID), booking.ErrRefundOwed)
	assert.False(t, settled())
	n, whole := s.notice(b), uuid.NewSHA1(b.ID, []byte("whole"))
	n.Status, n.Refund, n.Attempt, n.Failed = "", &whole, 4, true
	_, err = s.driver.Note(t.Context(), n)
	require.NoError(t, err)
	s.heard(b, "cancelled", "refund_failed")

	s.bank.RefundStatus = ""
	_, err = s.bank.Refund(t.Context(), n.Payment.ID, booking.Refund{ID: whole, Amount: b.Total.Amount}, true)
	require.NoError(t, err)
	n.Failed, n.Attempt = false, 5
	require.NoError(t, s.take(t.Context(), n))
	s.expect(b, booking.Cancelled)
	s.heard(b, "cancelled", "refund_failed", "refunded")
}

// The tickets of a cancelled event are no consolation: its refund that fails keeps the booking open
// until the money went back.
func TestARefundOfACancelledEventStaysOpen(t *testing.T) {
	s := newFixture(t)
	b := s.confirmed()
	r := s.refunding(b, booking.ReasonEventCancelled)
	s.bank.RefundStatus = booking.RefundOwed
	require.ErrorIs(t, s.driver.Drive(t.Context(), b.ID), booking.ErrRefundOwed)
	n := s.notice(b)
	n.Status, n.Refund, n.Attempt, n.Failed = "", &r.ID, 4, true
	_, err := s.driver.Note(t.Context(), n)
	require.NoError(t, err)
	s.expect(b, booking.Refunding)
	s.heard(b, "confirmed", "refund_failed")
	s.bank.RefundStatus = ""
	s.drive(b)
	s.expect(b, booking.Refunded)
	s.heard(b, "confirmed", "refund_failed", "refunded")
}

// TestACrashAnywhereIsResumed fails each call to the bank in turn, before it and after it, and
// drives again, as the sweeper does.
func TestACrashAnywhereIsResumed(t *testing.T) {
	for name, story := range map[string]struct {
		tell func(s *fixture) booking.Booking
		end  booking.Status
	}{
		"bought":       {func(s *fixture) booking.Booking { return s.tryConfirm() }, booking.Confirmed},
		"never paid":   {func(s *fixture) booking.Booking { return s.tryExpire() }, booking.Expired},
		"seats lost":   {func(s *fixture) booking.Booking { return s.tryLose() }, booking.Failed},
		"all refunded": {func(s *fixture) booking.Booking { return s.tryRefund() }, booking.Refunded},
	} {
		t.Run(name, func(t *testing.T) {
			crashes := 0
			for at := 1; ; at++ {
				s, calls := newFixture(t), 0
				s.bank.Fail = func() error {
					if calls++; calls == at {
						return errCrash
					}
					return nil
				}
				b := story.tell(s)
				s.expect(b, story.end)
				if calls < at {
					break
				}
				crashes++
			}
			assert.Greater(t, crashes, 3)
		})
	}
}

var errCrash = errors.New("crash")

// insist repeats what a crash interrupted.
func insist(f func(context.Context) error) {
	for range 3 {
		if f(context.Background()) == nil {
			return
		}
	}
}

func (s *fixture) tryAwait() booking.Booking {
	b := s.requested()
	insist(func(ctx context.Context) error { return s.driver.Drive(ctx, b.ID) })
	return b
}

func (s *fixture) tryPay(b booking.Booking) {
	fail := s.bank.Fail
	s.bank.Fail = nil
	s.bank.Authorize(b.ID)
	n := s.notice(b)
	s.bank.Fail = fail
	insist(func(ctx context.Context) error { return s.take(ctx, n) })
}

func (s *fixture) tryConfirm() booking.Booking {
	b := s.tryAwait()
	s.tryPay(b)
	return b
}

func (s *fixture) tryExpire() booking.Booking {
	b := s.tryAwait()
	s.now = s.now.Add(5*time.Minute + grace)
	insist(func(ctx context.Context) error { return s.driver.Drive(ctx, b.ID) })
	return b
}

func (s *fixture) tryLose() booking.Booking {
	b := s.tryAwait()
	s.now = s.now.Add(5*time.Minute + time.Second)
	_ = s.rival("A2")
	s.tryPay(b)
	return b
}

func (s *fixture) tryRefund() booking.Booking {
	b := s.tryConfirm()
	now, err := s.store.Get(s.t.Context(), b.ID)
	require.NoError(s.t, err)
	next, r, err := now.Refund(uuid.New(), nil, "", booking.ByOwner, s.now)
	require.NoError(s.t, err)
	require.NoError(s.t, s.store.Save(s.t.Context(), next, booking.Effects{Opened: &r}))
	insist(func(ctx context.Context) error { return s.driver.Drive(ctx, b.ID) })
	return b
}
