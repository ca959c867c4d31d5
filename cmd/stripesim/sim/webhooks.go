package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// announce notes an event and, if the endpoint wants it, has it delivered once it is on disk.
func (t *transaction) announce(eventType string, o object) {
	e := &Event{head: t.head(), ID: newID("evt"), Type: eventType, Object: o, Request: t.request, Key: t.key, At: t.cfg.Now()}
	e.Pending = t.wants(eventType)
	t.state.add(e)
	t.put(e)
	if e.Pending {
		t.letters = append(t.letters, e)
	}
}

// Delivery.
const (
	deliveryTimeout = 20 * time.Second
	maxAttempts     = 16
	maxAtOnce       = 16
)

// pause is how long after a failed attempt the next comes. Stripe takes hours in the end; here
// nobody has them.
func pause(attempt int) time.Duration {
	return worker.Pause(500*time.Millisecond, time.Minute, attempt)
}

// postman delivers webhooks. Nothing promises their order, as with Stripe.
type postman struct {
	sim    *Simulator
	client *http.Client
	slots  chan struct{}

	mu    sync.Mutex
	ctx   context.Context // of Run; nil before
	early []*Event        // posted before Run
	rules []*rule
}

func newPostman(s *Simulator) *postman {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxAtOnce
	return &postman{sim: s, client: &http.Client{Timeout: deliveryTimeout, Transport: transport}, slots: make(chan struct{}, maxAtOnce)}
}

// run sends what is left from before, and from now on what is posted.
func (p *postman) run(ctx context.Context) {
	p.sim.mu.Lock()
	var left []*Event
	for _, e := range p.sim.state.Events {
		if e.Pending {
			left = append(left, e)
		}
	}
	p.sim.mu.Unlock()
	slices.SortFunc(left, func(a, b *Event) int { return int(a.Seq - b.Seq) })
	p.mu.Lock()
	p.ctx = ctx
	p.early = nil // they are among those left
	p.mu.Unlock()
	for _, e := range left {
		p.post(e)
	}
	<-ctx.Done()
}

// post has an event delivered, as the rules in force have it.
func (p *postman) post(e *Event) {
	p.mu.Lock()
	ctx := p.ctx
	if ctx == nil {
		p.early = append(p.early, e)
		p.mu.Unlock()
		return
	}
	r := p.match(e)
	p.mu.Unlock()
	if r == nil {
		go p.deliver(ctx, e, 0)
		return
	}
	switch r.Action {
	case dropping:
		p.settle(e)
	case doubling:
		for range r.Copies + 1 {
			go p.deliver(ctx, e, 0)
		}
	case delaying:
		go p.deliver(ctx, e, time.Duration(r.DelayMS)*time.Millisecond)
	case reordering:
		p.hold(ctx, r, e)
	}
}

// hold keeps events back until there are as many as the rule wants, or its time is over, and
// then lets them go from the last to the first, each after the one before.
func (p *postman) hold(ctx context.Context, r *rule, e *Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.held = append(r.held, e)
	release := func() {
		p.mu.Lock()
		held := r.held
		r.held = nil
		p.mu.Unlock()
		slices.Reverse(held)
		for _, e := range held {
			p.deliver(ctx, e, 0)
		}
	}
	switch {
	case len(r.held) >= r.Copies:
		go release()
	case len(r.held) == 1:
		time.AfterFunc(time.Duration(r.DelayMS)*time.Millisecond, release)
	}
}

// deliver sends an event until it is taken.
func (p *postman) deliver(ctx context.Context, e *Event, wait time.Duration) {
	for attempt := range maxAttempts {
		if worker.Sleep(ctx, wait) != nil {
			return
		}
		p.slots <- struct{}{}
		err := p.send(ctx, e)
		<-p.slots
		if err == nil {
			p.settle(e)
			return
		}
		if ctx.Err() != nil {
			return
		}
		slog.Info("webhook delivery failed", "event", e.ID, "type", e.Type, "attempt", attempt+1, "error", err)
		wait = pause(attempt)
	}
	slog.Warn("webhook delivery abandoned", "event", e.ID, "type", e.Type)
	p.settle(e)
}

func (p *postman) send(ctx context.Context, e *Event) error {
	s := p.sim
	s.mu.Lock()
	body := encode((&transaction{Simulator: s}).event(e))
	s.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Stripe-Signature", Sign(s.cfg.Now(), body, s.cfg.WebhookSecret))
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxForm)) // so that the connection is used again
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

// Sign makes the Stripe-Signature header of a body (https://docs.stripe.com/webhooks#verify-manually).
func Sign(at time.Time, body []byte, secret string) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// settle notes that an event needs no more delivering.
func (p *postman) settle(e *Event) {
	t := p.sim.begin()
	if e.Pending {
		e.Pending = false
		t.put(e)
	}
	t.end()
}

// The things that a rule does to webhooks.
const (
	dropping   = "drop"
	doubling   = "duplicate"
	delaying   = "delay"
	reordering = "reorder"
)

// rule has webhooks go wrong. It is for events of a type (payment_intent.*) that are about the
// intent, or carry the metadata, and for the next Times of them; 0: until it is removed.
type rule struct {
	ID       string            `json:"id"`
	Action   string            `json:"action"`
	Type     string            `json:"type,omitempty"`
	Intent   string            `json:"intent,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Times    int               `json:"times,omitempty"`
	Copies   int               `json:"copies,omitempty"`   // duplicate: so many more; reorder: so many together
	DelayMS  int64             `json:"delay_ms,omitempty"` // delay: by so much; reorder: wait at most so long

	used int
	held []*Event
}

func (r *rule) check() *refusal {
	switch r.Action {
	case dropping:
	case doubling:
		if r.Copies == 0 {
			r.Copies = 1
		}
	case delaying:
		if r.DelayMS <= 0 {
			return missing("delay_ms")
		}
	case reordering:
		if r.Copies == 0 {
			r.Copies = 2
		}
		if r.DelayMS == 0 {
			r.DelayMS = 3000
		}
	default:
		return malformed("", "action", "A rule's action is drop, duplicate, delay or reorder.")
	}
	return nil
}

// match finds the rule for an event, and uses it up. The caller holds the lock.
func (p *postman) match(e *Event) *rule {
	for i, r := range p.rules {
		if !r.covers(e) {
			continue
		}
		if r.used++; r.Times > 0 && r.used >= r.Times {
			p.rules = slices.Delete(p.rules, i, i+1)
		}
		return r
	}
	return nil
}

func (r *rule) covers(e *Event) bool {
	if r.Type != "" && !typed(e.Type, r.Type) {
		return false
	}
	if r.Intent != "" && e.Object["id"] != r.Intent && e.Object["payment_intent"] != r.Intent {
		return false
	}
	for k, v := range r.Metadata {
		if metadataOf(e.Object)[k] != v {
			return false
		}
	}
	return true
}

func metadataOf(o object) map[string]any {
	switch m := o["metadata"].(type) {
	case object:
		return m
	case map[string]any: // as read from disk
		return m
	}
	return nil
}
