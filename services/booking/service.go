package booking

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Service holds seats and makes bookings of holds.
type Service struct {
	Seats        Seats
	SeatMaps     SeatMaps
	Bookings     Store
	Announcer    Announcer
	PassVerifier PassVerifier  // nil: events with a waiting room sell to nobody
	HoldQueue    HoldQueue     // nil: high-demand holds are decided like all others
	Expiries     ExpiryWatcher // nil: nobody is told of holds that expired
	HoldFor      time.Duration
	Now          func() time.Time
}

// ErrStillWaiting says that a hold is not decided yet; ask for it again.
var ErrStillWaiting = fault.New(fault.Unavailable, "hold_pending", "The request is queued. Please try again.").After(time.Second)

// ErrAdmissionRequired is for requests without an admission pass for an event with a waiting room.
var ErrAdmissionRequired = fault.New(fault.Forbidden, "admission_required", "This event requires an admission pass. Join the queue.")

// HoldRequest is what a buyer asks to hold: units by name, or so many of a ticket type.
type HoldRequest struct {
	Units []string
	Items []Item
	Pass  string // admission pass, for events with a waiting room
}

// Item asks for the best available units of a ticket type.
type Item struct {
	TicketType string
	Quantity   int
}

// maxProposals is how often units are proposed for a request when others take them first.
const maxProposals = 6

// Hold holds units for an account. A hold that is not decided yet is returned with ErrStillWaiting.
func (s *Service) Hold(ctx context.Context, account identity.Account, event uuid.UUID, in HoldRequest) (Hold, error) {
	seats, err := s.SeatMaps.SeatMap(ctx, event)
	if err != nil {
		return Hold{}, err
	}
	sale, now := seats.Sale(), s.Now()
	if err := sale.Open(now); err != nil {
		return Hold{}, err
	}
	if err := s.checkRequest(sale, in); err != nil {
		return Hold{}, err
	}
	var admitted time.Time
	if sale.HighDemand {
		if !account.EmailVerified {
			return Hold{}, identity.ErrEmailUnverified
		}
		if in.Pass == "" || s.PassVerifier == nil {
			return Hold{}, ErrAdmissionRequired.With("event", event)
		}
		if admitted, err = s.PassVerifier.Verify(ctx, in.Pass, account.ID, event, now); err != nil {
			return Hold{}, err
		}
	}
	for try := 0; ; try++ {
		h, err := s.tryHold(ctx, seats, sale, QueuedHold{Hold: Hold{Account: account.ID}, Admitted: admitted}, in, try)
		if err == nil || len(in.Items) == 0 || try == maxProposals-1 || !errors.Is(err, ErrUnitsUnavailable) {
			return h, err
		}
	}
}

func (s *Service) checkRequest(sale *Sale, in HoldRequest) error {
	n := len(in.Units)
	for _, it := range in.Items {
		if _, ok := sale.byType[it.TicketType]; !ok {
			return ErrUnknownType.With("ticketType", it.TicketType)
		}
		if it.Quantity < 1 {
			return ErrNothing
		}
		if err := PerOrder(it.Quantity, sale.MaxPerOrder); err != nil { // before the sum, which could overflow
			return err
		}
		n += it.Quantity
	}
	if n == 0 {
		return ErrNothing
	}
	return PerOrder(n, sale.MaxPerOrder)
}

