// Package bookingtest has what booking's tests share: seats in memory, and the scenarios that
// every implementation of booking.Seats and saga.Fence has to pass.
package bookingtest

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// Seats is what a store of seats offers.
type Seats interface {
	booking.Seats
	saga.Fence
	seatmap.SeatReader
}

// Memory keeps seats in memory: the domain's transitions under one lock. It is what the real
// store is compared with.
type Memory struct {
	Now func() time.Time

	mu    sync.Mutex
	seats map[place]booking.Seat
	holds map[uuid.UUID]booking.Hold
	caps  map[owner]booking.Cap
}

type place struct {
	event uuid.UUID
	unit  string
}

type owner struct {
	event   uuid.UUID
	account string
}

var _ Seats = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{Now: now, seats: map[place]booking.Seat{}, holds: map[uuid.UUID]booking.Hold{}, caps: map[owner]booking.Cap{}}
}

// Take implements booking.Seats.
func (m *Memory) Take(_ context.Context, h booking.Hold, limit int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.holds[h.ID]; ok {
		return nil
	}
	seats, err := m.each(h.Event, h.UnitIDs(), func(s booking.Seat) (booking.Seat, error) { return s.Take(h.ID, m.Now(), h.Until) })
	if err != nil {
		return err
	}
	c, err := m.caps[owner{h.Event, h.Account}].Hold(h.ID, len(h.Units), h.Until, limit, m.Now())
	if err != nil {
		return err
	}
	m.caps[owner{h.Event, h.Account}], m.holds[h.ID] = c, h
	m.keep(seats)
	return nil
}

// each applies f to all units, or refuses with those that refused.
func (m *Memory) each(event uuid.UUID, units []string, f func(booking.Seat) (booking.Seat, error)) (map[place]booking.Seat, error) {
	next := map[place]booking.Seat{}
	var lost []string
	for _, u := range units {
		s, err := f(m.seats[place{event, u}])
		if err != nil {
			lost = append(lost, u)
		}
		next[place{event, u}] = s
	}
	if len(lost) > 0 {
		return nil, booking.ErrUnitsUnavailable.With("units", lost)
	}
	return next, nil
}

func (m *Memory) keep(seats map[place]booking.Seat) {
	for p, s := range seats {
		m.seats[p] = s
	}
}

// Find implements booking.Seats.
func (m *Memory) Find(_ context.Context, id uuid.UUID) (booking.Hold, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.holds[id]
	if !ok {
		return h, booking.ErrHoldNotFound
	}
	return h, nil
}

// Change implements booking.Seats.
func (m *Memory) Change(_ context.Context, id uuid.UUID, limit int, f func(booking.Hold) (booking.Hold, error)) (booking.Hold, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, ok := m.holds[id]
	if !ok {
		return before, booking.ErrHoldNotFound
	}
	after, err := f(before)
	if err != nil {
		return booking.Hold{}, err
	}
	seats, err := m.each(after.Event, after.UnitIDs(), func(s booking.Seat) (booking.Seat, error) {
		next, err := s.Take(id, m.Now(), after.Until)
		if s.Hold != id {
			next.Version = after.Version
		}
		return next, err
	})
	if err != nil {
		return booking.Hold{}, err
	}
	if len(after.Units) != len(before.Units) {
		c, err := m.caps[owner{after.Event, after.Account}].Hold(id, len(after.Units), after.Until, limit, m.Now())
		if err != nil {
			return booking.Hold{}, err
		}
		m.caps[owner{after.Event, after.Account}] = c
	}
	for _, u := range before.UnitIDs() {
		if _, kept := seats[place{after.Event, u}]; !kept {
			delete(m.seats, place{after.Event, u})
		}
	}
	m.keep(seats)
	m.holds[id] = after
	return after, nil
}

// Free implements booking.Seats and saga.Fence.
func (m *Memory) Free(_ context.Context, h booking.Hold, units []string, whole bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	returned := 0
	for _, u := range units {
		p := place{h.Event, u}
		s := m.seats[p]
		if s.Hold != h.ID {
			continue
		}
		if s.State == booking.Booked {
			returned++
		}
		delete(m.seats, p)
	}
	c := m.caps[owner{h.Event, h.Account}].Return(returned, m.Now())
	if whole {
		c = c.Release(h.ID, m.Now())
		if stored, ok := m.holds[h.ID]; ok {
			stored.Status = booking.HoldReleased
			m.holds[h.ID] = stored
		}
	}
	m.caps[owner{h.Event, h.Account}] = c
	return nil
}

// Fence implements saga.Fence.
func (m *Memory) Fence(_ context.Context, b booking.Booking) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	units, own := b.UnitIDs(), owner{b.Event, b.Account}
	seats, err := m.each(b.Event, units, func(s booking.Seat) (booking.Seat, error) { return s.Fence(b.Hold, m.Now()) })
	if err != nil {
		return err
	}
	fresh := 0
	for p := range seats {
		if m.seats[p].State != booking.Booked {
			fresh++
		}
	}
	if fresh == 0 {
		return nil
	}
	limit := b.Occasion.PerAccount
	for _, h := range m.caps[own].At(m.Now()).Holds {
		if h.Hold == b.Hold {
			limit = 0
		}
	}
	c, err := m.caps[own].Book(b.Hold, fresh, limit, m.Now())
	if err != nil {
		return err
	}
	m.caps[own] = c
	m.keep(seats)
	if stored, ok := m.holds[b.Hold]; ok {
		stored.Status, stored.Booking = booking.HoldBooked, b.ID
		m.holds[b.Hold] = stored
	}
	return nil
}

// Read implements seatmap.SeatReader.
func (m *Memory) Read(_ context.Context, event uuid.UUID, units []string) (map[string]booking.Seat, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seats := map[string]booking.Seat{}
	for _, u := range units {
		if s := m.seats[place{event, u}].At(m.Now()); s.State != booking.Available {
			seats[u] = s
		}
	}
	return seats, nil
}
