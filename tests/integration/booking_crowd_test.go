package integration

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// people signs accounts in, side by side.
func people(t *testing.T, first, n int) []caller {
	t.Helper()
	all := make([]caller, n)
	var group errgroup.Group
	group.SetLimit(8)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	for i := range all {
		all[i] = as(t, loadUser(first+i))
		all[i].client = client
		group.Go(func() (err error) {
			all[i].token, err = all[i].p.SignIn(all[i].email)
			return err
		})
	}
	require.NoError(t, group.Wait())
	return all
}

// TestBookingTenThousandOnOneSeat has a hundred accounts ask for one seat a hundred times each.
// One of them gets it, once; all others are told at once that it is gone.
func TestBookingTenThousandOnOneSeat(t *testing.T) {
	const accounts, requests = 100, 10_000
	p := harness.Everything(t)
	e := selling(t, "One seat for ten thousand")
	buyers := people(t, 201, accounts)
	var won, gone, mine, away atomic.Int64
	var group errgroup.Group
	for _, buyer := range buyers {
		group.Go(func() error {
			for range requests / accounts {
				a, err := buyer.insist(time.Now().Add(time.Minute), http.MethodPost, "/api/v1/events/"+e.ID+"/holds", map[string]any{"units": []string{e.place(1)}})
				if err != nil {
					return err
				}
				var body struct{ Code string }
				_ = json.Unmarshal(a.Body, &body)
				switch {
				case a.Status == 201:
					won.Add(1)
				case body.Code == "units_unavailable":
					gone.Add(1)
				case body.Code == "hold_exists":
					mine.Add(1)
				default:
					away.Add(1)
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, requests, won.Load()+gone.Load()+mine.Load()+away.Load())
	assert.Less(t, mine.Load(), int64(requests/accounts), "only the winner has it already")
	assert.Equal(t, map[int]int{1: 1}, partsOf(t, p, e), "one hold of one seat in the store")
}

// partsOf counts an event's holds in the store by how many seats they have.
func partsOf(t *testing.T, p *harness.Platform, e concert) map[int]int {
	t.Helper()
	evidence, err := p.Evidence(context.Background())
	require.NoError(t, err)
	seats := map[uuid.UUID]int{}
	for _, s := range evidence.Seats {
		if s.Event.String() == e.ID {
			seats[s.Hold]++
		}
	}
	sizes := map[int]int{}
	for _, n := range seats {
		sizes[n]++
	}
	return sizes
}

// TestBookingGroupsFillAHouse has forty groups of four want places of a room of fifty, half of
// them places they chose, which overlap, half whatever is best. Each has four places or none,
// until no four are left.
func TestBookingGroupsFillAHouse(t *testing.T) {
	const groups, of, capacity = 40, 4, 50
	p := harness.Everything(t)
	e := selling(t, "Groups in a full room")
	buyers := people(t, 301, groups)
	var mu sync.Mutex
	taken := map[string]int{}
	var holds int
	var group errgroup.Group
	for i, buyer := range buyers {
		group.Go(func() error {
			for try := 0; ; try++ {
				body := map[string]any{"items": []map[string]any{{"ticketType": e.TicketTypes[0].ID, "quantity": of}}}
				chosen := i%2 == 0 && try < 5
				if chosen {
					body = map[string]any{"units": e.places(1+rand.IntN(capacity-of), of)}
				}
				a, err := buyer.insist(time.Now().Add(time.Minute), http.MethodPost, "/api/v1/events/"+e.ID+"/holds", body)
				if err != nil {
					return err
				}
				if a.Status == 201 {
					var h heldUnits
					if err := json.Unmarshal(a.Body, &h); err != nil {
						return err
					}
					mu.Lock()
					defer mu.Unlock()
					holds++
					assert.Len(t, h.Units, of)
					for _, u := range h.Units {
						taken[u.Unit]++
					}
					return nil
				}
				if a.Status != 409 {
					t.Errorf("%d %s", a.Status, a.Body)
				}
				if mu.Lock(); len(taken) > capacity-of { // no four are left
					mu.Unlock()
					return nil
				}
				mu.Unlock()
			}
		})
	}
	require.NoError(t, group.Wait())
	for unit, n := range taken {
		assert.Equal(t, 1, n, "%s is in one hold", unit)
	}
	assert.Equal(t, capacity/of, holds)
	assert.Equal(t, map[int]int{of: capacity / of}, partsOf(t, p, e), "no hold in part")
}
