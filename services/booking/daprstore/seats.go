package daprstore

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// Seats decides who has which unit, in the state store `seats`. Every decision is one transaction with its
// operations sorted by key. The errors of stores do not tell reliably what happened, so they are not
// interpreted: after any error the keys are read back, and the hold id that they have is the winner.
type Seats struct {
	store    Keys
	now      func() time.Time
	holdFor  time.Duration
	perKey   bool       // the store's transactions are not atomic: one key at a time, with compensation
	accounts keyedMutex // by cap key

	// Lenient lets accounts hold again at once, however often they gave holds back. It is for tests and
	// benchmarks, in which few accounts stand for many.
	Lenient bool
}

// Keys is a state store.
type Keys interface {
	Get(ctx context.Context, key string) (daprclient.Item, error)
	GetBulk(ctx context.Context, keys []string) (map[string]daprclient.Item, error)
	Transact(ctx context.Context, ops []daprclient.Op) error
	PutIf(ctx context.Context, key string, value []byte, etag string, ttl time.Duration) error
	DeleteIf(ctx context.Context, key, etag string) error
}

// NewSeats returns the seats of a store. holdFor is the life of a hold.
func NewSeats(store Keys, strategy Strategy, holdFor time.Duration, now func() time.Time) *Seats {
	return &Seats{store: store, now: now, holdFor: holdFor, perKey: strategy == PerSeat}
}

var (
	_ booking.Seats = (*Seats)(nil)
	_ saga.Fence    = (*Seats)(nil)
)

const (
	maxTries   = 12               // of a transaction that fails
	firstPause = time.Millisecond // before the second try; doubles
	maxPause   = 128 * time.Millisecond
)

// ErrBusy is for transactions that failed maxTries times although nobody else has the units.
var ErrBusy = fault.New(fault.Unavailable, "seats_busy", "The seats are temporarily unavailable. Please try again.").After(time.Second)

// view is what was read from the store for a decision.
type view struct {
	items map[string]daprclient.Item
	cap   booking.Cap
	seats map[string]booking.Seat
}

func (s *Seats) readView(ctx context.Context, store daprclient.BulkReader, event uuid.UUID, account string, hold uuid.UUID, units []string) (view, error) {
	keys := make([]string, 0, len(units)+3)
	keys = append(keys, CapKey(event, account), HoldKey(hold), holdqueue.BlockKey(hold))
	for _, u := range units {
		keys = append(keys, SeatKey(event, u))
	}
	items, err := store.GetBulk(ctx, keys)
	if err != nil {
		return view{}, fault.Away("seats", err)
	}
	v := view{items: items, seats: make(map[string]booking.Seat, len(units))}
	if v.cap, err = s.cap(items[keys[0]].Value); err != nil {
		return view{}, err
	}
	for i, u := range units {
		it, ok := items[keys[i+3]]
		if !ok {
			continue
		}
		if v.seats[u], err = DecodeSeat(it.Value); err != nil {
			return view{}, err
		}
	}
	return v, nil
}

func (s *Seats) cap(raw []byte) (booking.Cap, error) {
	c, err := DecodeCap(raw)
	if s.Lenient {
		c.Returns = 0
	}
	return c, err
}

// put is an operation that replaces the value that was read, or creates the key if there was none.
func (v view) put(key string, value []byte, ttl time.Duration) daprclient.Op {
	return daprclient.Op{Key: key, Value: value, ETag: v.items[key].ETag, TTL: ttl}
}

// hold gives a hold and the ETag of its own key, which is "" as long as only its outcome block has it.
func (v view) hold(id uuid.UUID) (h booking.Hold, etag string, found bool, err error) {
	if it, ok := v.items[HoldKey(id)]; ok {
		h, err = DecodeHold(id, it.Value)
		return h, it.ETag, true, err
	}
	it, ok := v.items[holdqueue.BlockKey(id)]
	if !ok {
		return h, "", false, nil
	}
	block, err := holdqueue.DecodeBlock(it.Value)
	if err != nil {
		return h, "", false, err
	}
	e, ok := block.Find(id)
	if !ok || e.Hold == nil {
		return h, "", false, nil
	}
	return e.Hold.ToHold(id), "", true, nil
}

