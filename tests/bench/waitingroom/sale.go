package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// A sale of so many buyers for each place, of whom some abandon on the way: a third of those look
// and leave, a third give their places back, a third let their hold run out.
const (
	buyersMost     = 5000
	buyersPerPlace = 10
	abandon        = 0.3
	holdSeconds    = 30
	saleLimit      = 15 * time.Minute
)

// sold is what came of a sale.
type sold struct {
	mu       sync.Mutex
	units    map[string]int // by which account
	twice    []string
	bookings []uuid.UUID
	outcomes map[string]int
}

func (s *sold) note(outcome, unit string, booking uuid.UUID, account int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[outcome]++
	if booking != uuid.Nil {
		s.bookings = append(s.bookings, booking)
	}
	if unit != "" {
		if _, before := s.units[unit]; before {
			s.twice = append(s.twice, unit)
		}
		s.units[unit] = account
	}
	return len(s.units)
}

// sale runs a whole sale from the line to the last confirmed booking.
func (b *bench) sale(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saleLimit)
	defer cancel()
	buyers := min(len(b.issuer.tokens), buyersMost)
	places := max(1, buyers/buyersPerPlace)
	e, err := b.event(ctx, true, places)
	if err != nil {
		return err
	}
	queue := b.queue(e)
	if err := b.send(ctx, http.MethodPatch, queue+"/settings", b.issuer.merchant, map[string]any{"rate": 20, "claimWindowSeconds": 15}, nil, nil); err != nil {
		return err
	}
	told := newPlaces(buyers)
	r := load.Run(ctx, load.Plan{Clients: 64, Requests: buyers}, b.joiner(load.NewHTTP(64), queue, told))
	if err := errors.Join(r.Err, told.check()); err != nil {
		return err
	}
	began, done := time.Now(), make(chan struct{})
	var served atomic.Int64
	go b.follow(ctx, queue+"/stream", &served)
	var end sync.Once
	result := &sold{units: map[string]int{}, outcomes: map[string]int{}}
	var group sync.WaitGroup
	for a := range buyers {
		group.Go(func() {
			for served.Load() < told.of[a].number {
				select {
				case <-ctx.Done():
					return
				case <-done:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
			outcome, unit, booking := b.buy(ctx, e, queue, a)
			if result.note(outcome, unit, booking, a) == places {
				end.Do(func() { close(done) })
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	line, err := b.line(ctx, e.ID)
	if err != nil {
		return err
	}
	if err := line.Check(); err != nil {
		return err
	}
	if len(result.units) != places || len(result.twice) > 0 {
		return fmt.Errorf("%d of %d sold, %d twice: %v", len(result.units), places, len(result.twice), result.outcomes)
	}
	if err := b.judge(ctx, result.bookings); err != nil {
		return err
	}
	fmt.Fprintf(&b.report, "%d buyers for %d places, %.0f %% of those let in abandon: they leave, give their places back, or let their hold run out (after %d s). "+
		"Everything is sold exactly once in %s. %d of the line were let in, in order and never faster than 20 a second (I4), and %d found nothing to buy; "+
		"bookings, seats and the payment provider's own books agree (I1, I2, I3, I6).\n\n| what became of those let in | people |\n|---|---:|\n",
		buyers, places, 100*abandon, holdSeconds, took.Round(time.Second), line.Served, result.outcomes["409 units_unavailable"])
	for _, outcome := range slices.Sorted(maps.Keys(result.outcomes)) {
		fmt.Fprintf(&b.report, "| %s | %d |\n", outcome, result.outcomes[outcome])
	}
	return nil
}

// judge waits until the platform is at rest and no invariant is broken.
func (b *bench) judge(ctx context.Context, bookings []uuid.UUID) error {
	p, deadline := harness.On(b.stack), time.Now().Add(2*time.Minute)
	for {
		evidence, err := p.Evidence(ctx, bookings...)
		if err != nil {
			return err
		}
		broken := evidence.Violations()
		if len(broken) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d invariants broken, such as %s", len(broken), broken[0])
		}
		time.Sleep(time.Second)
	}
}

// follow reads a line's stream, as every buyer's page does, and comes back when it ends.
func (b *bench) follow(ctx context.Context, address string, served *atomic.Int64) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			for lines := bufio.NewScanner(res.Body); lines.Scan(); {
				var tick struct{ Served int64 }
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &tick) == nil {
					served.Store(tick.Served)
				}
			}
			res.Body.Close()
		}
		time.Sleep(time.Second)
	}
}

