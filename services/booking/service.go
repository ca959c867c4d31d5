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

// Seats decides who has which unit. Its answers are final, whatever a projection says.
type Seats interface {
	// Take holds all units of h or none. limit is the most units an account may have, 0 for any.
	// ErrUnitsUnavailable names the units that somebody else has.
	Take(ctx context.Context, h Hold, limit int) error
	// Find gives a hold. ErrHoldNotFound.
	Find(ctx context.Context, id uuid.UUID) (Hold, error)
	// Change replaces a hold by what f makes of it, taking and giving back units, all or nothing.
	Change(ctx context.Context, id uuid.UUID, limit int, f func(Hold) (Hold, error)) (Hold, error)
	// Free gives back those of the units that the hold has, held or booked. whole: the hold ends.
	Free(ctx context.Context, h Hold, units []string, whole bool) error
}

// SeatMaps finds the seat map of an event, and loads it when need be.
type SeatMaps interface {
	SeatMap(ctx context.Context, event uuid.UUID) (SeatMap, error)
}

// SeatMap is a projection of one event's seats. It may lag: it proposes, Seats decides.
type SeatMap interface {
	Sale() *Sale
	// Propose finds the best available units for all items, besides those already chosen.
	Propose(items []Item, chosen []string, skip int, now time.Time) ([]string, error)
	// Update applies changes that were just decided, and reads from the store what they leave unclear.
	Update(ctx context.Context, changes []Change, now time.Time)
	// RecheckFree reads those of the units from the store that the map shows as free.
	RecheckFree(ctx context.Context, units []string)
}

// ExpiryWatcher is told of holds that somebody has to hear of when they expire.
type ExpiryWatcher interface {
	Watch(h Hold)
}

// Announcer tells everyone of changed units.
type Announcer interface {
	Announce(event uuid.UUID, changes []Change)
}

// Store keeps bookings.
type Store interface {
	// Create stores a booking and asks for it to be driven. When the hold has one already, that
	// one is returned.
	Create(ctx context.Context, b Booking) (stored Booking, created bool, err error)
	Get(ctx context.Context, id uuid.UUID) (Booking, error)
	// Save stores the next version with its effects, all or nothing. ErrStale when somebody was faster.
	Save(ctx context.Context, b Booking, e Effects) error
}

// Effects is what goes into the database together with a step of a booking.
type Effects struct {
	Claim   bool     // the units become the booking's: the last guard against selling twice
	Tickets []Ticket // issued
	Opened  *Refund  // asked for
	Closed  *Refund  // done, refused, or come back
	Drive   bool     // ask the consumer to go on with it
	Quiet   bool     // the status is the same: nobody else needs to hear of it
	Told    string   // what others hear instead of the status, of Closed
}

// Service holds seats and sells what is held: holds and what is made of them.
type Service struct {
	Seats        Seats
	SeatMaps     SeatMaps
	Bookings     Store
	Announcer    Announcer
	PassVerifier PassVerifier  // nil: events with a waiting room sell to nobody
	HoldQueue    HoldQueue     // nil: high-demand holds are decided here, like all others
	Expiries     ExpiryWatcher // nil: nobody is told of holds that expired
	HoldFor      time.Duration
	Now          func() time.Time
}

// PassVerifier checks an account's admission pass for an event with a waiting room, and tells when
// the pass was issued.
type PassVerifier interface {
	Verify(ctx context.Context, pass, account string, event uuid.UUID, now time.Time) (issued time.Time, err error)
}

// QueuedHold is somebody's request to hold units of an event in high demand. Requests are decided
// in the order of the log that carries them.
type QueuedHold struct {
	Hold     Hold
	Limit    int       // most units of the account; 0: any number
	Admitted time.Time // when the pass was given that the request came with
}

// HoldQueue decides holds of high-demand events in the order they came.
type HoldQueue interface {
	// Hold names the hold, and tells everyone of it. ErrStillWaiting when that took longer than
	// the caller wants to wait.
	Hold(ctx context.Context, r QueuedHold) (Hold, error)
	// Verdict gives the refusal of an account's request, ErrStillWaiting while there is none, and
	// ErrHoldNotFound when nobody is waiting for one.
	Verdict(ctx context.Context, hold uuid.UUID, account string) error
}

// ErrStillWaiting says that a hold is not decided yet; ask for it again.
var ErrStillWaiting = fault.New(fault.Unavailable, "hold_pending", "The request is queued. Please try again.").After(time.Second)

// ErrAdmissionRequired is for events with a waiting room.
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

// Proposals that others snatch away are replaced this often before giving up.
const proposals = 6

