package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// heldUnits is a hold as these tests look at it.
type heldUnits struct {
	ID        uuid.UUID
	Status    string
	ExpiresAt time.Time
	Total     struct{ Amount int64 }
	Units     []struct{ Unit, Label string }
}

// purchase is a booking as these tests look at it.
type purchase struct {
	ID      uuid.UUID
	Status  string
	Reason  string
	Payment struct{ Intent, ClientSecret, PublishableKey string }
	Units   []struct {
		Unit     string
		Released bool
	}
	Tickets []struct{ ID, Unit, Code string }
	Refunds []struct {
		Status string
		Units  []string
	}
}

// loadUser is one of the accounts that tests may use up.
func loadUser(n int) string { return fmt.Sprintf("load-%04d@foyer.test", n) }

// selling publishes an event of fifty places to stand.
func selling(t testing.TB, name string) concert {
	t.Helper()
	m := as(t, merchant)
	e := newEvent(m, name)
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/publish", nil).as(200, &e)
	return e
}

// place names the n-th place of an event.
func (e concert) place(n int) string { return fmt.Sprintf("%s-%d", e.TicketTypes[0].ID, n) }

func (e concert) places(from, n int) []string {
	var all []string
	for i := range n {
		all = append(all, e.place(from+i))
	}
	return all
}

func (c caller) hold(e concert, units ...string) answer {
	c.t.Helper()
	return c.call(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": units})
}

// checkOut holds units and makes a booking that can be paid.
func (c caller) checkOut(e concert, units ...string) (b purchase) {
	c.t.Helper()
	var h heldUnits
	c.hold(e, units...).as(201, &h)
	c.call(http.MethodPost, "/api/v1/bookings", map[string]any{"hold": h.ID}, "Prefer", "wait=20").as(201, &b)
	require.Equal(c.t, "awaiting_payment", b.Status)
	return b
}

// confirm enters a card at the payment provider, as the page in the browser does.
func confirm(t testing.TB, b purchase, card string) (status string) {
	t.Helper()
	status, err := tryConfirm(t, b, card)
	require.NoError(t, err)
	return status
}

func tryConfirm(t testing.TB, b purchase, card string) (string, error) {
	t.Helper()
	form := url.Values{"key": {b.Payment.PublishableKey}, "client_secret": {b.Payment.ClientSecret}, "payment_method": {card}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, harness.Everything(t).StripesimURL()+"/v1/payment_intents/"+b.Payment.Intent+"/confirm", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var intent struct {
		Status string
		Error  *struct {
			DeclineCode string `json:"decline_code"`
			Code        string
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&intent); err != nil {
		return "", err
	}
	if intent.Error != nil {
		return intent.Error.Code, nil
	}
	return intent.Status, nil
}

// sim tells the payment simulator what to do.
func sim(t testing.TB, method, path string, body any) {
	t.Helper()
	require.NoError(t, trySim(harness.Everything(t), method, path, body))
}

func trySim(p *harness.Platform, method, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.StripesimURL()+"/_sim"+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.Secrets.StripeSecretKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, path, res.Status)
	}
	return nil
}

// becomes waits for a booking to have a status.
func (c caller) becomes(b purchase, status string) (now purchase) {
	c.t.Helper()
	harness.Eventually(c.t, time.Minute, "the booking is "+status, func() error {
		a, err := c.try(http.MethodGet, "/api/v1/bookings/"+b.ID.String(), nil)
		if err != nil {
			return err
		}
		now = purchase{}
		if err := json.Unmarshal(a.Body, &now); err != nil || now.Status != status {
			return fmt.Errorf("it is %q (%s)", now.Status, now.Reason)
		}
		return nil
	})
	return now
}

// lapse is the clock going past a hold's end: what the store and the database say of its time is
// set back, which is what five minutes do to them.
func lapse(t testing.TB, b purchase) {
	t.Helper()
	p := harness.Everything(t)
	exec := func(database, sql string, args ...any) int64 {
		conn, err := pgx.Connect(t.Context(), p.Config.DatabaseURL(database))
		require.NoError(t, err)
		defer conn.Close(t.Context())
		tag, err := conn.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
		return tag.RowsAffected()
	}
	var hold uuid.UUID
	conn, err := pgx.Connect(t.Context(), p.Config.DatabaseURL("booking"))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), `UPDATE bookings SET expires_at = now() - interval '5 seconds' WHERE id = $1 RETURNING hold_id`, b.ID).Scan(&hold))
	require.Positive(t, exec("dapr", `UPDATE seats_state SET expires_at = now() - interval '1 second' WHERE key LIKE '%seat:%' AND convert_from(value, 'UTF8')::json->>'hold' = $1`, hold.String()))
}

