package booking

import (
	"time"

	"github.com/google/uuid"
)

// Filter narrows a list of bookings. A zero field does not.
type Filter struct {
	Account string
	Event   uuid.UUID
	Status  string
	Before  uuid.UUID // ids are in the order of time
	Limit   int
}

// TypeSales counts what was sold of one ticket type.
type TypeSales struct {
	TicketType string
	Name       string
	Sold       int
	Refunded   int
	Revenue    int64
	Currency   string
}

// Record is a booking with all its tickets, void ones too, and all its refunds.
type Record struct {
	Booking Booking
	Tickets []Ticket
	Refunds []Refund
}

// Reconciled is a booking as the payment service compares it with the money.
type Reconciled struct {
	Booking  uuid.UUID
	Payment  *uuid.UUID
	Status   string
	Amount   int64
	Refunded int64
	Currency string
	At       time.Time // of the last change
	Trouble  string    // code of the error for which it was set aside; "": it was not
}

// Position is a place in a list of bookings in the order of their last changes. The zero value is its start.
type Position struct {
	At time.Time
	ID uuid.UUID
}
