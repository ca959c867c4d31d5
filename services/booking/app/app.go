// Package app configures and wires the processes booking, booking-consumer and highdemand-consumer, and has
// their subscriptions.
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
	DatabaseURL  string             `secret:"booking-database-url"` // set by Open
	Strategy     daprstore.Strategy `env:"FOYER_SEATS_STRATEGY" envDefault:"transaction"`
	HoldSeconds  int                `env:"FOYER_HOLD_SECONDS" envDefault:"300"`
	GraceSeconds int                `env:"FOYER_PAYMENT_GRACE_SECONDS" envDefault:"30"`
	Cooldown     bool               `env:"FOYER_HOLD_COOLDOWN" envDefault:"true"` // accounts that give holds back often have to wait
}

// HoldFor is how long a hold lasts.
func (c Config) HoldFor() time.Duration { return time.Duration(c.HoldSeconds) * time.Second }

// Grace is how long after its hold expired a booking may still be paid, if its seats are free.
func (c Config) Grace() time.Duration { return time.Duration(c.GraceSeconds) * time.Second }

func (c Config) seats(store daprstore.Keys) *daprstore.Seats {
	s := daprstore.NewSeats(store, c.Strategy, c.HoldFor(), time.Now)
	s.Lenient = !c.Cooldown
	return s
}

// App is what the processes have in common: the sidecar's client, the database, seats and keys.
type App struct {
	Client      *daprclient.Client
	Pool        *pgxpool.Pool
	Store       postgres.Store
	Seats       *daprstore.Seats
	SeatChanges *seatmap.ChangePublisher

	config Config
	proven chan struct{}      // closed once prove succeeded
	key    ed25519.PrivateKey // signs tickets; set once proven
}

// sidecarWait is how long a process waits for its sidecar when it starts.
const sidecarWait = 2 * time.Minute

// startWait is how long a request waits for a process that is just starting.
const startWait = 4 * time.Second

// Open connects to the sidecar and the database and begins to prove the state store: see Guard and Then.
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
	notifier := postgres.NewStepNotifier(pool)
	a := &App{
		Client: client, Pool: pool, Store: postgres.Store{Pool: pool, Grace: cfg.Grace(), StepNotifier: notifier},
		Seats: cfg.seats(client.Store(messages.Seats)), SeatChanges: &seatmap.ChangePublisher{Client: client}, config: *cfg,
		proven: make(chan struct{}),
	}
	p.Check("postgres", pool.Ping)
	p.Check("seats", a.check)
	p.Go("proof", a.prove)
	p.Go("seat changes", a.SeatChanges.Run)
	p.OnClose("seat changes", a.SeatChanges.Flush)
	p.Go("step notices", notifier.Run)
	p.OnClose("step notices", notifier.Flush)
	return a, nil
}

var errUnproven = fault.New(fault.Unavailable, "starting", "The service is starting. Please try again.").After(time.Second)

// prove waits for the sidecar, tests the state store and reads the signing key. It runs beside the server, as
// the sidecar waits for the health checks of the process.
func (a *App) prove(ctx context.Context) error {
	if err := daprstore.Await(ctx, a.Client.Store(messages.Seats), a.config.Strategy, sidecarWait); err != nil {
		return err
	}
	seed, err := a.Client.Secret(ctx, messages.Secrets, "ticket-signing-key")
	if err != nil {
		return err
	}
	if a.key, err = booking.SigningKey(seed); err != nil {
		return err
	}
	close(a.proven)
	return nil
}

func (a *App) check(context.Context) error {
	select {
	case <-a.proven:
		return nil
	default:
		return errUnproven
	}
}

// Guard serves requests once the state store is proven. Earlier ones wait up to startWait; then the answer is
// 503. Only the sidecar gets the list of subscriptions at once.
func (a *App) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != daprclient.SubscribePath && a.check(r.Context()) != nil {
			soon, cancel := httpapi.UntilDrain(r.Context())
			defer cancel()
			soon, cancel = context.WithTimeout(soon, startWait)
			defer cancel()
			select {
			case <-a.proven:
			case <-soon.Done():
				httpapi.WriteProblem(w, r, errUnproven)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Then gives a task that begins once the state store is proven.
func (a *App) Then(task func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-a.proven:
			return task(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Key signs tickets. It is set for everything behind Guard or Then.
func (a *App) Key() ed25519.PrivateKey { return a.key }

// PublicKey verifies the signatures of Key.
func (a *App) PublicKey() ed25519.PublicKey {
	public, _ := a.key.Public().(ed25519.PublicKey)
	return public
}

// Driver returns the driver of bookings.
func (a *App) Driver() *saga.Driver {
	payments := clients.Payments{Client: a.Client}
	return &saga.Driver{
		Store: a.Store, Fence: measuredFence{a.Seats}, Payments: measuredPayments{payments}, PaymentFinder: payments, Announcer: a.SeatChanges,
		Key: a.Key, Grace: a.config.Grace(), Now: time.Now,
	}
}

// HighDemand sets the pass verifier and the hold queue of a service. expiries gets the holds that were made after
// their callers stopped waiting.
func (a *App) HighDemand(s *booking.Service, expiries booking.ExpiryWatcher) *holdqueue.Queue {
	queue := holdqueue.NewQueue(a.Client, expiries.Watch)
	s.PassVerifier, s.HoldQueue = &clients.PassVerifier{Client: a.Client}, queue
	return queue
}