// delete is an operation that deletes the value that was read.
func (v view) delete(key string) daprclient.Op {
	return daprclient.Op{Key: key, ETag: v.items[key].ETag}
}

// Take implements booking.Seats.
func (s *Seats) Take(ctx context.Context, h booking.Hold, limit int) error {
	// Requests of one account are serialised, as they would fail each other's write of the cap. Between
	// replicas the ETag decides.
	unlock, err := s.accounts.lock(ctx, CapKey(h.Event, h.Account))
	if err != nil {
		return err
	}
	defer unlock()
	units := h.UnitIDs()
	var first []string // keys of units are created or the write is refused: they need not be read first
	if s.perKey {
		first = units
	}
	v, err := s.readView(ctx, s.store, h.Event, h.Account, h.ID, first)
	for try := range maxTries {
		if err != nil {
			return err
		}
		now := s.now()
		if _, ok := v.items[HoldKey(h.ID)]; ok {
			return nil // only the answer was lost
		}
		if taken := others(v.seats, h.ID, now); len(taken) > 0 {
			return booking.ErrUnitsUnavailable.With("units", taken)
		}
		c, err := v.cap.Hold(h.ID, len(units), h.Until, limit, now)
		if err != nil {
			return err
		}
		seat, err := booking.Seat{}.Take(h.ID, now, h.Until)
		if err != nil {
			return booking.ErrHoldExpired
		}
		ops := []daprclient.Op{
			v.put(CapKey(h.Event, h.Account), EncodeCap(c), CapTTL(c, now)),
			{Key: HoldKey(h.ID), Value: EncodeHold(h), TTL: wire.HoldTTL(h.Until, now)},
		}
		for _, u := range units {
			ops = append(ops, v.put(SeatKey(h.Event, u), EncodeSeat(seat), ceilSecond(h.Until.Sub(now))))
		}
		if s.transact(ctx, ops) == nil {
			return nil
		}
		if err := backoff(ctx, try); err != nil {
			return err
		}
		v, err = s.readView(ctx, s.store, h.Event, h.Account, h.ID, units)
		if err != nil {
			return err
		}
	}
	return ErrBusy
}

// others gives the units that another hold has.
func others(seats map[string]booking.Seat, hold uuid.UUID, now time.Time) []string {
	var taken []string
	for u, seat := range seats {
		if _, err := seat.Take(hold, now, now.Add(time.Second)); err != nil {
			taken = append(taken, u)
		}
	}
	slices.Sort(taken)
	return taken
}

// Find implements booking.Seats.
func (s *Seats) Find(ctx context.Context, id uuid.UUID) (booking.Hold, error) {
	h, _, err := s.find(ctx, id)
	return h, err
}

func (s *Seats) find(ctx context.Context, id uuid.UUID) (booking.Hold, string, error) {
	items, err := daprclient.VerifiedReader{BulkReader: s.store}.GetBulk(ctx, []string{HoldKey(id), holdqueue.BlockKey(id)})
	if err != nil {
		return booking.Hold{}, "", fault.Away("seats", err)
	}
	h, etag, found, err := view{items: items}.hold(id)
	if err == nil && !found {
		err = booking.ErrHoldNotFound
	}
	return h, etag, err
}

