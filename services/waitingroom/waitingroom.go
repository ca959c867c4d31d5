// Package waitingroom is the domain of the waiting room: the queue before a sale with more demand
// than it can serve. Each account gets one place, and accounts are admitted in the order of their
// places, at a bounded rate and only while there is something left to buy.
//
//	lobby --opens--> open <--pause, resume--> paused
//	                  |
//	                  +--everything is sold--> sold out: the line is the waiting list
//
// A Line is a value and its methods are its transitions; the time is a parameter. Room stores them,
// one update after the other, with optimistic locking (see LineStore). Service is what the API calls.
// The package does no I/O: its stores, the actor and the other services are interfaces here.
package waitingroom

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Status of a line.
type Status string

// The statuses of a line.
const (
	Lobby   Status = "lobby"    // people join; none is admitted yet
	Open    Status = "open"     // people are admitted
	Paused  Status = "paused"   // the merchant stopped admissions
	SoldOut Status = "sold_out" // the line is the waiting list for what comes back
	Closed  Status = "closed"   // no sale any more, or the merchant shut the room
)

// Order is how the arrivals before the opening are ordered.
type Order string

// The orders.
const (
	FIFO    Order = "fifo"    // by arrival
	Shuffle Order = "shuffle" // by a draw whose seed was committed to beforehand
)

// Refusals.
var (
	ErrNoRoom        = fault.New(fault.NotFound, "no_waiting_room", "This event has no queue.")
	ErrClosed        = fault.New(fault.Conflict, "queue_closed", "The queue is closed.")
	ErrNotQueued     = fault.New(fault.NotFound, "not_in_queue", "You have no place in this queue.")
	ErrNotYourTurn   = fault.New(fault.TooEarly, "not_your_turn", "It is not your turn yet.")
	ErrTurnMissed    = fault.New(fault.Gone, "turn_missed", "Your turn is over. You can join the queue again.")
	ErrBusy          = fault.New(fault.Unavailable, "queue_busy", "Too many people are joining the queue at once. Please try again.").After(time.Second)
	ErrFull          = fault.New(fault.Unavailable, "queue_full", "The queue is full.").After(time.Minute)
	ErrPlaceInvalid  = fault.New(fault.Forbidden, "place_invalid", "The place in the header Queue-Place is not valid for this account and event.")
	ErrOrderDecided  = fault.New(fault.Conflict, "order_decided", "The order cannot change once sales have opened.")
	ErrEventNotFound = fault.New(fault.NotFound, "event_not_found", "The event does not exist.")
)

// Settings are the merchant's, and apply from the next tick on.
type Settings struct {
	Rate        float64 // admissions per second, at most
	Concurrency int     // people inside at once, at most
	Open        bool    // people may join
	Paused      bool    // no admissions
	Order       Order
	OpensAt     time.Time     // zero: when the sale starts
	ClaimWindow time.Duration // how long an admission waits to be claimed
}

// Defaults are the settings of a room until its merchant changes them.
func Defaults() Settings {
	return Settings{Rate: 20, Concurrency: 1000, Open: true, Order: FIFO, ClaimWindow: 2 * time.Minute}
}

// Limits of the settings.
const (
	MaxRate        = 1000.0
	MaxConcurrency = 100_000
	MinClaimWindow = 10 * time.Second
	MaxClaimWindow = 10 * time.Minute
)

var errSettings = fault.New(fault.Invalid, "invalid_settings", "The settings are out of range.")

func (s Settings) check() error {
	switch {
	case s.Rate <= 0 || s.Rate > MaxRate:
		return errSettings.With("field", "rate")
	case s.Concurrency < 1 || s.Concurrency > MaxConcurrency:
		return errSettings.With("field", "concurrency")
	case s.ClaimWindow < MinClaimWindow || s.ClaimWindow > MaxClaimWindow:
		return errSettings.With("field", "claimWindowSeconds")
	case s.Order != FIFO && s.Order != Shuffle:
		return errSettings.With("field", "order")
	}
	return nil
}

// SaleTerms are what the catalog says about an event's sale.
type SaleTerms struct {
	Event       uuid.UUID
	Merchant    string
	HighDemand  bool
	Published   bool
	Draft       bool // only its merchant may see it
	SalesStart  time.Time
	SalesEnd    time.Time
	MaxPerOrder int
}

func (t SaleTerms) same(o SaleTerms) bool {
	return t.Merchant == o.Merchant && t.HighDemand == o.HighDemand && t.Published == o.Published &&
		t.SalesStart.Equal(o.SalesStart) && t.SalesEnd.Equal(o.SalesEnd) && t.MaxPerOrder == o.MaxPerOrder
}

// Inventory is what is left to buy, in units, at a moment.
type Inventory struct {
	Available int
	Held      int
	Booked    int
	Total     int
	At        time.Time
}
