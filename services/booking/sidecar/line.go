package sidecar

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
)

// recordValue is a record of the log hold.requests, whose key is the event: the order of the log,
// and within a record that of its requests, is the order of decisions.
type recordValue struct {
	Requests []requestValue `json:"requests"`
}

type requestValue struct {
	ID       uuid.UUID `json:"id"`
	Hold     holdValue `json:"hold"`
	Limit    int       `json:"limit,omitempty"`
	Admitted int64     `json:"admitted"` // milliseconds of Unix time
}

// outcomesValue tells all replicas what became of a batch.
type outcomesValue struct {
	Outcomes []outcomeValue `json:"outcomes"`
}

type outcomeValue struct {
	ID      uuid.UUID     `json:"id"`
	Refusal *verdictValue `json:"refusal,omitempty"`
}

// Line is the way of a hold request into the log and of its outcome back to whoever waits.
// Requests that come at the same time share a record, which is what makes a crowd cheap.
type Line struct {
	client *sidecar.Client
	store  *sidecar.Store
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
	refusal *verdictValue
	err     error
}

// record is requests of one event that go into the log together.
type record struct {
	event    uuid.UUID
	name     uuid.UUID // random; see lineName
	requests []booking.HoldRequest
	units    int
}

// full tells whether a record has room for no other request.
func (r *record) full() bool { return len(r.requests) >= recordFull || r.units >= recordUnits }

var _ booking.Line = (*Line)(nil)

const (
	lineWait    = 4 * time.Second // of a buyer for the outcome; then: ask again
	lineBacklog = 10_000          // requests on their way into the log
	recordFull  = 128             // requests
	recordUnits = 512             // of all its requests: a record has to stay well below what the broker takes
	postMost    = 8               // records in one call to the sidecar
	postEvery   = 20 * time.Millisecond
	lateKept    = 2 * time.Minute
)

// ErrLineFull is for more requests than the log takes just now.
var ErrLineFull = fault.New(fault.Unavailable, "hold_line_full", "Too many requests at once; please try again.").After(time.Second)

// NewLine returns a line. late hears of holds whose buyers stopped waiting.
func NewLine(client *sidecar.Client, late func(booking.Hold)) *Line {
	return &Line{
		client: client, store: client.Store(event.Seats), wait: lineWait, late: late,
		waiting: map[uuid.UUID]*waiter{}, open: map[uuid.UUID]*record{}, wake: make(chan struct{}, 1),
	}
}

// Hold implements booking.Line.
func (l *Line) Hold(ctx context.Context, r booking.HoldRequest) (booking.Hold, error) {
	w, err := l.enter(r)
	if err != nil {
		return r.Hold, err
	}
	timeout := time.NewTimer(l.wait)
	defer timeout.Stop()
	select {
	case o := <-w.end:
		if o.refusal != nil {
			return w.hold, o.refusal.refusal()
		}
		return w.hold, o.err
	case <-timeout.C:
		return w.hold, l.overdue(ctx, w.hold)
	case <-ctx.Done():
		return w.hold, booking.ErrStillWaiting.Because(ctx.Err())
	}
}

// enter puts a request into its event's open record, which names it.
func (l *Line) enter(r booking.HoldRequest) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued >= lineBacklog {
		return nil, ErrLineFull
	}
	rec := l.open[r.Hold.Event]
	if rec == nil {
		name, err := uuid.NewRandom()
		if err != nil {
			return nil, err
		}
		rec = &record{event: r.Hold.Event, name: name}
		l.open[r.Hold.Event], l.queue = rec, append(l.queue, rec)
	}
	now := time.Now()
	r.Hold.ID = lineName(rec.name, len(rec.requests), now)
	rec.requests, rec.units = append(rec.requests, r), rec.units+len(r.Hold.Units)
	if rec.full() {
		delete(l.open, rec.event)
	}
	l.queued++
	w := &waiter{hold: r.Hold, end: make(chan outcome, 1), since: now}
	l.waiting[r.Hold.ID] = w
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return w, nil
}

// leaving takes the next records to go, which nobody can join any more.
func (l *Line) leaving() []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.queue), postMost)
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
func (l *Line) overdue(ctx context.Context, h booking.Hold) error {
	page, _, err := l.look(ctx, h.ID)
	if err != nil {
		return booking.ErrStillWaiting.Because(err)
	}
	if e, ok := page.find(h.ID); ok && e.Refusal == nil {
		l.forget(h.ID)
		return nil
	}
	note := mustEncode(verdictValue{Account: h.Account})
	if err := l.store.PutIf(ctx, VerdictKey(h.ID), note, "", verdictKept); err != nil {
		slog.DebugContext(ctx, "no note of a waiting request", "hold", h.ID, "error", err)
	}
	return l.Verdict(ctx, h.ID, h.Account)
}

// look reads a request's page, and the note that it is in line.
func (l *Line) look(ctx context.Context, id uuid.UUID) (*pageValue, sidecar.Item, error) {
	items, err := sure{l.store}.GetBulk(ctx, []string{PageKey(id), VerdictKey(id)})
	if err != nil {
		return nil, sidecar.Item{}, fault.Away("seats", err)
	}
	page, err := decodePage(items[PageKey(id)].Value)
	return page, items[VerdictKey(id)], err
}