// Hold holds units for an account. A pending hold is returned with ErrStillWaiting.
func (o *Service) Hold(ctx context.Context, account identity.Account, event uuid.UUID, w HoldRequest) (Hold, error) {
	seats, err := o.SeatMaps.SeatMap(ctx, event)
	if err != nil {
		return Hold{}, err
	}
	sale, now := seats.Sale(), o.Now()
	if err := sale.Open(now); err != nil {
		return Hold{}, err
	}
	if err := o.checkRequest(sale, w); err != nil {
		return Hold{}, err
	}
	var admitted time.Time
	if sale.HighDemand {
		if !account.EmailVerified {
			return Hold{}, identity.ErrEmailUnverified
		}
		if w.Pass == "" || o.PassVerifier == nil {
			return Hold{}, ErrAdmissionRequired.With("event", event)
		}
		if admitted, err = o.PassVerifier.Verify(ctx, w.Pass, account.ID, event, now); err != nil {
			return Hold{}, err
		}
	}
	for try := 0; ; try++ {
		h, err := o.try(ctx, seats, sale, QueuedHold{Hold: Hold{Account: account.ID}, Admitted: admitted}, w, try)
		if err == nil || len(w.Items) == 0 || try == proposals-1 || !errors.Is(err, ErrUnitsUnavailable) {
			return h, err
		}
	}
}

func (o *Service) checkRequest(sale *Sale, w HoldRequest) error {
	n := len(w.Units)
	for _, it := range w.Items {
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

func (o *Service) try(ctx context.Context, seats SeatMap, sale *Sale, r QueuedHold, w HoldRequest, try int) (Hold, error) {
	ids := append([]string(nil), w.Units...)
	if len(w.Items) > 0 {
		best, err := seats.Propose(w.Items, ids, spread(try), o.Now())
		if err != nil {
			return Hold{}, err
		}
		ids = append(ids, best...)
	}
	units, err := sale.Price(ids)
	if err != nil {
		return Hold{}, err
	}
	now := o.Now().Truncate(time.Millisecond) // as it is stored
	h := Hold{Event: sale.Event, Account: r.Hold.Account, Units: units, Until: now.Add(o.HoldFor), Status: HoldOpen}
	if err := money.Chargeable(h.Total()); err != nil { // many dear places may be more than a card pays at once
		return Hold{}, err
	}
	if sale.HighDemand && o.HoldQueue != nil {
		r.Hold, r.Limit = h, sale.MaxPerAccount
		if h, err = o.HoldQueue.Hold(ctx, r); err == nil {
			seats.Update(ctx, HeldChanges(h), o.Now()) // before the change comes back by the broadcast
		}
	} else {
		if h.ID, err = uuid.NewV7(); err != nil {
			return Hold{}, err
		}
		if err = o.Seats.Take(ctx, h, sale.MaxPerAccount); err == nil {
			o.Announcer.Announce(h.Event, HeldChanges(h))
		}
	}
	if err != nil {
		o.learn(ctx, seats, err)
		return h, err
	}
	if o.Expiries != nil {
		o.Expiries.Watch(h)
	}
	return h, nil
}

// spread picks among equally good proposals: at first the best, then any, so that buyers who
// keep colliding come apart.
func spread(try int) int {
	if try == 0 {
		return 0
	}
	return rand.IntN(1 << min(try+2, 10))
}

// learn corrects a projection that shows as free what the store refused. Of a crowd that wants the
// same places only the first ones have it look.
func (o *Service) learn(ctx context.Context, seats SeatMap, err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return
	}
	if units, ok := f.Fields["units"].([]string); ok {
		seats.RecheckFree(ctx, units)
	}
}

// Find gives the account's hold. Other people's are not there.
func (o *Service) Find(ctx context.Context, account identity.Account, id uuid.UUID) (Hold, error) {
	h, err := o.Seats.Find(ctx, id)
	if errors.Is(err, ErrHoldNotFound) && o.HoldQueue != nil {
		return Hold{ID: id}, o.HoldQueue.Verdict(ctx, id, account.ID)
	}
	if err != nil {
		return Hold{}, err
	}
	if h.Account != account.ID {
		return Hold{}, ErrHoldNotFound
	}
	switch h.StatusAt(o.Now()) {
	case HoldExpired:
		return h, ErrHoldExpired
	case HoldReleased:
		return h, ErrHoldReleased
	}
	return h, nil
}

// Change adds and removes units of a hold. The deadline stays where it is.
func (o *Service) Change(ctx context.Context, account identity.Account, id uuid.UUID, add, remove []string) (Hold, error) {
	before, err := o.Find(ctx, account, id)
	if err != nil {
		return Hold{}, err
	}
	seats, err := o.SeatMaps.SeatMap(ctx, before.Event)
	if err != nil {
		return Hold{}, err
	}
	sale := seats.Sale()
	if err := sale.Open(o.Now()); err != nil {
		return Hold{}, err
	}
	var priced []HeldUnit
	if len(add) > 0 {
		if priced, err = sale.Price(add); err != nil {
			return Hold{}, err
		}
	}
	after, err := o.Seats.Change(ctx, id, sale.MaxPerAccount, func(h Hold) (Hold, error) {
		return h.Change(priced, remove, sale.MaxPerOrder, o.Now())
	})
	if err != nil {
		o.learn(ctx, seats, err)
		return Hold{}, err
	}
	claim := Claim{after.ID, after.Version}
	o.Announcer.Announce(after.Event, append(changes(add, Held, after.Until, claim), changes(remove, Available, time.Time{}, claim)...))
	return after, nil
}

// Release gives a hold back. ErrCheckoutStarted when it is being checked out: the store decides which
// of the two comes first.
func (o *Service) Release(ctx context.Context, account identity.Account, id uuid.UUID) error {
	h, err := o.Find(ctx, account, id)
	if err != nil && !errors.Is(err, ErrHoldReleased) {
		return err
	}
	released := err // said again, after what an earlier call left undone
	if released == nil {
		h, err = o.Seats.Change(ctx, id, 0, func(h Hold) (Hold, error) { return h.Release(o.Now()) })
		if err != nil {
			return err
		}
	}
	if err := o.Seats.Free(ctx, h, h.UnitIDs(), true); err != nil {
		return err
	}
	o.Announcer.Announce(h.Event, FreedChanges(h.ID, h.UnitIDs()))
	return released
}

// CheckOut makes a booking of a hold. A hold makes one booking, however often this is asked.
func (o *Service) CheckOut(ctx context.Context, account identity.Account, hold uuid.UUID) (b Booking, created bool, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Booking{}, false, err
	}
	h, err := o.Seats.Change(ctx, hold, 0, func(h Hold) (Hold, error) {
		switch {
		case h.Account != account.ID:
			return h, ErrHoldNotFound
		case h.Status != HoldOpen: // asked before
			return h, nil
		}
		return h.CheckOut(id, o.Now())
	})
	if err != nil {
		return Booking{}, false, err
	}
	if h.Booking != uuid.Nil && h.Booking != id {
		b, err := o.Bookings.Get(ctx, h.Booking)
		if !errors.Is(err, ErrBookingNotFound) { // else we crashed between the mark and the row
			return b, false, err
		}
	}
	if status := h.StatusAt(o.Now()); status != HoldCheckout {
		return Booking{}, false, h.Usable(o.Now())
	}
	seats, err := o.SeatMaps.SeatMap(ctx, h.Event)
	if err != nil {
		return Booking{}, false, err
	}
	if seats.Sale().Status != EventPublished {
		return Booking{}, false, ErrNotOnSale
	}
	return o.Bookings.Create(ctx, New(h.Booking, h, seats.Sale(), o.Now()))
}

