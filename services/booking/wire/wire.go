package wire

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
)

const holdKept = 2 * time.Hour // how long a hold that is over can still be asked for

// HoldTTL is how long a hold can be asked for. It ends no sooner for a changed one than for the
// page it was first written on.
func HoldTTL(until, now time.Time) time.Duration { return max(0, until.Sub(now)) + holdKept }

type Unit struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	TypeName string `json:"typeName"`
	Label    string `json:"label"`
	seat.Place
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type Hold struct {
	Event   uuid.UUID          `json:"event"`
	Account string             `json:"account"`
	Units   []Unit             `json:"units"`
	Until   int64              `json:"until"`
	Status  booking.HoldStatus `json:"status"`
	Booking uuid.UUID          `json:"booking,omitzero"`
	Version int64              `json:"v,omitempty"`
}

func FromHold(h booking.Hold) Hold {
	v := Hold{Event: h.Event, Account: h.Account, Until: h.Until.UnixMilli(), Status: h.Status, Booking: h.Booking, Version: h.Version}
	for _, u := range h.Units {
		v.Units = append(v.Units, Unit{ID: u.ID, Type: u.TicketType, TypeName: u.TypeName, Label: u.Label, Place: u.Place, Amount: u.Price.Amount, Currency: u.Price.Currency})
	}
	return v
}

func (v Hold) ToHold(id uuid.UUID) booking.Hold {
	h := booking.Hold{ID: id, Event: v.Event, Account: v.Account, Until: time.UnixMilli(v.Until), Status: v.Status, Booking: v.Booking, Version: v.Version}
	for _, u := range v.Units {
		h.Units = append(h.Units, booking.HeldUnit{ID: u.ID, TicketType: u.Type, TypeName: u.TypeName, Label: u.Label, Place: u.Place, Price: money.Money{Amount: u.Amount, Currency: u.Currency}})
	}
	return h
}

func MustEncode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of ours: cannot happen
	}
	return raw
}