// Verdict implements booking.Line.
func (l *Line) Verdict(ctx context.Context, id uuid.UUID, account string) error {
	page, note, err := l.look(ctx, id)
	if err != nil {
		return err
	}
	if e, ok := page.find(id); ok {
		switch {
		case e.Refusal == nil:
			return booking.ErrStillWaiting // held a moment ago: asked again, it is found
		case e.Refusal.Account != account:
			return booking.ErrHoldNotFound
		default:
			return e.Refusal.refusal()
		}
	}
	var v verdictValue
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

func (l *Line) forget(id uuid.UUID) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waiting[id]
	delete(l.waiting, id)
	return w
}

// learn hands outcomes to those of this process who wait for them.
func (l *Line) learn(_ context.Context, v outcomesValue) error {
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
func (l *Line) Subscription() sidecar.Subscription {
	return sidecar.On(event.Broadcast, event.HoldOutcomes, l.learn)
}

// Run writes requests into the log until ctx ends. Who comes alone goes at once; of a crowd goes
// together what gathered while the last ones went, and for postEvery at least.
func (l *Line) Run(ctx context.Context) error {
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
				case <-time.After(postEvery - time.Since(began)):
				}
			}
		}
	}
}

func (l *Line) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, w := range l.waiting {
		if time.Since(w.since) > lateKept {
			delete(l.waiting, id)
		}
	}
}

func (l *Line) send(ctx context.Context, batch []*record) {
	messages := make([]sidecar.Message, len(batch))
	for i, rec := range batch {
		v := recordValue{Requests: make([]requestValue, len(rec.requests))}
		for j, r := range rec.requests {
			v.Requests[j] = requestValue{ID: r.Hold.ID, Hold: holdOf(r.Hold), Limit: r.Limit, Admitted: r.Admitted.UnixMilli()}
		}
		messages[i] = sidecar.Message{Key: rec.event.String(), Payload: mustEncode(v), Opaque: true}
	}
	failed, err := l.client.PublishBulk(ctx, event.PubSub, event.HoldRequests, messages)
	for i, rec := range batch {
		if err == nil || (len(failed) > 0 && !slices.Contains(failed, i)) {
			continue
		}
		for _, r := range rec.requests {
			if w := l.forget(r.Hold.ID); w != nil {
				w.end <- outcome{err: fault.Away("queue", errors.Join(err, errNotTaken))}
			}
		}
	}
}

var errNotTaken = errors.New("the log did not take the request")

// Deciding is the highdemand-consumer's topics: hold requests in batches, in the order of the
// log, and bookings of events in high demand, which wait for no others.
func Deciding(d booking.Decider, crew *booking.Crew, client *sidecar.Client, announce func(event uuid.UUID, changes []booking.Change)) []sidecar.Subscription {
	return []sidecar.Subscription{
		{
			Component: event.PubSub, Topic: event.HoldRequests, Bulk: true, Max: 8, Wait: 5 * time.Millisecond,
			HandleBulk: func(ctx context.Context, batch []sidecar.Delivery) []error {
				return decideBatch(ctx, d, client, announce, batch)
			},
		},
		Requests(event.BookingRequestsPriority, crew),
	}
}

func decideBatch(ctx context.Context, d booking.Decider, client *sidecar.Client, announce func(uuid.UUID, []booking.Change), batch []sidecar.Delivery) []error {
	errs := make([]error, len(batch))
	var requests []booking.HoldRequest
	for i, delivery := range batch {
		of, err := requestsOf(delivery)
		errs[i] = err
		requests = append(requests, of...)
	}
	if len(requests) == 0 {
		return errs
	}
	verdicts, err := d.Decide(ctx, requests)
	if err != nil {
		for i := range errs {
			errs[i] = cmp.Or(errs[i], err) // all again, in the same order
		}
		return errs
	}
	var told outcomesValue
	held := map[uuid.UUID][]booking.Change{}
	for i, v := range verdicts {
		o := outcomeValue{ID: v.Hold}
		if v.Refusal != nil {
			refusal := verdictOf("", v.Refusal)
			o.Refusal = &refusal
		} else {
			h := requests[i].Hold
			held[h.Event] = append(held[h.Event], booking.HeldChanges(h)...)
		}
		told.Outcomes = append(told.Outcomes, o)
	}
	for id, changes := range held {
		announce(id, changes)
	}
	// Whoever misses this looks the outcome up.
	if err := client.Publish(ctx, event.Broadcast, event.HoldOutcomes, told.Outcomes[0].ID.String(), sidecar.Opaque(mustEncode(told))); err != nil {
		slog.WarnContext(ctx, "outcomes not told", "count", len(told.Outcomes), "error", err)
	}
	return errs
}

// requestsOf reads a record.
func requestsOf(d sidecar.Delivery) ([]booking.HoldRequest, error) {
	v, err := sidecar.Decode[recordValue](d)
	if err != nil {
		return nil, err
	}
	requests := make([]booking.HoldRequest, len(v.Requests))
	for i, r := range v.Requests {
		requests[i] = booking.HoldRequest{Hold: r.Hold.hold(r.ID), Limit: r.Limit, Admitted: time.UnixMilli(r.Admitted)}
	}
	return requests, nil
}
