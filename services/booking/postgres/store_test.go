package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const grace = 30 * time.Second

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) postgres.Store {
	t.Helper()
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return postgres.Store{Pool: pool, Grace: grace}
}

func newBooking(of uuid.UUID, units ...string) booking.Booking {
	h := booking.Hold{ID: uuid.New(), Event: of, Account: "buyer", Until: now.Add(5 * time.Minute)}
	for _, u := range units {
		h.Units = append(h.Units, booking.HeldUnit{ID: u, TicketType: "t", TypeName: "Stalls", Label: u, Place: seat.Place{Zone: "Stalls", Row: "A", Number: u}, Price: money.Money{Amount: 4500, Currency: "EUR"}})
	}
	refundable := now.AddDate(0, 1, 0)
	s := &booking.Sale{
		Event: of, Name: "Concert", Merchant: "merchant", StartsAt: now.AddDate(0, 2, 0), EndsAt: now.AddDate(0, 2, 0).Add(time.Hour),
		TimeZone: "Europe/Oslo", Venue: booking.Venue{Name: "Arena", City: "Oslo", Country: "NO"}, RefundableUntil: &refundable, MaxPerAccount: 8,
	}
	id, _ := uuid.NewV7()
	return booking.New(id, h, s, now)
}

func create(t *testing.T, s postgres.Store, b booking.Booking) booking.Booking {
	t.Helper()
	stored, created, err := s.Create(t.Context(), b)
	require.NoError(t, err)
	require.True(t, created)
	return stored
}

// confirmed saves a booking the whole way.
func confirmed(t *testing.T, s postgres.Store, b booking.Booking) booking.Booking {
	t.Helper()
	b = create(t, s, b)
	pay := booking.Payment{ID: uuid.New(), Intent: "pi_1", ClientSecret: "secret", PublishableKey: "pk"}
	var tickets []booking.Ticket
	for _, u := range b.UnitIDs() {
		tickets = append(tickets, booking.Ticket{ID: uuid.New(), Booking: b.ID, Event: b.Event, Unit: u, Code: "code", IssuedAt: now})
	}
	for _, step := range []struct {
		f func(booking.Booking) (booking.Booking, error)
		e booking.Effects
	}{
		{func(b booking.Booking) (booking.Booking, error) { return b.AwaitPayment(pay, now) }, booking.Effects{}},
		{func(b booking.Booking) (booking.Booking, error) { return b.Authorize(pay, now) }, booking.Effects{}},
		{func(b booking.Booking) (booking.Booking, error) { return b.Secure(now) }, booking.Effects{Claim: true}},
		{func(b booking.Booking) (booking.Booking, error) { return b.Confirm(now) }, booking.Effects{Tickets: tickets}},
	} {
		next, err := step.f(b)
		require.NoError(t, err)
		require.NoError(t, s.Save(t.Context(), next, step.e))
		b = next
	}
	return b
}

func TestABookingSurvivesTheRoundTrip(t *testing.T) {
	s := open(t)
	b := confirmed(t, s, newBooking(uuid.New(), "A1", "A2"))
	got, err := s.Get(t.Context(), b.ID)
	require.NoError(t, err)
	for _, at := range []*time.Time{&got.ExpiresAt, &got.CreatedAt, &got.UpdatedAt} {
		*at = at.UTC()
	}
	assert.Equal(t, b, got)
	tickets, err := s.Tickets(t.Context(), b.ID)
	require.NoError(t, err)
	assert.Len(t, tickets[b.ID], 2)
	_, err = s.Get(t.Context(), uuid.New())
	assert.ErrorIs(t, err, booking.ErrBookingNotFound)
	_, err = s.Ticket(t.Context(), uuid.New())
	assert.ErrorIs(t, err, booking.ErrTicketNotFound)
}

