package rolling

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// sale is an event that people buy tickets for all the time.
type sale struct {
	t      *testing.T
	p      *harness.Platform
	event  string
	typ    string
	client *http.Client

	mu       sync.Mutex
	failures []string
	bought   []uuid.UUID
	skipped  int
	next     int // place to stand
	buyers   chan *buyer
	group    sync.WaitGroup
}

// buyer has an account, and buys one ticket at a time.
type buyer struct {
	email  string
	token  string
	signed time.Time
}

const (
	merchant = "merchant@foyer.test"
	capacity = 20_000
	patience = 60 * time.Second // of a buyer for their tickets

	pollEvery = 400 * time.Millisecond // the state of a booking that is not confirmed yet
)

func open(t *testing.T, p *harness.Platform, buyers int) *sale {
	t.Helper()
	s := &sale{t: t, p: p, buyers: make(chan *buyer, buyers), client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: buyers},
	}}
	token := p.Token(t, merchant)
	var made struct {
		ID          string
		TicketTypes []struct{ ID string }
	}
	s.must(token, http.MethodPost, "/api/v1/venues", map[string]any{"name": "Rolling Hall", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}, &made)
	starts := time.Now().AddDate(0, 2, 0).UTC().Truncate(time.Hour)
	s.must(token, http.MethodPost, "/api/v1/events", map[string]any{
		"name": "Rolling on", "venue": made.ID, "category": "music", "startsAt": starts, "endsAt": starts.Add(3 * time.Hour), "maxPerAccount": 200,
		"ticketTypes": []any{map[string]any{"name": "Standing", "price": map[string]any{"amount": 2500, "currency": "EUR"}, "capacity": capacity}},
	}, &made)
	s.must(token, http.MethodPost, "/api/v1/events/"+made.ID+"/publish", nil, &made)
	s.event, s.typ = made.ID, made.TicketTypes[0].ID
	for i := range buyers {
		b := &buyer{email: fmt.Sprintf("load-%04d@foyer.test", 1+i)}
		if err := s.signIn(b); err != nil {
			t.Fatal(err)
		}
		s.buyers <- b
	}
	return s
}

func (s *sale) signIn(b *buyer) (err error) {
	if time.Since(b.signed) < 2*time.Minute {
		return nil
	}
	b.token, err = s.p.SignIn(b.email)
	b.signed = time.Now()
	return err
}

// ask sends one request, once, as a client without special care does.
func (s *sale) ask(token, method, path string, body any) (status int, answer []byte, err error) {
	var raw []byte
	if body != nil {
		if raw, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.p.URL()+path, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

func (s *sale) must(token, method, path string, body, out any) {
	s.t.Helper()
	status, answer, err := s.ask(token, method, path, body)
	if err == nil && status/100 == 2 {
		err = json.Unmarshal(answer, out)
	}
	if err != nil || status/100 != 2 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
}

// expect is ask for a request that has to succeed.
func (s *sale) expect(token, method, path string, body, out any) error {
	began := time.Now()
	status, answer, err := s.ask(token, method, path, body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%d %s", status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("%s %s %s after %s: %w", began.Format("15:04:05.000"), method, path, time.Since(began).Round(time.Millisecond), err)
	}
	return nil
}

func (s *sale) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, err.Error())
}

// run offers purchases at a rate until ctx ends, and returns when those begun are done. One for
// which no buyer is free is not made up for: a machine that bears less sells less.
func (s *sale) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			s.group.Wait()
			return
		case <-tick.C:
		}
		select {
		case b := <-s.buyers:
			place := s.next
			if s.next++; place >= capacity {
				s.fail(errors.New("sold out: the test needs a larger capacity"))
				return
			}
			s.group.Go(func() {
				defer func() { s.buyers <- b }()
				id, err := s.purchase(b, place+1)
				if err != nil {
					s.fail(fmt.Errorf("%s: %w", b.email, err))
					return
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.bought = append(s.bought, id)
			})
		default:
			s.skipped++
		}
	}
}

