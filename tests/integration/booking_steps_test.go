package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// step is a moment of a purchase at which it is made to stand still, seen and arranged from
// outside alone: by what databases, store and provider have written, by locks on the rows that
// the next step writes, and by a provider that takes its time.
type step struct {
	name   string
	rest   string                         // where the purchase comes to by itself: held, awaiting_payment or confirmed
	before func(p *passage) error         // sets it going, and something in its way
	after  func(p *passage) error         // once the consumer hears of it
	at     func(p *passage) (bool, error) // tells that it stands there
	ends   string
}

// passage is one purchase on its way.
type passage struct {
	caller
	*ground
	event concert
	unit  string
	hold  uuid.UUID
	b     purchase
}

// ground is what all passages of a round have in common.
type ground struct {
	booking, payment, dapr *pgxpool.Pool

	mu    sync.Mutex
	locks []func()
}

// lock holds rows in a transaction of its own until the round lifts it.
func (g *ground) lock(pool *pgxpool.Pool, sql string, args ...any) error {
	ctx, cancel := patience()
	defer cancel()
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.locks = append(g.locks, func() { _ = tx.Rollback(context.Background()) }) // it may have died with the database
	g.mu.Unlock()
	tag, err := tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows locked by %s", tag.RowsAffected(), sql)
	}
	return err
}

func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 20*time.Second)
}

// is tells whether a query gives true.
func is(pool *pgxpool.Pool, sql string, args ...any) (yes bool, err error) {
	ctx, cancel := patience()
	defer cancel()
	err = pool.QueryRow(ctx, "SELECT coalesce(("+sql+"), false)", args...).Scan(&yes)
	return yes, err
}

func (p *passage) bookingIs(condition string) (bool, error) {
	return is(p.booking, "SELECT "+condition+" FROM bookings WHERE id = $1", p.b.ID)
}

func (p *passage) paymentIs(condition string) (bool, error) {
	return is(p.payment, "SELECT "+condition+" FROM payments WHERE booking = $1", p.b.ID)
}

func (p *passage) refundIs(status string) (bool, error) {
	return is(p.payment, "SELECT r.status = $2 FROM refunds r JOIN payments p ON p.id = r.payment WHERE p.booking = $1", p.b.ID, status)
}

// seatIs tells the unit's state in the store: a, h or b.
func (p *passage) seatIs(state string) (bool, error) {
	return is(p.dapr, `SELECT coalesce(max(convert_from(value, 'UTF8')::json->>'state'), 'a') = $2 FROM seats_state
		WHERE key LIKE '%seat:' || $1 AND (expires_at IS NULL OR expires_at > now())`, p.event.ID+":"+p.unit, state)
}

func (p *passage) lockSeat() error {
	return p.lock(p.dapr, `SELECT FROM seats_state WHERE key LIKE '%seat:' || $1 FOR UPDATE`, p.event.ID+":"+p.unit)
}

func (p *passage) lockBooking() error {
	return p.lock(p.booking, `SELECT FROM bookings WHERE id = $1 FOR UPDATE`, p.b.ID)
}

func (p *passage) lockPayment() error {
	return p.lock(p.payment, `SELECT FROM payments WHERE booking = $1 FOR UPDATE`, p.b.ID)
}

// books tells what the provider's books say of the purchase.
func (p *passage) books() (in harness.Intent, err error) {
	ctx, cancel := patience()
	defer cancel()
	intents, err := p.p.Ledger(ctx)
	for _, i := range intents {
		if i.Metadata.Booking == p.b.ID {
			in = i
		}
	}
	return in, err
}

func all(conditions ...func() (bool, error)) (bool, error) {
	for _, c := range conditions {
		if yes, err := c(); err != nil || !yes {
			return false, err
		}
	}
	return true, nil
}

func (p *passage) trouble(action, path string, delay time.Duration) error {
	return trySim(p.p, http.MethodPost, "/faults", map[string]any{"action": action, "method": http.MethodPost, "path": path, "delay_ms": delay.Milliseconds()})
}

func (p *passage) capturePath() string {
	return "/v1/payment_intents/" + p.b.Payment.Intent + "/capture"
}

// Ways on.
func (p *passage) order() error {
	until := time.Now().Add(90 * time.Second)
	a, err := p.insist(until, http.MethodPost, "/api/v1/bookings", map[string]any{"hold": p.hold})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.Body, &p.b); err != nil || p.b.ID == uuid.Nil {
		return fmt.Errorf("booking: %d %s", a.Status, a.Body)
	}
	return nil
}

