package booking

import (
	"cmp"
	"math"
	"slices"
)

// run is a stretch of neighbouring places of one row: indices into Sale.Units, left to right.
type run []int

// rowsByType splits each ticket type's units into runs of neighbours, in the plan's order, which
// puts the best rows first. A gap wider than a seat, such as an aisle, ends a run. Places for
// wheelchairs and companions take part only where a ticket type sells nothing else.
func rowsByType(units []Unit) map[string][]run {
	type row struct{ ticketType, zone, row string }
	general := map[string]bool{}
	for _, u := range units {
		if u.Kind != Wheelchair && u.Kind != Companion {
			general[u.TicketType] = true
		}
	}
	var order []row
	members := map[row]run{}
	for i, u := range units {
		if u.Blocked || u.TicketType == "" || (general[u.TicketType] && (u.Kind == Wheelchair || u.Kind == Companion)) {
			continue
		}
		key := row{u.TicketType, u.Zone, u.Row}
		if _, ok := members[key]; !ok {
			order = append(order, key)
		}
		members[key] = append(members[key], i)
	}
	pitch := map[string]float64{} // the usual distance of neighbours, by zone
	for _, key := range order {
		slices.SortStableFunc(members[key], func(a, b int) int { return cmp.Compare(units[a].X, units[b].X) })
		if narrowest, ok := pitch[key.zone]; !ok || narrowest > spacing(units, members[key]) {
			pitch[key.zone] = spacing(units, members[key])
		}
	}
	rows := map[string][]run{}
	for _, key := range order {
		rows[key.ticketType] = append(rows[key.ticketType], splitAtGaps(units, members[key], pitch[key.zone])...)
	}
	return rows
}

func distance(units []Unit, a, b int) float64 {
	return math.Hypot(units[b].X-units[a].X, units[b].Y-units[a].Y)
}

// spacing is how close the closest neighbours of a row are.
func spacing(units []Unit, row run) float64 {
	closest := math.Inf(1)
	for i := 1; i < len(row); i++ {
		if d := distance(units, row[i-1], row[i]); d > 0 {
			closest = min(closest, d)
		}
	}
	return closest
}

// splitAtGaps cuts a row where neighbours stand too far apart.
func splitAtGaps(units []Unit, row run, pitch float64) []run {
	if units[row[0]].Kind == Standing {
		return []run{row}
	}
	const aisle = 1.6 // times the usual distance
	var runs []run
	start := 0
	for i := 1; i < len(row); i++ {
		if distance(units, row[i-1], row[i]) > aisle*pitch {
			runs = append(runs, row[start:i])
			start = i
		}
	}
	return append(runs, row[start:])
}

// BestAvailable proposes n places of a ticket type side by side: the best row first, leaving no
// single place between taken ones when that can be avoided, near the middle of the row. When no
// row has n together it splits the group into as few parts as it can. free says which indices
// are free; skip passes over that many equally valid proposals, so that buyers who come at the
// same moment do not all get the same one. nil: there are not n.
func (s *Sale) BestAvailable(ticketType string, n, skip int, free func(i int) bool) []string {
	var together []run // free stretches of at least n
	var all []run
	count := 0
	for _, row := range s.rows[ticketType] {
		for _, stretch := range freeStretches(row, free) {
			all = append(all, stretch)
			count += len(stretch)
			if len(stretch) >= n {
				together = append(together, stretch)
			}
		}
	}
	if n < 1 || count < n {
		return nil
	}
	if s.standing(ticketType) {
		return s.ids(pickStanding(all, n, skip))
	}
	var clean, orphaning []run
	for _, stretch := range together {
		start, orphan := place(len(stretch), n)
		if orphan {
			orphaning = append(orphaning, stretch[start:start+n])
		} else {
			clean = append(clean, stretch[start:start+n])
		}
	}
	for _, candidates := range [][]run{clean, orphaning} {
		if len(candidates) > 0 {
			return s.ids(candidates[skip%len(candidates)])
		}
	}
	return s.ids(split(all, n))
}

func (s *Sale) standing(ticketType string) bool {
	rows := s.rows[ticketType]
	return len(rows) > 0 && s.Units[rows[0][0]].Kind == Standing
}

func (s *Sale) ids(indices []int) []string {
	ids := make([]string, len(indices))
	for i, u := range indices {
		ids[i] = s.Units[u].ID
	}
	return ids
}

func freeStretches(row run, free func(int) bool) []run {
	var stretches []run
	start := -1
	for i, u := range row {
		switch {
		case free(u) && start < 0:
			start = i
		case !free(u) && start >= 0:
			stretches = append(stretches, row[start:i])
			start = -1
		}
	}
	if start >= 0 {
		stretches = append(stretches, row[start:])
	}
	return stretches
}

// place finds where n go in a stretch: nearest to the middle among the places that leave no
// single seat on either side; the edge when there is none such.
func place(length, n int) (start int, orphan bool) {
	rest := length - n
	best := -1
	for left := 0; left <= rest; left++ {
		if left == 1 || rest-left == 1 {
			continue
		}
		if best < 0 || math.Abs(float64(rest)/2-float64(left)) < math.Abs(float64(rest)/2-float64(best)) {
			best = left
		}
	}
	if best < 0 {
		return 0, true
	}
	return best, false
}

// pickStanding takes any n; places to stand are alike, so buyers are spread over all of them.
func pickStanding(stretches []run, n, skip int) []int {
	flat := slices.Concat(stretches...)
	picked := make([]int, 0, n)
	for i := range n {
		picked = append(picked, flat[(skip*n+i)%len(flat)])
	}
	return picked
}

// split takes the longest stretches first, so that a group falls into few parts.
func split(stretches []run, n int) []int {
	slices.SortStableFunc(stretches, func(a, b run) int { return len(b) - len(a) })
	var picked []int
	for _, stretch := range stretches {
		take := min(len(stretch), n-len(picked))
		picked = append(picked, stretch[:take]...)
		if len(picked) == n {
			break
		}
	}
	return picked
}
