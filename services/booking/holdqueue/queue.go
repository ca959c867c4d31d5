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
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// recordValue is a record of the log hold.requests, whose key is the event: the order of the log,
// and within a record that of its requests, is the order of decisions.
type recordValue struct {
	Requests []json.RawMessage `json:"requests"`
}

type requestValue struct {
	ID       uuid.UUID `json:"id"`
	Hold     wire.Hold `json:"hold"`
	Limit    int       `json:"limit,omitempty"`
	Admitted int64     `json:"admitted"` // milliseconds of Unix time
}

// outcomesValue tells all replicas what became of a batch.
type outcomesValue struct {
	Outcomes []outcomeValue `json:"outcomes"`
}

type outcomeValue struct {
	ID      uuid.UUID     `json:"id"`
	Refusal *refusalValue `json:"refusal,omitempty"`
}

// Queue is the way of a hold request into the log and of its outcome back to whoever waits.
// Requests that come at the same time share a record, which is what makes a crowd cheap.
type Queue struct {
	client *daprclient.Client
	store  *daprclient.Store
	wait   time.Duration
	late   func(booking.Hold) // a hold that its buyer stopped waiting for

	mu      sync.Mutex
	waiting map[uuid.UUID]*waiter
	open    map[uuid.UUID]*record // by event: who comes now goes in here
	queue   []*record             // on their way into the log, the open ones among them
	queued  int                   // requests in there
	wake    chan struct{}
}

type waiter struct {
	hold  booking.Hold
	end   chan outcome
	since time.Time
}

// outcome is a decision, or that there will be none.
type outcome struct {
	refusal *refusalValue
	err     error
}

// record is requests of one event that go into the log together.
type record struct {
	event    uuid.UUID
	name     uuid.UUID // random; see lineName
	ids      []uuid.UUID
	requests []json.RawMessage
	size     int // of the payload, in bytes
}

// recordFrame is what a record's payload has around its requests.
const recordFrame = len(`{"requests":[]}`)

// maxRecordSize is how long a record may get.
var maxRecordSize = messages.MaxPayload(messages.HoldRequests, true)

// takes tells whether a record has room for another request of that size.
func (r *record) takes(size int) bool {
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
	lateKept     = 2 * time.Minute
)

// errTooLong is for a request that no message can carry. Names of places have limits, so that it
// does not happen.
var errTooLong = fault.New(fault.Invalid, "hold_too_large", "The request lists too many units.")

// ErrFull is for more requests than the log takes just now.
var ErrFull = fault.New(fault.Unavailable, "hold_line_full", "Too many hold requests at once. Please try again.").After(time.Second)

// NewQueue returns a line. late hears of holds whose buyers stopped waiting.
func NewQueue(client *daprclient.Client, late func(booking.Hold)) *Queue {
	return &Queue{
		client: client, store: client.Store(messages.Seats), wait: holdWait, late: late,
		waiting: map[uuid.UUID]*waiter{}, open: map[uuid.UUID]*record{}, wake: make(chan struct{}, 1),
	}
}

// Hold implements booking.HoldQueue.
func (l *Queue) Hold(ctx context.Context, r booking.QueuedHold) (booking.Hold, error) {
	w, err := l.enter(r)
	if err != nil {
		return r.Hold, err
	}
	timeout := time.NewTimer(l.wait)
	defer timeout.Stop()
	select {
	case o := <-w.end:
		if o.refusal != nil {
			return w.hold, o.refusal.Fault()
		}
		return w.hold, o.err
	case <-timeout.C:
		return w.hold, l.overdue(ctx, w.hold)
	case <-ctx.Done():
		return w.hold, booking.ErrStillWaiting.Because(ctx.Err())
	}
}

// enter puts a request into its event's open record, which names it.
func (l *Queue) enter(r booking.QueuedHold) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued >= maxQueued {
		return nil, ErrFull
	}
	now := time.Now()
	raw := encodeRequest(r, uuid.Max)
	if recordFrame+len(raw) > maxRecordSize {
		return nil, errTooLong
	}
	rec := l.open[r.Hold.Event]
	if rec == nil || !rec.takes(len(raw)) {
		name, err := uuid.NewRandom()
		if err != nil {
			return nil, err
		}
		rec = &record{event: r.Hold.Event, name: name}
		l.open[r.Hold.Event], l.queue = rec, append(l.queue, rec)
	}
	r.Hold.ID = RequestID(rec.name, len(rec.requests), now)
	rec.ids, rec.requests, rec.size = append(rec.ids, r.Hold.ID), append(rec.requests, encodeRequest(r, r.Hold.ID)), rec.size+len(raw)+len(",")
	l.queued++
	w := &waiter{hold: r.Hold, end: make(chan outcome, 1), since: now}
	l.waiting[r.Hold.ID] = w
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return w, nil
}