// TestOneHoldIsCheckedOutManyTimesAtOnce: the hold says which booking is made of it, so all of them
// try to store the very same one.
func TestOneHoldIsCheckedOutManyTimesAtOnce(t *testing.T) {
	s := open(t)
	b := newBooking(uuid.New(), "A1")
	var group sync.WaitGroup
	var created atomic.Int32
	for range 50 {
		group.Go(func() {
			stored, is, err := s.Create(t.Context(), b)
			assert.NoError(t, err)
			assert.Equal(t, b.ID, stored.ID)
			assert.Equal(t, b.Units, stored.Units)
			if is {
				created.Add(1)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1, created.Load())
	var rows int
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE topic = $1`, messages.BookingRequests).Scan(&rows))
	assert.Equal(t, 1, rows, "and one request to drive it")
}

func TestAHoldMakesOneBooking(t *testing.T) {
	s := open(t)
	b := newBooking(uuid.New(), "A1")
	var group sync.WaitGroup
	ids := make([]uuid.UUID, 20)
	for i := range ids {
		group.Go(func() {
			mine := b
			mine.ID, _ = uuid.NewV7()
			stored, _, err := s.Create(t.Context(), mine)
			assert.NoError(t, err)
			ids[i] = stored.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	var rows int
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE topic = $1`, messages.BookingRequests).Scan(&rows))
	assert.Equal(t, 1, rows, "and one request to drive it")
}

func TestOneOfManyStepsWins(t *testing.T) {
	s := open(t)
	b := create(t, s, newBooking(uuid.New(), "A1"))
	next, err := b.AwaitPayment(booking.Payment{ID: uuid.New()}, now)
	require.NoError(t, err)
	var group sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		group.Go(func() { errs[i] = s.Save(t.Context(), next, booking.Effects{}) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		assert.ErrorIs(t, err, booking.ErrStale)
	}
	assert.Equal(t, 1, won)
}

// secured are two bookings of one unit whose money is reserved.
func secured(t *testing.T, s postgres.Store) []booking.Booking {
	t.Helper()
	of := uuid.New()
	var both []booking.Booking
	for range 2 {
		b := create(t, s, newBooking(of, "A1", "A2"))
		authorized, err := b.Authorize(booking.Payment{ID: uuid.New()}, now)
		require.NoError(t, err)
		require.NoError(t, s.Save(t.Context(), authorized, booking.Effects{}))
		next, err := authorized.Secure(now)
		require.NoError(t, err)
		both = append(both, next)
	}
	return both
}

func TestNoUnitIsInTwoBookings(t *testing.T) {
	s := open(t)
	both := secured(t, s)
	require.NoError(t, s.Save(t.Context(), both[0], booking.Effects{Claim: true}))
	err := s.Save(t.Context(), both[1], booking.Effects{Claim: true})
	require.ErrorIs(t, err, booking.ErrUnitsUnavailable)
	got, err := s.Get(t.Context(), both[1].ID)
	require.NoError(t, err)
	assert.Equal(t, both[1].Version-1, got.Version, "nothing of the step was kept")

	failed, err := both[0].Fail(booking.ReasonCaptureRefused, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), failed, booking.Effects{}))
	assert.NoError(t, s.Save(t.Context(), both[1], booking.Effects{Claim: true}), "what ended has no units")
}

// TestTheGuardIsTheIndex: without it the same steps sell the unit twice.
func TestTheGuardIsTheIndex(t *testing.T) {
	s := open(t)
	_, err := s.Pool.Exec(t.Context(), `DROP INDEX booking_units_once`)
	require.NoError(t, err)
	for _, b := range secured(t, s) {
		require.NoError(t, s.Save(t.Context(), b, booking.Effects{Claim: true}))
	}
}

func TestARefundReleasesItsUnits(t *testing.T) {
	s := open(t)
	b := confirmed(t, s, newBooking(uuid.New(), "A1", "A2"))
	next, r, err := b.Refund(uuid.New(), []string{"A1"}, "ill", booking.ByOwner, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), next, booking.Effects{Opened: &r, Drive: true}))
	open, found, err := s.OpenRefund(t.Context(), b.ID)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, int64(4500), open.Amount)

	r.Status = booking.RefundSucceeded
	b, err = next.Refunded(r, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), b, booking.Effects{Closed: &r}))
	tickets, err := s.Tickets(t.Context(), b.ID)
	require.NoError(t, err)
	require.Len(t, tickets[b.ID], 1)
	assert.Equal(t, "A2", tickets[b.ID][0].Unit)

	sales, err := s.Sales(t.Context(), b.Event)
	require.NoError(t, err)
	assert.Equal(t, []booking.TypeSales{{TicketType: "t", Name: "Stalls", Sold: 1, Refunded: 1, Revenue: 4500, Currency: "EUR"}}, sales)
	rows, err := s.Reconciliation(t.Context(), now.Add(-time.Hour), now.Add(time.Hour), booking.Position{}, 10)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, int64(9000), rows[0].Amount)
	assert.Equal(t, int64(4500), rows[0].Refunded)
}

