package daprstore_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// keys is a state store in memory that does what Postgres does, or leaves something out.
type keys struct {
	loose     bool // compares no ETags
	scattered bool // its transactions are single steps
	cutOff    int  // so many bulk reads end before their first row, and do not say so
	failEvery int  // answers with an error although it did it, every so many writes

	mu     sync.Mutex
	values map[string]entry
	etag   int
	writes int
}

type entry struct {
	value []byte
	etag  string
	until time.Time
}

var errRefused = errors.New("refused, and do not ask why")

func newKeys() *keys { return &keys{values: map[string]entry{}} }

func (k *keys) get(key string) (entry, bool) {
	e, ok := k.values[key]
	if ok && !e.until.IsZero() && !time.Now().Before(e.until) {
		return entry{}, false
	}
	return e, ok
}

func (k *keys) Get(_ context.Context, name string) (daprclient.Item, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.get(name)
	return daprclient.Item{Value: e.value, ETag: e.etag, Found: ok}, nil
}

func (k *keys) GetBulk(_ context.Context, names []string) (map[string]daprclient.Item, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cutOff > 0 {
		k.cutOff--
		return nil, nil
	}
	items := map[string]daprclient.Item{}
	for _, n := range names {
		if e, ok := k.get(n); ok {
			items[n] = daprclient.Item{Value: e.value, ETag: e.etag, Found: true}
		}
	}
	return items, nil
}

func (k *keys) allowed(op daprclient.Op) bool {
	e, ok := k.get(op.Key)
	return k.loose || (op.ETag == "" && !ok) || (ok && e.etag == op.ETag)
}

func (k *keys) apply(op daprclient.Op) {
	k.etag++
	if op.Value == nil {
		delete(k.values, op.Key)
		return
	}
	e := entry{value: op.Value, etag: strconv.Itoa(k.etag)}
	if op.TTL > 0 {
		e.until = time.Now().Add(op.TTL.Truncate(time.Second))
	}
	k.values[op.Key] = e
}

func (k *keys) Transact(_ context.Context, ops []daprclient.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	refused := false
	for _, op := range ops {
		ok := k.allowed(op)
		if ok && k.scattered {
			k.apply(op)
		}
		refused = refused || !ok
	}
	if refused {
		return errRefused
	}
	if !k.scattered {
		for _, op := range ops {
			k.apply(op)
		}
	}
	return k.lossy()
}

// lossy forgets to say that it went well.
func (k *keys) lossy() error {
	if k.writes++; k.failEvery > 0 && k.writes%k.failEvery == 0 {
		return errRefused
	}
	return nil
}

func (k *keys) single(op daprclient.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.allowed(op) {
		return errRefused
	}
	k.apply(op)
	return k.lossy()
}

func (k *keys) PutIf(_ context.Context, key string, value []byte, etag string, ttl time.Duration) error {
	return k.single(daprclient.Op{Key: key, Value: value, ETag: etag, TTL: ttl})
}

func (k *keys) DeleteIf(_ context.Context, key, etag string) error {
	return k.single(daprclient.Op{Key: key, ETag: etag})
}

func seats(k daprstore.Keys, strategy daprstore.Strategy) *daprstore.Seats {
	return daprstore.NewSeats(k, strategy, 5*time.Minute, time.Now)
}

func TestSeatsInMemory(t *testing.T) { bookingtest.Run(t, seats(newKeys(), daprstore.Transactional)) }

func TestSeatsKeyByKeyInMemory(t *testing.T) {
	k := newKeys()
	k.scattered, k.failEvery = true, 7
	bookingtest.Run(t, seats(k, daprstore.PerSeat))
}

// TestAnswersMayGetLost: an error says nothing about what happened.
func TestAnswersMayGetLost(t *testing.T) {
	k := newKeys()
	k.failEvery = 3
	bookingtest.Run(t, seats(k, daprstore.Transactional))
}

// replicas are several processes at one store: no lock of one process keeps another out.
type replicas struct {
	all  []*daprstore.Seats
	next atomic.Int64
}

func twoOf(k daprstore.Keys) *replicas {
	return &replicas{all: []*daprstore.Seats{seats(k, daprstore.Transactional), seats(k, daprstore.Transactional)}}
}

