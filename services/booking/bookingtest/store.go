package bookingtest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// Store keeps bookings in memory as the database does: by version, and with no unit twice.
type Store struct {
	mu       sync.Mutex
	bookings map[uuid.UUID]booking.Booking
	units    map[place]uuid.UUID // whose
	refunds  map[uuid.UUID][]booking.Refund
	tickets  map[uuid.UUID][]booking.Ticket
	told     map[uuid.UUID][]string
}

var (
	_ booking.Store = (*Store)(nil)
	_ saga.Store    = (*Store)(nil)
)

// NewStore returns an empty one.
func NewStore() *Store {
	return &Store{
		bookings: map[uuid.UUID]booking.Booking{}, units: map[place]uuid.UUID{},
		refunds: map[uuid.UUID][]booking.Refund{}, tickets: map[uuid.UUID][]booking.Ticket{},
		told: map[uuid.UUID][]string{},
	}
}

// Create implements booking.Store.
func (j *Store) Create(_ context.Context, b booking.Booking) (booking.Booking, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, have := range j.bookings {
		if have.Hold == b.Hold {
			return have, false, nil
		}
	}
	j.bookings[b.ID] = b
	return b, true, nil
}

// Get implements booking.Store and saga.Store.
func (j *Store) Get(_ context.Context, id uuid.UUID) (booking.Booking, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, ok := j.bookings[id]
	if !ok {
		return b, booking.ErrBookingNotFound
	}
	return b, nil
}

// Save implements booking.Store and saga.Store.
func (j *Store) Save(_ context.Context, b booking.Booking, e booking.Effects) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.bookings[b.ID].Version != b.Version-1 {
		return booking.ErrStale
	}
	if e.Claim {
		for _, u := range b.UnitIDs() {
			if by, ok := j.units[place{b.Event, u}]; ok && by != b.ID {
				return booking.ErrUnitsUnavailable
			}
		}
		for _, u := range b.UnitIDs() {
			j.units[place{b.Event, u}] = b.ID
		}
	}
	if b.Status.Ended() {
		j.release(b, b.UnitIDs())
	}
	j.tickets[b.ID] = append(j.tickets[b.ID], e.Tickets...)
	if e.Opened != nil {
		j.refunds[b.ID] = append(j.refunds[b.ID], *e.Opened)
	}
	if r := e.Closed; r != nil {
		i := slices.IndexFunc(j.refunds[b.ID], func(o booking.Refund) bool { return o.ID == r.ID })
		if i < 0 {
			return errors.New("no such refund")
		}
		j.refunds[b.ID][i] = *r
		if r.Status == booking.RefundSucceeded {
			j.release(b, r.Units)
		}
	}
	j.bookings[b.ID] = b
	if (b.Status.Outcome() || e.Told != "") && !e.Quiet {
		j.told[b.ID] = append(j.told[b.ID], cmp.Or(e.Told, string(b.Status)))
	}
	return nil
}

func (j *Store) release(b booking.Booking, units []string) {
	for _, u := range units {
		if j.units[place{b.Event, u}] == b.ID {
			delete(j.units, place{b.Event, u})
		}
	}
	j.tickets[b.ID] = slices.DeleteFunc(j.tickets[b.ID], func(t booking.Ticket) bool { return slices.Contains(units, t.Unit) })
}

// OpenRefund implements saga.Store.
func (j *Store) OpenRefund(_ context.Context, id uuid.UUID) (booking.Refund, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.refunds[id] {
		if r.Status == booking.RefundRequested {
			return r, true, nil
		}
	}
	return booking.Refund{}, false, nil
}

// FindRefund implements saga.Store.
func (j *Store) FindRefund(_ context.Context, id, refund uuid.UUID) (booking.Refund, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.refunds[id] {
		if r.ID == refund {
			return r, true, nil
		}
	}
	return booking.Refund{}, false, nil
}

// Told is what others heard of a booking, in order: its outcomes and what became of its refunds.
func (j *Store) Told(id uuid.UUID) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.told[id])
}

// Tickets of a booking that are good.
func (j *Store) Tickets(id uuid.UUID) []booking.Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.tickets[id])
}

