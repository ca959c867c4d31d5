package booking_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// hall is rows of seats, the best row first; '.' free, '#' taken, ' ' an aisle, 'w' a wheelchair
// place and 'c' its companion's, both free.
func hall(rows ...string) (*booking.Sale, func(int) bool) {
	s := &booking.Sale{Event: uuid.New(), TicketTypes: []booking.TicketType{{ID: "t"}}}
	var free []bool
	for y, row := range rows {
		for x, c := range row {
			if c == ' ' {
				continue
			}
			kind := booking.Seating
			switch c {
			case 'w':
				kind = booking.Wheelchair
			case 'c':
				kind = booking.Companion
			}
			s.Units = append(s.Units, booking.Unit{ID: fmt.Sprintf("%c%02d", 'A'+y, x), TicketType: "t", Row: string(rune('A' + y)), X: float64(x), Y: float64(y), Kind: kind})
			free = append(free, c != '#')
		}
	}
	s.Prepare()
	return s, func(i int) bool { return free[i] }
}

func TestBestAvailable(t *testing.T) {
	for name, c := range map[string]struct {
		rows []string
		n    int
		want []string
	}{
		"the best row's middle":                     {[]string{"......", "......"}, 2, []string{"A02", "A03"}},
		"not where one seat would be left":          {[]string{".....#"}, 2, []string{"A00", "A01"}},
		"the next row rather than leaving one":      {[]string{"...###", "......"}, 2, []string{"B02", "B03"}},
		"one is left when there is no other way":    {[]string{"...#"}, 2, []string{"A00", "A01"}},
		"an aisle parts neighbours":                 {[]string{"..  ..", "......"}, 3, []string{"B00", "B01", "B02"}},
		"a group is split only when it has to be":   {[]string{"..#...", ".#...#"}, 4, []string{"A03", "A04", "A05", "B02"}},
		"wheelchair places are not for just anyone": {[]string{"wc....", "......"}, 4, []string{"A02", "A03", "A04", "A05"}},
		"not enough": {[]string{"..#."}, 4, nil},
		"wheelchair places do not fill a group up": {[]string{"wc.."}, 4, nil},
		"none": {[]string{"...."}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, free := hall(c.rows...)
			assert.Equal(t, c.want, s.BestAvailable("t", c.n, 0, free))
		})
	}
}

func TestWheelchairPlacesAreGivenByTheirOwnTicketType(t *testing.T) {
	s, free := hall("wc....")
	for i := range s.Units[:2] {
		s.Units[i].TicketType = "accessible"
	}
	s.TicketTypes = append(s.TicketTypes, booking.TicketType{ID: "accessible"})
	s.Prepare()
	assert.Equal(t, []string{"A00", "A01"}, s.BestAvailable("accessible", 2, 0, free))
}

func TestBuyersWhoCollideComeApart(t *testing.T) {
	s, free := hall("........", "........", "........")
	seen := map[string]bool{}
	for skip := range 3 {
		seen[s.BestAvailable("t", 2, skip, free)[0]] = true
	}
	assert.Len(t, seen, 3)
}

func TestACrowdIsProposedDifferentPlaces(t *testing.T) {
	s, _ := hall("....", "....")
	m, now := seatmap.NewMap(s, 1, nil), time.Now()
	two := []booking.Item{{TicketType: "t", Quantity: 2}}
	propose := func(at time.Time) []string {
		ids, err := m.Propose(two, nil, 0, at)
		require.NoError(t, err)
		return ids
	}
	seen := map[string]bool{}
	for range 4 {
		for _, id := range propose(now) {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
	require.NotEmpty(t, propose(now), "when there is nothing else, what others may not take after all")
	for _, id := range []string{"B02", "B03"} {
		hold := booking.Hold{ID: uuid.New(), Units: []booking.HeldUnit{{ID: id}}, Until: now.Add(time.Minute)}
		m.Apply(booking.HeldChanges(hold), now)
		m.Apply(booking.FreedChanges(hold.ID, hold.UnitIDs()), now)
	}
	require.Equal(t, []string{"B02", "B03"}, propose(now.Add(time.Second)), "what came back is free again")
	require.Equal(t, s.BestAvailable("t", 2, 0, func(int) bool { return true }), propose(now.Add(time.Minute)))
}

// TestBestAvailableAlways holds in any hall.
func TestBestAvailableAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("...##  wc")), 4, 14, -1), 1, 6).Draw(t, "rows")
		n, skip := rapid.IntRange(1, 6).Draw(t, "n"), rapid.IntRange(0, 50).Draw(t, "skip")
		s, free := hall(append(rows, "##")...) // neighbours somewhere, to tell an aisle by
		got := s.BestAvailable("t", n, skip, free)
		if !slices.ContainsFunc(s.Units[:len(s.Units)-2], func(u booking.Unit) bool { return u.Kind == booking.Seating }) {
			return
		}
		general := 0
		for i, u := range s.Units {
			if free(i) && u.Kind == booking.Seating {
				general++
			}
		}
		if general < n {
			require.Empty(t, got, "there are only %d", general)
			return
		}
		require.Len(t, got, n)
		picked := map[int]bool{}
		for _, id := range got {
			i, ok := s.Index(id)
			require.True(t, ok)
			require.True(t, free(i), "%s is taken", id)
			require.Equal(t, booking.Seating, s.Units[i].Kind, "nobody asked for %s", id)
			require.False(t, picked[i], "%s twice", id)
			picked[i] = true
		}
		fits, clean := placesFor(s, free, n)
		if !fits {
			return
		}
		first, _ := s.Index(got[0])
		for k, id := range got {
			i, _ := s.Index(id)
			require.Equal(t, s.Units[first].Row, s.Units[i].Row, "not in one row: %v", got)
			require.InDelta(t, s.Units[first].X+float64(k), s.Units[i].X, 0.1, "not side by side: %v", got)
		}
		if clean {
			require.False(t, orphans(s, free, picked), "%v leaves a single seat, and need not", got)
		}
	})
}

// stretches are runs of free, general neighbours, found the slow and obvious way.
func stretches(s *booking.Sale, free func(int) bool) [][]int {
	var all [][]int
	for i, u := range s.Units {
		if !free(i) || u.Kind != booking.Seating {
			continue
		}
		if n := len(all); n > 0 {
			last := s.Units[all[n-1][len(all[n-1])-1]]
			if last.Row == u.Row && u.X-last.X < 1.5 {
				all[n-1] = append(all[n-1], i)
				continue
			}
		}
		all = append(all, []int{i})
	}
	return all
}

// placesFor says whether n fit side by side anywhere, and whether without leaving a single seat.
func placesFor(s *booking.Sale, free func(int) bool, n int) (fits, clean bool) {
	for _, run := range stretches(s, free) {
		for left := 0; left+n <= len(run); left++ {
			fits = true
			right := len(run) - n - left
			clean = clean || (left != 1 && right != 1)
		}
	}
	return fits, clean
}

// orphans tells whether a stretch that was longer is one seat now.
func orphans(s *booking.Sale, free func(int) bool, picked map[int]bool) bool {
	before := map[int]int{}
	for _, run := range stretches(s, free) {
		for _, i := range run {
			before[i] = len(run)
		}
	}
	for _, run := range stretches(s, func(i int) bool { return free(i) && !picked[i] }) {
		if len(run) == 1 && before[run[0]] > 1 {
			return true
		}
	}
	return false
}