// buy takes one buyer from the turn to whatever they come to.
func (b *bench) buy(ctx context.Context, e concert, queue string, a int) (outcome, unit string, booking uuid.UUID) {
	token := b.issuer.tokens[a]
	var pass struct{ Pass string }
	if err := b.send(ctx, http.MethodPost, queue+"/admission", token, nil, nil, &pass); err != nil {
		return err.Error(), "", booking
	}
	mood := rand.Float64()
	if mood < abandon/3 {
		return "looked and left", "", booking
	}
	office := b.address("booking")
	var hold struct {
		ID    string
		Units []struct{ Unit string }
	}
	wish := map[string]any{"items": []any{map[string]any{"ticketType": e.TicketTypes[0].ID, "quantity": 1}}}
	err := b.send(ctx, http.MethodPost, office+"/api/v1/events/"+e.ID+"/holds", token, wish, http.Header{"Admission-Pass": {pass.Pass}}, &hold)
	for err == nil && len(hold.Units) == 0 { // 202: still in line
		if !pause(ctx) {
			return "out of time", "", booking
		}
		err = b.send(ctx, http.MethodGet, office+"/api/v1/holds/"+hold.ID, token, nil, nil, &hold)
	}
	if err != nil {
		return err.Error(), "", booking
	}
	switch {
	case mood < abandon*2/3:
		if err := b.send(ctx, http.MethodDelete, office+"/api/v1/holds/"+hold.ID, token, nil, nil, nil); err != nil {
			return err.Error(), "", booking
		}
		return "gave their place back", "", booking
	case mood < abandon:
		return "let their hold run out", "", booking
	}
	var order struct {
		ID      uuid.UUID
		Status  string
		Payment *struct{ Intent, ClientSecret, PublishableKey string }
	}
	if err := b.send(ctx, http.MethodPost, office+"/api/v1/bookings", token, map[string]any{"hold": hold.ID}, http.Header{"Prefer": {"wait=10"}}, &order); err != nil {
		return err.Error(), "", booking
	}
	for paid := false; order.Status != "confirmed"; {
		if order.Payment != nil && !paid {
			paid = load.Confirm(ctx, b.stack, order.Payment.Intent, url.Values{
				"key": {order.Payment.PublishableKey}, "client_secret": {order.Payment.ClientSecret}, "payment_method": {"pm_card_visa"},
			}) == nil
		}
		if !pause(ctx) {
			return "out of time", "", order.ID
		}
		if err := b.send(ctx, http.MethodGet, office+"/api/v1/bookings/"+order.ID.String(), token, nil, nil, &order); err != nil {
			return err.Error(), "", order.ID
		}
		if order.Status == "expired" || order.Status == "failed" || order.Status == "cancelled" {
			return "booking " + order.Status, "", order.ID
		}
	}
	return "bought", hold.Units[0].Unit, order.ID
}

// pause is between two questions of one buyer; false: the sale's time is over.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(500 * time.Millisecond):
		return true
	}
}

// send makes one call with JSON both ways.
func (b *bench) send(ctx context.Context, method, address, token string, in any, header http.Header, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if in == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		var problem struct{ Code string }
		_ = json.NewDecoder(res.Body).Decode(&problem)
		return fmt.Errorf("%d %s", res.StatusCode, problem.Code)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