func TestBookingIsBoughtAndGivenBack(t *testing.T) {
	p := harness.Everything(t)
	name := "Bought " + uuid.NewString()[:8] // a mail of its own
	e, buyer := selling(t, name), as(t, loadUser(1))
	buyer.call(http.MethodPatch, "/api/v1/me", map[string]any{"locale": "de"}).as(200, nil)
	stream := watch(t, e)
	b := buyer.checkOut(e, e.place(1), e.place(2))
	stream.until(e.place(1), "h")
	require.Equal(t, "requires_capture", confirm(t, b, "pm_card_visa"))
	b = buyer.becomes(b, "confirmed")
	require.Len(t, b.Tickets, 2)
	stream.until(e.place(1), "b")

	pdf := buyer.call(http.MethodGet, "/api/v1/tickets/"+b.Tickets[0].ID+".pdf", nil).as(200, nil)
	assert.True(t, bytes.HasPrefix(pdf.Body, []byte("%PDF-")))
	ics := buyer.call(http.MethodGet, "/api/v1/tickets/"+b.Tickets[0].ID+".ics", nil).as(200, nil)
	assert.Contains(t, string(ics.Body), "SUMMARY:"+name)
	verify(t, b.Tickets[0].Code, true)
	verify(t, b.Tickets[0].Code[:len(b.Tickets[0].Code)-2]+"AA", false)

	// The mail is in the buyer's language and has the tickets that are good when it is sent.
	html := mailed(t, loadUser(1), "Deine Tickets: "+name)
	for _, ticket := range b.Tickets {
		assert.Contains(t, html, "/api/v1/tickets/"+ticket.ID+".pdf")
		assert.Contains(t, html, "/api/v1/tickets/"+ticket.ID+".ics")
	}

	stranger := as(t, loadUser(2))
	stranger.call(http.MethodGet, "/api/v1/bookings/"+b.ID.String(), nil).refused(404, "booking_not_found")
	for _, other := range []caller{stranger, as(t, merchant), as(t, admin)} { // who runs the event sees the booking, and no code
		other.call(http.MethodGet, "/api/v1/tickets/"+b.Tickets[0].ID+".pdf", nil).refused(404, "ticket_not_found")
		other.call(http.MethodGet, "/api/v1/tickets/"+b.Tickets[0].ID+".ics", nil).refused(404, "ticket_not_found")
	}
	stranger.call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/refunds", map[string]any{}).refused(404, "booking_not_found")
	buyer.call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/cancel", nil).refused(409, "too_late_to_cancel")

	buyer.call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/refunds", map[string]any{"units": []string{e.place(2)}}).as(202, nil)
	stream.until(e.place(2), "a")
	harness.Eventually(t, 30*time.Second, "one place is given back", func() error {
		if now := buyer.becomes(b, "confirmed"); len(now.Tickets) != 1 {
			return fmt.Errorf("%d tickets", len(now.Tickets))
		}
		return nil
	})
	buyer.call(http.MethodGet, "/api/v1/tickets/"+b.Tickets[1].ID+".pdf", nil).refused(410, "ticket_void")
	as(t, merchant).call(http.MethodPost, "/api/v1/bookings/"+b.ID.String()+"/refunds", map[string]any{}).as(202, nil)
	buyer.becomes(b, "refunded")
	stranger.hold(e, e.place(1), e.place(2)).as(201, nil)
	p.Invariants(t, 30*time.Second, b.ID)

	harness.Eventually(t, 30*time.Second, "it is told in the app", func() error {
		var page struct {
			Items []struct {
				Kind    string
				Booking uuid.UUID
			}
		}
		buyer.call(http.MethodGet, "/api/v1/notifications", nil).as(200, &page)
		kinds := map[string]bool{}
		for _, n := range page.Items {
			kinds[n.Kind] = kinds[n.Kind] || n.Booking == b.ID
		}
		if !kinds["booking_confirmed"] || !kinds["booking_refunded"] {
			return fmt.Errorf("told of %v", kinds)
		}
		return nil
	})
}

// mailed waits for a mail and gives its text.
func mailed(t testing.TB, to, subject string) (html string) {
	t.Helper()
	ask := func(path string, v any) error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, harness.Everything(t).MailpitURL()+"/api/v1"+path, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return json.NewDecoder(res.Body).Decode(v)
	}
	harness.Eventually(t, 30*time.Second, "the mail arrives", func() error {
		var found struct{ Messages []struct{ ID string } }
		query := url.Values{"query": {fmt.Sprintf("to:%q subject:%q", to, subject)}}
		if err := ask("/search?"+query.Encode(), &found); err != nil || len(found.Messages) == 0 {
			return errors.Join(err, errors.New("not yet"))
		}
		var mail struct{ HTML string }
		err := ask("/message/"+found.Messages[0].ID, &mail)
		html = mail.HTML
		return err
	})
	return html
}

