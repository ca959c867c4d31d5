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

// capKept is how long a cap is kept after its last hold expired, so that the admission pass of that hold is
// known to be used.
const capKept = 10 * time.Minute

// Decide implements holdqueue.Decider. It reads all keys of the batch at once, decides in memory, and writes a
// few transactions in parallel. The requests of a transaction that fails, because another writer was faster,
// are decided again block by block, in their order.
func (s *Seats) Decide(ctx context.Context, requests []booking.QueuedHold) ([]holdqueue.Verdict, error) {
	verdicts, undone, err := s.decide(ctx, requests)
	if err != nil {
		return nil, err
	}
	for len(undone) > 0 {
		block := holdqueue.BlockKey(requests[undone[0]].Hold.ID)
		n := slices.IndexFunc(undone, func(i int) bool { return holdqueue.BlockKey(requests[i].Hold.ID) != block })
		if n < 0 {
			n = len(undone)
		}
		if err := s.retry(ctx, requests, undone[:n], verdicts); err != nil {
			return nil, err
		}
		undone = undone[n:]
	}
	return verdicts, nil
}

// retry decides some of the requests again until their transactions succeed.
func (s *Seats) retry(ctx context.Context, requests []booking.QueuedHold, some []int, verdicts []holdqueue.Verdict) error {
	again := make([]booking.QueuedHold, len(some))
	for i, of := range some {
		again[i] = requests[of]
	}
	for try := range maxTries {
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

// The store executes the operations of a transaction one after the other, so a batch is written in several
// transactions in parallel.
const (
	maxParts    = 4
	minPartSize = 12 // requests
)

// parts divides a batch into as many parts as transactions: part[i] is that of request i. Requests about the
// same unit, account or block are in the same part (a union-find), as the later ones depend on the
// earlier ones and a block is written whole.
func parts(requests []booking.QueuedHold) (part []int, count int) {
	part, count = make([]int, len(requests)), max(1, min(maxParts, len(requests)/minPartSize))
	if count == 1 {
		return part, 1
	}
	parent := make([]int, len(requests)) // of the union-find
	var root func(i int) int
	root = func(i int) int {
		if parent[i] != i {
			parent[i] = root(parent[i])
		}
		return parent[i]
	}
	first := map[string]int{}
	for i, r := range requests {
		parent[i] = i
		keys := []string{CapKey(r.Hold.Event, r.Hold.Account), holdqueue.BlockKey(r.Hold.ID)}
		for _, u := range r.Hold.UnitIDs() {
			keys = append(keys, SeatKey(r.Hold.Event, u))
		}
		for _, key := range keys {
			if other, ok := first[key]; ok {
				parent[root(i)] = root(other)
			} else {
				first[key] = i
			}
		}
	}
	next, of := 0, map[int]int{}
	for i := range requests {
		p, known := of[root(i)]
		if !known {
			p = next % count
			of[root(i)], next = p, next+1
		}
		part[i] = p
	}
	return part, count
}

// decide makes one attempt. undone are the requests whose transaction failed.
func (s *Seats) decide(ctx context.Context, requests []booking.QueuedHold) (verdicts []holdqueue.Verdict, undone []int, err error) {
	var keys []string
	listed := map[string]bool{}
	add := func(key string) {
		if !listed[key] {
			listed[key] = true
			keys = append(keys, key)
		}
	}
	for _, r := range requests {
		add(holdqueue.BlockKey(r.Hold.ID))
		add(CapKey(r.Hold.Event, r.Hold.Account))
		for _, u := range r.Hold.UnitIDs() {
			add(SeatKey(r.Hold.Event, u))
		}
	}
	items, err := s.store.GetBulk(ctx, keys)
	if err != nil {
		return nil, nil, fault.Away("seats", err)
	}
	batch, blocks, err := s.read(requests, items)
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
		block := blocks[key]
		put := func(op daprclient.Op) { ops[op.Key] = op }
		verdicts[i].Hold = h.ID
		if before, ok := block.Find(h.ID); ok { // decided before; only the answer was lost
			if before.Refusal != nil {
				verdicts[i].Refusal = before.Refusal.Err()
			}
			continue
		}
		if refusal := batch.Decide(r, now); refusal != nil {
			verdicts[i].Refusal = refusal
			block.AddRefusal(h, refusal)
		} else {
			block.AddHold(h)
			c := batch.Caps[h.Event][h.Account]
			put(v.put(CapKey(h.Event, h.Account), EncodeCap(c), CapTTL(c, now)))
			for _, u := range h.UnitIDs() {
				put(v.put(SeatKey(h.Event, u), EncodeSeat(batch.Seats[h.Event][u]), ceilSecond(h.Until.Sub(now))))
			}
		}
		put(daprclient.Op{Key: key}) // written below, once it is complete
	}
	for _, ops := range steps {
		for key := range ops {
			if block, ok := blocks[key]; ok {
				ops[key] = v.put(key, wire.MustEncode(block), block.TTL(now))
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
	_ = group.Wait() // errors are in refused
	for i := range requests {
		if refused[part[i]] {
			undone = append(undone, i)
		}
	}
	return verdicts, undone, nil
}

// read decodes what the store has: the seats and caps as a batch, and the blocks by key.
func (s *Seats) read(requests []booking.QueuedHold, items map[string]daprclient.Item) (*holdqueue.Batch, map[string]*holdqueue.Block, error) {
	batch, blocks := holdqueue.NewBatch(), map[string]*holdqueue.Block{}
	for _, r := range requests {
		h := r.Hold
		if key := holdqueue.BlockKey(h.ID); blocks[key] == nil {
			block, err := holdqueue.DecodeBlock(items[key].Value)
			if err != nil {
				return nil, nil, err
			}
			blocks[key] = block
		}
		c, err := s.cap(items[CapKey(h.Event, h.Account)].Value)
		if err != nil {
			return nil, nil, err
		}
		batch.PutCap(h.Event, h.Account, c)
		for _, u := range h.UnitIDs() {
			item, ok := items[SeatKey(h.Event, u)]
			if !ok {
				continue
			}
			seat, err := DecodeSeat(item.Value)
			if err != nil {
				return nil, nil, err
			}
			batch.PutSeat(h.Event, u, seat)
		}
	}
	return batch, blocks, nil
}
