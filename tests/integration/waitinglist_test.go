package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// checkOutWith is checkOut for an event in high demand.
func (c caller) checkOutWith(e concert, pass string) (b purchase) {
	c.t.Helper()
	var h heldUnits
	holdOne(c.t, c.email, e, pass).as(201, &h)
	c.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": h.ID}, "Prefer", "wait=20").as(201, &b)
	require.Equal(c.t, "awaiting_payment", b.Status)
	return b
}

// front follows a line's stream and keeps how far it is.
func front(t testing.TB, e concert) *atomic.Int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, harness.Everything(t).URL()+"/api/v1/events/"+e.ID+"/queue/stream", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	served := &atomic.Int64{}
	go func() {
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			var tick struct{ Served int64 }
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &tick) == nil {
				served.Store(tick.Served)
			}
		}
	}()
	return served
}

// TestWaitingListTakesWhatComesBack: everything is sold and four people wait. Each unit that comes
// back, by a refund, a cancellation, a hold that runs out, lets in the next one and nobody else,
// who hears of it by the stream, by mail and in the app.
func TestWaitingListTakesWhatComesBack(t *testing.T) {
	p := harness.Everything(t)
	e := rush(t, 2, time.Now().Add(-time.Hour), map[string]any{"rate": 10, "claimWindowSeconds": 90})
	var sold []purchase
	for _, email := range []string{loadUser(301), loadUser(302)} {
		b := as(t, email).checkOutWith(e, admit(t, email, e.ID, join(t, email, e.ID)))
		require.Equal(t, "requires_capture", confirm(t, b, "pm_card_visa"))
		sold = append(sold, as(t, email).becomes(b, "confirmed"))
	}
	harness.Eventually(t, 30*time.Second, "the line becomes the waiting list", func() error {
		if place := join(t, loadUser(303), e.ID); place.State != "sold_out" {
			return fmt.Errorf("it is %s", place.State)
		}
		return nil
	})
	list := []string{loadUser(303), loadUser(304), loadUser(305), loadUser(306)}
	places := make([]queuePlace, len(list))
	for i, email := range list {
		places[i] = join(t, email, e.ID)
		require.Equal(t, int64(len(sold)+i+1), places[i].Number)
	}
	served := front(t, e)
	next := 0
	// turn waits until the next one is let in, looks that nobody else is, and has them check out.
	turn := func(after string) (email string, b purchase) {
		email, place := list[next], places[next]
		harness.Eventually(t, 30*time.Second, "after a "+after+" the stream says so", func() error {
			if n := served.Load(); n < place.Number {
				return fmt.Errorf("it is at %d of %d", n, place.Number)
			}
			return nil
		})
		harness.Eventually(t, 30*time.Second, "a mail leads there", func() error {
			if html := mailed(t, email, "It’s your turn"); !strings.Contains(html, "/events/"+e.ID+"/queue") {
				return errors.New("to another event")
			}
			return nil
		})
		harness.Eventually(t, 30*time.Second, "it is told in the app", func() error {
			var page struct {
				Items []struct{ Kind, Event string }
			}
			as(t, email).call(http.MethodGet, "/api/v1/notifications", nil).as(200, &page)
			for _, n := range page.Items {
				if n.Kind == "your_turn" && n.Event == e.ID {
					return nil
				}
			}
			return errors.New("not told")
		})
		b = as(t, email).checkOutWith(e, admit(t, email, e.ID, place))
		require.Equal(t, place.Number, p.Line(t, e.ID).Served, "exactly one for a "+after)
		require.Equal(t, place.Number, served.Load())
		as(t, list[next+1]).call(http.MethodPost, "/api/v1/events/"+e.ID+"/queue/admission", nil, "Queue-Place", places[next+1].Place).refused(425, "not_your_turn")
		next++
		return email, b
	}

	as(t, loadUser(301)).call(http.MethodPost, "/api/v1/bookings/"+sold[0].ID.String()+"/refunds", map[string]any{}).as(202, nil)
	email, b := turn("refund")
	as(t, email).call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/cancel", nil).as(200, nil)
	email, c := turn("cancellation")
	lapse(t, c)
	expireNow(t, c)
	as(t, email).becomes(c, "expired")
	email, d := turn("hold that ran out")
	require.Equal(t, "requires_capture", confirm(t, d, "pm_card_visa"))
	as(t, email).becomes(d, "confirmed")
	p.CheckLines(t)
	p.Invariants(t, 30*time.Second, sold[0].ID, sold[1].ID, b.ID, c.ID, d.ID)
}

