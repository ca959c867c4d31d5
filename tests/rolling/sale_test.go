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

// sale is two events that people buy tickets for all the time, the one in high demand, and tickets that they give back.
type sale struct {
	t      *testing.T
	p      *harness.Platform
	plain  *show
	wanted *show // in high demand
	client *http.Client

	mu       sync.Mutex
	failures []string
	bought   map[uuid.UUID]bool // whether it was given back

	purchases, rushed, refunds work
}

// show is an event. All its places are alike.
type show struct {
	event, typ string
	capacity   int
	price      int64
}

// work counts one thing that people do.
type work struct {
	offered, skipped int // of those offered, for which no buyer was free

	begun, finished int
	marked, since   int // how many had begun at the mark, and how many of those that began since are finished
}

func (w *work) String() string {
	return fmt.Sprintf("%d offered, %d begun, %d finished, %d skipped", w.offered, w.begun, w.finished, w.skipped)
}

// buyer has an account, and buys one ticket at a time.
type buyer struct {
	email  string
	token  string
	signed time.Time
}

const (
	merchant = "merchant@foyer.test"
	patience = 60 * time.Second // of a buyer for their tickets, their turn, or their money

	pollEvery   = 400 * time.Millisecond // the state of a booking that is not confirmed yet
	refundEvery = 4                      // purchases, of which one is given back
)

func open(t *testing.T, p *harness.Platform) *sale {
	t.Helper()
	s := &sale{t: t, p: p, bought: map[uuid.UUID]bool{}, client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: buyers},
	}}
	s.plain = s.publish("Rolling on", 20_000, 2500, false)
	s.wanted = s.publish("Rolling rush", 2000, 4000, true)
	token := p.Token(t, merchant)
	s.must(token, http.MethodPatch, "/api/v1/events/"+s.wanted.event+"/queue/settings", map[string]any{"rate": 20}, nil)
	return s
}

func (s *sale) publish(name string, capacity int, price int64, highDemand bool) *show {
	s.t.Helper()
	token := s.p.Token(s.t, merchant)
	var made struct {
		ID          string
		TicketTypes []struct{ ID string }
	}
	s.must(token, http.MethodPost, "/api/v1/venues", map[string]any{"name": name + " Hall", "city": "Wien", "country": "AT", "timeZone": "Europe/Vienna"}, &made)
	starts := time.Now().AddDate(0, 2, 0).UTC().Truncate(time.Hour)
	s.must(token, http.MethodPost, "/api/v1/events", map[string]any{
		"name": name, "venue": made.ID, "category": "music", "startsAt": starts, "endsAt": starts.Add(3 * time.Hour), "maxPerAccount": 200,
		"highDemand": highDemand, "salesStart": time.Now().Add(-time.Hour).UTC(),
		"ticketTypes": []any{map[string]any{"name": "Standing", "price": map[string]any{"amount": price, "currency": "EUR"}, "capacity": capacity}},
	}, &made)
	s.must(token, http.MethodPost, "/api/v1/events/"+made.ID+"/publish", nil, &made)
	return &show{made.ID, made.TicketTypes[0].ID, capacity, price}
}

// crowd signs people in, from the first account on.
func (s *sale) crowd(first, n int) chan *buyer {
	crowd := make(chan *buyer, n)
	for i := range n {
		b := &buyer{email: fmt.Sprintf("load-%04d@foyer.test", first+i)}
		harness.Eventually(s.t, time.Minute, b.email+" signs in", func() error { return s.signIn(b) })
		crowd <- b
	}
	return crowd
}

func (s *sale) signIn(b *buyer) error {
	if time.Since(b.signed) < 2*time.Minute {
		return nil
	}
	token, err := s.p.SignIn(b.email)
	if err == nil {
		b.token, b.signed = token, time.Now()
	}
	return err
}

