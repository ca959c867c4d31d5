// Package wire declares the JSON of units and holds that several adapters store or send: the state
// store, the database and the log hold.requests. Keys and types are a stored format: a field is only
// ever added, with a zero value that means what its absence meant before.
package wire

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
)

// holdKept is how long a hold can be asked for after it expired.
const holdKept = 2 * time.Hour

// HoldTTL is the time to live of a stored hold that expires at until. It depends on nothing else, so
// that a hold that was changed lives no shorter than the block it was first written to.
func HoldTTL(until, now time.Time) time.Duration { return max(0, until.Sub(now)) + holdKept }

// Unit is a unit with its price.
type Unit struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	TypeName string `json:"typeName"`
	Label    string `json:"label"`
	seat.Place
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// FromUnit gives a unit as JSON.
func FromUnit(u booking.HeldUnit) Unit {
	return Unit{ID: u.ID, Type: u.TicketType, TypeName: u.TypeName, Label: u.Label, Place: u.Place, Amount: u.Price.Amount, Currency: u.Price.Currency}
}

// HeldUnit gives the unit that was written.
func (v Unit) HeldUnit() booking.HeldUnit {
	return booking.HeldUnit{
		ID: v.ID, TicketType: v.Type, TypeName: v.TypeName, Label: v.Label, Place: v.Place, Price: money.Money{Amount: v.Amount, Currency: v.Currency},
	}
}

// Hold is a hold without its id, which its key or the message has.
type Hold struct {
	Event   uuid.UUID          `json:"event"`
	Account string             `json:"account"`
	Units   []Unit             `json:"units"`
	Until   int64              `json:"until"` // milliseconds of Unix time
	Status  booking.HoldStatus `json:"status"`
	Booking uuid.UUID          `json:"booking,omitzero"`
	Version int64              `json:"v,omitempty"`
}

// FromHold gives a hold as JSON.
func FromHold(h booking.Hold) Hold {
	v := Hold{Event: h.Event, Account: h.Account, Until: h.Until.UnixMilli(), Status: h.Status, Booking: h.Booking, Version: h.Version}
	for _, u := range h.Units {
		v.Units = append(v.Units, FromUnit(u))
	}
	return v
}

// ToHold gives the hold that was written.
func (v Hold) ToHold(id uuid.UUID) booking.Hold {
	h := booking.Hold{ID: id, Event: v.Event, Account: v.Account, Until: time.UnixMilli(v.Until), Status: v.Status, Booking: v.Booking, Version: v.Version}
	for _, u := range v.Units {
		h.Units = append(h.Units, u.HeldUnit())
	}
	return h
}

// MustEncode writes a value of plain fields, which cannot fail.
func MustEncode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
