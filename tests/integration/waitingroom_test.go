package integration

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// rush is an event that more people want than it has places.
func rush(t testing.TB, capacity int, opens time.Time, settings map[string]any) (e concert) {
	t.Helper()
	m := as(t, merchant)
	form := standingEvent(newVenue(m), "Rush "+uuid.NewString())
	form["highDemand"], form["maxPerOrder"], form["maxPerAccount"], form["salesStart"] = true, 4, 4, opens.UTC()
	form["ticketTypes"] = tickets(2500, "EUR", capacity)
	m.call(http.MethodPost, "/api/v1/events", form).as(201, &e)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	m.call(http.MethodPatch, "/api/v1/events/"+e.ID+"/queue/settings", settings).as(200, nil)
	return e
}

func crowd(n int) []string {
	emails := make([]string, n)
	for i := range emails {
		emails[i] = fmt.Sprintf("load-%04d@foyer.test", i+1)
	}
	return emails
}

type queuePlace struct {
	Place, State            string
	Number, Position, Ahead int64
}

// join asks until it is answered: a part may just be away.
func join(t testing.TB, email, event string) (p queuePlace) {
	t.Helper()
	harness.Eventually(t, time.Minute, email+" joins", func() error {
		a, err := as(t, email).try(http.MethodPost, "/api/v1/events/"+event+"/queue", nil)
		if err != nil || (a.Status != 200 && a.Status != 201) {
			return fmt.Errorf("%d %s %w", a.Status, a.Body, err)
		}
		a.as(a.Status, &p)
		return nil
	})
	return p
}

// admit waits for somebody's turn and takes it.
func admit(t testing.TB, email, event string, place queuePlace) (pass string) {
	t.Helper()
	harness.Eventually(t, 2*time.Minute, email+" is let in", func() error {
		a, err := as(t, email).try(http.MethodPost, "/api/v1/events/"+event+"/queue/admission", nil, "Queue-Place", place.Place)
		if err != nil || a.Status != 201 {
			return fmt.Errorf("%d %s %w", a.Status, a.Body, err)
		}
		var admitted struct{ Pass string }
		a.as(201, &admitted)
		pass = admitted.Pass
		return nil
	})
	return pass
}

func holdOne(t testing.TB, email string, e concert, pass string) answer {
	t.Helper()
	return as(t, email).call(http.MethodPost, "/api/v1/events/"+e.ID+"/holds",
		map[string]any{"items": []any{map[string]any{"ticketType": e.TicketTypes[0].ID, "quantity": 1}}}, "Admission-Pass", pass)
}

