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

// Inventory is how much is left.
type Inventory struct {
	Available, Held, Booked, Total int
	Version                        int64
}

// Map is the projection of one event: who sits where, as far as this process knows. All
// methods are safe for concurrent use.
type Map struct {
	mu            sync.RWMutex
	sale          *booking.Sale
	states        []booking.State
	until         []time.Time     // of held units
	claims        []booking.Claim // who has each unit, or had it last
	heard         []int64         // when each unit was last heard of, counted in clock
	clock         int64           // counts what was heard: a logical clock of this process
	ended         endings
	count         map[booking.State]int
	version       int64
	dirty         map[int]booking.State // changed since the last flush, with the state as of the flush before
	proposedUntil map[int]time.Time     // proposed to somebody here, until when that is likely to be decided

	recheck func(ctx context.Context, event uuid.UUID, units []string) // looks units up and applies what it finds
}

// NewMap returns an empty seat map. recheck may be nil.
func NewMap(s *booking.Sale, version int64, recheck func(ctx context.Context, event uuid.UUID, units []string)) *Map {
	h := &Map{
		sale: s, states: make([]booking.State, len(s.Units)), until: make([]time.Time, len(s.Units)),
		claims: make([]booking.Claim, len(s.Units)), heard: make([]int64, len(s.Units)),
		count: map[booking.State]int{}, version: version, dirty: map[int]booking.State{}, proposedUntil: map[int]time.Time{}, recheck: recheck,
	}
	for i, u := range s.Units {
		h.states[i] = booking.Available
		if u.Blocked {
			h.states[i] = booking.Blocked
		}
		h.count[h.states[i]]++
	}
	return h
}

// Sale is what is sold here.
func (h *Map) Sale() *booking.Sale {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sale
}

// Renew replaces the sale by a newer one with the same units. false: the units differ, and the
// seat map has to be built anew.
func (h *Map) Renew(s *booking.Sale) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := slices.EqualFunc(h.sale.Units, s.Units, func(a, b booking.Unit) bool { return a.ID == b.ID && a.Blocked == b.Blocked })
	if same {
		h.sale = s
	}
	return same
}

// endings remembers which holds gave which units back, so that news of such a hold that arrives
// late is known as old. It keeps between endingsKept and twice as many, the newest.
type endings struct{ young, old map[ending]int64 }

type ending struct {
	unit int
	hold uuid.UUID
}

const endingsKept = 2048

func (e *endings) add(unit int, c booking.Claim) {
	key := ending{unit, c.Hold}
	if c.Version <= e.version(key) {
		return
	}
	if len(e.young) >= endingsKept || e.young == nil {
		e.young, e.old = make(map[ending]int64), e.young
	}
	e.young[key] = c.Version
}

// version of a hold's last known release of a unit; -1: none known.
func (e *endings) version(key ending) int64 {
	if v, ok := e.young[key]; ok {
		return v
	}
	if v, ok := e.old[key]; ok {
		return v
	}
	return -1
}

// Apply takes in changes that were decided anywhere, in whatever order they arrive. It names the
// units whose state cannot be told from them, which have to be looked up in the store.
func (h *Map) Apply(changes []booking.Change, now time.Time) (unsure []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		i, ok := h.sale.Index(c.Unit)
		if ok && !h.apply(i, c, now) {
			unsure = append(unsure, c.Unit)
		}
	}
	return unsure
}

// apply takes in one change. false: whether it is the newest cannot be told. No clock is asked.
func (h *Map) apply(i int, c booking.Change, now time.Time) (sure bool) {
	if c.Hold == uuid.Nil {
		h.hear(i)
		return false
	}
	if h.ended.version(ending{i, c.Hold}) >= c.Version {
		return true // that hold gave the unit back since
	}
	has := h.claims[i]
	if c.State == booking.Available {
		h.ended.add(i, c.Claim)
		if c.Hold == has.Hold && c.Version >= has.Version {
			h.hear(i)
			h.claims[i] = c.Claim
			h.set(i, booking.Available, time.Time{})
		}
		return true // of somebody else's unit it says nothing
	}
	if c.Hold == has.Hold && c.Version <= has.Version {
		return true // known
	}
	h.hear(i)
	if c.Hold != has.Hold && (h.states[i] == booking.Held || h.states[i] == booking.Booked) {
		// Two holds, and no word that the first one ended. One of both is news that was overtaken.
		return false
	}
	h.claims[i] = c.Claim
	if c.State == booking.Held && !now.Before(c.Until) {
		h.set(i, booking.Available, time.Time{})
		return true
	}
	h.set(i, c.State, c.Until)
	// Ids of holds grow with time, as far as clocks agree. A hold that looks older than the last
	// one may be news that was overtaken by more than we remember.
	return has.Hold == uuid.Nil || c.Hold == has.Hold || slices.Compare(c.Hold[:], has.Hold[:]) > 0
}

// hear notes that a unit was heard of.
func (h *Map) hear(i int) {
	h.clock++
	h.heard[i] = h.clock
}

// Clock tells how much was heard so far. Take it before reading the store, for Correct.
func (h *Map) Clock() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.clock
}