func TestTheSweeperGetsWhatStandsStill(t *testing.T) {
	s := open(t)
	b := create(t, s, newBooking(uuid.New(), "A1"))
	due := func(at time.Time) []uuid.UUID {
		ids, err := s.Due(t.Context(), at, time.Minute, 10)
		require.NoError(t, err)
		return ids
	}
	assert.Empty(t, due(now), "it may still move by itself")
	assert.Equal(t, []uuid.UUID{b.ID}, due(now.Add(time.Minute)))
	assert.Empty(t, due(now.Add(time.Minute)), "leased")
	assert.Equal(t, []uuid.UUID{b.ID}, due(now.Add(3*time.Minute)))

	b, err := b.AwaitPayment(booking.Payment{ID: uuid.New()}, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), b, booking.Effects{}))
	assert.Empty(t, due(b.ExpiresAt), "the buyer has time, and a little more")
	assert.Equal(t, []uuid.UUID{b.ID}, due(b.ExpiresAt.Add(grace)))

	rest := confirmed(t, s, newBooking(uuid.New(), "A1"))
	assert.NotContains(t, due(now.AddDate(1, 0, 0)), rest.ID, "at rest")
}

func TestStepsAreNotified(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.StepNotifier = postgres.NewStepNotifier(s.Pool)
	go func() { _ = s.StepNotifier.Run(ctx) }()
	heard := make(chan uuid.UUID, 10)
	done := make(chan error, 1)
	go func() { done <- s.Listen(ctx, func(id uuid.UUID) { heard <- id }) }()
	harness.Eventually(t, 10*time.Second, "a step is heard", func() error {
		b, err := create(t, s, newBooking(uuid.New(), "A1")).AwaitPayment(booking.Payment{ID: uuid.New()}, now)
		require.NoError(t, err)
		require.NoError(t, s.Save(t.Context(), b, booking.Effects{}))
		select {
		case id := <-heard:
			if id == b.ID {
				return nil
			}
		case <-time.After(100 * time.Millisecond):
		}
		return errors.New("not yet")
	})
	cancel()
	assert.Error(t, <-done)
}

func TestADutyIsDoneByOneAtATime(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	working, most, turns := 0, 0, 0
	duty := func(context.Context) error {
		mu.Lock()
		working++
		turns++
		most = max(most, working)
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		working--
		mu.Unlock()
		return nil
	}
	for range 3 {
		go func() { _ = s.AsLeader(postgres.CancellationLock, duty)(ctx) }()
	}
	harness.Eventually(t, 20*time.Second, "the duty changes hands", func() error {
		mu.Lock()
		defer mu.Unlock()
		if turns < 4 {
			return errors.New("not yet")
		}
		return nil
	})
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, 1, most)
}

func TestACancelledEventIsWorkedOff(t *testing.T) {
	s := open(t)
	of := uuid.New()
	bought := confirmed(t, s, newBooking(of, "A1"))
	waiting := create(t, s, newBooking(of, "A2"))
	live, err := s.Live(t.Context(), of)
	require.NoError(t, err)
	require.True(t, live)
	for range 2 {
		require.NoError(t, s.Begin(t.Context(), of, now))
	}
	left, err := s.Left(t.Context(), of, 10, now)
	require.NoError(t, err)
	require.Len(t, left, 2)

	cancelled, err := waiting.Cancel(booking.ReasonEventCancelled, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), cancelled, booking.Effects{}))
	_, err = s.Left(t.Context(), of, 10, now)
	require.NoError(t, err)
	progress, found, err := s.Progress(t.Context(), of)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, 2, progress.Total)
	assert.Equal(t, 1, progress.Done)
	assert.Nil(t, progress.FinishedAt)

	next, r, err := bought.Refund(uuid.New(), nil, booking.ReasonEventCancelled, booking.ByMerchant, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), next, booking.Effects{Opened: &r}))
	r.Status = booking.RefundSucceeded
	done, err := next.Refunded(r, now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), done, booking.Effects{Closed: &r}))
	left, err = s.Left(t.Context(), of, 10, now)
	require.NoError(t, err)
	assert.Empty(t, left)
	progress, _, err = s.Progress(t.Context(), of)
	require.NoError(t, err)
	assert.NotNil(t, progress.FinishedAt)
}