// TestWaitingRoomSellsOutInOrder: more people than places; some do not come when it is their turn,
// some give their units back. Everything is sold once, in the order of the line.
func TestWaitingRoomSellsOutInOrder(t *testing.T) {
	const capacity, people = 10, 24
	e := rush(t, capacity, time.Now().Add(-time.Hour), map[string]any{"rate": 5, "concurrency": 12, "claimWindowSeconds": 10})
	buyers := crowd(people)
	places := make([]queuePlace, people)
	for i, b := range buyers {
		places[i] = join(t, b, e.ID)
		require.Equal(t, int64(i+1), places[i].Number, "in the order of joining")
	}
	require.Equal(t, places[3].Number, join(t, buyers[3], e.ID).Number, "joining again gives the same place")

	type sale struct {
		buyer int
		unit  string
	}
	var (
		mu    sync.Mutex
		sales []sale
		group sync.WaitGroup
	)
	sold := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(sales)
	}
	for i, b := range buyers {
		if i%7 == 3 {
			continue // never comes
		}
		group.Go(func() {
			for sold() < capacity {
				a, err := as(t, b).try(http.MethodPost, "/api/v1/events/"+e.ID+"/queue/admission", nil, "Queue-Place", places[i].Place)
				if err != nil || a.Status != 201 {
					time.Sleep(300 * time.Millisecond)
					continue
				}
				var admitted struct{ Pass string }
				a.as(201, &admitted)
				h := holdOne(t, b, e, admitted.Pass)
				if h.Status != 201 {
					return
				}
				var hold struct {
					ID    string
					Units []struct{ Unit string }
				}
				h.as(201, &hold)
				if i%7 == 5 { // gives it back
					as(t, b).call(http.MethodDelete, "/api/v1/holds/"+hold.ID, nil).as(204, nil)
					return
				}
				if !pay(t, b, hold.ID) {
					return
				}
				mu.Lock()
				sales = append(sales, sale{i, hold.Units[0].Unit})
				mu.Unlock()
				return
			}
		})
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatalf("only %d of %d sold", sold(), capacity)
	}
	require.Len(t, sales, capacity)
	units := map[string]bool{}
	for _, s := range sales {
		require.False(t, units[s.unit], "%s was sold twice", s.unit)
		units[s.unit] = true
	}
	harness.Everything(t).CheckLines(t)
	line := harness.Everything(t).Line(t, e.ID)
	for _, s := range sales {
		require.LessOrEqual(t, places[s.buyer].Number, line.Served)
	}
	harness.Eventually(t, 30*time.Second, "the line becomes the waiting list", func() error {
		if p := join(t, "load-0100@foyer.test", e.ID); p.State != "sold_out" {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
}

// pay checks out and pays as a browser would, at the payment provider itself.
func pay(t testing.TB, email, hold string) bool {
	t.Helper()
	c := as(t, email)
	var b struct {
		ID, Status string
		Payment    *struct{ Intent, ClientSecret, PublishableKey string }
	}
	a := c.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": hold}, "Prefer", "wait=10")
	if a.Status != 201 && a.Status != 202 {
		t.Errorf("checkout: %d %s", a.Status, a.Body)
		return false
	}
	a.as(a.Status, &b)
	harness.Eventually(t, time.Minute, "payment is asked for", func() error {
		if b.Payment != nil {
			return nil
		}
		c.call(http.MethodGet, "/api/v1/bookings/"+b.ID, nil).as(200, &b)
		return fmt.Errorf("status %s", b.Status)
	})
	form := url.Values{"key": {b.Payment.PublishableKey}, "client_secret": {b.Payment.ClientSecret}, "payment_method": {"pm_card_visa"}}
	res, err := http.PostForm(c.p.StripesimURL()+"/v1/payment_intents/"+b.Payment.Intent+"/confirm", form)
	if err != nil {
		t.Errorf("pay: %v", err)
		return false
	}
	res.Body.Close()
	harness.Eventually(t, time.Minute, "the booking is confirmed", func() error {
		c.call(http.MethodGet, "/api/v1/bookings/"+b.ID, nil).as(200, &b)
		if b.Status != "confirmed" {
			return fmt.Errorf("status %s", b.Status)
		}
		return nil
	})
	return true
}

// TestWaitingRoomKeepsPlacesThroughCrashes kills what the line runs on while people join. Whoever
// was told a place keeps it, nobody else gets it, and who was told earlier stands earlier.
func TestWaitingRoomKeepsPlacesThroughCrashes(t *testing.T) {
	const people = 90
	e := rush(t, 50, time.Now().Add(-time.Hour), map[string]any{"rate": 2, "concurrency": 20})
	p, buyers := harness.Everything(t), crowd(people)
	for _, b := range buyers {
		p.Token(t, b)
	}
	victims := []string{"waitingroom", "waitingroom.daprd", "placement"}
	var mu sync.Mutex
	told := map[string]int64{}
	for round, victim := range victims {
		part := buyers[round*people/3 : (round+1)*people/3]
		pid := p.PID(t, victim)
		before := int64(0)
		for _, n := range told {
			before = max(before, n)
		}
		var group sync.WaitGroup
		for i, b := range part {
			group.Go(func() {
				if i == len(part)/2 {
					p.Kill(t, victim)
				}
				place := join(t, b, e.ID)
				mu.Lock()
				defer mu.Unlock()
				told[b] = place.Number
			})
		}
		group.Wait()
		for _, b := range part {
			require.Greater(t, told[b], before, "who came after the others were told stands behind them")
		}
		p.WaitHealthy(t, victim, time.Minute, pid)
	}
	seen := map[int64]string{}
	for b, n := range told {
		require.Empty(t, seen[n], "%d was given to %s and %s", n, seen[n], b)
		seen[n] = b
	}
	for i, b := range buyers {
		if i%9 == 0 {
			require.Equal(t, told[b], join(t, b, e.ID).Number, "the same place after the crashes")
		}
	}
	harness.Eventually(t, time.Minute, "the line moves again", func() error {
		if served := p.Line(t, e.ID).Served; served < 5 {
			return fmt.Errorf("served %d", served)
		}
		return nil
	})
	p.CheckLines(t)
}

// Security checks 12 and 13: no pass but one's own for that event in its time, and no way round.
func TestWaitingRoomCannotBePassedBy(t *testing.T) {
	e := rush(t, 20, time.Now().Add(-time.Hour), map[string]any{"rate": 50})
	other := rush(t, 20, time.Now().Add(-time.Hour), map[string]any{"rate": 50})
	anna, ben := "load-0201@foyer.test", "load-0202@foyer.test"
	pass := admit(t, anna, e.ID, join(t, anna, e.ID))
	p := harness.Everything(t)
	key, err := admission.Key(p.Secrets.AdmissionSigningKey)
	require.NoError(t, err)
	signer, err := admission.NewSigner(key)
	require.NoError(t, err)
	id := uuid.MustParse(e.ID)
	expired, err := signer.Sign(admission.Pass{ID: uuid.New(), Account: subject(t, anna), Event: id, From: time.Now().Add(-time.Hour), Until: time.Now().Add(-time.Minute)})
	require.NoError(t, err)
	part := strings.Split(pass, ".")

	for name, try := range map[string]func() answer{
		"no pass":         func() answer { return holdOne(t, anna, e, "") },
		"another account": func() answer { return holdOne(t, ben, e, pass) },
		"another event":   func() answer { return holdOne(t, anna, other, pass) },
		"expired":         func() answer { return holdOne(t, anna, e, expired) },
		"edited":          func() answer { return holdOne(t, anna, e, part[0]+"."+part[1][:len(part[1])-4]+"AAAA."+part[2]) },
		"unsigned":        func() answer { return holdOne(t, anna, e, part[0]+"."+part[1]+".") },
		"an access token": func() answer { return holdOne(t, anna, e, p.Token(t, anna)) },
	} {
		t.Run(name, func(t *testing.T) { try().refused(403, "admission_required") })
	}
	var held, twice answer
	var group sync.WaitGroup
	group.Go(func() { held = holdOne(t, anna, e, pass) })
	group.Go(func() { twice = holdOne(t, anna, e, pass) })
	group.Wait()
	statuses := []int{held.Status, twice.Status}
	slices.Sort(statuses)
	require.Equal(t, []int{201, 409}, statuses, "a pass is good for one hold at a time")

	wish := fmt.Sprintf(`{"items":[{"ticketType":%q,"quantity":1}]}`, e.TicketTypes[0].ID)
	knock := func(address, token string) int {
		req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(wish))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	token := p.Token(t, ben)
	require.Equal(t, 403, knock(p.ServiceURL("booking")+"/api/v1/events/"+e.ID+"/holds", token), "by the service's own port")
	sidecarURL := fmt.Sprintf("http://127.0.0.1:%d", p.Apps["booking"].HTTPPort)
	require.Equal(t, 401, knock(sidecarURL+"/v1.0/invoke/booking/method/api/v1/events/"+e.ID+"/holds", token), "by the sidecar's port")
	require.Equal(t, 401, knock(fmt.Sprintf("http://127.0.0.1:%d/v1.0/publish/pubsub/hold.requests", p.Apps["waitingroom"].HTTPPort), token))
	for _, path := range []string{"/actors/WaitingRoom/" + e.ID + "/method/take", "/dapr/config"} {
		req, err := http.NewRequest(http.MethodPut, p.ServiceURL("waitingroom")+path, strings.NewReader(`{}`))
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
		require.GreaterOrEqual(t, res.StatusCode, 400, path)
	}
}

// subject is somebody's account id, as their token says it.
func subject(t testing.TB, email string) string {
	t.Helper()
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(harness.Everything(t).Token(t, email), ".")[1])
	require.NoError(t, err)
	var c struct{ Sub string }
	require.NoError(t, json.Unmarshal(claims, &c))
	return c.Sub
}

// TestWaitingRoomDrawCanBeChecked does what docs/waitingroom.md tells everyone to do.
func TestWaitingRoomDrawCanBeChecked(t *testing.T) {
	opens := time.Now().Add(15 * time.Second)
	e := rush(t, 20, opens, map[string]any{"order": "shuffle", "rate": 1})
	var before, draw struct {
		Order, Commitment, Seed, Digest string
		Count                           int64
	}
	anyone := as(t, nobody)
	anyone.call(http.MethodGet, "/api/v1/events/"+e.ID+"/queue/draw", nil).as(200, &before)
	require.NotEmpty(t, before.Commitment)
	require.Empty(t, before.Seed, "secret until the draw")
	buyers := crowd(8)
	for _, b := range buyers {
		place := join(t, b, e.ID)
		require.Equal(t, "lobby", place.State)
		require.Zero(t, place.Number)
	}
	harness.Eventually(t, time.Minute, "the draw is held", func() error {
		anyone.call(http.MethodGet, "/api/v1/events/"+e.ID+"/queue/draw", nil).as(200, &draw)
		if draw.Seed == "" {
			return fmt.Errorf("no seed yet")
		}
		return nil
	})
	var list struct{ Entries []string }
	anyone.call(http.MethodGet, "/api/v1/events/"+e.ID+"/queue/draw/entries", nil).as(200, &list)

	seed, err := hex.DecodeString(draw.Seed)
	require.NoError(t, err)
	sum := sha256.Sum256(seed)
	require.Equal(t, before.Commitment, hex.EncodeToString(sum[:]), "the seed is the one committed to")
	digest := sha256.Sum256(nil)
	for _, entry := range list.Entries {
		raw, err := hex.DecodeString(entry)
		require.NoError(t, err)
		digest = sha256.Sum256(append(digest[:], raw...))
	}
	require.Equal(t, draw.Digest, hex.EncodeToString(digest[:]), "over these people")
	keys := make([]string, len(list.Entries))
	for i := range keys {
		mac := hmac.New(sha256.New, seed)
		mac.Write(digest[:])
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(i+1)))
		keys[i] = string(mac.Sum(nil))
	}
	ranked := slices.Sorted(slices.Values(keys))
	for _, b := range buyers {
		mine := sha256.Sum256([]byte(e.ID + ":" + subject(t, b)))
		i := slices.Index(list.Entries, hex.EncodeToString(mine[:]))
		require.GreaterOrEqual(t, i, 0, "everyone finds themselves")
		require.Equal(t, int64(slices.Index(ranked, keys[i])+1), join(t, b, e.ID).Number)
	}
}

