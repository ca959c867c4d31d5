package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// world stands for catalog and booking.
type world struct {
	mu    sync.Mutex
	start time.Time
	left  waitingroom.Inventory
	away  chan struct{} // until it is closed, no inventory is returned
}

func (w *world) Terms(_ context.Context, id uuid.UUID) (waitingroom.SaleTerms, error) {
	return waitingroom.SaleTerms{
		Event: id, Merchant: "m", HighDemand: true, Published: true, SalesStart: w.start, SalesEnd: w.start.Add(24 * time.Hour), MaxPerOrder: 4,
	}, nil
}

func (w *world) Inventory(context.Context, uuid.UUID) (waitingroom.Inventory, error) {
	if w.away != nil {
		<-w.away
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.left
	s.At = time.Now()
	return s, nil
}

var testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// open starts a sidecar that hosts the actor type, and the parts behind it.
func open(t *testing.T, w *world, components ...string) *parts {
	t.Helper()
	var app *parts
	harness.Sidecar(t, messages.WaitingRoom, func(cfg daprclient.Config) http.Handler {
		client, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(client.Close)
		app, err = assemble(client, testKey, time.Now)
		require.NoError(t, err)
		app.Service.Catalogue, app.ticks.Catalogue, app.ticks.Inventories = w, w, w
		router := mux.NewRouter()
		app.Host.Mount(daprclient.Guarded(router, cfg.AppToken), cfg.AppToken)
		daprclient.Mount(router, cfg.AppToken)
		return router
	}, append([]string{messages.Line, messages.Cache}, components...)...)
	return app
}

func account(i int) identity.Account {
	return identity.Account{ID: fmt.Sprintf("account-%05d", i), Roles: []identity.Role{identity.Customer}, EmailVerified: true}
}

func TestJoinWaitAndBeAdmitted(t *testing.T) {
	w := &world{start: time.Now().Add(-time.Minute), left: waitingroom.Inventory{Available: 100, Total: 100}}
	app := open(t, w, messages.PubSub, messages.Broadcast)
	id, ctx := uuid.New(), t.Context()

	first, created, err := app.Service.Join(ctx, account(1), id)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, int64(1), first.Number)
	again, created, err := app.Service.Join(ctx, account(1), id)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first.Number, again.Number)

	var pass string
	harness.Eventually(t, 30*time.Second, "the first one is let in", func() error {
		pass, _, err = app.Service.Admit(ctx, account(1), id, app.Service.Place(id, account(1), first.Arrival))
		return err
	})
	repeated, _, err := app.Service.Admit(ctx, account(1), id, "")
	require.NoError(t, err)
	require.Equal(t, pass, repeated, "asking again gives the same pass")
	_, err = admission.Verify(testKey.Public().(ed25519.PublicKey), pass, "account-00001", id, time.Now())
	require.NoError(t, err)

	line, err := app.Service.Line(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 1, line.Inside())

	require.ErrorIs(t, app.Service.Leave(ctx, account(1), id), waitingroom.ErrInside)
	require.NoError(t, app.Service.Finish(ctx, id, account(1).ID, 1, app.Rooms.Finish))
	_, _, err = app.Service.Admit(ctx, account(1), id, "")
	require.Equal(t, fault.Gone, fault.KindOf(err), "the pass is used up")
	third, created, err := app.Service.Join(ctx, account(1), id)
	require.NoError(t, err)
	require.True(t, created, "who is done may come again")
	require.Greater(t, third.Number, first.Number)
	stands, err := app.Service.Standing(ctx, account(1), id, "")
	require.NoError(t, err)
	require.Equal(t, third.Number, stands.Number, "wherever they ask")

	_, _, err = app.Service.Admit(ctx, account(2), id, "")
	require.ErrorIs(t, err, waitingroom.ErrNotQueued)
	ahead, _, err := app.Service.Join(ctx, account(2), id)
	require.NoError(t, err)
	require.NoError(t, app.Service.Leave(ctx, account(2), id))
	_, err = app.Service.Standing(ctx, account(2), id, "")
	require.ErrorIs(t, err, waitingroom.ErrNotQueued)
	behind, _, err := app.Service.Join(ctx, account(2), id)
	require.NoError(t, err)
	require.Greater(t, behind.Number, ahead.Number)
	_, _, err = app.Service.Admit(ctx, account(2), id, app.Service.Place(id, account(1), 1))
	require.Equal(t, fault.Forbidden, fault.KindOf(err), "somebody else's place")
}

// Joins wait for the actor during a tick, so a tick must not wait for other services.
func TestATickWaitsForNoOtherService(t *testing.T) {
	w := &world{start: time.Now().Add(-time.Minute), away: make(chan struct{})}
	app := open(t, w)
	id := uuid.New()
	_, _, err := app.Service.Join(t.Context(), account(1), id)
	require.NoError(t, err)
	ticked := make(chan error, 2)
	go func() {
		for range 2 {
			_, err := app.ticks.Tick(t.Context(), app.Host.Room(id))
			ticked <- err
		}
	}()
	for range 2 {
		select {
		case err := <-ticked:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			t.Fatal("the tick waits for booking")
		}
	}
	close(w.away)
}

// TestTwoActivations updates one event's room in several activations. The store's version check has to
// keep them apart.
func TestTwoActivations(t *testing.T) {
	app := open(t, &world{})
	lines, id := daprstore.NewLineStore(app.client.Store(messages.Line)), uuid.New()
	terms := waitingroom.SaleTerms{Event: id, HighDemand: true, Published: true, SalesEnd: time.Now().Add(time.Hour)}
	const rooms, updates, people = 3, 12, 7
	var mu sync.Mutex
	given := map[int64]string{}
	var wg sync.WaitGroup
	for r := range rooms {
		room := waitingroom.NewRoom(id, lines, time.Now)
		wg.Go(func() {
			for n := range updates {
				asks := make([]waitingroom.JoinRequest, people)
				for i := range asks {
					asks[i].Account = fmt.Sprintf("r%d-t%d-%d", r, n, i)
				}
				out, err := room.Join(t.Context(), asks, terms)
				if err != nil {
					continue // lost too often: nothing was promised
				}
				mu.Lock()
				for i, ask := range asks {
					arrival := out.Places[i].Arrival
					if other, taken := given[arrival]; taken {
						t.Errorf("arrival %d given to %s and %s", arrival, other, ask.Account)
					}
					given[arrival] = ask.Account
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.NotEmpty(t, given)
	for arrival, who := range given {
		pages, err := lines.Pages(t.Context(), id, []int64{(arrival - 1) / waitingroom.PageSize})
		require.NoError(t, err)
		require.Equal(t, who, pages[0].Accounts[(arrival-1)%waitingroom.PageSize])
	}
}
