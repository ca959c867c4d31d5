package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
)

// requestValue is a hold request in the log hold.requests, whose key is the event: the order of
// the log is the order of decisions.
type requestValue struct {
	ID       uuid.UUID       `json:"id"`
	Hold     json.RawMessage `json:"hold"`
	Limit    int             `json:"limit,omitempty"`
	Admitted int64           `json:"admitted"` // milliseconds of Unix time
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
type Line struct {
	client *sidecar.Client
	store  *sidecar.Store
	wait   time.Duration
	late   func(booking.Hold) // a hold that its buyer stopped waiting for

	mu      sync.Mutex
	waiting map[uuid.UUID]*waiter
	inbox   chan *posting
}

type waiter struct {
	hold    booking.Hold
	outcome chan outcomeValue
	since   time.Time
}

// posting is a request on its way into the log.
type posting struct {
	message sidecar.Message
	done    chan error
}

var _ booking.Line = (*Line)(nil)

const (
	lineWait    = 4 * time.Second // of a buyer for the outcome; then: ask again
	lineBacklog = 10_000          // requests on their way into the log
	postMost    = 100             // in one call to the sidecar
	posters     = 2
	lateKept    = 2 * time.Minute
)

// ErrLineFull is for more requests than the log takes just now.
var ErrLineFull = fault.New(fault.Unavailable, "hold_line_full", "Too many requests at once; please try again.").After(time.Second)

// NewLine returns a line. late hears of holds whose buyers stopped waiting.
func NewLine(client *sidecar.Client, late func(booking.Hold)) *Line {
	return &Line{
		client: client, store: client.Store(event.Seats), wait: lineWait, late: late,
		waiting: map[uuid.UUID]*waiter{}, inbox: make(chan *posting, lineBacklog),
	}
}

// Hold implements booking.Line.
func (l *Line) Hold(ctx context.Context, r booking.HoldRequest) error {
	raw, err := json.Marshal(requestValue{ID: r.Hold.ID, Hold: EncodeHold(r.Hold), Limit: r.Limit, Admitted: r.Admitted.UnixMilli()})
	if err != nil {
		return err
	}
	w := &waiter{hold: r.Hold, outcome: make(chan outcomeValue, 1), since: time.Now()}
	l.mu.Lock()
	l.waiting[r.Hold.ID] = w
	l.mu.Unlock()
	p := &posting{message: sidecar.Message{Key: r.Hold.Event.String(), Payload: raw}, done: make(chan error, 1)}
	select {
	case l.inbox <- p:
	default:
		l.forget(r.Hold.ID)
		return ErrLineFull
	}
	timeout := time.NewTimer(l.wait)
	defer timeout.Stop()
	for {
		select {
		case err := <-p.done:
			if err != nil {
				l.forget(r.Hold.ID)
				return fault.Away("queue", err)
			}
		case o := <-w.outcome:
			if o.Refusal != nil {
				return o.Refusal.refusal()
			}
			return nil
		case <-timeout.C:
			return l.overdue(ctx, r.Hold)
		case <-ctx.Done():
			return booking.ErrStillWaiting.Because(ctx.Err())
		}
	}
}

// overdue looks itself whether an outcome got lost, and otherwise leaves a note that the request
// is under way, which the decision writes over.
func (l *Line) overdue(ctx context.Context, h booking.Hold) error {
	items, err := l.store.GetBulk(ctx, []string{HoldKey(h.ID), VerdictKey(h.ID)})
	if err != nil {
		return booking.ErrStillWaiting.Because(err)
	}
	if _, held := items[HoldKey(h.ID)]; held {
		l.forget(h.ID)
		return nil
	}
	note := mustEncode(verdictValue{Account: h.Account, Pending: true})
	if err := l.store.PutIf(ctx, VerdictKey(h.ID), note, "", verdictKept); err != nil {
		slog.DebugContext(ctx, "no note of a waiting request", "hold", h.ID, "error", err) // decided meanwhile
	}
	return l.Verdict(ctx, h.ID, h.Account)
}

// Verdict implements booking.Line.
func (l *Line) Verdict(ctx context.Context, id uuid.UUID, account string) error {
	item, err := l.store.Get(ctx, VerdictKey(id))
	if err != nil {
		return fault.Away("seats", err)
	}
	if !item.Found {
		return booking.ErrHoldNotFound
	}
	var v verdictValue
	if err := json.Unmarshal(item.Value, &v); err != nil {
		return err
	}
	switch {
	case v.Account != account:
		return booking.ErrHoldNotFound
	case v.Pending:
		return booking.ErrStillWaiting
	default:
		return v.refusal()
	}
}

func (l *Line) forget(id uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, id)
}

