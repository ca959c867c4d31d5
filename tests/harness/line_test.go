package harness_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// TestLineCheckCanFail plants one bug after the other.
func TestLineCheckCanFail(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	good := func() *harness.Line {
		return &harness.Line{
			Arrivals: 6, Served: 5, Expired: 2, Pages: [][]string{{"a", "!b", "c"}, {"d", "e", "f"}},
			Log: []harness.Admission{
				{From: 1, To: 3, People: 2, Rate: 2, At: noon},
				{From: 4, To: 5, People: 2, Rate: 2, At: noon.Add(time.Second)},
			},
		}
	}
	require.NoError(t, good().Check())
	for name, plant := range map[string]func(*harness.Line){
		"a place given twice":         func(l *harness.Line) { l.Log[1].From = 3 },
		"a place passed over":         func(l *harness.Line) { l.Log[1].From = 5 },
		"an admission lost":           func(l *harness.Line) { l.Log = l.Log[:1] },
		"served before coming":        func(l *harness.Line) { l.Served, l.Log[1].To = 7, 7 },
		"over the rate":               func(l *harness.Line) { l.Log[1].At = noon.Add(300 * time.Millisecond) },
		"more people than places":     func(l *harness.Line) { l.Log[1].People = 3 },
		"out of order":                func(l *harness.Line) { l.Log[1].At = noon.Add(-time.Second) },
		"an arrival lost":             func(l *harness.Line) { l.Pages = l.Pages[:1] },
		"an arrival that is nobody's": func(l *harness.Line) { l.Pages[0][2] = "" },
		"a turn over before it came":  func(l *harness.Line) { l.Expired = 6 },
	} {
		l := good()
		plant(l)
		require.Error(t, l.Check(), name)
	}
}
