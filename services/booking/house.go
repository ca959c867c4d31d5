package booking

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Unknown announces units whose state the receivers have to look up.
const Unknown State = '?'

// Change is one unit's new state.
type Change struct {
	Unit  string
	State State
	Until time.Time // of a hold
}

func changes(units []string, s State, until time.Time) []Change {
	all := make([]Change, len(units))
	for i, u := range units {
		all[i] = Change{Unit: u, State: s, Until: until}
	}
	return all
}

// HeldChanges are what a hold changes on the seat map.
func HeldChanges(h Hold) []Change { return changes(h.UnitIDs(), Held, h.Until) }

// Delta is what changed since a version.
type Delta struct {
	Version int64
	Changes []Change
}

// Inventory is how much is left.
type Inventory struct {
	Available, Held, Booked, Total int
	Version                        int64
}

// House is the projection of one event: who sits where, as far as this process knows. All
// methods are safe for concurrent use.
type House struct {
	mu      sync.RWMutex
	sale    *Sale
	states  []State
	until   []time.Time // of held units
	at      []int64     // when each unit's state was decided, in microseconds: older news is no news
	count   map[State]int
	version int64
	dirty   map[int]State     // changed since the last flush, with the state as of the flush before
	wooed   map[int]time.Time // proposed to somebody here, until when that is likely to be decided

	recheck func(ctx context.Context, event uuid.UUID, units []string) // looks units up and applies what it finds
}

// NewHouse returns an empty house. recheck may be nil.
func NewHouse(s *Sale, version int64, recheck func(ctx context.Context, event uuid.UUID, units []string)) *House {
	h := &House{
		sale: s, states: make([]State, len(s.Units)), until: make([]time.Time, len(s.Units)), at: make([]int64, len(s.Units)),
		count: map[State]int{}, version: version, dirty: map[int]State{}, wooed: map[int]time.Time{}, recheck: recheck,
	}
	for i, u := range s.Units {
		h.states[i] = Available
		if u.Blocked {
			h.states[i] = Blocked
		}
		h.count[h.states[i]]++
	}
	return h
}

// Sale is what is sold here.
func (h *House) Sale() *Sale {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sale
}

// Renew replaces the sale by a newer one with the same units. false: the units differ, and the
// house has to be built anew.
func (h *House) Renew(s *Sale) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := slices.EqualFunc(h.sale.Units, s.Units, func(a, b Unit) bool { return a.ID == b.ID && a.Blocked == b.Blocked })
	if same {
		h.sale = s
	}
	return same
}

// Apply takes in changes that were decided at a moment.
func (h *House) Apply(changes []Change, at, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range changes {
		i, ok := h.sale.Index(c.Unit)
		if !ok || c.State == Unknown || h.at[i] > at.UnixMicro() {
			continue
		}
		h.at[i] = at.UnixMicro()
		state := c.State
		if state == Held && !now.Before(c.Until) {
			state = Available
		}
		h.set(i, state, c.Until)
	}
}

// Correct takes in what the store said about units at a moment. Units without a key are free.
func (h *House) Correct(units []string, seats map[string]Seat, at, now time.Time) {
	all := make([]Change, len(units))
	for i, u := range units {
		s := seats[u].At(now)
		all[i] = Change{Unit: u, State: s.State, Until: s.Until}
	}
	h.Apply(all, at, now)
}

// Expire frees the units whose hold ran out, and tells whether there were any.
func (h *House) Expire(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count[Held] == 0 {
		return false
	}
	freed := false
	for i, s := range h.states {
		if s == Held && !now.Before(h.until[i]) {
			h.set(i, Available, time.Time{})
			freed = true
		}
	}
	return freed
}

func (h *House) set(i int, s State, until time.Time) {
	if h.sale.Units[i].Blocked {
		return
	}
	h.until[i] = until
	delete(h.wooed, i)
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
func (h *House) Flush() (Delta, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.dirty) == 0 {
		return Delta{}, false
	}
	d := Delta{Version: h.version}
	for i, before := range h.dirty {
		if h.states[i] != before {
			d.Changes = append(d.Changes, Change{Unit: h.sale.Units[i].ID, State: h.states[i]})
		}
	}
	clear(h.dirty)
	return d, len(d.Changes) > 0
}

// Snapshot gives one letter a unit.
func (h *House) Snapshot() (version int64, states []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	states = make([]byte, len(h.states))
	for i, s := range h.states {
		states[i] = byte(s)
	}
	return h.version, states
}

// Version grows with each change.
func (h *House) Version() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.version
}

// Inventory counts. Blocked units are not for sale and not counted.
func (h *House) Inventory() Inventory {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Inventory{
		Available: h.count[Available], Held: h.count[Held], Booked: h.count[Booked],
		Total: len(h.states) - h.count[Blocked], Version: h.version,
	}
}

// wooing is how long a proposal keeps others from getting the same.
const wooing = 3 * time.Second

// Propose finds the best available units for all items, besides those already chosen. What was
// proposed to somebody a moment ago is proposed again only when there is nothing else: of a crowd
// that comes at once everyone would get the same units, and all but one in vain.
func (h *House) Propose(items []Item, chosen []string, skip int, now time.Time) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids, err := h.propose(items, chosen, skip, func(i int) bool { return now.Before(h.wooed[i]) })
	if err != nil {
		ids, err = h.propose(items, chosen, skip, func(int) bool { return false })
	}
	for _, id := range ids {
		if i, ok := h.sale.Index(id); ok {
			h.wooed[i] = now.Add(wooing)
		}
	}
	return ids, err
}

func (h *House) propose(items []Item, chosen []string, skip int, wooed func(i int) bool) ([]string, error) {
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
			return h.states[i] == Available && !taken[i] && !wooed(i)
		})
		if best == nil {
			return nil, ErrUnitsUnavailable.With("units", []string{}).With("ticketType", it.TicketType)
		}
		take(best)
		all = append(all, best...)
	}
	return all, nil
}

// Recheck looks units up in the store and takes in what it says.
func (h *House) Recheck(ctx context.Context, units []string) {
	if h.recheck != nil && len(units) > 0 {
		h.recheck(ctx, h.Sale().Event, units)
	}
}

// Free gives those of the units that are free here.
func (h *House) Free(units []string) (free []string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, u := range units {
		if i, ok := h.sale.Index(u); ok && h.states[i] == Available {
			free = append(free, u)
		}
	}
	return free
}