func (p *passage) pay() error {
	until := time.Now().Add(90 * time.Second)
	for {
		status, err := tryConfirm(p.t, p.b, "pm_card_visa")
		if err == nil && (status == "requires_capture" || status == "succeeded" || status == "payment_intent_unexpected_state") {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("card: %s %w", status, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// paySlowly pays, and has the provider take its time with the capture.
func (p *passage) paySlowly() error {
	if err := p.trouble("delay", p.capturePath(), slowly); err != nil {
		return err
	}
	return p.pay()
}

func (p *passage) secured() error {
	return eventually(func() (bool, error) { return p.bookingIs("status = 'secured'") })
}

// nudge has the sweeper look, all at once, after purchases whose messages wait behind one that
// stands. A payment it has not heard of it asks for when the time to pay is over.
func (g *ground) nudge(bookings []uuid.UUID) error {
	ctx, cancel := patience()
	defer cancel()
	_, err := g.booking.Exec(ctx, `UPDATE bookings SET next_look = now(),
		expires_at = CASE WHEN status = 'awaiting_payment' AND NOT authorized THEN now() - interval '10 minutes' ELSE expires_at END
		WHERE id IN (SELECT id FROM bookings WHERE id = ANY($1) AND next_look > now() FOR UPDATE SKIP LOCKED)`, bookings)
	return err
}

func (p *passage) giveBack() error {
	a, err := p.insist(time.Now().Add(time.Minute), http.MethodPost, "/api/v1/bookings/"+p.b.ID.String()+"/refunds", map[string]any{})
	if err == nil && a.Status != http.StatusAccepted {
		err = fmt.Errorf("refund: %d %s", a.Status, a.Body)
	}
	return err
}

// comesTo follows a purchase until it has a status.
func (p *passage) comesTo(status string) error {
	until := time.Now().Add(90 * time.Second)
	for {
		a, err := p.insist(until, http.MethodGet, "/api/v1/bookings/"+p.b.ID.String(), nil)
		if err != nil {
			return err
		}
		now := purchase{}
		if err := json.Unmarshal(a.Body, &now); err != nil {
			return err
		}
		p.b = now
		if now.Status == status {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("booking %s is %s (%s)", p.b.ID, now.Status, now.Reason)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// toRest brings a purchase where it comes to by itself.
func (p *passage) toRest(rest string) error {
	a, err := p.insist(time.Now().Add(30*time.Second), http.MethodPost, "/api/v1/events/"+p.event.ID+"/holds", map[string]any{"units": []string{p.unit}})
	if err != nil {
		return err
	}
	var h struct{ ID uuid.UUID }
	if err := json.Unmarshal(a.Body, &h); err != nil || a.Status != 201 {
		return fmt.Errorf("hold: %d %s", a.Status, a.Body)
	}
	p.hold = h.ID
	if rest == "held" {
		return nil
	}
	if err := errors.Join(p.order(), p.comesTo("awaiting_payment")); err != nil || rest == "awaiting_payment" {
		return err
	}
	return errors.Join(p.pay(), p.comesTo("confirmed"))
}

// finish goes the rest of the way as the buyer does.
func (p *passage) finish(ends string) error {
	if p.b.ID == uuid.Nil {
		if err := p.order(); err != nil {
			return err
		}
	}
	until := time.Now().Add(90 * time.Second)
	for p.b.Payment.Intent == "" && (p.b.Status == "" || p.b.Status == "requested") {
		a, err := p.insist(until, http.MethodGet, "/api/v1/bookings/"+p.b.ID.String(), nil)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(a.Body, &p.b); err != nil || time.Now().After(until) {
			return fmt.Errorf("booking: %d %s", a.Status, a.Body)
		}
	}
	if ends == "confirmed" && p.b.Status == "awaiting_payment" {
		if err := p.pay(); err != nil {
			return err
		}
	}
	return p.comesTo(ends)
}

// steps are all moments of a purchase and of its refund between two writes.
var steps = []step{
	{name: "held", rest: "held", ends: "confirmed"},
	{
		name: "requested", rest: "held", ends: "confirmed",
		before: func(p *passage) error {
			if err := p.order(); err != nil {
				return err
			}
			return p.lock(p.payment, `INSERT INTO payments (id, booking, attempt, account, event, amount, currency, status, created_at, updated_at)
				VALUES (gen_random_uuid(), $1, 1, '', $2, 0, 'EUR', 'preparing', now(), now())`, p.b.ID, p.event.ID)
		},
		at: func(p *passage) (bool, error) { return p.bookingIs("status = 'requested'") },
	},
	{
		// The provider takes its time; meanwhile it is seen to that nobody can write down what it says.
		name: "intent made, booking not told", rest: "held", ends: "confirmed", before: (*passage).order,
		after: inTurn(func(p *passage) error {
			return eventually(func() (bool, error) { return p.paymentIs("intent IS NULL") })
		}, (*passage).lockBooking),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.paymentIs("status = 'pending'") }, func() (bool, error) { return p.bookingIs("status = 'requested'") })
		},
	},
	{name: "awaiting payment", rest: "awaiting_payment", ends: "confirmed"},
	{
		name: "paid, payment not told", rest: "awaiting_payment", ends: "confirmed", before: inTurn((*passage).lockPayment, (*passage).pay),
		at: func(p *passage) (bool, error) {
			in, err := p.books()
			return in.Authorized > 0, err
		},
	},
	{
		name: "authorised, booking not told", rest: "awaiting_payment", ends: "confirmed", before: inTurn((*passage).lockBooking, (*passage).pay),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.paymentIs("status = 'authorized'") }, func() (bool, error) { return p.bookingIs("NOT authorized") })
		},
	},
	{
		name: "authorised, not fenced", rest: "awaiting_payment", ends: "confirmed", before: inTurn((*passage).lockSeat, (*passage).pay),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.bookingIs("authorized AND status = 'awaiting_payment'") }, func() (bool, error) { return p.seatIs("h") })
		},
	},
	{
		// Another booking is about to have the unit.
		name: "fenced, not in the books", rest: "awaiting_payment", ends: "confirmed",
		before: inTurn(func(p *passage) error {
			return p.lock(p.booking, `INSERT INTO booking_units (booking_id, event_id, unit_id, ticket_type, type_name, amount, currency, booked_at)
				SELECT id, event_id, $2, '', '', 0, 'EUR', now() FROM bookings WHERE event_id = $1 AND status = 'confirmed' LIMIT 1`, p.event.ID, p.unit)
		}, (*passage).pay),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.seatIs("b") }, func() (bool, error) { return p.bookingIs("status = 'awaiting_payment'") })
		},
	},
	{
		name: "secured", rest: "awaiting_payment", ends: "confirmed",
		before: inTurn(func(p *passage) error { return p.trouble("error", p.capturePath(), 0) }, (*passage).pay),
		at:     func(p *passage) (bool, error) { return p.bookingIs("status = 'secured'") },
	},
	{
		name: "captured, payment not told", rest: "awaiting_payment", ends: "confirmed",
		before: (*passage).paySlowly, after: inTurn((*passage).secured, (*passage).lockPayment),
		at: func(p *passage) (bool, error) {
			in, err := p.books()
			return in.Captured > 0, err
		},
	},
	{
		name: "captured, no tickets", rest: "awaiting_payment", ends: "confirmed",
		before: (*passage).paySlowly, after: inTurn((*passage).secured, (*passage).lockBooking),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.paymentIs("status = 'captured'") }, func() (bool, error) { return p.bookingIs("status = 'secured'") })
		},
	},
	{name: "confirmed", rest: "confirmed", ends: "confirmed"},
	{
		name: "refund asked for", rest: "confirmed", ends: "refunded", before: inTurn((*passage).lockPayment, (*passage).giveBack),
		at: func(p *passage) (bool, error) { return p.bookingIs("status = 'refunding'") },
	},
	{
		name: "given back, payment not told", rest: "confirmed", ends: "refunded", before: (*passage).giveBack,
		after: inTurn(func(p *passage) error {
			return eventually(func() (bool, error) { return p.refundIs("requested") })
		}, (*passage).lockPayment),
		at: func(p *passage) (bool, error) {
			in, err := p.books()
			return in.Refunded > 0, err
		},
	},
	{
		name: "refunded, seats not freed", rest: "confirmed", ends: "refunded", before: inTurn((*passage).lockSeat, (*passage).giveBack),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.refundIs("succeeded") }, func() (bool, error) { return p.seatIs("b") })
		},
	},
	{
		name: "seats freed, not in the books", rest: "confirmed", ends: "refunded",
		before: inTurn(func(p *passage) error {
			return p.lock(p.booking, `SELECT FROM booking_units WHERE booking_id = $1 FOR UPDATE`, p.b.ID)
		}, (*passage).giveBack),
		at: func(p *passage) (bool, error) {
			return all(func() (bool, error) { return p.seatIs("a") }, func() (bool, error) { return p.bookingIs("status = 'refunding'") })
		},
	},
}

