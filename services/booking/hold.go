package booking

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Refusals of holds.
var (
	ErrHoldNotFound    = fault.New(fault.NotFound, "hold_not_found", "The hold does not exist.")
	ErrHoldExpired     = fault.New(fault.Gone, "hold_expired", "The hold has expired.")
	ErrHoldReleased    = fault.New(fault.Gone, "hold_released", "The hold was released.")
	ErrHoldExists      = fault.New(fault.Conflict, "hold_exists", "You already have a hold for this event.")
	ErrCheckoutStarted = fault.New(fault.Conflict, "checkout_started", "Checkout of this hold has started. Cancel the booking to change it.")
	ErrLimitExceeded   = fault.New(fault.Invalid, "limit_exceeded", "This exceeds the ticket limit of this event.")
)

// HoldStatus is the stored status of a hold.
type HoldStatus string

// The statuses of a hold. StatusAt tells whether an open one has expired.
const (
	HoldOpen     HoldStatus = "open"
	HoldCheckout HoldStatus = "checkout" // a booking was made of it
	HoldBooked   HoldStatus = "booked"
	HoldReleased HoldStatus = "released"
	HoldExpired  HoldStatus = "expired" // never stored: an open one after its deadline
)

// HeldUnit is a unit with the price at which it was held.
type HeldUnit struct {
	ID         string
	TicketType string
	TypeName   string
	Label      string
	Place      seat.Place
	Price      money.Money
}

// Hold is a cart: units that an account has for a short time.
type Hold struct {
	ID      uuid.UUID
	Event   uuid.UUID
	Account string
	Units   []HeldUnit
	Until   time.Time
	Status  HoldStatus
	Booking uuid.UUID // once checked out
	Version int64     // grows with each change of the units
}

// Total is the sum of the prices. All units of an event have the same currency.
func (h Hold) Total() money.Money {
	var sum money.Money
	for _, u := range h.Units {
		sum.Amount, sum.Currency = sum.Amount+u.Price.Amount, u.Price.Currency
	}
	return sum
}

// UnitIDs names the units.
func (h Hold) UnitIDs() []string {
	ids := make([]string, len(h.Units))
	for i, u := range h.Units {
		ids[i] = u.ID
	}
	return ids
}

// StatusAt is the status as it stands at a moment.
func (h Hold) StatusAt(now time.Time) HoldStatus {
	if (h.Status == HoldOpen || h.Status == HoldCheckout) && !now.Before(h.Until) {
		return HoldExpired
	}
	return h.Status
}

// Usable refuses a hold that can no longer be changed or checked out.
func (h Hold) Usable(now time.Time) error {
	switch h.StatusAt(now) {
	case HoldOpen:
		return nil
	case HoldCheckout, HoldBooked:
		return ErrCheckoutStarted.With("booking", h.Booking)
	case HoldReleased:
		return ErrHoldReleased
	default:
		return ErrHoldExpired
	}
}

// Change gives the hold with units added and removed. The deadline stays.
func (h Hold) Change(add []HeldUnit, remove []string, maxPerOrder int, now time.Time) (Hold, error) {
	if err := h.Usable(now); err != nil {
		return h, err
	}
	next := h
	next.Units, next.Version = slices.Clone(h.Units), h.Version+1
	for _, id := range remove {
		i := slices.IndexFunc(next.Units, func(u HeldUnit) bool { return u.ID == id })
		if i < 0 {
			return h, ErrUnknownUnit.With("unit", id)
		}
		next.Units = slices.Delete(next.Units, i, i+1)
	}
	for _, u := range add {
		if slices.ContainsFunc(next.Units, func(o HeldUnit) bool { return o.ID == u.ID }) {
			return h, ErrUnitTwice.With("unit", u.ID)
		}
		next.Units = append(next.Units, u)
	}
	if len(next.Units) == 0 {
		return h, ErrNothing
	}
	if err := PerOrder(len(next.Units), maxPerOrder); err != nil {
		return h, err
	}
	if err := money.Chargeable(next.Total()); err != nil {
		return h, err
	}
	return next, nil
}

// CheckOut gives the hold as it is once a booking was made of it.
func (h Hold) CheckOut(booking uuid.UUID, now time.Time) (Hold, error) {
	if err := h.Usable(now); err != nil {
		return h, err
	}
	h.Status, h.Booking = HoldCheckout, booking
	return h, nil
}

// Release gives the hold as released. Its units are still to be freed.
func (h Hold) Release(now time.Time) (Hold, error) {
	if err := h.Usable(now); err != nil {
		return h, err
	}
	h.Status = HoldReleased
	return h, nil
}

