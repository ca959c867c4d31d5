package sidecar

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/postgres"
	"github.com/foyer-tickets/foyer/internal/process"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
	store "github.com/foyer-tickets/foyer/services/booking/postgres"
)

// Config is the environment of booking's processes.
type Config struct {
	Sidecar      sidecar.Config
	Identity     identity.Config
	DatabaseURL  string   `env:"DATABASE_URL,required"`
	Strategy     Strategy `env:"FOYER_SEATS_STRATEGY" envDefault:"transaction"`
	HoldSeconds  int      `env:"FOYER_HOLD_SECONDS" envDefault:"300"`
	GraceSeconds int      `env:"FOYER_PAYMENT_GRACE_SECONDS" envDefault:"30"`
}

// HoldFor is the life of a hold.
func (c Config) HoldFor() time.Duration { return time.Duration(c.HoldSeconds) * time.Second }

// Grace is how long after its hold ran out a booking may still be paid, if its seats are free.
func (c Config) Grace() time.Duration { return time.Duration(c.GraceSeconds) * time.Second }

// Backing is what booking's processes stand on.
type Backing struct {
	Client    *sidecar.Client
	Pool      *pgxpool.Pool
	Store     store.Store
	Seats     *Seats
	Megaphone *Megaphone
	Key       ed25519.PrivateKey // signs tickets
	config    Config
}

// patience is how long a process waits for its sidecar when it starts.
const patience = 2 * time.Minute

// Open connects to everything, and refuses a state store that could sell a seat twice.
func Open(ctx context.Context, p *process.Process, cfg Config) (*Backing, error) {
	if cfg.HoldSeconds < 1 {
		return nil, fmt.Errorf("FOYER_HOLD_SECONDS has to be positive, not %d", cfg.HoldSeconds)
	}
	pool, err := postgres.Open(ctx, cfg.DatabaseURL, store.Migrations())
	if err != nil {
		return nil, err
	}
	client, err := sidecar.New(cfg.Sidecar)
	if err != nil {
		pool.Close()
		return nil, err
	}
	b := &Backing{
		Client: client, Pool: pool, Store: store.Store{Pool: pool, Grace: cfg.Grace()},
		Seats: NewSeats(client.Store(event.Seats), cfg.Strategy, cfg.HoldFor(), time.Now), Megaphone: &Megaphone{Client: client}, config: cfg,
	}
	p.Check("postgres", pool.Ping)
	p.Go("megaphone", b.Megaphone.Run)
	return b, nil
}

// Prove waits for the sidecar, tries out the state store, and reads the signing key. The process
// has to answer health questions meanwhile, since the sidecar waits for it in turn.
func (b *Backing) Prove(ctx context.Context) error {
	if err := Await(ctx, b.Client.Store(event.Seats), b.config.Strategy, patience); err != nil {
		return err
	}
	seed, err := b.Client.Secret(ctx, event.Secrets, "ticket-signing-key")
	if err != nil {
		return err
	}
	b.Key, err = booking.SigningKey(seed)
	return err
}

// Driver drives bookings.
func (b *Backing) Driver() *booking.Driver {
	payments := Payments{Client: b.Client}
	return &booking.Driver{
		Journal: b.Store, Fence: b.Seats, Payments: payments, Cashbook: payments, Announcer: b.Megaphone,
		Key: b.Key, Grace: b.config.Grace(), Now: time.Now,
	}
}

// Close ends the connections.
func (b *Backing) Close() {
	b.Client.Close()
	b.Pool.Close()
}