// slowly is how long the provider takes where it takes its time.
const slowly = 2 * time.Second

func inTurn(do ...func(p *passage) error) func(p *passage) error {
	return func(p *passage) error {
		for _, f := range do {
			if f == nil {
				continue
			}
			if err := f(p); err != nil {
				return err
			}
		}
		return nil
	}
}

func eventually(check func() (bool, error)) error {
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		yes, err := check()
		if yes {
			return nil
		}
		if time.Now().After(until) {
			return errors.Join(err, errors.New("never seen there"))
		}
	}
}

// victims are the parts of the platform that a purchase meets. Two die together: a round takes its time.
var victims = [][]string{
	{"booking", "payment.daprd"}, {"booking-consumer", "booking.daprd"}, {"payment", "booking-consumer.daprd"},
	{"kafka", "catalog", "notification"}, {"postgres", "redis"},
}

// TestBookingSurvivesKillsAtEveryStep ends each part with SIGKILL while purchases stand at every
// step of the saga. Everyone comes to the end they were on the way to, once.
func TestBookingSurvivesKillsAtEveryStep(t *testing.T) {
	p := harness.Everything(t)
	sim(t, http.MethodDelete, "/faults", nil)
	t.Cleanup(func() { sim(t, http.MethodDelete, "/faults", nil) })
	pools := map[string]*pgxpool.Pool{}
	for _, name := range []string{"booking", "payment", "dapr"} {
		pool, err := pgxpool.New(t.Context(), p.Config.DatabaseURL(name)+"&pool_max_conns=20") // a lock has one of its own
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		pools[name] = pool
	}
	var told []uuid.UUID
	reached := map[string]int{}
	for round, group := range victims {
		buyers := people(t, 40, len(steps))
		name := strings.Join(group, ", ")
		e := selling(t, "Kills of "+name)
		g := &ground{booking: pools["booking"], payment: pools["payment"], dapr: pools["dapr"]}
		t.Cleanup(g.lift)
		var passages []*passage
		for i := range steps {
			passages = append(passages, &passage{caller: buyers[i], ground: g, event: e, unit: e.place(i + 1)})
		}
		each := func(do func(s step, p *passage) error) error {
			var all errgroup.Group
			for i, s := range steps {
				all.Go(func() error {
					if err := do(s, passages[i]); err != nil {
						return fmt.Errorf("%s: %w", s.name, err)
					}
					return nil
				})
			}
			return all.Wait()
		}
		began := time.Now()
		require.NoError(t, each(func(s step, p *passage) error { return p.toRest(s.rest) }), name)
		t.Logf("%s: at rest after %s", name, time.Since(began))
		for _, path := range []string{"/v1/refunds", "/v1/payment_intents"} {
			require.NoError(t, passages[0].trouble("delay", path, slowly))
		}
		var stood sync.Map
		// What stands keeps the queue and the sweeper from others: purchases find their ways all the
		// same, of the refunds each has its round to be sure.
		foremost := len(steps) - 1 - round%4
		for _, ahead := range []bool{true, false} {
			turn := func(do func(s step, p *passage) error) error {
				return each(func(s step, p *passage) error {
					if (p == passages[foremost]) != ahead {
						return nil
					}
					return do(s, p)
				})
			}
			require.NoError(t, turn(func(s step, p *passage) error { return inTurn(s.before)(p) }), name)
			late := time.AfterFunc(time.Second, func() {
				var waiting []uuid.UUID
				for i, s := range steps {
					if _, ok := stood.Load(s.name); !ok && (i == foremost) == ahead {
						waiting = append(waiting, passages[i].b.ID)
					}
				}
				_ = g.nudge(waiting) // what it does not help is told of below
			})
			_ = turn(func(s step, p *passage) error {
				err := inTurn(s.after)(p)
				if err == nil && s.at != nil {
					err = eventually(func() (bool, error) { return s.at(p) })
				}
				if err != nil {
					t.Logf("%s: %s: %v", name, s.name, err)
					return nil
				}
				stood.Store(s.name, true)
				return nil
			})
			late.Stop()
			t.Logf("%s: after %s", name, time.Since(began))
		}
		for _, s := range steps {
			if _, ok := stood.Load(s.name); ok {
				reached[s.name]++
			}
		}
		t.Logf("%s: at their steps after %s", name, time.Since(began))
		for _, victim := range group {
			p.Kill(t, victim)
		}
		g.lift()
		require.NoError(t, trySim(p, http.MethodDelete, "/faults", nil))
		require.NoError(t, each(func(s step, p *passage) error { return p.finish(s.ends) }), "after %s was killed", name)
		t.Logf("%s: at their ends after %s", name, time.Since(began))
		for _, victim := range group {
			p.WaitHealthy(t, victim, time.Minute)
		}
		for _, passage := range passages {
			told = append(told, passage.b.ID)
		}
		t.Logf("%s: healthy after %s", name, time.Since(began))
	}
	for _, s := range steps {
		t.Logf("%s: in %d of %d rounds", s.name, reached[s.name], len(victims))
		assert.Positive(t, reached[s.name], "a purchase stands at %q before anything is killed", s.name)
	}
	p.Invariants(t, time.Minute, told...)
	harness.Eventually(t, time.Minute, "Keycloak has its database again", func() error {
		_, err := p.SignIn(loadUser(40))
		return err
	})
}

func (g *ground) lift() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, rollback := range g.locks {
		rollback()
	}
	g.locks = nil
}