func TestWaitingRoomIsTheMerchants(t *testing.T) {
	e := rush(t, 20, time.Now().Add(-time.Hour), map[string]any{"rate": 20, "paused": true})
	settings := "/api/v1/events/" + e.ID + "/queue/settings"
	as(t, nobody).call(http.MethodGet, settings, nil).refused(401, "unauthenticated")
	as(t, customer).call(http.MethodPatch, settings, map[string]any{"rate": 1}).refused(403, "forbidden")
	as(t, merchant).call(http.MethodPatch, settings, map[string]any{"rate": 0}).refused(422, "invalid_request")
	as(t, admin).call(http.MethodGet, settings, nil).as(200, nil)

	place := join(t, customer, e.ID)
	require.Equal(t, "paused", place.State)
	as(t, customer).call(http.MethodPost, "/api/v1/events/"+e.ID+"/queue/admission", nil, "Queue-Place", place.Place).refused(425, "not_your_turn")
	as(t, merchant).call(http.MethodPatch, settings, map[string]any{"paused": false}).as(200, nil)
	admit(t, customer, e.ID, place)

	gone := "load-0203@foyer.test"
	join(t, gone, e.ID)
	as(t, gone).call(http.MethodDelete, "/api/v1/events/"+e.ID+"/queue", nil).as(204, nil)
	as(t, gone).call(http.MethodGet, "/api/v1/events/"+e.ID+"/queue", nil).refused(404, "not_in_queue")
	as(t, merchant).call(http.MethodPatch, settings, map[string]any{"open": false}).as(200, nil)
	as(t, gone).call(http.MethodPost, "/api/v1/events/"+e.ID+"/queue", nil).refused(409, "queue_closed")
	plain := onSale(t)
	as(t, customer).call(http.MethodPost, "/api/v1/events/"+plain.ID+"/queue", nil).refused(404, "no_waiting_room")
}