func TestHistoryIsNewestFirst(t *testing.T) {
	s := open(t)
	of := uuid.New()
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, create(t, s, newBooking(of, "A1")).ID)
	}
	page, err := s.List(t.Context(), booking.Filter{Account: "buyer", Limit: 2})
	require.NoError(t, err)
	require.Len(t, page, 2)
	assert.Equal(t, ids[2], page[0].ID)
	page, err = s.List(t.Context(), booking.Filter{Account: "buyer", Before: page[1].ID, Limit: 2})
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, ids[0], page[0].ID)
	for _, f := range []booking.Filter{{Account: "other", Limit: 9}, {Event: uuid.New(), Limit: 9}, {Status: "confirmed", Limit: 9}} {
		page, err = s.List(t.Context(), f)
		require.NoError(t, err)
		assert.Empty(t, page)
	}
}

func TestADeadlineIsHandedOutOnce(t *testing.T) {
	s := open(t)
	early, late := uuid.New(), uuid.New()
	all := []saga.Deadline{{Hold: early, At: now}, {Hold: late, At: now.Add(time.Minute)}}
	for range 2 { // a repetition after a lost answer
		require.NoError(t, s.Remember(t.Context(), all))
	}
	passed := func(at time.Time) []uuid.UUID {
		due, err := s.Passed(t.Context(), at, 30*time.Second, 10)
		require.NoError(t, err)
		var ids []uuid.UUID
		for _, p := range due {
			ids = append(ids, p.Hold)
		}
		return ids
	}
	assert.Empty(t, passed(now.Add(-time.Second)))
	assert.Equal(t, []uuid.UUID{early}, passed(now))
	assert.Empty(t, passed(now), "leased")
	assert.Equal(t, []uuid.UUID{early}, passed(now.Add(30*time.Second)), "whoever had it told nobody")
	require.NoError(t, s.Forget(t.Context(), []uuid.UUID{early}))
	assert.Equal(t, []uuid.UUID{late}, passed(now.Add(time.Hour)))
}

// A booking in trouble is looked at when its trouble says, is set aside for admins and the
// reconciliation, and forgotten as soon as the booking moves.
func TestTroubles(t *testing.T) {
	s := open(t)
	b := create(t, s, newBooking(uuid.New(), "A1"))
	other := create(t, s, newBooking(uuid.New(), "A2"))
	poison := errors.New("poison")
	at := now
	var trouble saga.Trouble
	for trouble.SetAside == nil {
		var err error
		trouble, err = s.NoteTrouble(t.Context(), b.ID, func(t saga.Trouble) saga.Trouble { return t.Failed(poison, at) })
		require.NoError(t, err)
		due, err := s.Due(t.Context(), trouble.Next.Add(-time.Second), time.Minute, 10)
		require.NoError(t, err)
		require.NotContains(t, due, b.ID, "not yet")
		at = trouble.Next
		require.LessOrEqual(t, trouble.Tries, 10)
	}
	due, err := s.Due(t.Context(), at, time.Minute, 10)
	require.NoError(t, err)
	require.Contains(t, due, b.ID, "now and then it is tried all the same")
	defer s.Observe()()
	require.InDelta(t, 1, harness.Metric(t, "booking_set_aside"), 0)
	require.GreaterOrEqual(t, harness.Metric(t, "foyer_queue_size", "foyer_queue", "bookings"), 0.0)
	require.Zero(t, harness.Metric(t, "foyer_queue_age_seconds", "foyer_queue", "expired holds"))
	all, err := s.SetAside(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, b.ID, all[0].Booking)
	rows, err := s.Reconciliation(t.Context(), now.Add(-time.Hour), now.Add(time.Hour), booking.Position{}, 10)
	require.NoError(t, err)
	for _, r := range rows {
		assert.Equal(t, r.Booking == b.ID, r.Trouble != "")
	}
	rows, err = s.Reconciliation(t.Context(), now.Add(48*time.Hour), now.Add(72*time.Hour), booking.Position{}, 10)
	require.NoError(t, err)
	require.Len(t, rows, 1, "however long ago it moved")
	assert.Equal(t, b.ID, rows[0].Booking)
	rows, err = s.Reconciliation(t.Context(), now.Add(48*time.Hour), now.Add(72*time.Hour), booking.Position{At: rows[0].At, ID: rows[0].Booking}, 10)
	require.NoError(t, err)
	require.Empty(t, rows, "once")

	found, err := s.Retry(t.Context(), other.ID, at)
	require.NoError(t, err)
	assert.False(t, found)
	found, err = s.Retry(t.Context(), b.ID, at)
	require.NoError(t, err)
	assert.True(t, found)
	due, err = s.Due(t.Context(), at, time.Minute, 10)
	require.NoError(t, err)
	assert.Contains(t, due, b.ID)

	_, err = s.NoteTrouble(t.Context(), b.ID, func(x saga.Trouble) saga.Trouble { return x.Failed(booking.ErrRefundOwed, at) })
	require.NoError(t, err)
	next, err := b.Cancel(booking.ReasonByBuyer, at)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), next, booking.Effects{}))
	assert.Zero(t, harness.Metric(t, "booking_set_aside"), "it moved")
	trouble, err = s.NoteTrouble(t.Context(), b.ID, func(x saga.Trouble) saga.Trouble { return x.Failed(poison, at) })
	require.NoError(t, err)
	assert.Equal(t, 1, trouble.Tries, "a new trouble")
	s.Pool.Close()
	_, found = harness.FindMetric(t, "booking_set_aside")
	assert.False(t, found, "without a database nobody knows")
}