// purchase is what the web application does, without its care: nothing is asked twice.
func (s *sale) purchase(b *buyer, place int) (uuid.UUID, error) {
	if err := s.signIn(b); err != nil {
		return uuid.Nil, err
	}
	for i, path := range []string{"/api/v1/events/" + s.event, "/api/v1/events/" + s.event + "/seats", "/api/v1/me", "/api/v1/search?q=rolling"} {
		if i > 0 && (place+i)%3 != 0 { // others look around more than they buy, and most of that comes from caches
			continue
		}
		if err := s.expect(b.token, http.MethodGet, path, nil, nil); err != nil {
			return uuid.Nil, err
		}
	}
	var hold struct{ ID uuid.UUID }
	err := s.expect(b.token, http.MethodPost, "/api/v1/events/"+s.event+"/holds", map[string]any{"units": []string{fmt.Sprintf("%s-%d", s.typ, place)}}, &hold)
	if err != nil {
		return uuid.Nil, err
	}
	var booking struct {
		ID      uuid.UUID
		Status  string
		Reason  string
		Payment struct{ Intent, ClientSecret, PublishableKey string }
	}
	if err := s.expect(b.token, http.MethodPost, "/api/v1/bookings", map[string]any{"hold": hold.ID}, &booking); err != nil {
		return uuid.Nil, err
	}
	paid := false
	for end := time.Now().Add(patience); booking.Status != "confirmed"; {
		if time.Now().After(end) || booking.Status == "failed" || booking.Status == "expired" {
			return uuid.Nil, fmt.Errorf("booking %s is %s (%s)", booking.ID, booking.Status, booking.Reason)
		}
		if booking.Status == "awaiting_payment" && !paid {
			form := url.Values{"key": {booking.Payment.PublishableKey}, "client_secret": {booking.Payment.ClientSecret}, "payment_method": {"pm_card_visa"}}
			res, err := s.client.PostForm(s.p.StripesimURL()+"/v1/payment_intents/"+booking.Payment.Intent+"/confirm", form)
			if err != nil {
				return uuid.Nil, fmt.Errorf("card: %w", err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return uuid.Nil, fmt.Errorf("card: %s", res.Status)
			}
			paid = true
		}
		time.Sleep(pollEvery)
		if err := s.expect(b.token, http.MethodGet, "/api/v1/bookings/"+booking.ID.String(), nil, &booking); err != nil {
			return uuid.Nil, err
		}
	}
	return booking.ID, nil
}

// watcher follows the seat map as a browser's EventSource does: a stream that ends is opened anew
// after the pause that it was told, with the id of the last event.
type watcher struct {
	s *sale

	mu    sync.Mutex
	state map[string]string // of the units that are not available
	opens int
}

func (w *watcher) run(ctx context.Context) {
	last, pause := "", 2*time.Second
	for ctx.Err() == nil {
		w.follow(ctx, &last, &pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (w *watcher) follow(ctx context.Context, last *string, pause *time.Duration) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.s.p.URL()+"/api/v1/events/"+w.s.event+"/seats/stream", nil)
	if err != nil {
		w.s.fail(err)
		return
	}
	if *last != "" {
		req.Header.Set("Last-Event-ID", *last)
	}
	res, err := (&http.Client{Transport: w.s.client.Transport}).Do(req)
	if err != nil {
		if ctx.Err() == nil {
			w.s.fail(fmt.Errorf("stream: %w", err))
		}
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.s.fail(fmt.Errorf("stream: %s", res.Status))
		return
	}
	w.mu.Lock()
	w.opens++
	w.mu.Unlock()
	lines := bufio.NewReader(res.Body)
	var kind, id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "retry":
			if d, err := time.ParseDuration(value + "ms"); err == nil {
				*pause = d
			}
		case "event":
			kind = value
		case "id":
			id = value
		case "data":
			data += value
		case "":
			if data != "" {
				if err := w.take(kind, data); err != nil {
					w.s.fail(fmt.Errorf("stream: %s: %w", kind, err))
				}
				*last = id
			}
			kind, data = "", ""
		}
	}
}

func (w *watcher) take(kind, data string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind {
	case "snapshot":
		var m struct {
			Units  []string
			States string
		}
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			return err
		}
		if len(m.Units) != capacity || len(m.States) != capacity {
			return fmt.Errorf("%d units, %d states", len(m.Units), len(m.States))
		}
		w.state = map[string]string{}
		for i, unit := range m.Units {
			w.set(unit, m.States[i:i+1])
		}
	case "delta":
		var d struct{ Changes [][2]string }
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			return err
		}
		if w.state == nil {
			return errors.New("before a snapshot")
		}
		for _, c := range d.Changes {
			w.set(c[0], c[1])
		}
	}
	return nil
}

func (w *watcher) set(unit, state string) {
	if state == "a" {
		delete(w.state, unit)
		return
	}
	w.state[unit] = state
}

// agrees compares what the watcher was told with the store.
func (w *watcher) agrees(e harness.Evidence) error {
	truth := map[string]string{}
	for _, seat := range e.Seats {
		if seat.Event.String() == w.s.event {
			truth[seat.Unit] = seat.State
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if maps.Equal(truth, w.state) {
		return nil
	}
	var wrong []string
	for unit, state := range truth {
		if w.state[unit] != state {
			wrong = append(wrong, fmt.Sprintf("%s is %q, shown as %q", unit, state, w.state[unit]))
		}
	}
	for unit, state := range w.state {
		if truth[unit] == "" {
			wrong = append(wrong, fmt.Sprintf("%s is available, shown as %q", unit, state))
		}
	}
	slices.Sort(wrong)
	return fmt.Errorf("%d units differ: %s", len(wrong), strings.Join(wrong[:min(len(wrong), 5)], "; "))
}