// Correct takes in what the store said about units when it was read after the moment since of
// Clock. Units without a key are free. What was heard before that moment is in the answer; where
// something else was heard meanwhile, only another look can tell: those units are named.
func (h *Map) Correct(units []string, seats map[string]booking.Seat, since int64, now time.Time) (unsure []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range units {
		i, ok := h.sale.Index(u)
		if !ok {
			continue
		}
		s := seats[u].At(now)
		switch agrees := s.State == h.states[i] && (s.State == booking.Available || s.Claim() == h.claims[i]); {
		case h.heard[i] > since && !agrees:
			unsure = append(unsure, u)
		case s.State == booking.Available:
			h.set(i, booking.Available, time.Time{})
		default:
			h.claims[i] = s.Claim()
			h.set(i, s.State, s.Until)
		}
	}
	return unsure
}

// Expire frees the units whose hold ran out, and tells whether there were any.
func (h *Map) Expire(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count[booking.Held] == 0 {
		return false
	}
	freed := false
	for i, s := range h.states {
		if s == booking.Held && !now.Before(h.until[i]) {
			h.set(i, booking.Available, time.Time{})
			freed = true
		}
	}
	return freed
}

func (h *Map) set(i int, s booking.State, until time.Time) {
	if h.sale.Units[i].Blocked {
		return
	}
	h.until[i] = until
	delete(h.proposedUntil, i)
	if h.states[i] == s {
		return
	}
	if _, ok := h.dirty[i]; !ok {
		h.dirty[i] = h.states[i]
	}
	h.count[h.states[i]]--
	h.count[s]++
	h.states[i] = s
	h.version++
}

// Flush gives what changed since the last flush.
func (h *Map) Flush() (Delta, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.dirty) == 0 {
		return Delta{}, false
	}
	d := Delta{Version: h.version}
	for i, before := range h.dirty {
		if h.states[i] != before {
			d.Changes = append(d.Changes, booking.Change{Unit: h.sale.Units[i].ID, State: h.states[i]})
		}
	}
	clear(h.dirty)
	return d, len(d.Changes) > 0
}

// Snapshot gives one letter a unit.
func (h *Map) Snapshot() (version int64, states []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	states = make([]byte, len(h.states))
	for i, s := range h.states {
		states[i] = byte(s)
	}
	return h.version, states
}

// Version grows with each change.
func (h *Map) Version() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.version
}

// Inventory counts. Blocked units are not for sale and not counted.
func (h *Map) Inventory() Inventory {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Inventory{
		Available: h.count[booking.Available], Held: h.count[booking.Held], Booked: h.count[booking.Booked],
		Total: len(h.states) - h.count[booking.Blocked], Version: h.version,
	}
}

// proposalTime is how long a proposal keeps others from getting the same.
const proposalTime = 3 * time.Second

// Propose finds the best available units for all items, besides those already chosen. What was
// proposed to somebody a moment ago is proposed again only when there is nothing else: of a crowd
// that comes at once everyone would get the same units, and all but one in vain.
func (h *Map) Propose(items []booking.Item, chosen []string, skip int, now time.Time) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids, err := h.propose(items, chosen, skip, func(i int) bool { return now.Before(h.proposedUntil[i]) })
	if err != nil {
		ids, err = h.propose(items, chosen, skip, func(int) bool { return false })
	}
	for _, id := range ids {
		if i, ok := h.sale.Index(id); ok {
			h.proposedUntil[i] = now.Add(proposalTime)
		}
	}
	return ids, err
}

func (h *Map) propose(items []booking.Item, chosen []string, skip int, proposedUntil func(i int) bool) ([]string, error) {
	taken := map[int]bool{}
	take := func(ids []string) {
		for _, id := range ids {
			if i, ok := h.sale.Index(id); ok {
				taken[i] = true
			}
		}
	}
	take(chosen)
	var all []string
	for _, it := range items {
		best := h.sale.BestAvailable(it.TicketType, it.Quantity, skip, func(i int) bool {
			return h.states[i] == booking.Available && !taken[i] && !proposedUntil(i)
		})
		if best == nil {
			return nil, booking.ErrUnitsUnavailable.With("units", []string{}).With("ticketType", it.TicketType)
		}
		take(best)
		all = append(all, best...)
	}
	return all, nil
}

// Recheck looks units up in the store and takes in what it says.
func (h *Map) Recheck(ctx context.Context, units []string) {
	if h.recheck != nil && len(units) > 0 {
		h.recheck(ctx, h.Sale().Event, units)
	}
}

// Update applies changes and rechecks the units whose state they leave unclear.
func (h *Map) Update(ctx context.Context, changes []booking.Change, now time.Time) {
	h.Recheck(ctx, h.Apply(changes, now))
}

// RecheckFree rechecks those of the units that are free here.
func (h *Map) RecheckFree(ctx context.Context, units []string) { h.Recheck(ctx, h.free(units)) }

func (h *Map) free(units []string) (free []string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, u := range units {
		if i, ok := h.sale.Index(u); ok && h.states[i] == booking.Available {
			free = append(free, u)
		}
	}
	return free
}