func (r *replicas) one() *daprstore.Seats { return r.all[int(r.next.Add(1))%len(r.all)] }

func (r *replicas) Take(ctx context.Context, h booking.Hold, limit int) error {
	return r.one().Take(ctx, h, limit)
}

func (r *replicas) Find(ctx context.Context, id uuid.UUID) (booking.Hold, error) {
	return r.one().Find(ctx, id)
}

func (r *replicas) Change(ctx context.Context, id uuid.UUID, limit int, f func(booking.Hold) (booking.Hold, error)) (booking.Hold, error) {
	return r.one().Change(ctx, id, limit, f)
}

func (r *replicas) Free(ctx context.Context, h booking.Hold, units []string, whole bool) error {
	return r.one().Free(ctx, h, units, whole)
}

func (r *replicas) Fence(ctx context.Context, b booking.Booking) error { return r.one().Fence(ctx, b) }

func (r *replicas) Read(ctx context.Context, event uuid.UUID, units []string) (map[string]booking.Seat, error) {
	return r.one().Read(ctx, event, units)
}

// queuedSeats make holds by the hold queue: they stand in an outcome block until they are changed.
type queuedSeats struct{ *replicas }

func (l queuedSeats) Take(ctx context.Context, h booking.Hold, limit int) error {
	never := time.Unix(1<<40, 0) // no pass is used up
	verdicts, err := l.one().Decide(ctx, []booking.QueuedHold{{Hold: h, Limit: limit, Admitted: never}})
	if err != nil {
		return err
	}
	return verdicts[0].Refusal
}

func TestHoldsOfTheQueueInMemory(t *testing.T) {
	for name, k := range map[string]*keys{"all well": newKeys(), "answers get lost": {values: map[string]entry{}, failEvery: 3}} {
		t.Run(name, func(t *testing.T) { bookingtest.Run(t, queuedSeats{twoOf(slow{k})}) })
	}
}

// TestAChangedHoldLeavesItsBlock when it is changed, alone: those beside it stay as they were.
func TestAChangedHoldLeavesItsBlock(t *testing.T) {
	store, of, now := newKeys(), uuid.New(), time.Now().Truncate(time.Millisecond)
	s := seats(store, daprstore.Transactional)
	name := uuid.New() // of the record: these differ in what is before the eighth byte
	var requests []booking.QueuedHold
	for i := range 4 {
		id := name
		id[0] = byte(i)
		requests = append(requests, booking.QueuedHold{Hold: booking.Hold{
			ID: id, Event: of, Account: strconv.Itoa(i), Until: now.Add(time.Minute), Status: booking.HoldOpen, Units: []booking.HeldUnit{{ID: "u" + strconv.Itoa(i/2)}},
		}})
	}
	verdicts, err := s.Decide(t.Context(), requests)
	require.NoError(t, err)
	require.ErrorIs(t, verdicts[1].Refusal, booking.ErrUnitsUnavailable)
	require.ErrorIs(t, verdicts[3].Refusal, booking.ErrUnitsUnavailable)
	first, other := requests[0].Hold, requests[2].Hold
	require.Equal(t, holdqueue.BlockKey(first.ID), holdqueue.BlockKey(other.ID))
	require.Len(t, store.values, 5, "two seats, two caps, a block")
	found, err := s.Find(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, first, found)
	_, err = s.Find(t.Context(), requests[1].Hold.ID)
	require.ErrorIs(t, err, booking.ErrHoldNotFound)

	require.NoError(t, s.Free(t.Context(), first, first.UnitIDs(), true))
	found, err = s.Find(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, booking.HoldReleased, found.Status)
	found, err = s.Find(t.Context(), other.ID)
	require.NoError(t, err)
	require.Equal(t, other, found)

	again, err := s.Decide(t.Context(), requests[1:]) // the place is free by now
	require.NoError(t, err)
	for i, v := range again {
		require.Equal(t, verdicts[i+1].Refusal == nil, v.Refusal == nil)
	}
}