// verify checks a ticket with the public key and nothing else, as a door does.
func verify(t testing.TB, code string, good bool) {
	t.Helper()
	var key struct{ Key string }
	as(t, nobody).call(http.MethodGet, "/api/v1/tickets/key", nil).as(200, &key)
	public, err := base64.StdEncoding.DecodeString(key.Key)
	require.NoError(t, err)
	_, err = booking.VerifyTicket(public, code)
	assert.Equal(t, good, err == nil)
}

// frames are the changes of a seat map as they arrive.
type frames struct {
	t       testing.TB
	changes chan [2]string
}

func watch(t testing.TB, e concert) frames {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, harness.Everything(t).URL()+"/api/v1/events/"+e.ID+"/seats/stream", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	f, began := frames{t, make(chan [2]string, 1000)}, make(chan struct{})
	go func() {
		defer res.Body.Close()
		lines, kind := bufio.NewReader(res.Body), ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				kind = strings.TrimSpace(name)
			}
			data, ok := strings.CutPrefix(line, "data: ")
			if ok && kind == "snapshot" {
				close(began)
			}
			var delta struct{ Changes [][2]string }
			if ok && kind == "delta" && json.Unmarshal([]byte(data), &delta) == nil {
				for _, c := range delta.Changes {
					f.changes <- c
				}
			}
		}
	}()
	select {
	case <-began:
	case <-time.After(20 * time.Second):
		t.Fatal("the stream gives no snapshot")
	}
	return f
}

// until waits for a unit to be announced in a state.
func (f frames) until(unit, state string) {
	f.t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		select {
		case c := <-f.changes:
			if c == [2]string{unit, state} {
				return
			}
		case <-deadline:
			f.t.Fatalf("%s is not announced as %s", unit, state)
		}
	}
}

func TestBookingCards(t *testing.T) {
	p := harness.Everything(t)
	e, buyer := selling(t, "Cards"), as(t, loadUser(3))
	b := buyer.checkOut(e, e.place(1))
	assert.Equal(t, "card_declined", confirm(t, b, "pm_card_chargeDeclined"))
	assert.Equal(t, "requires_action", confirm(t, b, "pm_card_authenticationRequired"), "another card, with 3-D Secure")
	sim(t, http.MethodPost, "/intents/"+b.Payment.Intent+"/authenticate", map[string]string{"outcome": "succeed"})
	buyer.becomes(b, "confirmed")

	other := as(t, loadUser(4))
	c := other.checkOut(e, e.place(2))
	assert.Equal(t, "card_declined", confirm(t, c, "pm_card_chargeDeclinedInsufficientFunds"))
	other.call(http.MethodPost, "/api/v1/bookings/"+c.ID.String()+"/cancel", nil).as(200, &c)
	assert.Equal(t, "cancelled", c.Status)
	harness.Eventually(t, 30*time.Second, "the place is free", func() error {
		if a, err := as(t, loadUser(5)).try(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{e.place(2)}}); err != nil || a.Status != 201 {
			return fmt.Errorf("%d %w", a.Status, err)
		}
		return nil
	})
	p.Invariants(t, 30*time.Second, b.ID, c.ID)
}

func TestBookingPaidLate(t *testing.T) {
	p := harness.Everything(t)
	e := selling(t, "Paid late")
	lucky := as(t, loadUser(6))
	b := lucky.checkOut(e, e.place(1))
	lapse(t, b)
	confirm(t, b, "pm_card_visa")
	lucky.becomes(b, "confirmed")

	late, rival := as(t, loadUser(7)), as(t, loadUser(8))
	c := late.checkOut(e, e.place(2), e.place(3))
	lapse(t, c)
	d := rival.checkOut(e, e.place(3))
	confirm(t, c, "pm_card_visa")
	assert.Equal(t, "seats_lost", late.becomes(c, "failed").Reason)
	confirm(t, d, "pm_card_visa")
	rival.becomes(d, "confirmed")

	idle := as(t, loadUser(9))
	f := idle.checkOut(e, e.place(4))
	lapse(t, f)
	expireNow(t, f)
	assert.Equal(t, "payment_timeout", idle.becomes(f, "expired").Reason)
	p.Invariants(t, 30*time.Second, b.ID, c.ID, d.ID, f.ID)
}

// expireNow has the sweeper look after a booking whose grace is over.
func expireNow(t testing.TB, b purchase) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), harness.Everything(t).Config.DatabaseURL("booking"))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `UPDATE bookings SET expires_at = now() - interval '10 minutes', next_look = now() WHERE id = $1`, b.ID)
	require.NoError(t, err)
}

