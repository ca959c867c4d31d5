package booking

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Change is one unit's new state, and whose hold it is about. Hold and Version order changes
// without a clock: see Claim.
type Change struct {
	Unit  string
	State State
	Until time.Time // of a hold
	Claim
}

// Claim says which hold a change of a unit belongs to, and where in that hold's life it stands.
// The version grows with every change of the hold, which the state store serialises, so of two
// changes by one hold the newer is known however they arrive. A release names the hold that let
// go: it says nothing of whoever took the unit afterwards.
type Claim struct {
	Hold    uuid.UUID
	Version int64
}

// The last steps of a hold's life come after every change of its cart.
const (
	bookedVersion int64 = 1 << 40
	endedVersion  int64 = 1 << 41
)

func changes(units []string, s State, until time.Time, c Claim) []Change {
	all := make([]Change, len(units))
	for i, u := range units {
		all[i] = Change{Unit: u, State: s, Until: until, Claim: c}
	}
	return all
}

// HeldChanges are what a hold changes on the seat map.
func HeldChanges(h Hold) []Change {
	return changes(h.UnitIDs(), Held, h.Until, Claim{h.ID, h.Version})
}

// BookedChanges are what a booking changes on the seat map once its seats are its own for good.
func BookedChanges(b Booking) []Change {
	return changes(b.UnitIDs(), Booked, time.Time{}, Claim{b.Hold, bookedVersion})
}

// FreedChanges are what a hold changes that gave units back for good. Receivers free those units
// only of the same hold: somebody else may have them by now.
func FreedChanges(hold uuid.UUID, units []string) []Change {
	return changes(units, Available, time.Time{}, Claim{hold, endedVersion})
}

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

// SeatMap is the projection of one event: who sits where, as far as this process knows. All
// methods are safe for concurrent use.
type SeatMap struct {
	mu      sync.RWMutex
	sale    *Sale
	states  []State
	until   []time.Time // of held units
	claims  []Claim     // who has each unit, or had it last
	heard   []int64     // when each unit was last heard of, counted in clock
	clock   int64       // counts what was heard: a logical clock of this process
	ended   endings
	count   map[State]int
	version int64
	dirty   map[int]State     // changed since the last flush, with the state as of the flush before
	wooed   map[int]time.Time // proposed to somebody here, until when that is likely to be decided

	recheck func(ctx context.Context, event uuid.UUID, units []string) // looks units up and applies what it finds
}

// NewSeatMap returns an empty seat map. recheck may be nil.
func NewSeatMap(s *Sale, version int64, recheck func(ctx context.Context, event uuid.UUID, units []string)) *SeatMap {
	h := &SeatMap{
		sale: s, states: make([]State, len(s.Units)), until: make([]time.Time, len(s.Units)),
		claims: make([]Claim, len(s.Units)), heard: make([]int64, len(s.Units)),
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
func (h *SeatMap) Sale() *Sale {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.sale
}

// Renew replaces the sale by a newer one with the same units. false: the units differ, and the
// seat map has to be built anew.
func (h *SeatMap) Renew(s *Sale) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := slices.EqualFunc(h.sale.Units, s.Units, func(a, b Unit) bool { return a.ID == b.ID && a.Blocked == b.Blocked })
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

func (e *endings) add(unit int, c Claim) {
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
func (h *SeatMap) Apply(changes []Change, now time.Time) (unsure []string) {
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
func (h *SeatMap) apply(i int, c Change, now time.Time) (sure bool) {
	if c.Hold == uuid.Nil {
		h.hear(i)
		return false
	}
	if h.ended.version(ending{i, c.Hold}) >= c.Version {
		return true // that hold gave the unit back since
	}
	has := h.claims[i]
	if c.State == Available {
		h.ended.add(i, c.Claim)
		if c.Hold == has.Hold && c.Version >= has.Version {
			h.hear(i)
			h.claims[i] = c.Claim
			h.set(i, Available, time.Time{})
		}
		return true // of somebody else's unit it says nothing
	}
	if c.Hold == has.Hold && c.Version <= has.Version {
		return true // known
	}
	h.hear(i)
	if c.Hold != has.Hold && (h.states[i] == Held || h.states[i] == Booked) {
		// Two holds, and no word that the first one ended. One of both is news that was overtaken.
		return false
	}
	h.claims[i] = c.Claim
	if c.State == Held && !now.Before(c.Until) {
		h.set(i, Available, time.Time{})
		return true
	}
	h.set(i, c.State, c.Until)
	// Ids of holds grow with time, as far as clocks agree. A hold that looks older than the last
	// one may be news that was overtaken by more than we remember.
	return has.Hold == uuid.Nil || c.Hold == has.Hold || slices.Compare(c.Hold[:], has.Hold[:]) > 0
}

// hear notes that a unit was heard of.
func (h *SeatMap) hear(i int) {
	h.clock++
	h.heard[i] = h.clock
}

// Clock tells how much was heard so far. Take it before reading the store, for Correct.
func (h *SeatMap) Clock() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.clock
}

// Correct takes in what the store said about units when it was read after the moment since of
// Clock. Units without a key are free. What was heard before that moment is in the answer; where
// something else was heard meanwhile, only another look can tell: those units are named.
func (h *SeatMap) Correct(units []string, seats map[string]Seat, since int64, now time.Time) (unsure []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range units {
		i, ok := h.sale.Index(u)
		if !ok {
			continue
		}
		s := seats[u].At(now)
		switch agrees := s.State == h.states[i] && (s.State == Available || s.Claim() == h.claims[i]); {
		case h.heard[i] > since && !agrees:
			unsure = append(unsure, u)
		case s.State == Available:
			h.set(i, Available, time.Time{})
		default:
			h.claims[i] = s.Claim()
			h.set(i, s.State, s.Until)
		}
	}
	return unsure
}

// Expire frees the units whose hold ran out, and tells whether there were any.
func (h *SeatMap) Expire(now time.Time) bool {
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

func (h *SeatMap) set(i int, s State, until time.Time) {
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
func (h *SeatMap) Flush() (Delta, bool) {
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
func (h *SeatMap) Snapshot() (version int64, states []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	states = make([]byte, len(h.states))
	for i, s := range h.states {
		states[i] = byte(s)
	}
	return h.version, states
}

// Version grows with each change.
func (h *SeatMap) Version() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.version
}

// Inventory counts. Blocked units are not for sale and not counted.
func (h *SeatMap) Inventory() Inventory {
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
func (h *SeatMap) Propose(items []Item, chosen []string, skip int, now time.Time) ([]string, error) {
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

func (h *SeatMap) propose(items []Item, chosen []string, skip int, wooed func(i int) bool) ([]string, error) {
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
func (h *SeatMap) Recheck(ctx context.Context, units []string) {
	if h.recheck != nil && len(units) > 0 {
		h.recheck(ctx, h.Sale().Event, units)
	}
}

// Free gives those of the units that are free here.
func (h *SeatMap) Free(units []string) (free []string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, u := range units {
		if i, ok := h.sale.Index(u); ok && h.states[i] == Available {
			free = append(free, u)
		}
	}
	return free
}