// TestSeatsOnPostgres is the store that is used, through a real sidecar.
func TestSeatsOnPostgres(t *testing.T) {
	store := open(t, messages.Seats)
	require.NoError(t, daprstore.Await(t.Context(), store, daprstore.Transactional, time.Minute), "the probe accepts it")
	bookingtest.Run(t, twoOf(store))
	t.Run("ten thousand buyers, one seat, one winner", func(t *testing.T) { crowd(t, twoOf(store), 10_000) })
	t.Run("by the hold queue", func(t *testing.T) { bookingtest.Run(t, queuedSeats{twoOf(store)}) })
}

// crowd has so many accounts ask for one seat, as many at once as a replica lets through.
func crowd(t *testing.T, s booking.Seats, buyers int) {
	t.Helper()
	const atOnce = 64
	of := uuid.New()
	var won, lost atomic.Int64
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range buyers {
		group.Go(func() error {
			err := s.Take(t.Context(), booking.Hold{
				ID: uuid.New(), Event: of, Account: strconv.Itoa(i), Status: booking.HoldOpen, Until: time.Now().Add(5 * time.Minute),
				Units: []booking.HeldUnit{{ID: "A1"}},
			}, 1)
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, booking.ErrUnitsUnavailable):
				lost.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, buyers-1, lost.Load())
}

func open(t *testing.T, component string) *daprclient.Store {
	t.Helper()
	client, err := daprclient.New(harness.Sidecar(t, messages.Booking, nil, component))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client.Store(component)
}

// TestRedis is refused for what it cannot do, and works where it is chosen knowingly.
func TestRedis(t *testing.T) {
	store := open(t, messages.Cache)
	err := daprstore.Await(t.Context(), store, daprstore.Transactional, time.Minute)
	unfit, ok := errors.AsType[*daprstore.Unfit](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, []daprstore.Guarantee{daprstore.AllOrNothing, daprstore.TTLReset}, unfit.Missing)
	assert.ErrorContains(t, err, "FOYER_SEATS_STRATEGY=per-seat")

	require.NoError(t, daprstore.Await(t.Context(), store, daprstore.PerSeat, time.Minute))
	bookingtest.Run(t, seats(store, daprstore.PerSeat))
	t.Run("by the hold queue", func(t *testing.T) {
		bookingtest.Run(t, queuedSeats{&replicas{all: []*daprstore.Seats{seats(store, daprstore.PerSeat)}}})
	})
}

func TestAnUnknownStrategyIsRefused(t *testing.T) {
	err := daprstore.Await(t.Context(), nil, "hope", time.Second)
	require.ErrorContains(t, err, `not "hope"`)
}

// TestScenariosNoticeABrokenStore: each guarantee of the store is needed.
func TestScenariosNoticeABrokenStore(t *testing.T) {
	for red, k := range map[string]*keys{
		"one seat, many buyers, one winner":   {loose: true, values: map[string]entry{}},
		"groups get all their seats or none":  {scattered: true, values: map[string]entry{}},
		"an account has one hold of an event": {loose: true, values: map[string]entry{}},
		"changes at once lose nothing":        {loose: true, values: map[string]entry{}},
		"fence and taker race, one wins":      {loose: true, values: map[string]entry{}},
	} {
		t.Run(red, func(t *testing.T) {
			t.Parallel()
			for _, sc := range bookingtest.Scenarios() {
				if sc.Name == red {
					assert.Error(t, sc.Run(t.Context(), twoOf(slow{k})))
					return
				}
			}
			t.Fatal("no such scenario")
		})
	}
}

// slow lets others in between a read and a decision.
type slow struct{ *keys }

func (s slow) GetBulk(ctx context.Context, names []string) (map[string]daprclient.Item, error) {
	items, err := s.keys.GetBulk(ctx, names)
	time.Sleep(time.Millisecond)
	return items, err
}

// TestNothingIsMissingBecauseAReadWasCutOff has the database die under bulk reads that do not tell.
func TestNothingIsMissingBecauseAReadWasCutOff(t *testing.T) {
	k := newKeys()
	seats := daprstore.NewSeats(k, daprstore.Transactional, 5*time.Minute, time.Now)
	h := booking.Hold{
		ID: uuid.New(), Event: uuid.New(), Account: "a", Until: time.Now().Add(5 * time.Minute), Status: booking.HoldOpen,
		Units: []booking.HeldUnit{{ID: "A1"}},
	}
	k.cutOff = 1
	require.NoError(t, seats.Take(t.Context(), h, 8))
	k.cutOff = 1
	found, err := seats.Find(t.Context(), h.ID)
	require.NoError(t, err)
	assert.Equal(t, h.Account, found.Account)
	k.cutOff = 1
	require.NoError(t, seats.Free(t.Context(), h, []string{"A1"}, true))
	left, err := seats.Read(t.Context(), h.Event, []string{"A1"})
	require.NoError(t, err)
	assert.Empty(t, left, "the place is free again")
}

func TestStoredValuesSurviveTheRoundTrip(t *testing.T) {
	now := time.UnixMilli(1_795_556_572_644)
	held := booking.Seat{State: booking.Held, Hold: uuid.New(), Until: now}
	gotSeat, err := daprstore.DecodeSeat(daprstore.EncodeSeat(held))
	require.NoError(t, err)
	assert.Equal(t, held, gotSeat)

	hold := booking.Hold{
		ID: uuid.New(), Event: uuid.New(), Account: "a", Until: now, Status: booking.HoldCheckout, Booking: uuid.New(),
		Units: []booking.HeldUnit{{ID: "A1", TicketType: "t", TypeName: "Stalls", Label: "A 1", Place: seat.Place{Zone: "Stalls", Row: "A", Number: "1", Note: "aisle"}, Price: money.Money{Amount: 1, Currency: "JPY"}}},
	}
	gotHold, err := daprstore.DecodeHold(hold.ID, daprstore.EncodeHold(hold))
	require.NoError(t, err)
	assert.Equal(t, hold, gotHold)

	c := booking.Cap{Booked: 2, Holds: []booking.CapHold{{Hold: uuid.New(), Units: 3, Until: now}}}
	gotCap, err := daprstore.DecodeCap(daprstore.EncodeCap(c))
	require.NoError(t, err)
	assert.Equal(t, c, gotCap)
	assert.Zero(t, daprstore.CapTTL(c, now), "what is booked is counted for ever")
	assert.Positive(t, daprstore.CapTTL(booking.Cap{}, now))

	for _, bad := range []string{`{`, `{"state":"ab"}`, `[]`} {
		_, err := daprstore.DecodeSeat([]byte(bad))
		assert.Error(t, err, bad)
	}
}

// TestABatchKeepsItsOrder whatever comes of its parts: some report an error although they were
// stored, and somebody from outside takes a unit in the middle.
func TestABatchKeepsItsOrder(t *testing.T) {
	const units, buyers = 40, 120
	store, id, now := newKeys(), uuid.New(), time.Now().Truncate(time.Millisecond)
	store.failEvery = 3
	hold := func(account, unit string) booking.Hold {
		v7, err := uuid.NewV7()
		require.NoError(t, err)
		return booking.Hold{
			ID: v7, Event: id, Account: account, Until: now.Add(time.Minute), Status: booking.HoldOpen,
			Units: []booking.HeldUnit{{ID: unit, Price: money.Money{Amount: 1, Currency: "EUR"}}},
		}
	}
	outsider := hold("outsider", "u7")
	meddler := &interfering{keys: store, once: func() { require.NoError(t, seats(store, daprstore.Transactional).Take(t.Context(), outsider, 4)) }}
	requests := make([]booking.QueuedHold, buyers)
	for i := range requests {
		requests[i] = booking.QueuedHold{Hold: hold("buyer "+strconv.Itoa(i), "u"+strconv.Itoa(i%units)), Limit: 4}
	}
	for range 2 { // the same again says the same
		verdicts, err := seats(meddler, daprstore.Transactional).Decide(t.Context(), requests)
		require.NoError(t, err)
		for i, v := range verdicts {
			require.Equal(t, requests[i].Hold.ID, v.Hold)
			require.Equal(t, i < units && i != 7, v.Refusal == nil, "buyer %d: %v", i, v.Refusal)
		}
	}
}

// interfering lets something happen between the read of a batch and its first transaction.
type interfering struct {
	*keys
	once func()
	do   sync.Once
}

func (m *interfering) Transact(ctx context.Context, ops []daprclient.Op) error {
	m.do.Do(m.once)
	return m.keys.Transact(ctx, ops)
}
