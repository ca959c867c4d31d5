package holdqueue

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// Queue is the producer: it writes hold requests into the log and gives the outcomes to the callers that
// wait for them. Requests of one event that come at the same time share a record.
type Queue struct {
	client *daprclient.Client
	store  *daprclient.Store
	wait   time.Duration
	onLate func(booking.Hold) // is told of a hold whose caller stopped waiting

	mu      sync.Mutex
	waiting map[uuid.UUID]*waiter
	open    map[uuid.UUID]*record // by event: the record that takes the next request
	queue   []*record             // not published yet, the open ones among them
	queued  int                   // requests in queue
	wake    chan struct{}
}

type waiter struct {
	hold  booking.Hold
	end   chan outcome
	since time.Time
}

// outcome is a decision, or the error because of which there will be none.
type outcome struct {
	refusal *Refusal
	err     error
}

// record is requests of one event that are published together.
type record struct {
	event    uuid.UUID
	name     uuid.UUID // random; see RequestID
	ids      []uuid.UUID
	requests []json.RawMessage
	size     int // of the payload, in bytes
}

// recordFrame is the length of a record's payload without requests.
const recordFrame = len(`{"requests":[]}`)

// maxRecordSize is the most bytes of a record's payload.
var maxRecordSize = messages.MaxPayload(messages.HoldRequests, true)

// hasRoom tells whether a record has room for another request of that many bytes.
func (r *record) hasRoom(size int) bool {
	return len(r.requests) < maxRecord && recordFrame+r.size+size+len(",") <= maxRecordSize
}

var _ booking.HoldQueue = (*Queue)(nil)

const (
	holdWait     = 4 * time.Second // of a buyer for the outcome; then: ask again
	maxQueued    = 10_000          // requests on their way into the log
	maxRecord    = 128             // requests
	maxPublish   = 8               // records in one call to the sidecar
	maxDelivery  = 8               // records in one delivery
	publishEvery = 20 * time.Millisecond
	waiterTTL    = 2 * time.Minute
)

// errTooLong is for a request that no message can carry. Names of places have limits, so that it
// does not happen.
var errTooLong = fault.New(fault.Invalid, "hold_too_large", "The request lists too many units.")

// ErrFull is for more requests than the log takes just now.
var ErrFull = fault.New(fault.Unavailable, "hold_line_full", "Too many hold requests at once. Please try again.").After(time.Second)

// NewQueue returns a queue. onLate is told of holds that were made after their callers stopped waiting.
func NewQueue(client *daprclient.Client, onLate func(booking.Hold)) *Queue {
	return &Queue{
		client: client, store: client.Store(messages.Seats), wait: holdWait, onLate: onLate,
		waiting: map[uuid.UUID]*waiter{}, open: map[uuid.UUID]*record{}, wake: make(chan struct{}, 1),
	}
}

// Waiting tells how many requests wait for their outcome in this replica, and for how long the oldest has.
func (q *Queue) Waiting(context.Context) (size int, age time.Duration, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiting {
		age = max(age, time.Since(w.since))
	}
	return len(q.waiting), age, nil
}

// Hold implements booking.HoldQueue.
func (q *Queue) Hold(ctx context.Context, r booking.QueuedHold) (booking.Hold, error) {
	w, err := q.enqueue(r)
	if err != nil {
		return r.Hold, err
	}
	timeout := time.NewTimer(q.wait)
	defer timeout.Stop()
	select {
	case o := <-w.end:
		if o.refusal != nil {
			return w.hold, o.refusal.Err()
		}
		return w.hold, o.err
	case <-timeout.C:
		return w.hold, q.timedOut(ctx, w.hold)
	case <-ctx.Done():
		return w.hold, booking.ErrStillWaiting.Because(ctx.Err())
	}
}

// enqueue puts a request into its event's open record and gives it its id.
func (q *Queue) enqueue(r booking.QueuedHold) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queued >= maxQueued {
		return nil, ErrFull
	}
	now := time.Now()
	raw := encodeRequest(r, uuid.Max)
	if recordFrame+len(raw) > maxRecordSize {
		return nil, errTooLong
	}
	rec := q.open[r.Hold.Event]
	if rec == nil || !rec.hasRoom(len(raw)) {
		name, err := uuid.NewRandom()
		if err != nil {
			return nil, err
		}
		rec = &record{event: r.Hold.Event, name: name}
		q.open[r.Hold.Event], q.queue = rec, append(q.queue, rec)
	}
	r.Hold.ID = RequestID(rec.name, len(rec.requests), now)
	rec.ids, rec.requests, rec.size = append(rec.ids, r.Hold.ID), append(rec.requests, encodeRequest(r, r.Hold.ID)), rec.size+len(raw)+len(",")
	q.queued++
	w := &waiter{hold: r.Hold, end: make(chan outcome, 1), since: now}
	q.waiting[r.Hold.ID] = w
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return w, nil
}

