package booking

import (
	"time"

	"github.com/google/uuid"
)

// Filter narrows a list of bookings; empty fields do not.
type Filter struct {
	Account string
	Event   uuid.UUID
	Status  string
	Before  uuid.UUID // ids are in the order of time
	Limit   int
}

// Sales of a ticket type.
type Sales struct {
	TicketType string
	Name       string
	Sold       int
	Refunded   int
	Revenue    int64
	Currency   string
}

// Kept is what is known of an account's one booking.
type Kept struct {
	Booking Booking
	Tickets []Ticket // void ones too
	Refunds []Refund
}

// Reconciled is a booking as the payment service compares it with the money.
type Reconciled struct {
	Booking  uuid.UUID  `json:"booking"`
	Payment  *uuid.UUID `json:"payment"`
	Status   string     `json:"status"`
	Amount   int64      `json:"amount"`
	Refunded int64      `json:"refunded"`
	Currency string     `json:"currency"`
	At       time.Time  `json:"at"`
	Trouble  string     `json:"trouble,omitempty"` // why it was set aside, as a code
}

// After is a place in the list of bookings that moved. The zero value is its start.
type After struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}