// learn hands outcomes to those of this process who wait for them.
func (l *Line) learn(_ context.Context, v outcomesValue) error {
	for _, o := range v.Outcomes {
		l.mu.Lock()
		w := l.waiting[o.ID]
		delete(l.waiting, o.ID)
		l.mu.Unlock()
		if w == nil {
			continue
		}
		w.outcome <- o
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

// Run writes requests into the log until ctx ends: whatever gathered while the last call was
// under way goes together.
func (l *Line) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() { l.post(ctx) })
	}
	sweep := time.NewTicker(lateKept / 4)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return ctx.Err()
		case <-sweep.C:
			l.sweep()
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

func (l *Line) post(ctx context.Context) {
	for {
		var batch []*posting
		select {
		case <-ctx.Done():
			return
		case p := <-l.inbox:
			batch = append(batch, p)
		}
	gather:
		for len(batch) < postMost {
			select {
			case p := <-l.inbox:
				batch = append(batch, p)
			default:
				break gather
			}
		}
		l.send(ctx, batch)
	}
}

func (l *Line) send(ctx context.Context, batch []*posting) {
	messages := make([]sidecar.Message, len(batch))
	for i, p := range batch {
		messages[i] = p.message
	}
	failed, err := l.client.PublishBulk(ctx, event.PubSub, event.HoldRequests, messages)
	bad := map[int]bool{}
	for _, i := range failed {
		bad[i] = true
	}
	for i, p := range batch {
		if bad[i] || (err != nil && len(failed) == 0) {
			p.done <- errors.Join(err, errNotTaken)
			continue
		}
		p.done <- nil
	}
}

var errNotTaken = errors.New("the log did not take the request")

// Deciding is the highdemand-consumer's topics: hold requests in batches, in the order of the
// log, and bookings of events in high demand, which wait for no others.
func Deciding(d booking.Decider, crew *booking.Crew, client *sidecar.Client, announce func(event uuid.UUID, changes []booking.Change)) []sidecar.Subscription {
	return []sidecar.Subscription{
		{
			Component: event.PubSub, Topic: event.HoldRequests, Bulk: true, Max: 200, Wait: 5 * time.Millisecond,
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
	var index []int
	for i, delivery := range batch {
		r, err := requestOf(delivery)
		if err != nil {
			errs[i] = err
			continue
		}
		requests, index = append(requests, r), append(index, i)
	}
	if len(requests) == 0 {
		return errs
	}
	verdicts, err := d.Decide(ctx, requests)
	if err != nil {
		for _, i := range index {
			errs[i] = err // all again, in the same order
		}
		return errs
	}
	var told outcomesValue
	for i, v := range verdicts {
		o := outcomeValue{ID: v.Hold}
		if v.Refusal != nil {
			refusal := verdictOf("", v.Refusal)
			o.Refusal = &refusal
		}
		told.Outcomes = append(told.Outcomes, o)
		if v.Refusal == nil {
			h := requests[i].Hold
			announce(h.Event, booking.HeldChanges(h))
		}
	}
	// Whoever misses this looks the outcome up.
	if err := client.Publish(ctx, event.Broadcast, event.HoldOutcomes, told.Outcomes[0].ID.String(), told); err != nil {
		slog.WarnContext(ctx, "outcomes not told", "count", len(told.Outcomes), "error", err)
	}
	return errs
}

func requestOf(d sidecar.Delivery) (booking.HoldRequest, error) {
	v, err := sidecar.Decode[requestValue](d)
	if err != nil {
		return booking.HoldRequest{}, err
	}
	h, err := DecodeHold(v.ID, v.Hold)
	if err != nil {
		return booking.HoldRequest{}, fault.New(fault.Malformed, "malformed_message", "A hold request could not be read.").Because(err)
	}
	return booking.HoldRequest{Hold: h, Limit: v.Limit, Admitted: time.UnixMilli(v.Admitted)}, nil
}
