package app

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
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/actor"
	"github.com/foyer-tickets/foyer/services/waitingroom/clients"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
	"github.com/foyer-tickets/foyer/services/waitingroom/personal"
)

// secretKey is the name of the secret that signs places and passes.
const secretKey = "admission-signing-key"

// parts are the waiting room's domain and adapters of one process, connected.
type parts struct {
	Service   *waitingroom.Service
	Views     *waitingroom.LineViews
	Host      *actor.Host
	Rooms     *actor.Client
	Catalogue *clients.Catalog
	Cache     *daprclient.Store
	Show      func(waitingroom.Front) // also shows fronts, besides Views

	client *daprclient.Client
	ticks  *actor.TickPublisher
	now    func() time.Time
}

// signingKey waits for the sidecar, which has the key that signs places and passes.
func signingKey(ctx context.Context, client *daprclient.Client) (ed25519.PrivateKey, error) {
	secret, err := awaitSecret(ctx, client)
	if err != nil {
		return nil, err
	}
	return admission.Key(secret)
}

// assemble connects the parts. key signs places and passes.
func assemble(client *daprclient.Client, key ed25519.PrivateKey, now func() time.Time) (*parts, error) {
	passes, err := admission.NewSigner(key)
	if err != nil {
		return nil, err
	}
	lines := daprstore.NewLineStore(client.Store(messages.Line))
	a := &parts{
		Views: waitingroom.NewLineViews(lines, now), Catalogue: &clients.Catalog{Client: client}, Cache: client.Store(messages.Cache),
		Show: func(waitingroom.Front) {}, client: client, now: now,
	}
	a.ticks = &actor.TickPublisher{Client: client, Catalogue: a.Catalogue, Inventories: clients.Booking{Client: client}, Show: a.show, Now: now}
	a.Host = actor.NewHost(lines, a.ticks, now)
	a.Rooms = &actor.Client{Dapr: client, Local: a.Host}
	a.Service = &waitingroom.Service{
		Rooms: a.Rooms, PassStore: daprstore.PassStore{Store: a.Cache}, Catalogue: a.Catalogue, Views: a.Views,
		PlaceSigner: waitingroom.NewPlaceSigner(key.Seed()), PassSigner: passes, Now: now,
	}
	return a, nil
}

const secretEvery = 500 * time.Millisecond

func awaitSecret(ctx context.Context, client *daprclient.Client) (string, error) {
	for {
		secret, err := client.Secret(ctx, messages.Secrets, secretKey)
		if err == nil {
			return secret, nil
		}
		slog.InfoContext(ctx, "waiting for the sidecar", "error", err)
		if worker.Sleep(ctx, secretEvery) != nil {
			return "", fmt.Errorf("signing key: %w", err)
		}
	}
}

// Close waits until the admitted are notified, at most until ctx ends. Rooms need no closing: their lines
// are stored by each update.
func (a *parts) Close(ctx context.Context) error {
	return a.ticks.Wait(ctx)
}

func (a *parts) show(f waitingroom.Front) {
	a.Views.Apply(f)
	a.Show(f)
}

// Personal exports and erases the data of accounts.
func (a *parts) Personal() personal.Holder {
	return personal.Holder{Store: daprstore.NewLineStore(a.client.Store(messages.Line)), Rooms: a.Rooms, Passes: daprstore.PassStore{Store: a.Cache}, Now: a.now}
}

// Subscriptions are the process's topics.
func (a *parts) Subscriptions() []daprclient.Subscription {
	return Subscriptions{Show: a.show, Catalogue: a.Catalogue, Rooms: a.Rooms, Service: a.Service}.Subscriptions()
}

const (
	watchEvery = time.Second
	silence    = 5 * time.Second // of a line with people waiting
	nudgeLimit = 3 * time.Second
)

// Watch looks for lines that are watched here, have people waiting and do not tick: it sets their
// reminder again and ticks them here. So a line moves without placement and scheduler. The rate is kept
// in the stored line, so it holds however many replicas tick.
func (a *parts) Watch(ctx context.Context) error {
	return worker.Every(ctx, watchEvery, func(ctx context.Context) {
		for _, id := range a.Views.Stalled(silence) {
			a.nudge(ctx, id)
		}
	})
}

func (a *parts) nudge(ctx context.Context, id uuid.UUID) {
	ctx, cancel := context.WithTimeout(ctx, nudgeLimit)
	defer cancel()
	slog.InfoContext(ctx, "line does not tick, ticking it here", "event", id)
	a.Rooms.Wake(ctx, id)
	if _, err := a.ticks.Tick(ctx, a.Host.Room(id)); err != nil {
		slog.WarnContext(ctx, "tick", "event", id, "error", err)
	}
}
