package app

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/waitingroom"
	"github.com/foyer-tickets/foyer/services/waitingroom/daprstore"
)

// slowLines has many lines, each with so many arrivals, and takes its time.
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
		p := Personal{Store: lines, Now: time.Now}
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
	app := open(t, &world{start: time.Now().Add(-time.Minute)})
	ctx := t.Context()
	p := app.Personal()
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

// A line from before there were registers gets into one when it changes: an erasure has to find it.
func TestAnOlderLineIsRegisteredByItsNextCommit(t *testing.T) {
	app := open(t, &world{})
	ledger := daprstore.NewLineStore(app.client.Store(messages.Line))
	id := uuid.New()
	older, err := daprstore.EncodeLine(waitingroom.NewLine(id))
	require.NoError(t, err)
	require.NoError(t, ledger.Store.Transact(t.Context(), []daprclient.Op{{Key: daprstore.LineKey(id), Value: older}}))
	events := func() []uuid.UUID {
		all, err := ledger.Events(t.Context())
		require.NoError(t, err)
		return all
	}
	require.NotContains(t, events(), id)
	line, version, err := ledger.Load(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, ledger.Commit(t.Context(), id, waitingroom.Change{Line: line, Version: version}))
	require.Contains(t, events(), id)
}
