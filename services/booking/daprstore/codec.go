// Package daprstore keeps seats, holds and caps in a Dapr state store. Seats decides who has which unit: each
// decision is one transaction guarded by ETags. Await refuses a store that could sell a seat twice.
package daprstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// SeatKey is where a unit's seat is stored.
func SeatKey(event uuid.UUID, unit string) string { return "seat:" + event.String() + ":" + unit }

// HoldKey is where a hold is stored.
func HoldKey(id uuid.UUID) string { return "hold:" + id.String() }

// CapKey is where the count of one account's units of one event is stored.
func CapKey(event uuid.UUID, account string) string { return "cap:" + event.String() + ":" + account }

type seatValue struct {
	Hold  uuid.UUID `json:"hold"`
	State string    `json:"state"`
	Until int64     `json:"until,omitempty"` // milliseconds of Unix time

	Version int64 `json:"v,omitempty"`
}

// EncodeSeat writes a seat as it is stored.
func EncodeSeat(s booking.Seat) []byte {
	v := seatValue{Hold: s.Hold, State: string(s.State), Version: s.Version}
	if !s.Until.IsZero() {
		v.Until = s.Until.UnixMilli()
	}
	return wire.MustEncode(v)
}

// DecodeSeat reads a stored seat.
func DecodeSeat(raw []byte) (booking.Seat, error) {
	var v seatValue
	if err := json.Unmarshal(raw, &v); err != nil || len(v.State) != 1 {
		return booking.Seat{}, fmt.Errorf("seat value: %q: %w", v.State, err)
	}
	s := booking.Seat{State: booking.State(v.State[0]), Hold: v.Hold, Version: v.Version}
	if v.Until != 0 {
		s.Until = time.UnixMilli(v.Until)
	}
	return s, nil
}

type capValue struct {
	Booked int       `json:"booked,omitempty"`
	Holds  []capHold `json:"holds,omitempty"`

	Returns  int   `json:"returns,omitempty"`
	Returned int64 `json:"returned,omitempty"` // milliseconds of Unix time
}

type capHold struct {
	Hold  uuid.UUID `json:"hold"`
	Units int       `json:"units"`
	Until int64     `json:"until"`
}

// EncodeCap writes a cap as it is stored.
func EncodeCap(c booking.Cap) []byte {
	v := capValue{Booked: c.Booked, Returns: c.Returns}
	if c.Returns > 0 {
		v.Returned = c.Returned.UnixMilli()
	}
	for _, h := range c.Holds {
		v.Holds = append(v.Holds, capHold{Hold: h.Hold, Units: h.Units, Until: h.Until.UnixMilli()})
	}
	return wire.MustEncode(v)
}

// DecodeCap reads a stored cap; nothing stored is an empty one.
func DecodeCap(raw []byte) (booking.Cap, error) {
	var v capValue
	if len(raw) == 0 {
		return booking.Cap{}, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return booking.Cap{}, fmt.Errorf("cap value: %w", err)
	}
	c := booking.Cap{Booked: v.Booked, Returns: v.Returns}
	if v.Returns > 0 {
		c.Returned = time.UnixMilli(v.Returned)
	}
	for _, h := range v.Holds {
		c.Holds = append(c.Holds, booking.CapHold{Hold: h.Hold, Units: h.Units, Until: time.UnixMilli(h.Until)})
	}
	return c, nil
}

// CapTTL is the time to live of a cap: for ever (0) once something is booked, otherwise capKept after the last
// hold.
func CapTTL(c booking.Cap, now time.Time) time.Duration {
	if c.Booked > 0 {
		return 0
	}
	last := now
	for _, h := range c.Holds {
		if h.Until.After(last) {
			last = h.Until
		}
	}
	return last.Sub(now) + capKept
}

// EncodeHold writes a hold as it is stored.
func EncodeHold(h booking.Hold) []byte { return wire.MustEncode(wire.FromHold(h)) }

// DecodeHold reads a stored hold.
func DecodeHold(id uuid.UUID, raw []byte) (booking.Hold, error) {
	var v wire.Hold
	if err := json.Unmarshal(raw, &v); err != nil {
		return booking.Hold{}, fmt.Errorf("hold value: %w", err)
	}
	return v.ToHold(id), nil
}