// nextRecords takes the next records to publish. They take no more requests.
func (q *Queue) nextRecords() []*record {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.queue), maxPublish)
	batch := q.queue[:n:n]
	q.queue = q.queue[n:]
	for _, rec := range batch {
		q.queued -= len(rec.requests)
		if q.open[rec.event] == rec {
			delete(q.open, rec.event)
		}
	}
	return batch
}

// timedOut reads the outcome, whose message may be lost. When there is none yet it stores that the request
// is pending, so that any replica knows it.
func (q *Queue) timedOut(ctx context.Context, h booking.Hold) error {
	block, _, err := q.read(ctx, h.ID)
	if err != nil {
		return booking.ErrStillWaiting.Because(err)
	}
	if e, ok := block.Find(h.ID); ok && e.Refusal == nil {
		q.takeWaiter(h.ID)
		return nil
	}
	pending := wire.MustEncode(Refusal{Account: h.Account})
	if err := q.store.PutIf(ctx, PendingKey(h.ID), pending, "", refusalTTL); err != nil {
		slog.DebugContext(ctx, "pending hold request not stored", "hold", h.ID, "error", err)
	}
	return q.Verdict(ctx, h.ID, h.Account)
}

// read reads a request's outcome block, and the value that says that it is pending.
func (q *Queue) read(ctx context.Context, id uuid.UUID) (*Block, daprclient.Item, error) {
	items, err := daprclient.VerifiedReader{BulkReader: q.store}.GetBulk(ctx, []string{BlockKey(id), PendingKey(id)})
	if err != nil {
		return nil, daprclient.Item{}, fault.Away("seats", err)
	}
	block, err := DecodeBlock(items[BlockKey(id)].Value)
	return block, items[PendingKey(id)], err
}

// Verdict implements booking.HoldQueue.
func (q *Queue) Verdict(ctx context.Context, id uuid.UUID, account string) error {
	block, pending, err := q.read(ctx, id)
	if err != nil {
		return err
	}
	if e, ok := block.Find(id); ok {
		switch {
		case e.Refusal == nil:
			return booking.ErrStillWaiting // it was just made: the next call finds the hold
		case e.Refusal.Account != account:
			return booking.ErrHoldNotFound
		default:
			return e.Refusal.Err()
		}
	}
	var v Refusal
	if !pending.Found {
		return booking.ErrHoldNotFound
	}
	if err := json.Unmarshal(pending.Value, &v); err != nil {
		return err
	}
	if v.Account != account {
		return booking.ErrHoldNotFound
	}
	return booking.ErrStillWaiting
}

// takeWaiter removes the waiter of a request; nil: nobody waits.
func (q *Queue) takeWaiter(id uuid.UUID) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting[id]
	delete(q.waiting, id)
	return w
}

// deliver gives outcomes to the callers of this process that wait for them.
func (q *Queue) deliver(_ context.Context, v outcomesValue) error {
	for _, o := range v.Outcomes {
		w := q.takeWaiter(o.ID)
		if w == nil {
			continue
		}
		w.end <- outcome{refusal: o.Refusal}
		if o.Refusal == nil && time.Since(w.since) > q.wait {
			q.onLate(w.hold)
		}
	}
	return nil
}

// Subscription receives the outcomes.
func (q *Queue) Subscription() daprclient.Subscription {
	return daprclient.On(messages.Broadcast, messages.HoldOutcomes, q.deliver)
}

// Run publishes requests until ctx ends. A single request goes at once. Under load, requests gather while
// the last ones are published, and for publishEvery at least.
func (q *Queue) Run(ctx context.Context) error {
	sweep := time.NewTicker(waiterTTL / 4)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sweep.C:
			q.dropAbandoned()
		case <-q.wake:
			for batch := q.nextRecords(); len(batch) > 0; batch = q.nextRecords() {
				began := time.Now()
				q.publish(ctx, batch)
				_ = worker.Sleep(ctx, publishEvery-time.Since(began))
			}
		}
	}
}

// dropAbandoned forgets waiters whose outcome never came.
func (q *Queue) dropAbandoned() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, w := range q.waiting {
		if time.Since(w.since) > waiterTTL {
			delete(q.waiting, id)
		}
	}
}

// publish writes records into the log. Those that it did not take end their requests with an error.
func (q *Queue) publish(ctx context.Context, batch []*record) {
	records := make([]daprclient.Message, len(batch))
	for i, rec := range batch {
		records[i] = daprclient.Message{Key: rec.event.String(), Payload: wire.MustEncode(recordValue{rec.requests}), Opaque: true}
	}
	failed, err := q.client.PublishBulk(ctx, messages.PubSub, messages.HoldRequests, records)
	for i, rec := range batch {
		if err == nil || (len(failed) > 0 && !slices.Contains(failed, i)) {
			continue
		}
		for _, id := range rec.ids {
			if w := q.takeWaiter(id); w != nil {
				w.end <- outcome{err: fault.Away("queue", errors.Join(err, errNotTaken))}
			}
		}
	}
}

var errNotTaken = errors.New("the log did not take the request")
