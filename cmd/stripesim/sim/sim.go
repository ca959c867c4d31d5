// Package sim is a stateful simulator of the part of Stripe that handles card payments. It implements
// Stripe's rules (which intents may be confirmed, captured, cancelled or refunded, and when), its errors,
// test cards, idempotency keys, lists and webhooks, and stores its state on disk.
//
// API version: 2023-10-16, the one stripe-go/v76 is pinned to.
package sim

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// Config is the simulator's environment.
type Config struct {
	APIAddr        string     `env:"FOYER_STRIPESIM_API_ADDR" envDefault:"127.0.0.1:12111"`
	FormAddr       string     `env:"FOYER_STRIPESIM_FORM_ADDR" envDefault:"127.0.0.1:12112"`
	Data           string     `env:"FOYER_STRIPESIM_DATA,required"` // directory
	WebhookURL     string     `env:"FOYER_STRIPESIM_WEBHOOK_URL"`   // empty: none are sent
	WebhookSecret  string     `env:"FOYER_STRIPESIM_WEBHOOK_SECRET,required"`
	WebhookEvents  []string   `env:"FOYER_STRIPESIM_WEBHOOK_EVENTS" envDefault:"payment_intent.amount_capturable_updated,payment_intent.payment_failed,payment_intent.succeeded,payment_intent.canceled,charge.refunded,charge.refund.updated,refund.updated,refund.failed,charge.dispute.created"`
	SecretKey      string     `env:"FOYER_STRIPESIM_SECRET_KEY,required"`
	PublishableKey string     `env:"FOYER_STRIPESIM_PUBLISHABLE_KEY,required"`
	PublicURL      string     `env:"FOYER_PUBLIC_URL,required"` // the origin that may frame the form
	LogLevel       slog.Level `env:"FOYER_LOG_LEVEL" envDefault:"INFO"`

	// Now is the clock, for tests.
	Now func() time.Time `env:"-"`
}

// apiVersion is what every object and event follows.
const apiVersion = "2023-10-16"

// account is the one account there is.
const account = "acct_1FoyerLocalSim"

// authorizationLife is how long an uncaptured charge is good for, as with real card networks.
const authorizationLife = 7 * 24 * time.Hour

// Simulator is one provider account.
type Simulator struct {
	cfg   Config
	disk  *disk
	mail  *postman
	start time.Time

	mu     sync.Mutex // guards all below; held for the whole of a request's work, which is all in memory
	state  *state
	faults []*fault
	busy   map[string]bool // idempotency keys being worked on
}

// Open reads what an earlier run left behind.
func Open(cfg Config) (*Simulator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d, st, err := openDisk(filepath.Join(cfg.Data, "stripesim.db"))
	if err != nil {
		return nil, fmt.Errorf("stripesim: %w", err)
	}
	s := &Simulator{cfg: cfg, disk: d, state: st, busy: map[string]bool{}, start: cfg.Now()}
	s.mail = newPostman(s)
	return s, nil
}

// Close ends the writing. All that was answered is on disk already.
func (s *Simulator) Close() { s.disk.close() }

// Run delivers webhooks and lets time do its work until ctx ends.
func (s *Simulator) Run(ctx context.Context) error {
	var mail sync.WaitGroup
	mail.Go(func() { s.mail.run(ctx) })
	defer mail.Wait()
	return worker.Every(ctx, 200*time.Millisecond, func(context.Context) { s.pass() })
}

// pass does what has become due: refunds that take a while, authorisations that run out.
func (s *Simulator) pass() {
	t := s.begin()
	now := s.cfg.Now()
	for id := range s.state.maturing {
		if r := s.state.Refunds[id]; !now.Before(r.Matures) {
			t.mature(r)
		}
	}
	for len(s.state.expiring) > 0 && now.Sub(s.state.expiring[0].at) >= authorizationLife {
		if in := s.state.Intents[s.state.expiring[0].id]; in != nil && in.Status == requiresCapture {
			t.cancel(in, "automatic", "charge.expired")
		}
		s.state.expiring = s.state.expiring[1:]
	}
	t.end()
}

// transaction is one piece of work on the state: what it changed goes to disk in one piece.
type transaction struct {
	*Simulator
	request string // id, for events
	key     string // idempotency key
	changed map[record]bool
	letters []*Event
}

func (s *Simulator) begin() *transaction {
	s.mu.Lock()
	return &transaction{Simulator: s, changed: map[record]bool{}}
}

// end hands the changes to the disk and lets others in. The returned channel closes when
// everything changed so far is safe.
func (t *transaction) end() <-chan struct{} {
	safe := t.disk.write(t.changed)
	t.mu.Unlock()
	if len(t.letters) > 0 {
		go func() {
			<-safe // nobody hears of what a crash could undo
			for _, e := range t.letters {
				t.mail.post(e)
			}
		}()
	}
	return safe
}

func (t *transaction) put(r record) { t.changed[r] = true }

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newID makes an id of Stripe's look.
func newID(prefix string) string {
	b := make([]byte, 24)
	rand.Read(b)
	for i := range b {
		b[i] = idAlphabet[int(b[i])%len(idAlphabet)]
	}
	return prefix + "_" + string(b)
}

func (t *transaction) head() head {
	t.state.Seq++
	return head{Seq: t.state.Seq, Created: t.cfg.Now().Unix()}
}

// wants tells whether the webhook endpoint subscribed to a type of event.
func (s *Simulator) wants(eventType string) bool {
	return s.cfg.WebhookURL != "" && (slices.Contains(s.cfg.WebhookEvents, eventType) || slices.Contains(s.cfg.WebhookEvents, "*"))
}

func (s *Simulator) healthz(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}