// TestWaitingRoomGoesOnWithoutTheScheduler: the reminder that ticks a line comes from the
// scheduler; without it the replicas tick the line themselves.
func TestWaitingRoomGoesOnWithoutTheScheduler(t *testing.T) {
	const people = 30
	p := harness.Everything(t)
	e := rush(t, 50, time.Now().Add(-time.Hour), map[string]any{"rate": 3})
	for _, email := range crowd(people) {
		join(t, email, e.ID)
	}
	moves := func(beyond int64) {
		harness.Eventually(t, 40*time.Second, "the line moves", func() error {
			if served := p.Line(t, e.ID).Served; served < beyond {
				return fmt.Errorf("served %d", served)
			}
			return nil
		})
	}
	moves(1)
	p.Halt(t, "scheduler")
	moves(p.Line(t, e.ID).Served + 3)
	p.Resume(t, "scheduler")
	moves(p.Line(t, e.ID).Served + 5)
	p.CheckLines(t)
}

// TestHighDemandSurvivesKills ends the consumer that decides holds, and its sidecar, while a crowd
// asks for the same places. Each place is held once, and everyone hears what became of their wish.
func TestHighDemandSurvivesKills(t *testing.T) {
	const capacity, buyers = 16, 32
	p := harness.Everything(t)
	e := rush(t, capacity, time.Now().Add(-time.Hour), map[string]any{"rate": 1})
	key, err := admission.Key(p.Secrets.AdmissionSigningKey)
	require.NoError(t, err)
	signer, err := admission.NewSigner(key)
	require.NoError(t, err)
	crowd := crowd(buyers)
	passes := make([]string, buyers)
	for i, email := range crowd {
		now := time.Now()
		passes[i], err = signer.Sign(admission.Pass{ID: uuid.New(), Account: subject(t, email), Event: uuid.MustParse(e.ID), From: now, Until: now.Add(10 * time.Minute)})
		require.NoError(t, err)
	}
	victims := []string{"highdemand-consumer", "highdemand-consumer.daprd"}
	var old []int
	for _, victim := range victims {
		old = append(old, p.PID(t, victim))
	}
	outcomes := make([]string, buyers)
	var group sync.WaitGroup
	for i, email := range crowd {
		if i%(buyers/len(victims)) == buyers/4 {
			p.Kill(t, victims[i/(buyers/len(victims))])
		}
		group.Go(func() { outcomes[i] = as(t, email).wish(e, e.place(i%capacity+1), passes[i]) })
		time.Sleep(20 * time.Millisecond) // so that some are decided at each moment
	}
	group.Wait()
	held := map[string]int{}
	for i, outcome := range outcomes {
		require.Contains(t, []string{"held", "units_unavailable"}, outcome, "buyer %d", i)
		if outcome == "held" {
			held[e.place(i%capacity+1)]++
		}
	}
	require.Len(t, held, capacity, "every place was asked for and is held")
	for place, n := range held {
		require.Equal(t, 1, n, place)
	}
	for i, victim := range victims {
		p.WaitHealthy(t, victim, time.Minute, old[i])
	}
}

// wish asks for a place until something is known of it, and says what.
func (c caller) wish(e concert, place, pass string) string {
	until := time.Now().Add(90 * time.Second)
	a, err := c.insist(until, http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{place}}, "Admission-Pass", pass)
	for {
		if err != nil {
			return err.Error()
		}
		var body struct {
			ID     uuid.UUID
			Code   string
			Status json.RawMessage // a number in a problem
		}
		if err := json.Unmarshal(a.Body, &body); err != nil {
			return err.Error()
		}
		switch {
		case a.Status == 201, a.Status == 200 && string(body.Status) == `"open"`, body.Code == "hold_exists":
			return "held"
		case a.Status != 202 && string(body.Status) != `"pending"`:
			return body.Code
		case time.Now().After(until):
			return "never known"
		}
		time.Sleep(200 * time.Millisecond)
		a, err = c.insist(until, http.MethodGet, "/api/v1/holds/"+body.ID.String(), nil)
	}
}