// PerOrder refuses more units than one order may have. No limit when limit is 0.
func PerOrder(units, limit int) error {
	if limit > 0 && units > limit {
		return ErrLimitExceeded.With("limit", limit).With("scope", "order").
			With("hint", fmt.Sprintf("At most %d per order.", limit))
	}
	return nil
}

// Cap counts the units that one account has of one event, which enforces the limit per account under
// concurrent requests. Holds that expired do not count and need not be removed.
type Cap struct {
	Booked int
	Holds  []CapHold

	Returns  int       // recent holds that were released or expired
	Returned time.Time // the last of them
}

// CapHold is a hold's share of the cap.
type CapHold struct {
	Hold  uuid.UUID
	Units int
	Until time.Time
}

// At is the cap without the holds that expired by now; they count as returns.
func (c Cap) At(now time.Time) Cap {
	holds := c.Holds
	c.Holds = nil
	for _, h := range holds {
		if now.Before(h.Until) {
			c.Holds = append(c.Holds, h)
		} else {
			c = c.returned(h.Until)
		}
	}
	return c
}

// An account that holds units and gives them back again and again keeps them from others without paying. The
// first returns are free; each further one doubles the wait before the next hold of the event, until there
// was no return for returnsForgotten.
const (
	freeReturns      = 3
	firstWait        = 15 * time.Second // doubles
	maxWait          = 5 * time.Minute
	returnsForgotten = 10 * time.Minute
)

// ErrCoolDown is for an account that has to wait after too many returns.
var ErrCoolDown = fault.New(fault.TooMany, "hold_cooldown", "Several of your holds of this event were released or expired. Please wait before the next hold.")

func (c Cap) returned(at time.Time) Cap {
	if at.Sub(c.Returned) >= returnsForgotten {
		c.Returns = 0
	}
	c.Returns++
	if at.After(c.Returned) {
		c.Returned = at
	}
	return c
}

// wait is how long the account has to wait before its next hold.
func (c Cap) wait(now time.Time) time.Duration {
	if c.Returns < freeReturns+1 {
		return 0
	}
	wait := worker.Pause(firstWait, maxWait, c.Returns-freeReturns-1)
	return max(0, c.Returned.Add(wait).Sub(now))
}

// Units is how many units the account has.
func (c Cap) Units() int {
	n := c.Booked
	for _, h := range c.Holds {
		n += h.Units
	}
	return n
}

// Hold adds a hold, or sets how many units a hold has. An account has one hold of an event at a time.
func (c Cap) Hold(hold uuid.UUID, units int, until time.Time, limit int, now time.Time) (Cap, error) {
	next := c.At(now)
	if i := slices.IndexFunc(next.Holds, func(h CapHold) bool { return h.Hold == hold }); i >= 0 {
		next.Holds[i].Units = units
	} else if len(next.Holds) > 0 {
		return c, ErrHoldExists.With("hold", next.Holds[0].Hold)
	} else if wait := next.wait(now); wait > 0 {
		return c, ErrCoolDown.After(wait.Truncate(time.Second) + time.Second)
	} else {
		next.Holds = append(next.Holds, CapHold{Hold: hold, Units: units, Until: until})
	}
	if limit > 0 && next.Units() > limit {
		return c, ErrLimitExceeded.With("limit", limit).With("scope", "account").With("have", c.At(now).Units())
	}
	return next, nil
}

// Book counts a hold's units as booked. The hold may have expired and no longer count, so the limit is checked
// again.
func (c Cap) Book(hold uuid.UUID, units, limit int, now time.Time) (Cap, error) {
	next := c.Drop(hold, now)
	next.Booked += units
	if limit > 0 && next.Units() > limit {
		return c, ErrLimitExceeded.With("limit", limit).With("scope", "account")
	}
	return next, nil
}

// Release removes a hold and counts it as a return.
func (c Cap) Release(hold uuid.UUID, now time.Time) Cap {
	before := c.At(now)
	next := before.Drop(hold, now)
	if len(next.Holds) < len(before.Holds) {
		next = next.returned(now)
	}
	return next
}

// Drop removes a hold.
func (c Cap) Drop(hold uuid.UUID, now time.Time) Cap {
	next := c.At(now)
	next.Holds = slices.DeleteFunc(next.Holds, func(h CapHold) bool { return h.Hold == hold })
	return next
}

// Return removes booked units, after a refund.
func (c Cap) Return(units int, now time.Time) Cap {
	next := c.At(now)
	next.Booked = max(0, next.Booked-units)
	return next
}