func TestBookingWebhooks(t *testing.T) {
	p := harness.Everything(t)
	t.Cleanup(func() { sim(t, http.MethodDelete, "/webhooks", nil) })
	e := selling(t, "Webhooks")
	sim(t, http.MethodPost, "/webhooks", map[string]any{"action": "duplicate", "metadata": map[string]string{"event": e.ID}, "copies": 5, "times": 50})
	twice := as(t, loadUser(10))
	b := twice.checkOut(e, e.place(1))
	confirm(t, b, "pm_card_visa")
	assert.Len(t, twice.becomes(b, "confirmed").Tickets, 1)
	sim(t, http.MethodDelete, "/webhooks", nil)

	// It never comes: the payment service asks the provider itself.
	sim(t, http.MethodPost, "/webhooks", map[string]any{"action": "drop", "metadata": map[string]string{"event": e.ID}, "times": 50})
	lost := as(t, loadUser(11))
	c := lost.checkOut(e, e.place(2))
	confirm(t, c, "pm_card_visa")
	lost.becomes(c, "confirmed")
	p.Invariants(t, 30*time.Second, b.ID, c.ID)
}

func TestBookingLimitsHoldAtOnce(t *testing.T) {
	harness.Everything(t)
	e, buyer := selling(t, "Limits"), as(t, loadUser(12))
	buyer.hold(e, e.places(1, 9)...).refused(422, "limit_exceeded")
	buyer.hold(e, e.place(1), e.place(1)).refused(422, "unit_twice")
	buyer.hold(e, "no-such-place").refused(422, "unknown_unit")
	for _, quantity := range []string{"0", "-1", "1e9", "1.5", `"1"`} {
		buyer.call(http.MethodPost, "/api/v1/events/"+e.ID+"/holds",
			[]byte(`{"items":[{"ticketType":"`+e.TicketTypes[0].ID+`","quantity":`+quantity+`}]}`)).refused(422, "invalid_request")
	}
	buyer.p.Token(t, buyer.email)
	codes := make([]int, 50)
	var group sync.WaitGroup
	for i := range codes {
		group.Go(func() {
			a, err := buyer.try(http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{e.place(i + 1)}})
			assert.NoError(t, err)
			codes[i] = a.Status
		})
	}
	group.Wait()
	won := 0
	for _, code := range codes {
		if code == 201 {
			won++
			continue
		}
		assert.Equal(t, 409, code)
	}
	assert.Equal(t, 1, won, "one hold of an event at a time")
}

func TestBookingOfACancelledEventIsRefunded(t *testing.T) {
	p := harness.Everything(t)
	e, m := selling(t, "Called off"), as(t, merchant)
	var ids []uuid.UUID
	for i := range 3 {
		buyer := as(t, loadUser(20+i))
		b := buyer.checkOut(e, e.place(2*i+1), e.place(2*i+2))
		if i > 0 { // one never paid
			confirm(t, b, "pm_card_visa")
			buyer.becomes(b, "confirmed")
		}
		ids = append(ids, b.ID)
	}
	m.call(http.MethodPost, "/api/v1/events/"+e.ID+"/cancel", map[string]any{}).as(200, nil)
	p.Kill(t, "booking-consumer") // in the middle of it
	for i, status := range []string{"cancelled", "refunded", "refunded"} {
		as(t, loadUser(20+i)).becomes(purchase{ID: ids[i]}, status)
	}
	harness.Eventually(t, time.Minute, "the progress is told", func() error {
		var s struct {
			Cancellation *struct {
				Total, Done int
				FinishedAt  *time.Time
			}
		}
		m.call(http.MethodGet, "/api/v1/merchant/events/"+e.ID+"/sales", nil).as(200, &s)
		if s.Cancellation == nil || s.Cancellation.FinishedAt == nil {
			return fmt.Errorf("%+v", s.Cancellation)
		}
		assert.Equal(t, s.Cancellation.Total, s.Cancellation.Done)
		return nil
	})
	as(t, loadUser(23)).hold(e, e.place(9)).refused(409, "not_on_sale")
	p.WaitHealthy(t, "booking-consumer", time.Minute)
	p.Invariants(t, 30*time.Second, ids...)
}

// TestBookingByCurl runs the script of the documentation.
func TestBookingByCurl(t *testing.T) {
	p := harness.Everything(t)
	e := selling(t, "By curl")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../docs/buy.sh", e.ID)
	cmd.Env = append(os.Environ(), "FOYER_PUBLIC_URL="+p.URL(), "KEYCLOAK_URL="+p.Config.SignInURL,
		"STRIPE_API_BASE="+p.StripesimURL(), "MAILPIT_URL="+p.MailpitURL(), "FOYER_USER="+loadUser(30))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "By curl")
	p.Invariants(t, 30*time.Second)
}