// Booking gives a booking to whoever may see it: its owner, the event's merchant, admins.
func (o *Service) Booking(ctx context.Context, account identity.Account, id uuid.UUID) (Booking, error) {
	b, err := o.Bookings.Get(ctx, id)
	if err != nil {
		return Booking{}, err
	}
	if b.Account != account.ID && !b.runBy(account) {
		return Booking{}, ErrBookingNotFound
	}
	return b, nil
}

// runBy tells whether the account is the event's merchant or an admin.
func (b Booking) runBy(a identity.Account) bool {
	return a.Has(identity.Admin) || (a.Has(identity.Merchant) && a.ID == b.Occasion.Merchant)
}

// Cancel ends the account's unpaid booking. Repeating it changes nothing.
func (o *Service) Cancel(ctx context.Context, account identity.Account, id uuid.UUID) (Booking, error) {
	return o.update(ctx, account, id, func(b Booking) (Booking, Effects, error) {
		if b.Account != account.ID {
			return b, Effects{}, ErrBookingNotFound
		}
		if b.Status == Cancelled {
			return b, Effects{}, nil
		}
		next, err := b.Cancel(ReasonByBuyer, o.Now())
		return next, Effects{Drive: true}, err
	})
}

// Refund asks for money back. What is given back is on sale again once the provider agreed.
func (o *Service) Refund(ctx context.Context, account identity.Account, id uuid.UUID, units []string, reason string) (Booking, Refund, error) {
	refund, err := uuid.NewV7()
	if err != nil {
		return Booking{}, Refund{}, err
	}
	var opened Refund
	b, err := o.update(ctx, account, id, func(b Booking) (Booking, Effects, error) {
		asker := ByOwner
		if b.runBy(account) {
			asker = ByMerchant
		}
		next, r, err := b.Refund(refund, units, reason, asker, o.Now())
		opened = r
		return next, Effects{Opened: &r, Drive: true}, err
	})
	return b, opened, err
}

// update applies f until nobody was faster, a few times.
func (o *Service) update(ctx context.Context, account identity.Account, id uuid.UUID, f func(Booking) (Booking, Effects, error)) (Booking, error) {
	for range 5 {
		b, err := o.Booking(ctx, account, id)
		if err != nil {
			return Booking{}, err
		}
		next, effects, err := f(b)
		if err != nil || next.Version == b.Version {
			return next, err
		}
		if err := o.Bookings.Save(ctx, next, effects); err == nil || !errors.Is(err, ErrStale) {
			return next, err
		}
	}
	return Booking{}, ErrStale.After(time.Second)
}
