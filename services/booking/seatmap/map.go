// Package seatmap keeps projections of the seats of events: Map is the projection of one event, Cache loads,
// corrects and drops maps and publishes their changes to readers. Replicas hear of each other's changes by
// the topic seat.changes. The state store decides; a map may lag behind it.
package seatmap

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/booking"
)

// Delta is what changed since a version.
type Delta struct {
	Version int64
	Changes []booking.Change
}

// Inventory counts the units of an event.
type Inventory struct {
	Available, Held, Booked, Total int
	Version                        int64
}

// Map is the projection of one event: the state of each unit, as far as this process knows. All methods
// are safe for concurrent use.
type Map struct {
	mu            sync.RWMutex
	sale          *booking.Sale
	states        []booking.State
	until         []time.Time     // of held units
	claims        []booking.Claim // the hold that has each unit, or had it last
	touched       []int64         // clock when each unit last changed or was mentioned
	clock         int64           // logical clock of this process: counts the changes that arrived
	released      releases
	count         map[booking.State]int
	version       int64
	dirty         map[int]booking.State // units that changed since the last flush, with their states at that flush
	proposedUntil map[int]time.Time     // units that were proposed a moment ago, and until when they are not proposed again

	recheck func(ctx context.Context, event uuid.UUID, units []string) // reads units from the store and corrects the map
}

// NewMap returns a map on which all units that are not blocked are free. recheck reads units from the store
// and calls Correct; it may be nil.
func NewMap(s *booking.Sale, version int64, recheck func(ctx context.Context, event uuid.UUID, units []string)) *Map {
	m := &Map{
		sale: s, states: make([]booking.State, len(s.Units)), until: make([]time.Time, len(s.Units)),
		claims: make([]booking.Claim, len(s.Units)), touched: make([]int64, len(s.Units)),
		count: map[booking.State]int{}, version: version, dirty: map[int]booking.State{}, proposedUntil: map[int]time.Time{}, recheck: recheck,
	}
	for i, u := range s.Units {
		m.states[i] = booking.Available
		if u.Blocked {
			m.states[i] = booking.Blocked
		}
		m.count[m.states[i]]++
	}
	return m
}

// Sale gives the sale that the map is about.
func (m *Map) Sale() *booking.Sale {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.sale
}

// Renew replaces the sale by a newer one with the same units. false: the units differ, and a new map is
// needed.
func (m *Map) Renew(s *booking.Sale) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	same := slices.EqualFunc(m.sale.Units, s.Units, func(a, b booking.Unit) bool { return a.ID == b.ID && a.Blocked == b.Blocked })
	if same {
		m.sale = s
	}
	return same
}

// releases keeps which holds released which units, so that an older change of such a hold that arrives late
// is recognised. It keeps the newest, between releasesKept and twice as many.
type releases struct{ young, old map[release]int64 }

type release struct {
	unit int
	hold uuid.UUID
}

const releasesKept = 2048

func (e *releases) add(unit int, c booking.Claim) {
	key := release{unit, c.Hold}
	if c.Version <= e.version(key) {
		return
	}
	if len(e.young) >= releasesKept || e.young == nil {
		e.young, e.old = make(map[release]int64), e.young
	}
	e.young[key] = c.Version
}

// version gives the version of a hold's release of a unit; -1: none is known.
func (e *releases) version(key release) int64 {
	if v, ok := e.young[key]; ok {
		return v
	}
	if v, ok := e.old[key]; ok {
		return v
	}
	return -1
}

// Apply applies changes in the order in which they arrive, which need not be the one in which they were
// decided. It gives the units whose state is unclear and has to be read from the store.
func (m *Map) Apply(changes []booking.Change, now time.Time) (unsure []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range changes {
		i, ok := m.sale.Index(c.Unit)
		if ok && !m.apply(i, c, now) {
			unsure = append(unsure, c.Unit)
		}
	}
	return unsure
}

// apply applies one change. false: it is unclear whether it is the newest. No wall clock takes part.
func (m *Map) apply(i int, c booking.Change, now time.Time) (sure bool) {
	if c.Hold == uuid.Nil {
		m.touch(i)
		return false
	}
	if m.released.version(release{i, c.Hold}) >= c.Version {
		return true // that hold has released the unit since
	}
	has := m.claims[i]
	if c.State == booking.Available {
		m.released.add(i, c.Claim)
		if c.Hold == has.Hold && c.Version >= has.Version {
			m.touch(i)
			m.claims[i] = c.Claim
			m.set(i, booking.Available, time.Time{})
		}
		return true // another hold has the unit, or nobody
	}
	if c.Hold == has.Hold && c.Version <= has.Version {
		return true // known
	}
	m.touch(i)
	if c.Hold != has.Hold && (m.states[i] == booking.Held || m.states[i] == booking.Booked) {
		// Two holds have the unit, and no release of the first one is known: one of the changes is late.
		return false
	}
	m.claims[i] = c.Claim
	if c.State == booking.Held && !now.Before(c.Until) {
		m.set(i, booking.Available, time.Time{})
		return true
	}
	m.set(i, c.State, c.Until)
	// Ids of holds grow with time, as far as clocks agree. A hold that is older than the last one may be a
	// late change whose release is no longer kept.
	return has.Hold == uuid.Nil || c.Hold == has.Hold || slices.Compare(c.Hold[:], has.Hold[:]) > 0
}