// Change implements booking.Seats.
func (s *Seats) Change(ctx context.Context, id uuid.UUID, limit int, f func(booking.Hold) (booking.Hold, error)) (booking.Hold, error) {
	var tried *edit
	for try := range maxTries {
		before, etag, err := s.find(ctx, id)
		if err != nil {
			return booking.Hold{}, err
		}
		if tried != nil && tried.visible(before) {
			return before, nil // only the answer was lost
		}
		after, err := f(before)
		if err != nil {
			return booking.Hold{}, err
		}
		e := edit{after: after, add: difference(after.UnitIDs(), before.UnitIDs()), remove: difference(before.UnitIDs(), after.UnitIDs())}
		if e.visible(before) {
			return after, nil
		}
		tried = &e
		if len(e.add)+len(e.remove) == 0 {
			// Only the status changes. One key needs no transaction.
			if s.store.PutIf(ctx, HoldKey(id), EncodeHold(after), etag, wire.HoldTTL(after.Until, s.now())) == nil {
				return after, nil
			}
		} else if done, err := s.exchange(ctx, e, etag, limit); err != nil || done {
			return after, err
		}
		if err := backoff(ctx, try); err != nil {
			return booking.Hold{}, err
		}
	}
	return booking.Hold{}, ErrBusy
}

// edit is a change of a hold.
type edit struct {
	after       booking.Hold
	add, remove []string
}

// visible tells whether a stored hold has the change already.
func (e edit) visible(stored booking.Hold) bool {
	units := stored.UnitIDs()
	return stored.Status == e.after.Status && stored.Booking == e.after.Booking &&
		len(difference(e.add, units)) == 0 && len(difference(e.remove, units)) == len(e.remove)
}

// exchange takes and frees units of a hold in one transaction. false: the transaction failed.
func (s *Seats) exchange(ctx context.Context, e edit, etag string, limit int) (bool, error) {
	after, add, remove := e.after, e.add, e.remove
	v, err := s.readView(ctx, s.store, after.Event, after.Account, after.ID, append(slices.Clone(add), remove...))
	if err != nil {
		return false, err
	}
	now := s.now()
	if v.items[HoldKey(after.ID)].ETag != etag {
		return false, nil
	}
	added := make(map[string]booking.Seat, len(add))
	for _, u := range add {
		if seat, ok := v.seats[u]; ok {
			added[u] = seat
		}
	}
	if taken := others(added, after.ID, now); len(taken) > 0 {
		return false, booking.ErrUnitsUnavailable.With("units", taken)
	}
	c, err := v.cap.Hold(after.ID, len(after.Units), after.Until, limit, now)
	if err != nil {
		return false, err
	}
	seat := booking.Seat{State: booking.Held, Hold: after.ID, Until: after.Until, Version: after.Version}
	ops := []daprclient.Op{
		v.put(CapKey(after.Event, after.Account), EncodeCap(c), CapTTL(c, now)),
		v.put(HoldKey(after.ID), EncodeHold(after), wire.HoldTTL(after.Until, now)),
	}
	for _, u := range add {
		ops = append(ops, v.put(SeatKey(after.Event, u), EncodeSeat(seat), ceilSecond(after.Until.Sub(now))))
	}
	for _, u := range remove {
		if seat, ok := v.seats[u]; ok && seat.Hold == after.ID {
			ops = append(ops, v.delete(SeatKey(after.Event, u)))
		}
	}
	return s.transact(ctx, ops) == nil, nil
}

// Free implements booking.Seats and saga.Fence.
func (s *Seats) Free(ctx context.Context, h booking.Hold, units []string, whole bool) error {
	for try := range maxTries {
		v, err := s.readView(ctx, daprclient.VerifiedReader{BulkReader: s.store}, h.Event, h.Account, h.ID, units)
		if err != nil {
			return err
		}
		now := s.now()
		var ops []daprclient.Op
		booked := 0
		for _, u := range units {
			seat, ok := v.seats[u]
			if !ok || seat.Hold != h.ID {
				continue
			}
			if _, err := seat.Release(h.ID, now); err != nil {
				continue
			}
			if seat.State == booking.Booked {
				booked++
			}
			ops = append(ops, v.delete(SeatKey(h.Event, u)))
		}
		c := v.cap.Return(booked, now)
		if whole {
			c = c.Release(h.ID, now)
		}
		if item, ok := v.items[CapKey(h.Event, h.Account)]; ok && string(item.Value) != string(EncodeCap(c)) {
			ops = append(ops, v.put(CapKey(h.Event, h.Account), EncodeCap(c), CapTTL(c, now)))
		}
		stored, _, found, err := v.hold(h.ID)
		if err != nil {
			return err
		}
		if found && whole && stored.Status != booking.HoldReleased {
			stored.Status = booking.HoldReleased
			ops = append(ops, v.put(HoldKey(h.ID), EncodeHold(stored), wire.HoldTTL(stored.Until, now)))
		}
		if len(ops) == 0 || s.transact(ctx, ops) == nil {
			return nil
		}
		if err := backoff(ctx, try); err != nil {
			return err
		}
	}
	return ErrBusy
}