// ask sends one request, once, as a client without special care does. What changes something has a key, as the web
// application gives it one: where a connection that was kept is closed just when a request is sent on it, Go's
// client sends that again, as browsers do.
func (s *sale) ask(token, method, path string, body any, header ...string) (status int, answer []byte, err error) {
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
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", uuid.NewString())
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
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
	if _, err := s.expect(token, method, path, body, out); err != nil {
		s.t.Fatal(err)
	}
}

// expect is ask for a request that has to succeed.
func (s *sale) expect(token, method, path string, body, out any, header ...string) (status int, err error) {
	began := time.Now()
	status, answer, err := s.ask(token, method, path, body, header...)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%d %s", status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return status, fmt.Errorf("%s %s %s after %s: %w", began.Format("15:04:05.000"), method, path, time.Since(began).Round(time.Millisecond), err)
	}
	return status, nil
}

func (s *sale) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, err.Error())
}

// count does one piece of work, the nth of its kind, and tells whether it came to its end.
func (s *sale) count(w *work, who string, do func(n int) error) bool {
	s.mu.Lock()
	w.begun++
	n := w.begun
	s.mu.Unlock()
	if err := do(n); err != nil {
		s.fail(fmt.Errorf("%s: %w", who, err))
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.finished++
	if n > w.marked {
		w.since++
	}
	return true
}

// mark begins to count what is begun and finished from now on.
func (s *sale) mark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range []*work{&s.purchases, &s.rushed, &s.refunds} {
		w.marked, w.since = w.begun, 0
	}
}

// floor of each kind of work: purchases, those in high demand, refunds.
type floor [3]int

// underWay tells whether of each kind so many are begun and not finished.
func (s *sale) underWay(least floor) error {
	return s.compare("under way", least, func(w *work) int { return w.begun - w.finished })
}

// sinceMark tells whether of each kind so many were begun and finished since the mark.
func (s *sale) sinceMark(least floor) error {
	return s.compare("begun and finished", least, func(w *work) int { return w.since })
}

func (s *sale) compare(what string, least floor, of func(*work) int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have := floor{of(&s.purchases), of(&s.rushed), of(&s.refunds)}
	for i := range least {
		if have[i] < least[i] {
			return fmt.Errorf("%v purchases, purchases in high demand and refunds %s, not %v", have, what, least)
		}
	}
	return nil
}

// run offers work at a rate until ctx ends, and returns when what was begun is done. What no buyer is free for
// is not made up for: a machine that bears less sells less.
func (s *sale) run(ctx context.Context, every time.Duration, w *work, crowd chan *buyer, do func(b *buyer, n int) (uuid.UUID, error)) {
	var group sync.WaitGroup
	defer group.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case b := <-crowd:
			s.offer(w, true)
			group.Go(func() {
				defer func() { crowd <- b }()
				s.buy(w, b, do)
			})
		default:
			s.offer(w, false)
		}
	}
}

func (s *sale) offer(w *work, taken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.offered++; !taken {
		w.skipped++
	}
}

// buy has somebody buy a ticket, and give some of them back.
func (s *sale) buy(w *work, b *buyer, do func(b *buyer, n int) (uuid.UUID, error)) {
	var booking uuid.UUID
	back := false
	bought := s.count(w, b.email, func(n int) error {
		if err := s.signIn(b); err != nil {
			return err
		}
		id, err := do(b, n)
		if err != nil {
			return err
		}
		booking, back = id, n%refundEvery == 0
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bought[id] = false
		return nil
	})
	if !bought || !back {
		return
	}
	s.count(&s.refunds, b.email, func(int) error {
		if err := s.refund(b, booking); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bought[booking] = true
		return nil
	})
}

