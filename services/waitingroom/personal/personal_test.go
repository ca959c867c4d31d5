package personal

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/actor"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// idle is a ticker that does nothing.
type idle struct{}

func (idle) Tick(context.Context, *waitingroom.Room) (bool, error) { return true, nil }

// open starts a sidecar with the actors and stores of the waiting room.
func open(t *testing.T) Holder {
	t.Helper()
	var h Holder
	harness.Sidecar(t, messages.WaitingRoom, func(cfg daprclient.Config) http.Handler {
		client, err := daprclient.New(cfg)
		require.NoError(t, err)
		t.Cleanup(client.Close)
		lines := daprstore.NewLineStore(client.Store(messages.Line))
		host := actor.NewHost(lines, idle{}, time.Now)
		h = Holder{
			Store: lines, Rooms: &actor.Client{Dapr: client, Local: host}, Passes: daprstore.PassStore{Store: client.Store(messages.Cache)}, Now: time.Now,
		}
		router := mux.NewRouter()
		host.Mount(daprclient.Guarded(router, cfg.AppToken), cfg.AppToken)
		daprclient.Mount(router, cfg.AppToken)
		return router
	}, messages.Line, messages.Cache)
	return h
}

// slowLines has many lines with so many arrivals each, and answers slowly.
type slowLines struct {
	waitingroom.LineStore
	events []uuid.UUID
	taken  map[uuid.UUID]int64
}

func (s slowLines) Events(context.Context) ([]uuid.UUID, error) { return slices.Clone(s.events), nil }

func (s slowLines) Load(_ context.Context, id uuid.UUID) (waitingroom.Line, string, error) {
	time.Sleep(100 * time.Millisecond)
	line := waitingroom.NewLine(id)
	line.Arrivals = s.taken[id]
	return line, "1", nil
}

// However many lines there are, and however long one is, a step ends in time, and all steps together
// see each page once.
func TestManyAndLongLinesAreLookedThroughInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := slowLines{taken: map[uuid.UUID]int64{}}
		want := map[position]int{}
		for i := range 1001 {
			id := uuid.New()
			lines.events = append(lines.events, id)
			lines.taken[id] = 1
			if i == 500 {
				lines.taken[id] = 10_000*waitingroom.PageSize + 1
			}
			for n := range (lines.taken[id] + waitingroom.PageSize - 1) / waitingroom.PageSize {
				want[position{id, n}] = 1
			}
		}
		slices.SortFunc(lines.events, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		p := Holder{Store: lines, Now: time.Now}
		var mu sync.Mutex
		seen := map[position]int{}
		steps := 0
		require.NoError(t, personaldata.Steps(func(cursor string) (string, error) {
			steps++
			began := time.Now()
			next, err := p.search(t.Context(), cursor, func(_ context.Context, in part) error {
				time.Sleep(time.Duration(len(in.pages)) * 5 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				for _, n := range in.pages {
					seen[position{in.event, n}]++
				}
				return nil
			})
			require.Less(t, time.Since(began), 3*time.Second, "what the sidecar gives a call")
			return next, err
		}))
		assert.Equal(t, want, seen)
		assert.Greater(t, steps, 10)
	})
}

// TestErasureAndExportInPieces: of many lines and of one long one a call looks through a part, and
// the calls together through all.
func TestErasureAndExportInPieces(t *testing.T) {
	p := open(t)
	ctx := t.Context()
	clock := time.Now()
	p.Now = func() time.Time { // a slow store: each look at the clock ends the call
		clock = clock.Add(2 * stepTime)
		return clock
	}
	commit := func(taken int64, merchant string, pages ...waitingroom.Page) uuid.UUID {
		id := uuid.New()
		line := waitingroom.NewLine(id)
		line.Arrivals, line.Terms.Merchant = taken, merchant
		require.NoError(t, p.Store.Commit(ctx, id, waitingroom.Change{Line: line, Pages: pages}))
		return id
	}
	want := map[string]bool{}
	for range 2*partsRead + 1 {
		want[fmt.Sprint(commit(2, "m", waitingroom.Page{Number: 0, Accounts: []string{"ben", "anna"}}), 2)] = true
	}
	const far = (partsRead + 2) * partPages
	long := commit((far+1)*waitingroom.PageSize, "m",
		waitingroom.Page{Number: 0, Accounts: []string{"anna"}}, waitingroom.Page{Number: far, Accounts: []string{"ben", "!anna"}})
	want[fmt.Sprint(long, 1)], want[fmt.Sprint(long, far*waitingroom.PageSize+2)] = true, true
	own := commit(0, "anna")

	export := func() map[string]bool {
		found := map[string]bool{}
		require.NoError(t, personaldata.Steps(func(cursor string) (string, error) {
			page, err := p.Export(ctx, "anna", cursor)
			require.LessOrEqual(t, len(page.Sections["waitingRooms"]), partsRead)
			for _, item := range page.Sections["waitingRooms"] {
				e := item.(exportedPlace)
				key := fmt.Sprint(e.Event, e.Arrival)
				require.False(t, found[key], "twice")
				found[key] = true
			}
			return page.Next, err
		}))
		return found
	}
	require.Equal(t, want, export())

	calls := 0
	require.NoError(t, personaldata.Steps(func(cursor string) (string, error) {
		calls++
		return p.EraseStep(ctx, "anna", "deleted-1", cursor)
	}))
	require.Greater(t, calls, 3)
	require.Less(t, calls, 10)
	require.Empty(t, export())
	line, _, err := p.Store.Load(ctx, own)
	require.NoError(t, err)
	require.Equal(t, "deleted-1", line.Terms.Merchant)
	_, err = p.EraseStep(ctx, "anna", "deleted-1", "no cursor")
	require.ErrorIs(t, err, httpapi.ErrInvalidCursor)
}