func encodeRequest(r booking.QueuedHold, id uuid.UUID) json.RawMessage {
	return wire.MustEncode(requestValue{ID: id, Hold: wire.FromHold(r.Hold), Limit: r.Limit, Admitted: r.Admitted.UnixMilli()})
}

// leaving takes the next records to go, which nobody can join any more.
func (l *Queue) leaving() []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), maxPublish)
	batch := l.queue[:n:n]
	l.queue = l.queue[n:]
	for _, rec := range batch {
		l.queued -= len(rec.requests)
		if l.open[rec.event] == rec {
			delete(l.open, rec.event)
		}
	}
	return batch
}

// overdue looks itself whether an outcome got lost, and otherwise leaves a note that the request
// is under way.
func (l *Queue) overdue(ctx context.Context, h booking.Hold) error {
	page, _, err := l.look(ctx, h.ID)
	if err != nil {
		return booking.ErrStillWaiting.Because(err)
	}
	if e, ok := page.Find(h.ID); ok && e.Refusal == nil {
		l.forget(h.ID)
		return nil
	}
	note := wire.MustEncode(refusalValue{Account: h.Account})
	if err := l.store.PutIf(ctx, VerdictKey(h.ID), note, "", verdictKept); err != nil {
		slog.DebugContext(ctx, "no note of a waiting request", "hold", h.ID, "error", err)
	}
	return l.Verdict(ctx, h.ID, h.Account)
}

// look reads a request's page, and the note that it is in line.
func (l *Queue) look(ctx context.Context, id uuid.UUID) (*Block, daprclient.Item, error) {
	items, err := daprclient.VerifiedReader{BulkReader: l.store}.GetBulk(ctx, []string{BlockKey(id), VerdictKey(id)})
	if err != nil {
		return nil, daprclient.Item{}, fault.Away("seats", err)
	}
	page, err := DecodeBlock(items[BlockKey(id)].Value)
	return page, items[VerdictKey(id)], err
}

// Verdict implements booking.HoldQueue.
func (l *Queue) Verdict(ctx context.Context, id uuid.UUID, account string) error {
	page, note, err := l.look(ctx, id)
	if err != nil {
		return err
	}
	if e, ok := page.Find(id); ok {
		switch {
		case e.Refusal == nil:
			return booking.ErrStillWaiting // held a moment ago: asked again, it is found
		case e.Refusal.Account != account:
			return booking.ErrHoldNotFound
		default:
			return e.Refusal.Fault()
		}
	}
	var v refusalValue
	if !note.Found {
		return booking.ErrHoldNotFound
	}
	if err := json.Unmarshal(note.Value, &v); err != nil {
		return err
	}
	if v.Account != account {
		return booking.ErrHoldNotFound
	}
	return booking.ErrStillWaiting
}

func (l *Queue) forget(id uuid.UUID) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waiting[id]
	delete(l.waiting, id)
	return w
}

// learn hands outcomes to those of this process who wait for them.
func (l *Queue) learn(_ context.Context, v outcomesValue) error {
	for _, o := range v.Outcomes {
		w := l.forget(o.ID)
		if w == nil {
			continue
		}
		w.end <- outcome{refusal: o.Refusal}
		if o.Refusal == nil && time.Since(w.since) > l.wait {
			l.late(w.hold)
		}
	}
	return nil
}

// Subscription brings outcomes back.
func (l *Queue) Subscription() daprclient.Subscription {
	return daprclient.On(messages.Broadcast, messages.HoldOutcomes, l.learn)
}

// Run writes requests into the log until ctx ends. Who comes alone goes at once; of a crowd goes
// together what gathered while the last ones went, and for publishEvery at least.
func (l *Queue) Run(ctx context.Context) error {
	sweep := time.NewTicker(lateKept / 4)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sweep.C:
			l.sweep()
		case <-l.wake:
			for batch := l.leaving(); len(batch) > 0; batch = l.leaving() {
				began := time.Now()
				l.send(ctx, batch)
				select {
				case <-ctx.Done():
				case <-time.After(publishEvery - time.Since(began)):
				}
			}
		}
	}
}

func (l *Queue) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, w := range l.waiting {
		if time.Since(w.since) > lateKept {
			delete(l.waiting, id)
		}
	}
}

func (l *Queue) send(ctx context.Context, batch []*record) {
	records := make([]daprclient.Message, len(batch))
	for i, rec := range batch {
		records[i] = daprclient.Message{Key: rec.event.String(), Payload: wire.MustEncode(recordValue{rec.requests}), Opaque: true}
	}
	failed, err := l.client.PublishBulk(ctx, messages.PubSub, messages.HoldRequests, records)
	for i, rec := range batch {
		if err == nil || (len(failed) > 0 && !slices.Contains(failed, i)) {
			continue
		}
		for _, id := range rec.ids {
			if w := l.forget(id); w != nil {
				w.end <- outcome{err: fault.Away("queue", errors.Join(err, errNotTaken))}
			}
		}
	}
}

var errNotTaken = errors.New("the log did not take the request")