// touch advances the clock, for a unit.
func (m *Map) touch(i int) {
	m.clock++
	m.touched[i] = m.clock
}

// Clock gives the logical time. Take it before reading the store, for Correct.
func (m *Map) Clock() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.clock
}

// Correct sets units to what the store said when it was read after the time since of Clock. Units that are
// not among seats are free. It gives the units that changed meanwhile in another way: they have to be read
// again.
func (m *Map) Correct(units []string, seats map[string]booking.Seat, since int64, now time.Time) (unsure []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range units {
		i, ok := m.sale.Index(u)
		if !ok {
			continue
		}
		s := seats[u].At(now)
		switch agrees := s.State == m.states[i] && (s.State == booking.Available || s.Claim() == m.claims[i]); {
		case m.touched[i] > since && !agrees:
			unsure = append(unsure, u)
		case s.State == booking.Available:
			m.set(i, booking.Available, time.Time{})
		default:
			m.claims[i] = s.Claim()
			m.set(i, s.State, s.Until)
		}
	}
	return unsure
}

// Expire frees the units whose hold expired, and tells whether there were any.
func (m *Map) Expire(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count[booking.Held] == 0 {
		return false
	}
	freed := false
	for i, s := range m.states {
		if s == booking.Held && !now.Before(m.until[i]) {
			m.set(i, booking.Available, time.Time{})
			freed = true
		}
	}
	return freed
}

func (m *Map) set(i int, s booking.State, until time.Time) {
	if m.sale.Units[i].Blocked {
		return
	}
	m.until[i] = until
	delete(m.proposedUntil, i)
	if m.states[i] == s {
		return
	}
	if _, ok := m.dirty[i]; !ok {
		m.dirty[i] = m.states[i]
	}
	m.count[m.states[i]]--
	m.count[s]++
	m.states[i] = s
	m.version++
}

// Flush gives what changed since the last flush.
func (m *Map) Flush() (Delta, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.dirty) == 0 {
		return Delta{}, false
	}
	d := Delta{Version: m.version}
	for i, before := range m.dirty {
		if m.states[i] != before {
			d.Changes = append(d.Changes, booking.Change{Unit: m.sale.Units[i].ID, State: m.states[i]})
		}
	}
	clear(m.dirty)
	return d, len(d.Changes) > 0
}

// Snapshot gives the state of each unit, as one letter.
func (m *Map) Snapshot() (version int64, states []byte) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	states = make([]byte, len(m.states))
	for i, s := range m.states {
		states[i] = byte(s)
	}
	return m.version, states
}

// Inventory counts the units. Blocked ones are not for sale and not counted.
func (m *Map) Inventory() Inventory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return Inventory{
		Available: m.count[booking.Available], Held: m.count[booking.Held], Booked: m.count[booking.Booked],
		Total: len(m.states) - m.count[booking.Blocked], Version: m.version,
	}
}

// proposalTime is how long a proposed unit is not proposed to others.
const proposalTime = 3 * time.Second

// Propose finds the best available units for all items, besides those already chosen. Units that were
// proposed a moment ago are proposed again only when there are no others: concurrent buyers would all get
// the same units, and all but one would fail.
func (m *Map) Propose(items []booking.Item, chosen []string, skip int, now time.Time) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids, err := m.propose(items, chosen, skip, func(i int) bool { return now.Before(m.proposedUntil[i]) })
	if err != nil {
		ids, err = m.propose(items, chosen, skip, func(int) bool { return false })
	}
	for _, id := range ids {
		if i, ok := m.sale.Index(id); ok {
			m.proposedUntil[i] = now.Add(proposalTime)
		}
	}
	return ids, err
}

func (m *Map) propose(items []booking.Item, chosen []string, skip int, proposedUntil func(i int) bool) ([]string, error) {
	taken := map[int]bool{}
	take := func(ids []string) {
		for _, id := range ids {
			if i, ok := m.sale.Index(id); ok {
				taken[i] = true
			}
		}
	}
	take(chosen)
	var all []string
	for _, it := range items {
		best := m.sale.BestAvailable(it.TicketType, it.Quantity, skip, func(i int) bool {
			return m.states[i] == booking.Available && !taken[i] && !proposedUntil(i)
		})
		if best == nil {
			return nil, booking.ErrUnitsUnavailable.With("units", []string{}).With("ticketType", it.TicketType)
		}
		take(best)
		all = append(all, best...)
	}
	return all, nil
}

// Recheck reads units from the store and corrects the map.
func (m *Map) Recheck(ctx context.Context, units []string) {
	if m.recheck != nil && len(units) > 0 {
		m.recheck(ctx, m.Sale().Event, units)
	}
}

// Update implements booking.SeatMap.
func (m *Map) Update(ctx context.Context, changes []booking.Change, now time.Time) {
	m.Recheck(ctx, m.Apply(changes, now))
}

// RecheckFree implements booking.SeatMap.
func (m *Map) RecheckFree(ctx context.Context, units []string) { m.Recheck(ctx, m.free(units)) }

func (m *Map) free(units []string) (free []string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, u := range units {
		if i, ok := m.sale.Index(u); ok && m.states[i] == booking.Available {
			free = append(free, u)
		}
	}
	return free
}