// Refunds of bookings are told of with amount and units.
func TestWhatIsToldOfRefunds(t *testing.T) {
	s := open(t)
	b := create(t, s, newBooking(uuid.New(), "A1", "A2"))
	r := booking.Refund{ID: uuid.New(), Booking: b.ID, Units: []string{"A1"}, Amount: 4500, Status: booking.RefundRequested, At: now}
	next, err := b.Touch(now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), next, booking.Effects{Opened: &r, Quiet: true}))
	found, ok, err := s.FindRefund(t.Context(), b.ID, r.ID)
	require.NoError(t, err)
	require.True(t, ok)
	found.Status, found.Failures = booking.RefundRetrying, 2
	next, err = next.Touch(now)
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), next, booking.Effects{Closed: &found, Told: booking.ToldRefundDelayed}))
	again, _, err := s.FindRefund(t.Context(), b.ID, r.ID)
	require.NoError(t, err)
	assert.Equal(t, 2, again.Failures)
	assert.Equal(t, booking.RefundRetrying, again.Status)
	var raw []byte
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT payload FROM outbox WHERE topic = $1`, messages.BookingEvents).Scan(&raw))
	var told messages.BookingChanged
	require.NoError(t, json.Unmarshal(raw, &told))
	assert.Equal(t, messages.BookingRefundDelayed, told.Status)
	assert.Equal(t, &messages.BookingRefund{ID: r.ID, Amount: 4500, Currency: "EUR", Units: []string{"A1"}, Failures: 2}, told.Refund)
}

// A hundred thousand bookings of three months are read page by page, all of them, while they move.
func TestReconciliationIsPaged(t *testing.T) {
	s := open(t)
	const bookings = 100_000
	for first := 0; first < bookings; first += 10_000 { // a statement has a few seconds
		_, err := s.Pool.Exec(t.Context(), `INSERT INTO bookings (id, event_id, hold_id, account, merchant, status, version, amount, currency, units, occasion, expires_at, created_at, updated_at)
			SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a', 'm', 'confirmed', 4, 4500, 'EUR', '[]', '{}', at, at, at
			FROM (SELECT $1::timestamptz + (i / 10) * interval '800 seconds' AS at FROM generate_series($2::int, $2 + 9999) i) x`, now, first)
		require.NoError(t, err)
	}
	_, err := s.Pool.Exec(t.Context(), `ANALYZE bookings`)
	require.NoError(t, err)
	from, to := now, now.Add(92*24*time.Hour)
	var after booking.Position
	seen := map[uuid.UUID]bool{}
	pages := 0
	for ; ; pages++ {
		page, err := s.Reconciliation(t.Context(), from, to, after, 2000)
		require.NoError(t, err)
		for _, r := range page {
			seen[r.Booking] = true
		}
		if len(page) < 2000 {
			break
		}
		last := page[len(page)-1]
		after = booking.Position{At: last.At, ID: last.Booking}
		if pages == 10 { // one that was to come moves to the end
			_, err := s.Pool.Exec(t.Context(), `UPDATE bookings SET updated_at = $1 WHERE id = (SELECT id FROM bookings ORDER BY updated_at DESC LIMIT 1)`, to)
			require.NoError(t, err)
		}
	}
	var want int
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT count(*) FROM bookings WHERE created_at < $1`, to).Scan(&want))
	assert.Equal(t, want, len(seen))
	assert.GreaterOrEqual(t, pages, 49)
	lines, err := s.Pool.Query(t.Context(), `EXPLAIN SELECT id FROM bookings b WHERE (b.updated_at, b.id) > ($1, $2) AND b.created_at < $3 ORDER BY b.updated_at, b.id LIMIT 2000`, from, uuid.Nil, to)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(lines, pgx.RowTo[string])
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(plan, "\n"), "Sort", "a page costs no more than its rows")
}
