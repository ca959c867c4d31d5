package daprstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// capKept keeps a cap beyond its last hold, so that a pass whose hold ran out is known as used.
const capKept = 10 * time.Minute

// Decide implements holdqueue.Decider: one look at everything the batch is about, decisions in
// memory, a few transactions side by side. When something outside interferes with one of them,
// its requests are decided page by page, in their order.
func (s *Seats) Decide(ctx context.Context, requests []booking.QueuedHold) ([]holdqueue.Verdict, error) {
	verdicts, undone, err := s.decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	for len(undone) > 0 {
		page := holdqueue.BlockKey(requests[undone[0]].Hold.ID)
		n := slices.IndexFunc(undone, func(i int) bool { return holdqueue.BlockKey(requests[i].Hold.ID) != page })
		if n < 0 {
			n = len(undone)
		}
		if err := s.insist(ctx, requests, undone[:n], verdicts); err != nil {
			return nil, err
		}
		undone = undone[n:]
	}
	return verdicts, nil
}

// insist decides some of the requests until nobody interferes.
func (s *Seats) insist(ctx context.Context, requests []booking.QueuedHold, some []int, verdicts []holdqueue.Verdict) error {
	again := make([]booking.QueuedHold, len(some))
	for i, of := range some {
		again[i] = requests[of]
	}
	for try := range tries {
		decided, undone, err := s.decide(ctx, again)
		if err != nil {
			return err
		}
		if len(undone) == 0 {
			for i, of := range some {
				verdicts[of] = decided[i]
			}
			return nil
		}
		if err := backoff(ctx, try); err != nil {
			return err
		}
	}
	return ErrBusy
}

// A transaction's steps follow one another in the store, so a batch is stored in several at once.
const (
	partsMost = 4
	partLeast = 12 // requests
)

// parts tells which part of a batch each request belongs to. Those that are about the same units
// or the same account belong together: if the first of them comes to nothing, the others have to
// be decided anew. So do those of one page, which is written whole.
func parts(requests []booking.QueuedHold) (part []int, count int) {
	part, count = make([]int, len(requests)), max(1, min(partsMost, len(requests)/partLeast))
	if count == 1 {
		return part, 1
	}
	leader := make([]int, len(requests)) // towards the first of those that belong together
	var lead func(i int) int
	lead = func(i int) int {
		if leader[i] != i {
			leader[i] = lead(leader[i])
		}
		return leader[i]
	}
	first := map[string]int{}
	for i, r := range requests {
		leader[i] = i
		keys := []string{CapKey(r.Hold.Event, r.Hold.Account), holdqueue.BlockKey(r.Hold.ID)}
		for _, u := range r.Hold.UnitIDs() {
			keys = append(keys, SeatKey(r.Hold.Event, u))
		}
		for _, key := range keys {
			if other, ok := first[key]; ok {
				leader[lead(i)] = lead(other)
			} else {
				first[key] = i
			}
		}
	}
	next, of := 0, map[int]int{}
	for i := range requests {
		p, known := of[lead(i)]
		if !known {
			p = next % count
			of[lead(i)], next = p, next+1
		}
		part[i] = p
	}
	return part, count
}

// decide makes one attempt. undone are the requests that somebody interfered with.
func (s *Seats) decide(ctx context.Context, requests []booking.QueuedHold) (verdicts []holdqueue.Verdict, undone []int, err error) {
	var keys []string
	asked := map[string]bool{}
	ask := func(key string) {
		if !asked[key] {
			asked[key] = true
			keys = append(keys, key)
		}
	}
	for _, r := range requests {
		ask(holdqueue.BlockKey(r.Hold.ID))
		ask(CapKey(r.Hold.Event, r.Hold.Account))
		for _, u := range r.Hold.UnitIDs() {
			ask(SeatKey(r.Hold.Event, u))
		}
	}
	items, err := s.store.GetBulk(ctx, keys)
	if err != nil {
		return nil, nil, fault.Away("seats", err)
	}
	floor, pages, err := s.read(requests, items)
	if err != nil {
		return nil, nil, err
	}
	v, now := view{items: items}, s.now()
	verdicts = make([]holdqueue.Verdict, len(requests))
	part, count := parts(requests)
	steps := make([]map[string]daprclient.Op, count)
	for p := range steps {
		steps[p] = map[string]daprclient.Op{}
	}
	for i, r := range requests {
		h, ops, key := r.Hold, steps[part[i]], holdqueue.BlockKey(r.Hold.ID)
		page := pages[key]
		put := func(op daprclient.Op) { ops[op.Key] = op }
		verdicts[i].Hold = h.ID
		if before, ok := page.Find(h.ID); ok { // decided before, and the answer got lost
			if before.Refusal != nil {
				verdicts[i].Refusal = before.Refusal.Err()
			}
			continue
		}
		if refusal := floor.Decide(r, now); refusal != nil {
			verdicts[i].Refusal = refusal
			page.AddRefusal(h, refusal)
		} else {
			page.AddHold(h)
			c := floor.Caps[h.Event][h.Account]
			put(v.put(CapKey(h.Event, h.Account), EncodeCap(c), CapTTL(c, now)))
			for _, u := range h.UnitIDs() {
				put(v.put(SeatKey(h.Event, u), EncodeSeat(floor.Seats[h.Event][u]), ceilSecond(h.Until.Sub(now))))
			}
		}
		put(daprclient.Op{Key: key}) // written below, once it is whole
	}
	for _, ops := range steps {
		for key := range ops {
			if page, ok := pages[key]; ok {
				ops[key] = v.put(key, wire.MustEncode(page), page.TTL(now))
			}
		}
	}
	refused := make([]bool, count)
	var group errgroup.Group
	for p, ops := range steps {
		if len(ops) > 0 {
			group.Go(func() error {
				refused[p] = s.transact(ctx, slices.Collect(maps.Values(ops))) != nil
				return nil
			})
		}
	}
	_ = group.Wait() // each has its own answer
	for i := range requests {
		if refused[part[i]] {
			undone = append(undone, i)
		}
	}
	return verdicts, undone, nil
}

// read puts what the store has into a batch, and gives the pages by key.
func (s *Seats) read(requests []booking.QueuedHold, items map[string]daprclient.Item) (*holdqueue.Batch, map[string]*holdqueue.Block, error) {
	floor, pages := holdqueue.NewBatch(), map[string]*holdqueue.Block{}
	for _, r := range requests {
		h := r.Hold
		if key := holdqueue.BlockKey(h.ID); pages[key] == nil {
			page, err := holdqueue.DecodeBlock(items[key].Value)
			if err != nil {
				return nil, nil, err
			}
			pages[key] = page
		}
		c, err := s.cap(items[CapKey(h.Event, h.Account)].Value)
		if err != nil {
			return nil, nil, err
		}
		floor.PutCap(h.Event, h.Account, c)
		for _, u := range h.UnitIDs() {
			item, ok := items[SeatKey(h.Event, u)]
			if !ok {
				continue
			}
			seat, err := DecodeSeat(item.Value)
			if err != nil {
				return nil, nil, err
			}
			floor.PutSeat(h.Event, u, seat)
		}
	}
	return floor, pages, nil
}