// purchase is what the web application does, without its care: nothing is asked twice.
func (s *sale) purchase(b *buyer, place int) (uuid.UUID, error) {
	if place > s.plain.capacity {
		return uuid.Nil, errors.New("sold out: the test needs a larger capacity")
	}
	address := "/api/v1/events/" + s.plain.event
	for i, path := range []string{address, address + "/seats", "/api/v1/me", "/api/v1/search?q=rolling", "/api/v1/notifications"} {
		if i > 0 && (place+i)%3 != 0 { // others look around more than they buy, and most of that comes from caches
			continue
		}
		if _, err := s.expect(b.token, http.MethodGet, path, nil, nil); err != nil {
			return uuid.Nil, err
		}
	}
	var hold struct{ ID uuid.UUID }
	_, err := s.expect(b.token, http.MethodPost, address+"/holds", map[string]any{"units": []string{fmt.Sprintf("%s-%d", s.plain.typ, place)}}, &hold)
	if err != nil {
		return uuid.Nil, err
	}
	return s.pay(b, hold.ID)
}

// place is where somebody stands in a line.
type place struct{ Place, State string }

// rush is a purchase through the waiting room.
func (s *sale) rush(b *buyer, _ int) (uuid.UUID, error) {
	pass, err := s.enter(b)
	if err != nil {
		return uuid.Nil, err
	}
	var hold struct{ ID uuid.UUID }
	status, err := s.expect(b.token, http.MethodPost, "/api/v1/events/"+s.wanted.event+"/holds",
		map[string]any{"items": []any{map[string]any{"ticketType": s.wanted.typ, "quantity": 1}}}, &hold, "Admission-Pass", pass)
	for end := time.Now().Add(patience); err == nil && status == http.StatusAccepted; {
		if time.Now().After(end) {
			return uuid.Nil, fmt.Errorf("hold %s is not decided", hold.ID)
		}
		time.Sleep(pollEvery)
		status, err = s.expect(b.token, http.MethodGet, "/api/v1/holds/"+hold.ID.String(), nil, &hold)
	}
	if err != nil {
		return uuid.Nil, err
	}
	return s.pay(b, hold.ID)
}

// enter joins the line, waits, and takes the turn.
func (s *sale) enter(b *buyer) (pass string, err error) {
	queue := "/api/v1/events/" + s.wanted.event + "/queue"
	var mine place
	end := time.Now().Add(patience)
	// Who has bought is still inside until the waiting room has heard of it.
	for mine.State = "admitted"; mine.State == "admitted"; {
		if mine.Place != "" {
			time.Sleep(pollEvery)
		}
		if time.Now().After(end) {
			return "", errors.New("a pass that bought a ticket is not used up")
		}
		if _, err := s.expect(b.token, http.MethodPost, queue, nil, &mine); err != nil {
			return "", err
		}
	}
	for time.Now().Before(end) {
		if mine.State != "your_turn" {
			time.Sleep(pollEvery)
			if _, err := s.expect(b.token, http.MethodGet, queue, nil, &mine, "Queue-Place", mine.Place); err != nil {
				return "", err
			}
			continue
		}
		var admitted struct{ Pass string }
		status, err := s.expect(b.token, http.MethodPost, queue+"/admission", nil, &admitted, "Queue-Place", mine.Place)
		if status != http.StatusTooEarly {
			return admitted.Pass, err
		}
		mine.State = "" // another replica has yet to hear of it
	}
	return "", errors.New("the turn does not come")
}

// pay checks out, pays, and waits for the tickets.
func (s *sale) pay(b *buyer, hold uuid.UUID) (uuid.UUID, error) {
	var booking struct {
		ID      uuid.UUID
		Status  string
		Reason  string
		Payment struct{ Intent, ClientSecret, PublishableKey string }
	}
	if _, err := s.expect(b.token, http.MethodPost, "/api/v1/bookings", map[string]any{"hold": hold}, &booking); err != nil {
		return uuid.Nil, err
	}
	paid := false
	for end := time.Now().Add(patience); booking.Status != "confirmed"; {
		if time.Now().After(end) || booking.Status == "failed" || booking.Status == "expired" {
			return uuid.Nil, fmt.Errorf("booking %s is %s (%s)", booking.ID, booking.Status, booking.Reason)
		}
		if booking.Status == "awaiting_payment" && !paid {
			if err := s.confirm(booking.Payment.Intent, booking.Payment.ClientSecret, booking.Payment.PublishableKey); err != nil {
				return uuid.Nil, err
			}
			paid = true
		}
		time.Sleep(pollEvery)
		if _, err := s.expect(b.token, http.MethodGet, "/api/v1/bookings/"+booking.ID.String(), nil, &booking); err != nil {
			return uuid.Nil, err
		}
	}
	return booking.ID, nil
}

