package sidecar

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// SecretKey is the name of the secret that signs places and passes.
const SecretKey = "admission-signing-key"

// App is all of the waiting room that a process holds.
type App struct {
	Service   *waitingroom.Service
	Views     *waitingroom.Views
	Actors    *Actors
	Rooms     *Rooms
	Catalogue *Catalog
	Cache     *daprclient.Store
	Show      func(waitingroom.Front) // what else wants to see fronts

	client *daprclient.Client
	clock  *TickPublisher
	now    func() time.Time
}

// Open puts the parts together. It waits for the sidecar, which has the signing key.
func Open(ctx context.Context, client *daprclient.Client, now func() time.Time) (*App, error) {
	secret, err := awaitSecret(ctx, client)
	if err != nil {
		return nil, err
	}
	key, err := admission.Key(secret)
	if err != nil {
		return nil, err
	}
	return New(client, key, now)
}

// New puts the parts together with a key.
func New(client *daprclient.Client, key ed25519.PrivateKey, now func() time.Time) (*App, error) {
	passes, err := admission.NewSigner(key)
	if err != nil {
		return nil, err
	}
	ledger := NewLineStore(client.Store(messages.Line))
	h := &App{
		Views: waitingroom.NewViews(ledger, now), Catalogue: &Catalog{Client: client}, Cache: client.Store(messages.Cache),
		Show: func(waitingroom.Front) {}, client: client, now: now,
	}
	h.clock = &TickPublisher{Client: client, Catalogue: h.Catalogue, Inventories: Booking{client}, Show: h.show, Now: now}
	h.Actors = NewActors(ledger, h.clock, now)
	h.Rooms = &Rooms{Client: client, Local: h.Actors}
	h.Service = &waitingroom.Service{
		Rooms: h.Rooms, Book: PassStore{h.Cache}, Catalogue: h.Catalogue, Views: h.Views,
		Seal: waitingroom.NewPlaceSigner(key.Seed()), Passes: passes, Now: now,
	}
	return h, nil
}

const secretEvery = 500 * time.Millisecond

func awaitSecret(ctx context.Context, client *daprclient.Client) (string, error) {
	for {
		secret, err := client.Secret(ctx, messages.Secrets, SecretKey)
		if err == nil {
			return secret, nil
		}
		slog.InfoContext(ctx, "waiting for the sidecar", "error", err)
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("signing key: %w", err)
		case <-time.After(secretEvery):
		}
	}
}

// Close waits until those who were let in have been told, and no longer than ctx. The rooms
// themselves need no end: their lines are in the store after each turn.
func (h *App) Close(ctx context.Context) error {
	return h.clock.Wait(ctx)
}

func (h *App) show(f waitingroom.Front) {
	h.Views.Apply(f)
	h.Show(f)
}

// Personal answers for what the waiting room keeps about an account.
func (h *App) Personal() Personal {
	return Personal{Ledger: NewLineStore(h.client.Store(messages.Line)), Rooms: h.Rooms, Book: PassStore{h.Cache}, Now: h.now}
}

// Subscriptions are the process's topics.
func (h *App) Subscriptions() []daprclient.Subscription {
	return Subscriptions{Show: h.show, Catalogue: h.Catalogue, Rooms: h.Rooms, Service: h.Service}.Subscriptions()
}

const (
	watchEvery = time.Second
	silence    = 5 * time.Second // of a line that people wait in
	nudgeLimit = 3 * time.Second
)

// Watch looks after lines that somebody here watches and that no tick came from: it sets the
// reminder again and has a tick here. So a line goes on without placement and scheduler, and
// the rate, which is in the line, holds however many replicas do so.
func (h *App) Watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			for _, id := range h.Views.Silent(silence) {
				h.nudge(ctx, id)
			}
		}
	}
}

func (h *App) nudge(ctx context.Context, id uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, nudgeLimit)
	defer cancel()
	slog.InfoContext(ctx, "line stands still, ticking it here", "event", id)
	h.Rooms.Wake(ctx, id)
	if _, err := h.clock.Tick(ctx, h.Actors.Room(id)); err != nil {
		slog.WarnContext(ctx, "tick", "event", id, "error", err)
	}
}