func (s *Service) tryHold(ctx context.Context, seats SeatMap, sale *Sale, r QueuedHold, in HoldRequest, try int) (Hold, error) {
	ids := append([]string(nil), in.Units...)
	if len(in.Items) > 0 {
		best, err := seats.Propose(in.Items, ids, spread(try), s.Now())
		if err != nil {
			return Hold{}, err
		}
		ids = append(ids, best...)
	}
	units, err := sale.Price(ids)
	if err != nil {
		return Hold{}, err
	}
	now := s.Now().Truncate(time.Millisecond) // as it is stored
	h := Hold{Event: sale.Event, Account: r.Hold.Account, Units: units, Until: now.Add(s.HoldFor), Status: HoldOpen}
	if err := money.Chargeable(h.Total()); err != nil { // many dear places may be more than a card pays at once
		return Hold{}, err
	}
	if sale.HighDemand && s.HoldQueue != nil {
		r.Hold, r.Limit = h, sale.MaxPerAccount
		if h, err = s.HoldQueue.Hold(ctx, r); err == nil {
			seats.Update(ctx, HeldChanges(h), s.Now()) // before the change comes back by the broadcast
		}
	} else {
		if h.ID, err = uuid.NewV7(); err != nil {
			return Hold{}, err
		}
		if err = s.Seats.Take(ctx, h, sale.MaxPerAccount); err == nil {
			s.Announcer.Announce(h.Event, HeldChanges(h))
		}
	}
	if err != nil {
		s.recheckTaken(ctx, seats, err)
		return h, err
	}
	if s.Expiries != nil {
		s.Expiries.Watch(h)
	}
	return h, nil
}

// spread picks among equally good proposals: first the best, then a random one of ever more, so that buyers
// who collide get different ones.
func spread(try int) int {
	if try == 0 {
		return 0
	}
	return rand.IntN(1 << min(try+2, 10))
}

// recheckTaken corrects a seat map that shows units as free that the store refused. Once it is corrected, further
// refusals of the same units read nothing.
func (s *Service) recheckTaken(ctx context.Context, seats SeatMap, err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return
	}
	if units, ok := f.Fields["units"].([]string); ok {
		seats.RecheckFree(ctx, units)
	}
}

// Find gives the account's hold. For that of another account: ErrHoldNotFound.
func (s *Service) Find(ctx context.Context, account identity.Account, id uuid.UUID) (Hold, error) {
	h, err := s.Seats.Find(ctx, id)
	if errors.Is(err, ErrHoldNotFound) && s.HoldQueue != nil {
		return Hold{ID: id}, s.HoldQueue.Verdict(ctx, id, account.ID)
	}
	if err != nil {
		return Hold{}, err
	}
	if h.Account != account.ID {
		return Hold{}, ErrHoldNotFound
	}
	switch h.StatusAt(s.Now()) {
	case HoldExpired:
		return h, ErrHoldExpired
	case HoldReleased:
		return h, ErrHoldReleased
	}
	return h, nil
}

// Change adds and removes units of a hold. Its deadline stays.
func (s *Service) Change(ctx context.Context, account identity.Account, id uuid.UUID, add, remove []string) (Hold, error) {
	before, err := s.Find(ctx, account, id)
	if err != nil {
		return Hold{}, err
	}
	seats, err := s.SeatMaps.SeatMap(ctx, before.Event)
	if err != nil {
		return Hold{}, err
	}
	sale := seats.Sale()
	if err := sale.Open(s.Now()); err != nil {
		return Hold{}, err
	}
	var priced []HeldUnit
	if len(add) > 0 {
		if priced, err = sale.Price(add); err != nil {
			return Hold{}, err
		}
	}
	after, err := s.Seats.Change(ctx, id, sale.MaxPerAccount, func(h Hold) (Hold, error) {
		return h.Change(priced, remove, sale.MaxPerOrder, s.Now())
	})
	if err != nil {
		s.recheckTaken(ctx, seats, err)
		return Hold{}, err
	}
	claim := Claim{after.ID, after.Version}
	s.Announcer.Announce(after.Event, append(changes(add, Held, after.Until, claim), changes(remove, Available, time.Time{}, claim)...))
	return after, nil
}

// Release gives a hold back. ErrCheckoutStarted when a booking was made of it: the store decides which of the
// two was first.
func (s *Service) Release(ctx context.Context, account identity.Account, id uuid.UUID) error {
	h, err := s.Find(ctx, account, id)
	if err != nil && !errors.Is(err, ErrHoldReleased) {
		return err
	}
	released := err // returned again, after the units are freed, which an earlier call may not have done
	if released == nil {
		h, err = s.Seats.Change(ctx, id, 0, func(h Hold) (Hold, error) { return h.Release(s.Now()) })
		if err != nil {
			return err
		}
	}
	if err := s.Seats.Free(ctx, h, h.UnitIDs(), true); err != nil {
		return err
	}
	s.Announcer.Announce(h.Event, FreedChanges(h.ID, h.UnitIDs()))
	return released
}

