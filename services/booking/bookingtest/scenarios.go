package bookingtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Scenario is one thing that has to hold. It reports instead of failing a test, so that a test
// can also show that it notices a broken guard.
type Scenario struct {
	Name string
	Run  func(ctx context.Context, s Seats) error
}

// Buyers is how many compete in a scenario.
const Buyers = 50

// Run runs all scenarios, side by side: each has an event of its own.
func Run(t *testing.T, s Seats) {
	t.Helper()
	for _, sc := range Scenarios() {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			if err := sc.Run(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

// Scenarios lists them all.
func Scenarios() []Scenario {
	return []Scenario{
		{"one seat, many buyers, one winner", oneWinner},
		{"groups get all their seats or none", wholeGroups},
		{"the same hold twice is one hold", sameHold},
		{"an account has one hold of an event", oneHold},
		{"the limit per account holds", limit},
		{"a hold that ran out can be taken", takeable},
		{"a fence is for good", fenceIsForGood},
		{"many fences of one booking are one", fenceOnce},
		{"a late payer gets seats that are still free", lateButFree},
		{"a late payer does not get seats of others", lateAndLost},
		{"fence and taker race, one wins", fenceRace},
		{"a cart changes as a whole", change},
		{"changes at once lose nothing", changesAtOnce},
		{"giving back frees one's own only", freeOwn},
		{"a hold is given back or checked out, not both", releaseOrCheckOut},
		{"refunded seats are free and not counted", refund},
	}
}

const longHold = 5 * time.Minute

// scenarioEvent is the event of a scenario, with the seats under test.
type scenarioEvent struct {
	ctx   context.Context
	seats Seats
	event uuid.UUID
}

func newEvent(ctx context.Context, s Seats) scenarioEvent { return scenarioEvent{ctx, s, uuid.New()} }

func (h scenarioEvent) hold(account string, life time.Duration, units ...string) booking.Hold {
	hold := booking.Hold{
		ID: uuid.New(), Event: h.event, Account: account, Status: booking.HoldOpen,
		Until: time.Now().Add(life).Truncate(time.Millisecond),
	}
	for _, u := range units {
		hold.Units = append(hold.Units, booking.HeldUnit{ID: u, TicketType: "t", Label: u, Price: money.Money{Amount: 100, Currency: "EUR"}})
	}
	return hold
}

// take makes a hold that nothing stands in the way of.
func (h scenarioEvent) take(account string, life time.Duration, units ...string) (booking.Hold, error) {
	hold := h.hold(account, life, units...)
	if err := h.seats.Take(h.ctx, hold, 0); err != nil {
		return hold, fmt.Errorf("hold %v for %s: %w", units, account, err)
	}
	return hold, nil
}

func bookingOf(h booking.Hold, perAccount int) booking.Booking {
	s := &booking.Sale{Event: h.Event, MaxPerAccount: perAccount}
	return booking.New(uuid.NewSHA1(h.ID, nil), h, s, time.Now())
}

// state says who has a unit: "free", or the letter and whose hold it is.
func (h scenarioEvent) state(unit string) (booking.Seat, error) {
	seats, err := h.seats.Read(h.ctx, h.event, []string{unit})
	return seats[unit].At(time.Now()), err
}

func (h scenarioEvent) expect(state booking.State, by booking.Hold, units ...string) error {
	for _, u := range units {
		s, err := h.state(u)
		if err != nil {
			return err
		}
		if s.State != state || (state != booking.Available && s.Hold != by.ID) {
			return fmt.Errorf("unit %s is %c of %s, want %c of %s", u, s.State, s.Hold, state, by.ID)
		}
	}
	return nil
}

func want(err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("want %q, got: %w", target.Error(), err)
	}
	return nil
}

// crowd runs n at once and gives their errors.
func crowd(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// winners counts; whoever lost has to have lost for the right reason.
func winners(errs []error, reasons ...error) (int, error) {
	n := 0
next:
	for _, err := range errs {
		if err == nil {
			n++
			continue
		}
		for _, r := range reasons {
			if errors.Is(err, r) {
				continue next
			}
		}
		return n, fmt.Errorf("lost for a wrong reason: %w", err)
	}
	return n, nil
}

func oneWinner(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	errs := crowd(Buyers, func(i int) error { return s.Take(ctx, h.hold(fmt.Sprint("buyer", i), longHold, "A1"), 0) })
	n, err := winners(errs, booking.ErrUnitsUnavailable)
	if err != nil || n != 1 {
		return fmt.Errorf("%d winners: %w", n, err)
	}
	for _, err := range errs {
		f, ok := errors.AsType[*fault.Error](err)
		if !ok {
			continue
		}
		if gone, _ := f.Fields["units"].([]string); len(gone) != 1 || gone[0] != "A1" {
			return fmt.Errorf("the refusal names %v", f.Fields["units"])
		}
	}
	return nil
}

func wholeGroups(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	var units []string
	for i := range 20 {
		units = append(units, fmt.Sprint("A", i))
	}
	groups := make([]booking.Hold, Buyers)
	for i := range groups {
		from := rand.IntN(len(units) - 3)
		groups[i] = h.hold(fmt.Sprint("buyer", i), longHold, units[from:from+4]...)
		rand.Shuffle(4, func(a, b int) { groups[i].Units[a], groups[i].Units[b] = groups[i].Units[b], groups[i].Units[a] })
	}
	errs := crowd(Buyers, func(i int) error { return s.Take(ctx, groups[i], 0) })
	n, err := winners(errs, booking.ErrUnitsUnavailable)
	if err != nil || n < 1 || n > 5 {
		return fmt.Errorf("%d groups of four in twenty seats: %w", n, err)
	}
	seats, err := s.Read(ctx, h.event, units)
	if err != nil {
		return err
	}
	has := map[uuid.UUID]int{}
	for _, seat := range seats {
		if seat.At(time.Now()).State == booking.Held {
			has[seat.Hold]++
		}
	}
	for i, g := range groups {
		if won := errs[i] == nil; (won && has[g.ID] != 4) || (!won && has[g.ID] != 0) {
			return fmt.Errorf("a group that won: %t has %d seats", won, has[g.ID])
		}
	}
	return nil
}

func sameHold(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold := h.hold("buyer", longHold, "A1", "A2")
	for _, err := range crowd(5, func(int) error { return s.Take(ctx, hold, 2) }) {
		if err != nil {
			return err
		}
	}
	return h.expect(booking.Held, hold, "A1", "A2")
}

func oneHold(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	errs := crowd(Buyers, func(i int) error { return s.Take(ctx, h.hold("buyer", longHold, fmt.Sprint("A", i)), 0) })
	n, err := winners(errs, booking.ErrHoldExists)
	if err != nil || n != 1 {
		return fmt.Errorf("%d holds of one account: %w", n, err)
	}
	return nil
}

func limit(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	if err := want(s.Take(ctx, h.hold("buyer", longHold, "A1", "A2", "A3"), 2), booking.ErrLimitExceeded); err != nil {
		return err
	}
	first, err := h.take("buyer", longHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := s.Fence(ctx, bookingOf(first, 3)); err != nil {
		return err
	}
	errs := crowd(Buyers, func(i int) error {
		return s.Take(ctx, h.hold("buyer", longHold, fmt.Sprint("B", 2*i), fmt.Sprint("B", 2*i+1)), 3)
	})
	if n, err := winners(errs, booking.ErrLimitExceeded); err != nil || n != 0 {
		return fmt.Errorf("%d holds past the limit: %w", n, err)
	}
	errs = crowd(Buyers, func(i int) error { return s.Take(ctx, h.hold("buyer", longHold, fmt.Sprint("C", i)), 3) })
	if n, err := winners(errs, booking.ErrLimitExceeded, booking.ErrHoldExists); err != nil || n != 1 {
		return fmt.Errorf("%d holds within the limit: %w", n, err)
	}
	return nil
}

// shortHold is a hold that a scenario waits out.
const shortHold = time.Second

func outlive(ctx context.Context, h booking.Hold) error {
	return worker.Sleep(ctx, time.Until(h.Until)+50*time.Millisecond)
}

// retake takes as soon as that goes: a store may round the life of a key up to a second.
func (h scenarioEvent) retake(account string, units ...string) (booking.Hold, error) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		hold, err := h.take(account, longHold, units...)
		if err == nil || time.Now().After(deadline) {
			return hold, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func takeable(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	first, err := h.take("first", shortHold, "A1", "A2")
	if err != nil {
		return err
	}
	if _, err := h.take("second", longHold, "A2"); !errors.Is(err, booking.ErrUnitsUnavailable) {
		return fmt.Errorf("taken while held: %w", err)
	}
	if err := outlive(ctx, first); err != nil {
		return err
	}
	second, err := h.retake("second", "A2")
	if err != nil {
		return err
	}
	if _, err := h.retake("first", "A1"); err != nil {
		return fmt.Errorf("whose own hold ran out may hold again: %w", err)
	}
	return h.expect(booking.Held, second, "A2")
}

func fenceIsForGood(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", shortHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := s.Fence(ctx, bookingOf(hold, 0)); err != nil {
		return err
	}
	if err := outlive(ctx, hold); err != nil {
		return err
	}
	time.Sleep(shortHold) // past any rounding of the store
	if err := h.expect(booking.Booked, hold, "A1", "A2"); err != nil {
		return err
	}
	_, err = h.take("other", longHold, "A1")
	return want(err, booking.ErrUnitsUnavailable)
}

func fenceOnce(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", longHold, "A1", "A2")
	if err != nil {
		return err
	}
	for _, err := range crowd(10, func(int) error { return s.Fence(ctx, bookingOf(hold, 2)) }) {
		if err != nil {
			return err
		}
	}
	// Counted once: two of three are bought, so one more can be.
	if err := want(s.Take(ctx, h.hold("buyer", longHold, "A3", "A4"), 3), booking.ErrLimitExceeded); err != nil {
		return err
	}
	return s.Take(ctx, h.hold("buyer", longHold, "A3"), 3)
}

func lateButFree(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("late", shortHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := outlive(ctx, hold); err != nil {
		return err
	}
	if err := s.Fence(ctx, bookingOf(hold, 2)); err != nil {
		return err
	}
	return h.expect(booking.Booked, hold, "A1", "A2")
}

func lateAndLost(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("late", shortHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := outlive(ctx, hold); err != nil {
		return err
	}
	other, err := h.retake("other", "A2")
	if err != nil {
		return err
	}
	if err := want(s.Fence(ctx, bookingOf(hold, 0)), booking.ErrUnitsUnavailable); err != nil {
		return err
	}
	if err := h.expect(booking.Held, other, "A2"); err != nil {
		return err
	}
	return h.expect(booking.Available, hold, "A1")
}

func fenceRace(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("late", shortHold, "A1")
	if err != nil {
		return err
	}
	if err := outlive(ctx, hold); err != nil {
		return err
	}
	errs := crowd(20, func(i int) error {
		if i%2 == 0 {
			return s.Fence(ctx, bookingOf(hold, 0))
		}
		return s.Take(ctx, h.hold(fmt.Sprint("other", i), longHold, "A1"), 0)
	})
	fenced, taken := 0, 0
	for i, err := range errs {
		switch {
		case err == nil && i%2 == 0:
			fenced++
		case err == nil:
			taken++
		case !errors.Is(err, booking.ErrUnitsUnavailable):
			return err
		}
	}
	if (fenced > 0) == (taken > 0) || taken > 1 {
		return fmt.Errorf("%d fences and %d takers have one seat", fenced, taken)
	}
	return nil
}

func change(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", longHold, "A1", "A2")
	if err != nil {
		return err
	}
	other, err := h.take("other", longHold, "B1")
	if err != nil {
		return err
	}
	swap := func(add []string, remove ...string) (booking.Hold, error) {
		return s.Change(ctx, hold.ID, 3, func(b booking.Hold) (booking.Hold, error) {
			return b.Change(h.hold("", 0, add...).Units, remove, 0, time.Now())
		})
	}
	after, err := swap([]string{"A3"}, "A1")
	if err != nil {
		return err
	}
	if !after.Until.Equal(hold.Until) {
		return errors.New("the deadline moved")
	}
	if err := errors.Join(h.expect(booking.Held, hold, "A2", "A3"), h.expect(booking.Available, hold, "A1")); err != nil {
		return err
	}
	if _, err = swap([]string{"B1", "A4"}, "A2"); !errors.Is(err, booking.ErrUnitsUnavailable) {
		return fmt.Errorf("took what another has: %w", err)
	}
	if _, err = swap([]string{"A5", "A6"}); !errors.Is(err, booking.ErrLimitExceeded) {
		return fmt.Errorf("grew past the limit: %w", err)
	}
	return errors.Join(h.expect(booking.Held, hold, "A2", "A3"), h.expect(booking.Held, other, "B1"), h.expect(booking.Available, hold, "A4", "A5"))
}

func changesAtOnce(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", longHold, "A0")
	if err != nil {
		return err
	}
	const n = 5
	errs := crowd(n, func(i int) error {
		_, err := s.Change(ctx, hold.ID, 0, func(b booking.Hold) (booking.Hold, error) {
			return b.Change(h.hold("", 0, fmt.Sprint("A", i+1)).Units, nil, 0, time.Now())
		})
		return err
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	after, err := s.Find(ctx, hold.ID)
	if err != nil {
		return err
	}
	if len(after.Units) != n+1 {
		return fmt.Errorf("%d units in the cart, want %d", len(after.Units), n+1)
	}
	return h.expect(booking.Held, hold, after.UnitIDs()...)
}

func freeOwn(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", shortHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := outlive(ctx, hold); err != nil {
		return err
	}
	other, err := h.retake("other", "A1")
	if err != nil {
		return err
	}
	for range 2 { // again: nothing more happens
		if err := s.Free(ctx, hold, hold.UnitIDs(), true); err != nil {
			return err
		}
	}
	if err := h.expect(booking.Held, other, "A1"); err != nil {
		return err
	}
	released, err := s.Find(ctx, hold.ID)
	if err != nil {
		return err
	}
	if released.Status != booking.HoldReleased {
		return fmt.Errorf("the hold is %s", released.Status)
	}
	_, err = h.take("buyer", longHold, "A2")
	return err
}

func releaseOrCheckOut(ctx context.Context, s Seats) error {
	for range 5 {
		hold, err := newEvent(ctx, s).take("buyer", longHold, "A1", "A2")
		if err != nil {
			return err
		}
		errs := crowd(10, func(i int) error {
			_, err := s.Change(ctx, hold.ID, 0, func(h booking.Hold) (booking.Hold, error) {
				if i%2 == 0 {
					return h.Release(time.Now())
				}
				return h.CheckOut(uuid.New(), time.Now())
			})
			return err
		})
		if _, err := winners(errs, booking.ErrHoldReleased, booking.ErrCheckoutStarted); err != nil {
			return err
		}
		released, checkedOut := 0, 0 // two releases at once are one
		for i, err := range errs {
			switch {
			case err == nil && i%2 == 0:
				released++
			case err == nil:
				checkedOut++
			}
		}
		if checkedOut > 1 || (released > 0) == (checkedOut > 0) {
			return fmt.Errorf("%d gave the hold back, %d checked it out", released, checkedOut)
		}
	}
	return nil
}

func refund(ctx context.Context, s Seats) error {
	h := newEvent(ctx, s)
	hold, err := h.take("buyer", longHold, "A1", "A2")
	if err != nil {
		return err
	}
	if err := s.Fence(ctx, bookingOf(hold, 2)); err != nil {
		return err
	}
	if err := want(s.Take(ctx, h.hold("buyer", longHold, "A3"), 2), booking.ErrLimitExceeded); err != nil {
		return err
	}
	for range 2 {
		if err := s.Free(ctx, hold, []string{"A1"}, false); err != nil {
			return err
		}
	}
	if err := errors.Join(h.expect(booking.Available, hold, "A1"), h.expect(booking.Booked, hold, "A2")); err != nil {
		return err
	}
	return s.Take(ctx, h.hold("buyer", longHold, "A3"), 2)
}