// confirm is the card form at the provider.
func (s *sale) confirm(intent, secret, key string) error {
	form := url.Values{"key": {key}, "client_secret": {secret}, "payment_method": {"pm_card_visa"}}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.p.StripesimURL()+"/v1/payment_intents/"+intent+"/confirm", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", uuid.NewString())
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(res.Body)
		return fmt.Errorf("card: %s %s", res.Status, answer)
	}
	return nil
}

// refund gives a booking back, and waits for the money.
func (s *sale) refund(b *buyer, id uuid.UUID) error {
	address := "/api/v1/bookings/" + id.String()
	if _, err := s.expect(b.token, http.MethodPost, address+"/refunds", map[string]any{}, nil); err != nil {
		return err
	}
	var booking struct{ Status string }
	for end := time.Now().Add(patience); booking.Status != "refunded"; {
		if time.Now().After(end) {
			return fmt.Errorf("booking %s is %s, not refunded", id, booking.Status)
		}
		time.Sleep(pollEvery)
		if _, err := s.expect(b.token, http.MethodGet, address, nil, &booking); err != nil {
			return err
		}
	}
	return nil
}

// money compares what the provider has with what people were told: what was given back is back, all else was taken.
func (s *sale) money(e harness.Evidence) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := 0
	for _, i := range e.Intents {
		back, ours := s.bought[i.Metadata.Booking]
		if !ours {
			continue
		}
		seen++
		price := s.plain.price
		if e.Bookings[i.Metadata.Booking].Event.String() == s.wanted.event {
			price = s.wanted.price
		}
		refunded := int64(0)
		if back {
			refunded = price
		}
		if i.Captured != price || i.Refunded != refunded {
			return fmt.Errorf("booking %s: %d taken, %d given back, not %d and %d", i.Metadata.Booking, i.Captured, i.Refunded, price, refunded)
		}
	}
	if seen != len(s.bought) {
		return fmt.Errorf("%d of %d bookings were paid", seen, len(s.bought))
	}
	return nil
}

// told compares the messages that people got with what they did.
func (s *sale) told(crowds ...chan *buyer) error {
	told := map[string]bool{}
	for _, crowd := range crowds {
		for range len(crowd) {
			b := <-crowd
			crowd <- b
			if err := s.signIn(b); err != nil {
				return err
			}
			for cursor := "-"; cursor != ""; {
				var page struct {
					Items []struct {
						Kind    string
						Booking uuid.UUID
					}
					Next string
				}
				address := "/api/v1/notifications?limit=100"
				if cursor != "-" {
					address += "&cursor=" + url.QueryEscape(cursor)
				}
				if _, err := s.expect(b.token, http.MethodGet, address, nil, &page); err != nil {
					return err
				}
				for _, m := range page.Items {
					told[m.Kind+m.Booking.String()] = true
				}
				cursor = page.Next
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, back := range s.bought {
		if !told["booking_confirmed"+id.String()] {
			return fmt.Errorf("nobody was told that booking %s is confirmed", id)
		}
		if back && !told["booking_refunded"+id.String()] {
			return fmt.Errorf("nobody was told that booking %s is refunded", id)
		}
	}
	return nil
}

// watcher follows the seat map as a browser's EventSource does: a stream that ends is opened anew
// after the pause that it was told, with the id of the last event.
type watcher struct {
	s    *sale
	show *show

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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.s.p.URL()+"/api/v1/events/"+w.show.event+"/seats/stream", nil)
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
		if len(m.Units) != w.show.capacity || len(m.States) != w.show.capacity {
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
		if seat.Event.String() == w.show.event {
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