// CheckOut makes a booking of a hold. A repetition gives the same booking.
func (s *Service) CheckOut(ctx context.Context, account identity.Account, hold uuid.UUID) (b Booking, created bool, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Booking{}, false, err
	}
	h, err := s.Seats.Change(ctx, hold, 0, func(h Hold) (Hold, error) {
		switch {
		case h.Account != account.ID:
			return h, ErrHoldNotFound
		case h.Status != HoldOpen: // asked before
			return h, nil
		}
		return h.CheckOut(id, s.Now())
	})
	if err != nil {
		return Booking{}, false, err
	}
	if h.Booking != uuid.Nil && h.Booking != id {
		b, err := s.Bookings.Get(ctx, h.Booking)
		if !errors.Is(err, ErrBookingNotFound) { // else a crash came between the hold's status and the row
			return b, false, err
		}
	}
	if status := h.StatusAt(s.Now()); status != HoldCheckout {
		return Booking{}, false, h.Usable(s.Now())
	}
	seats, err := s.SeatMaps.SeatMap(ctx, h.Event)
	if err != nil {
		return Booking{}, false, err
	}
	if seats.Sale().Status != EventPublished {
		return Booking{}, false, ErrNotOnSale
	}
	return s.Bookings.Create(ctx, New(h.Booking, h, seats.Sale(), s.Now()))
}

// Booking gives a booking to its owner, the event's merchant and admins. For others: ErrBookingNotFound.
func (s *Service) Booking(ctx context.Context, account identity.Account, id uuid.UUID) (Booking, error) {
	b, err := s.Bookings.Get(ctx, id)
	if err != nil {
		return Booking{}, err
	}
	if b.Account != account.ID && !b.managedBy(account) {
		return Booking{}, ErrBookingNotFound
	}
	return b, nil
}

// managedBy tells whether the account is the event's merchant or an admin.
func (b Booking) managedBy(a identity.Account) bool {
	return a.Has(identity.Admin) || (a.Has(identity.Merchant) && a.ID == b.Occasion.Merchant)
}

// Cancel ends the account's unpaid booking. A repetition changes nothing.
func (s *Service) Cancel(ctx context.Context, account identity.Account, id uuid.UUID) (Booking, error) {
	return s.update(ctx, account, id, func(b Booking) (Booking, Effects, error) {
		if b.Account != account.ID {
			return b, Effects{}, ErrBookingNotFound
		}
		if b.Status == Cancelled {
			return b, Effects{}, nil
		}
		next, err := b.Cancel(ReasonByBuyer, s.Now())
		return next, Effects{Drive: true}, err
	})
}

// Refund requests a refund. Its units are on sale again once the provider made it.
func (s *Service) Refund(ctx context.Context, account identity.Account, id uuid.UUID, units []string, reason string) (Booking, Refund, error) {
	refund, err := uuid.NewV7()
	if err != nil {
		return Booking{}, Refund{}, err
	}
	var opened Refund
	b, err := s.update(ctx, account, id, func(b Booking) (Booking, Effects, error) {
		asker := ByOwner
		if b.managedBy(account) {
			asker = ByMerchant
		}
		next, r, err := b.Refund(refund, units, reason, asker, s.Now())
		opened = r
		return next, Effects{Opened: &r, Drive: true}, err
	})
	return b, opened, err
}

// update applies f with optimistic locking: it reads and tries again when another writer was faster.
func (s *Service) update(ctx context.Context, account identity.Account, id uuid.UUID, f func(Booking) (Booking, Effects, error)) (Booking, error) {
	for range 5 {
		b, err := s.Booking(ctx, account, id)
		if err != nil {
			return Booking{}, err
		}
		next, effects, err := f(b)
		if err != nil || next.Version == b.Version {
			return next, err
		}
		if err := s.Bookings.Save(ctx, next, effects); err == nil || !errors.Is(err, ErrStale) {
			return next, err
		}
	}
	return Booking{}, ErrStale.After(time.Second)
}
