package app

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/retention"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/clients"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
	"github.com/foyer-tickets/foyer/services/booking/postgres"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// Config is what booking's processes are told, by their environment and the secret store.
type Config struct {
	Sidecar      daprclient.Config
	Identity     identity.Config
	Retention    retention.Config
	DatabaseURL  string             `secret:"booking-database-url"` // there after Open
	Strategy     daprstore.Strategy `env:"FOYER_SEATS_STRATEGY" envDefault:"transaction"`
	HoldSeconds  int                `env:"FOYER_HOLD_SECONDS" envDefault:"300"`
	GraceSeconds int                `env:"FOYER_PAYMENT_GRACE_SECONDS" envDefault:"30"`
	Cooldown     bool               `env:"FOYER_HOLD_COOLDOWN" envDefault:"true"` // who gives back a lot has to wait
}

// HoldFor is the life of a hold.
func (c Config) HoldFor() time.Duration { return time.Duration(c.HoldSeconds) * time.Second }

// Grace is how long after its hold ran out a booking may still be paid, if its seats are free.
func (c Config) Grace() time.Duration { return time.Duration(c.GraceSeconds) * time.Second }

func (c Config) seats(store daprstore.Keys) *daprstore.Seats {
	s := daprstore.NewSeats(store, c.Strategy, c.HoldFor(), time.Now)
	s.Lenient = !c.Cooldown
	return s
}

// App is what booking's processes stand on.
type App struct {
	Client      *daprclient.Client
	Pool        *pgxpool.Pool
	Store       postgres.Store
	Seats       *daprstore.Seats
	SeatChanges *seatmap.ChangePublisher

	config Config
	proven chan struct{}      // closed once Prove succeeded
	key    ed25519.PrivateKey // signs tickets; there once proven
}

// patience is how long a process waits for its sidecar when it starts.
const patience = 2 * time.Minute

// startWait is how long a request waits for a process that is just starting.
const startWait = 4 * time.Second

// Open connects to everything, and refuses a state store that could sell a seat twice.
func Open(ctx context.Context, p *process.Process, cfg *Config) (*App, error) {
	if cfg.HoldSeconds < 1 {
		return nil, fmt.Errorf("FOYER_HOLD_SECONDS has to be positive, not %d", cfg.HoldSeconds)
	}
	client, err := daprclient.New(cfg.Sidecar)
	if err != nil {
		return nil, err
	}
	p.OnClose("sidecar", process.Plain(client.Close))
	if err := client.LoadSecrets(ctx, cfg); err != nil {
		return nil, err
	}
	pool, err := database.Open(ctx, cfg.DatabaseURL, postgres.Migrations())
	if err != nil {
		return nil, err
	}
	p.OnClose("postgres", process.Plain(pool.Close))
	bell := postgres.NewStepNotifier(pool)
	b := &App{
		Client: client, Pool: pool, Store: postgres.Store{Pool: pool, Grace: cfg.Grace(), StepNotifier: bell},
		Seats: cfg.seats(client.Store(messages.Seats)), SeatChanges: &seatmap.ChangePublisher{Client: client}, config: *cfg,
		proven: make(chan struct{}),
	}
	p.Check("postgres", pool.Ping)
	p.Check("seats", b.check)
	p.Go("proof", b.prove)
	p.Go("seat changes", b.SeatChanges.Run)
	p.OnClose("seat changes", b.SeatChanges.Flush)
	p.Go("step notices", bell.Run)
	p.OnClose("step notices", bell.Flush)
	return b, nil
}

var errUnproven = fault.New(fault.Unavailable, "starting", "The service is starting. Please try again.").After(time.Second)

// prove waits for the sidecar, tries out the state store, and reads the signing key. It runs
// beside the server: the sidecar in turn waits for the process to answer health questions.
func (b *App) prove(ctx context.Context) error {
	if err := daprstore.Await(ctx, b.Client.Store(messages.Seats), b.config.Strategy, patience); err != nil {
		return err
	}
	seed, err := b.Client.Secret(ctx, messages.Secrets, "ticket-signing-key")
	if err != nil {
		return err
	}
	if b.key, err = booking.SigningKey(seed); err != nil {
		return err
	}
	close(b.proven)
	return nil
}

func (b *App) check(context.Context) error {
	select {
	case <-b.proven:
		return nil
	default:
		return errUnproven
	}
}

// Guard lets nobody in before the state store was tried out, except for the sidecar's question
// what to subscribe to. Whoever comes a moment too early waits: a restart is short.
func (b *App) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != daprclient.SubscribePath && b.check(r.Context()) != nil {
			soon, cancel := httpapi.UntilDrain(r.Context())
			defer cancel()
			soon, cancel = context.WithTimeout(soon, startWait)
			defer cancel()
			select {
			case <-b.proven:
			case <-soon.Done():
				httpapi.WriteProblem(w, r, errUnproven)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Then is a task that begins once the state store was tried out.
func (b *App) Then(task func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-b.proven:
			return task(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Key signs tickets. It is there for whoever comes through Guard or Then.
func (b *App) Key() ed25519.PrivateKey { return b.key }

// PublicKey verifies what Key signed.
func (b *App) PublicKey() ed25519.PublicKey {
	public, _ := b.key.Public().(ed25519.PublicKey)
	return public
}

// Driver drives bookings.
func (b *App) Driver() *saga.Driver {
	payments := clients.Payments{Client: b.Client}
	return &saga.Driver{
		Store: b.Store, Fence: b.Seats, Payments: payments, PaymentFinder: payments, Announcer: b.SeatChanges,
		Key: b.Key, Grace: b.config.Grace(), Now: time.Now,
	}
}

// HighDemand gives a service the pass verifier and the hold queue of events in high demand. expiries
// is told of holds whose buyers stopped waiting for them.
func (b *App) HighDemand(o *booking.Service, expiries booking.ExpiryWatcher) *holdqueue.Queue {
	queue := holdqueue.NewQueue(b.Client, expiries.Watch)
	o.PassVerifier, o.HoldQueue = &clients.PassVerifier{Client: b.Client}, queue
	return queue
}