// Fence implements saga.Fence.
func (s *Seats) Fence(ctx context.Context, b booking.Booking) error {
	units := b.UnitIDs()
	for try := range maxTries {
		v, err := s.readView(ctx, s.store, b.Event, b.Account, b.Hold, units)
		if err != nil {
			return err
		}
		now := s.now()
		var ops []daprclient.Op
		var lost []string
		for _, u := range units {
			before := v.seats[u]
			after, err := before.Fence(b.Hold, now)
			if err != nil {
				lost = append(lost, u)
				continue
			}
			if after != before {
				ops = append(ops, v.put(SeatKey(b.Event, u), EncodeSeat(after), 0))
			}
		}
		if len(lost) > 0 {
			return booking.ErrUnitsUnavailable.With("units", lost)
		}
		counted := !slices.ContainsFunc(v.cap.At(now).Holds, func(h booking.CapHold) bool { return h.Hold == b.Hold })
		if len(ops) == 0 && counted {
			return nil // fenced before
		}
		limit, n := 0, len(units)
		if counted { // a late payer
			limit, n = b.Occasion.PerAccount, len(ops)
		}
		c, err := v.cap.Book(b.Hold, n, limit, now)
		if err != nil {
			return err
		}
		ops = append(ops, v.put(CapKey(b.Event, b.Account), EncodeCap(c), 0))
		stored, _, found, err := v.hold(b.Hold)
		if err != nil {
			return err
		}
		if found {
			stored.Status, stored.Booking = booking.HoldBooked, b.ID
			ops = append(ops, v.put(HoldKey(b.Hold), EncodeHold(stored), wire.HoldTTL(stored.Until, now)))
		}
		if s.transact(ctx, ops) == nil {
			return nil
		}
		if err := backoff(ctx, try); err != nil {
			return err
		}
	}
	return ErrBusy
}

// Read implements seatmap.SeatReader.
func (s *Seats) Read(ctx context.Context, event uuid.UUID, units []string) (map[string]booking.Seat, error) {
	const chunk = 2000
	seats := make(map[string]booking.Seat)
	for part := range slices.Chunk(units, chunk) {
		keys := make([]string, len(part))
		for i, u := range part {
			keys[i] = SeatKey(event, u)
		}
		items, err := s.store.GetBulk(ctx, keys)
		if err != nil {
			return nil, fault.Away("seats", err)
		}
		for i, u := range part {
			it, ok := items[keys[i]]
			if !ok {
				continue
			}
			if seats[u], err = DecodeSeat(it.Value); err != nil {
				return nil, err
			}
		}
	}
	return seats, nil
}

// transact executes operations in the order of their keys, so that two transactions never wait for each
// other.
func (s *Seats) transact(ctx context.Context, ops []daprclient.Op) error {
	slices.SortFunc(ops, func(a, b daprclient.Op) int { return cmp.Compare(a.Key, b.Key) })
	if s.perKey {
		return s.writeOneByOne(ctx, ops)
	}
	return s.store.Transact(ctx, ops)
}

func difference(a, b []string) []string {
	var only []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			only = append(only, x)
		}
	}
	return only
}

// ceilSecond rounds a time to live up, as the store counts whole seconds.
func ceilSecond(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

// backoff waits before the next try: exponentially longer, with jitter.
func backoff(ctx context.Context, try int) error {
	d := worker.Pause(firstPause, maxPause, try)
	if err := worker.Sleep(ctx, d/2+rand.N(d)); err != nil {
		return fault.Away("seats", err)
	}
	return nil
}