// Bank is a payment service in memory. Fail, when set, is asked before each call and after it:
// an error after it is an answer that got lost.
type Bank struct {
	Fail func() error

	// RefundStatus, when set, is what becomes of refunds.
	RefundStatus booking.RefundStatus

	mu       sync.Mutex
	payments map[uuid.UUID]*account // by booking
}

type account struct {
	payment                      booking.Payment
	authorized, captured, voided bool
	refunds                      map[uuid.UUID]int64
	amount                       int64
}

var (
	_ saga.Payments      = (*Bank)(nil)
	_ saga.PaymentFinder = (*Bank)(nil)
)

// NewBank returns one without payments.
func NewBank() *Bank { return &Bank{payments: map[uuid.UUID]*account{}} }

// do runs f between two chances to fail.
func (b *Bank) do(f func() error) error {
	if b.Fail != nil {
		if err := b.Fail(); err != nil {
			return err
		}
	}
	b.mu.Lock()
	err := f()
	b.mu.Unlock()
	if err == nil && b.Fail != nil {
		return b.Fail()
	}
	return err
}

// Intend implements saga.Payments.
func (b *Bank) Intend(_ context.Context, bk booking.Booking) (p booking.Payment, err error) {
	err = b.do(func() error {
		a := b.payments[bk.ID]
		if a == nil {
			id := uuid.NewSHA1(bk.ID, []byte("payment"))
			a = &account{payment: booking.Payment{ID: id, Intent: "pi_" + id.String()[:8]}, refunds: map[uuid.UUID]int64{}, amount: bk.Total.Amount}
			b.payments[bk.ID] = a
		}
		p = a.payment
		return nil
	})
	return p, err
}

func (b *Bank) of(payment uuid.UUID) *account {
	for _, a := range b.payments {
		if a.payment.ID == payment {
			return a
		}
	}
	return nil
}

// Capture implements saga.Payments.
func (b *Bank) Capture(_ context.Context, payment uuid.UUID) error {
	return b.do(func() error {
		a := b.of(payment)
		if a == nil || a.voided || !a.authorized {
			return saga.ErrPaymentRefused
		}
		a.captured = true
		return nil
	})
}

// Void implements saga.Payments.
func (b *Bank) Void(_ context.Context, payment uuid.UUID) error {
	return b.do(func() error {
		a := b.of(payment)
		if a == nil || a.captured {
			return saga.ErrPaymentRefused
		}
		a.voided = true
		return nil
	})
}

// Refund implements saga.Payments.
func (b *Bank) Refund(_ context.Context, payment uuid.UUID, r booking.Refund, _ bool) (booking.RefundStatus, error) {
	status := cmp.Or(b.RefundStatus, booking.RefundSucceeded)
	return status, b.do(func() error {
		a := b.of(payment)
		if a == nil || !a.captured {
			return saga.ErrPaymentRefused
		}
		if status == booking.RefundSucceeded {
			a.refunds[r.ID] = r.Amount
		}
		return nil
	})
}

// Take captures a booking's money past the driver, as an operator may in the provider's dashboard.
func (b *Bank) Take(id uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payments[id].captured = true
}

// FindPayment implements saga.PaymentFinder.
func (b *Bank) FindPayment(_ context.Context, id uuid.UUID) (p booking.Payment, s saga.PaymentStatus, found bool, err error) {
	err = b.do(func() error {
		a := b.payments[id]
		if a == nil {
			return nil
		}
		p, found, s = a.payment, true, saga.PaymentPending
		switch {
		case a.captured:
			s = saga.PaymentCaptured
		case a.voided:
			s = saga.PaymentVoided
		case a.authorized:
			s = saga.PaymentAuthorized
		}
		return nil
	})
	return p, s, found, err
}

// Authorize is the buyer paying. false: the intent takes no money any more.
func (b *Bank) Authorize(id uuid.UUID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.payments[id]
	if a == nil || a.voided || a.captured {
		return false
	}
	a.authorized = true
	return true
}

// Kept is how much of a booking's money we have, and how much is reserved.
func (b *Bank) Kept(id uuid.UUID) (taken, reserved int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.payments[id]
	switch {
	case a == nil:
		return 0, 0
	case a.captured:
		taken = a.amount
		for _, r := range a.refunds {
			taken -= r
		}
		return taken, 0
	case a.authorized && !a.voided:
		return 0, a.amount
	}
	return 0, 0
}
