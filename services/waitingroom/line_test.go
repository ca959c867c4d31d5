package waitingroom

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func terms() SaleTerms {
	return SaleTerms{HighDemand: true, Published: true, SalesStart: noon, SalesEnd: noon.Add(24 * time.Hour), MaxPerOrder: 4, Merchant: "m"}
}

// line is one that is open, with people waiting and plenty to buy.
func line(people int) Line {
	l := NewLine(uuid.New())
	l.Terms, l.Arrivals = terms(), int64(people)
	l.Settings.Rate = 10
	return l.SetInventory(Inventory{Available: 10_000, Total: 10_000, At: noon})
}

// run ticks once a second and admits all that is due.
func run(l Line, from time.Time, ticks int) (Line, time.Time) {
	for i := range ticks {
		now := from.Add(time.Duration(i) * time.Second)
		var n int
		if l, n = l.Due(now); n > 0 {
			l = l.Admit(l.Served+int64(n), n, now)
		}
	}
	return l, from.Add(time.Duration(ticks) * time.Second)
}

func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Line)
		at     time.Time
		want   Status
	}{
		"before the sale":       {func(*Line) {}, noon.Add(-time.Second), Lobby},
		"at its start":          {func(*Line) {}, noon, Open},
		"opens later":           {func(l *Line) { l.Settings.OpensAt = noon.Add(time.Hour) }, noon, Lobby},
		"never before the sale": {func(l *Line) { l.Settings.OpensAt = noon.Add(-time.Hour) }, noon.Add(-time.Minute), Lobby},
		"paused":                {func(l *Line) { l.Settings.Paused = true }, noon, Paused},
		"shut":                  {func(l *Line) { l.Settings.Open = false }, noon, Closed},
		"after the sale":        {func(*Line) {}, noon.Add(24 * time.Hour), Closed},
		"cancelled":             {func(l *Line) { l.Terms.Published = false }, noon, Closed},
		"no high demand":        {func(l *Line) { l.Terms.HighDemand = false }, noon, Closed},
		"sold out":              {func(l *Line) { l.WaitingList = true }, noon, SoldOut},
	} {
		t.Run(name, func(t *testing.T) {
			l := line(0)
			c.change(&l)
			require.Equal(t, c.want, l.Status(c.at))
			_, _, err := l.Join(1, c.at)
			require.Equal(t, c.want == Closed, err != nil)
		})
	}
}

func TestDueIsBoundedByEverything(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Line)
		want   int64 // served after ten seconds
	}{
		"by the rate":                       {func(*Line) {}, 90}, // the first tick only starts the clock
		"by a slow rate":                    {func(l *Line) { l.Settings.Rate = 0.25 }, 2},
		"by who waits":                      {func(l *Line) { l.Arrivals = 7 }, 7},
		"by how many may be inside":         {func(l *Line) { l.Settings.Concurrency = 25 }, 25},
		"by what is left, with the prior":   {func(l *Line) { l.Inventory.Available = 29 }, 20}, // 0.9 show up, 0.8 buy, 2 each
		"by nothing left":                   {func(l *Line) { l.Inventory.Available = 0 }, 0},
		"one unit admits one":               {func(l *Line) { l.Inventory.Available = 1 }, 1},
		"on the list by units, exactly":     {func(l *Line) { l.WaitingList, l.Inventory.Available = true, 3 }, 3},
		"not while paused":                  {func(l *Line) { l.Settings.Paused = true }, 0},
		"not in the lobby":                  {func(l *Line) { l.Settings.OpensAt = noon.Add(time.Hour) }, 0},
		"not before the order is drawn":     {func(l *Line) { l.Settings.Order = Shuffle }, 0},
		"not before the inventory is known": {func(l *Line) { l.Inventory = Inventory{} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := line(1000)
			c.change(&l)
			l, _ = run(l, noon, 10)
			require.Equal(t, c.want, l.Served)
		})
	}
}

func TestPauseAndResumeSaveNothingUp(t *testing.T) {
	l, now := run(line(1000), noon, 5)
	served := l.Served
	l.Settings.Paused = true
	l, now = run(l, now, 60)
	require.Equal(t, served, l.Served)
	l.Settings.Paused = false
	l, _ = run(l, now, 1)
	require.LessOrEqual(t, l.Served-served, int64(10), "a pause earns no burst")
}

func TestSilenceEarnsNoBurst(t *testing.T) {
	l, now := run(line(1000), noon, 5)
	served := l.Served
	l, _ = run(l, now.Add(time.Hour), 1)
	require.LessOrEqual(t, l.Served-served, int64(10))
	back, n := l.Due(noon) // a clock behind ours
	require.Zero(t, n)
	require.Equal(t, l.Ticked, back.Ticked)
}

func TestClaim(t *testing.T) {
	l, now := run(line(100), noon, 3) // places 1..20
	require.Equal(t, int64(20), l.Served)

	l, a, _ := l.Claim(21, now)
	require.Equal(t, NotYet, a)
	l, a, until := l.Claim(5, now)
	require.Equal(t, Granted, a)
	require.Equal(t, now.Add(PassFor), until)
	require.Equal(t, 1, l.Inside())
	require.Equal(t, 19, l.Unclaimed())
	l, a, _ = l.Claim(5, now)
	require.Equal(t, Granted, a)
	require.Equal(t, 1, l.Inside(), "asking again counts once")

	late := now.Add(l.Settings.ClaimWindow)
	l, a, _ = l.Claim(6, late)
	require.Equal(t, Missed, a)
	require.Equal(t, int64(20), l.Expired)
	require.Zero(t, l.Unclaimed())
	l, _, _ = l.Claim(6, until.Add(passStep))
	require.Zero(t, l.Inside(), "passes end")
}

func TestAMissedTurnPassesToTheNext(t *testing.T) {
	l := line(100)
	l.Settings.Concurrency = 10
	l, now := run(l, noon, 5)
	require.Equal(t, int64(10), l.Served)
	l, _ = run(l, now.Add(l.Settings.ClaimWindow), 3)
	require.Equal(t, int64(20), l.Served)
}

func TestQuit(t *testing.T) {
	l, now := run(line(100), noon, 3)
	before := l.Unclaimed()
	require.Equal(t, before, l.Leave(50, now).Unclaimed(), "ahead of its turn: taken off its page, that is all")
	l = l.Leave(3, now)
	require.Equal(t, before-1, l.Unclaimed())
	l = l.Leave(3, now)
	require.Equal(t, before-1, l.Unclaimed())
}

// TestEveryPassCanBeFinished: whenever it was given, a pass is found again by what it says.
func TestEveryPassCanBeFinished(t *testing.T) {
	l, now := run(line(100), noon, 3)
	for at := now; at.Before(now.Add(2 * passStep)); at = at.Add(130 * time.Millisecond) {
		in, answer, until := l.Claim(1, at)
		require.Equal(t, Granted, answer)
		require.Equal(t, 1, in.Inside())
		require.Zero(t, in.Finish(time.Unix(until.Unix(), 0), 1).Inside(), "given at %s", at)
	}
}

func TestFinishFreesCapacity(t *testing.T) {
	l, now := run(line(100), noon, 3)
	l, _, until := l.Claim(1, now)
	l, _, _ = l.Claim(2, now)
	l = l.Finish(until.Truncate(time.Second), 2)
	require.Equal(t, 1, l.Inside())
	require.InDelta(t, 1, l.Conversion.Buys, 0)
	l = l.Finish(until, 0)
	require.Zero(t, l.Inside())
	require.Zero(t, l.Finish(until, 0).Inside(), "never below zero")
}

// TestAPurchaseThatTheInventoryLacks: a finished purchase may be reported before the inventory that counts it.
func TestAPurchaseThatTheInventoryLacks(t *testing.T) {
	l := line(100)
	l.Settings.Rate = 1
	l, now := run(l, noon, 2)
	require.Equal(t, int64(1), l.Served)
	l, _, until := l.Claim(1, now)
	l = l.SetInventory(Inventory{Available: 1, Booked: 9, Total: 10, At: now}) // read before the hold
	l = l.Finish(until, 1)
	_, n := l.Due(now.Add(time.Second))
	require.Zero(t, n, "the last unit is sold")

	l = l.SetInventory(Inventory{Available: 1, Booked: 9, Total: 10, At: now.Add(time.Second)})
	_, n = l.Due(now.Add(2 * time.Second))
	require.Equal(t, 1, n, "a later inventory says what is left")
}

// TestWaitingList: everything is sold; what comes back is offered to exactly as many people, in
// order, and only when those before them do not take it.
func TestWaitingList(t *testing.T) {
	l, now := run(line(10), noon, 2) // 10 let in
	l.Arrivals = 30
	for p := range int64(10) {
		var until time.Time
		l, _, until = l.Claim(p+1, now)
		l = l.Finish(until, 1)
	}
	l = l.SetInventory(Inventory{Booked: 10, Total: 10, At: now})
	require.Equal(t, SoldOut, l.Status(now))
	l, now = run(l, now, 10)
	require.Equal(t, int64(10), l.Served)

	l = l.SetInventory(Inventory{Available: 2, Booked: 8, Total: 10, At: now})
	l, now = run(l, now, 10)
	require.Equal(t, int64(12), l.Served, "two units, two people")

	l, _, until := l.Claim(11, now)
	l = l.SetInventory(Inventory{Available: 1, Held: 1, Booked: 8, Total: 10, At: now}) // 11 holds one; 12 has not come
	l, now = run(l, now, 10)
	require.Equal(t, int64(12), l.Served)
	l = l.Finish(until, 1).SetInventory(Inventory{Available: 1, Booked: 9, Total: 10, At: now})
	l, now = run(l, now, 10)
	require.Equal(t, int64(12), l.Served, "the unit waits for 12")
	l, _ = run(l, now.Add(l.Settings.ClaimWindow), 3)
	require.Equal(t, int64(13), l.Served, "12 did not come: 13 may")
}

func TestAnOldPassWithoutAHoldBlocksNoAdmission(t *testing.T) {
	l := line(10)
	l.WaitingList, l.Inventory.Available = true, 1
	l, now := run(l, noon, 3)
	l, _, _ = l.Claim(1, now)
	l, now = run(l, now, 5)
	require.Equal(t, int64(1), l.Served, "the unit is 1's to take")
	l, _ = run(l, now.Add(l.Settings.ClaimWindow+passStep), 3)
	require.Equal(t, int64(2), l.Served)
}

func TestSpeedAndETA(t *testing.T) {
	l, now := run(line(10_000), noon, 60)
	require.InDelta(t, 10, l.Speed(now), 0.7)
	eta, known := l.Front(now).ETA(100, now)
	require.True(t, known)
	require.InDelta(t, 10, eta.Seconds(), 1)

	lobby := line(100)
	eta, known = lobby.Front(noon.Add(-time.Minute)).ETA(100, noon.Add(-time.Minute))
	require.True(t, known)
	require.InDelta(t, 70, eta.Seconds(), 0.1)
	l.Settings.Paused = true
	_, known = l.Front(now).ETA(100, now)
	require.False(t, known)
}

func TestConfigure(t *testing.T) {
	l := line(10)
	seed := make([]byte, 32)
	change := func(f func(*Settings)) Settings {
		s := l.Settings
		f(&s)
		return s
	}
	for name, s := range map[string]Settings{
		"no rate":      change(func(s *Settings) { s.Rate = 0 }),
		"wild rate":    change(func(s *Settings) { s.Rate = MaxRate + 1 }),
		"nobody in":    change(func(s *Settings) { s.Concurrency = 0 }),
		"short window": change(func(s *Settings) { s.ClaimWindow = time.Second }),
		"odd order":    change(func(s *Settings) { s.Order = "lottery" }),
	} {
		_, err := l.Configure(s, seed, noon)
		require.ErrorIs(t, err, errSettings, name)
	}
	_, err := l.Configure(change(func(s *Settings) { s.Order = Shuffle }), seed, noon)
	require.ErrorIs(t, err, ErrOrderDecided)
	drawn, err := l.Configure(change(func(s *Settings) { s.Order = Shuffle }), seed, noon.Add(-time.Hour))
	require.NoError(t, err)
	require.NotEmpty(t, drawn.Draw.Commitment)
	require.False(t, drawn.Draw.Held())
}

// TestInvariantI4 runs whole sales with random people, settings, clocks and returns. Admissions
// are contiguous and in order, and in no span of time more than the rate and one second of it.
func TestInvariantI4(t *testing.T) {
	for seed := range uint64(200) {
		checkSale(t, rand.New(rand.NewPCG(seed, 4)))
	}
}

type batch struct {
	at   time.Time
	n    int
	rate float64
}

func checkSale(t *testing.T, r *rand.Rand) {
	t.Helper()
	l := line(0)
	l.Settings.Rate = []float64{0.3, 1, 7.5, 40}[r.IntN(4)]
	l.Settings.Concurrency = 1 + r.IntN(200)
	l.Settings.ClaimWindow = MinClaimWindow + time.Duration(r.IntN(60))*time.Second
	stock, now := 1+r.IntN(300), noon
	available, held, booked := stock, 0, 0
	var batches []batch
	served, seen := int64(0), map[int64]bool{}
	for range 300 {
		now = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
		switch r.IntN(8) {
		case 0:
			l.Settings.Paused = !l.Settings.Paused
		case 1, 2, 3:
			next, first, err := l.Join(1+r.IntN(20), now)
			require.NoError(t, err)
			for a := first; a <= next.Arrivals; a++ {
				require.False(t, seen[a], "arrival %d given twice", a)
				seen[a] = true
			}
			l = next
		case 4: // somebody buys
			if available > 0 {
				available, booked = available-1, booked+1
			}
		case 5: // something comes back
			if booked > 0 {
				available, booked = available+1, booked-1
			}
		default:
			place := 1 + r.Int64N(max(1, l.Served+5))
			next, a, until := l.Claim(place, now)
			require.Equal(t, a == NotYet, place > l.Served, "in order")
			if l = next; a == Granted && r.IntN(2) == 0 {
				l = l.Finish(until, r.IntN(3))
			}
		}
		l = l.SetInventory(Inventory{Available: available, Held: held, Booked: booked, Total: stock, At: now})
		next, n := l.Due(now)
		require.GreaterOrEqual(t, n, 0)
		if n > 0 {
			require.LessOrEqual(t, next.Unclaimed()+next.Inside()+n, l.Settings.Concurrency)
			require.Positive(t, available, "let in although nothing is left")
			if next.WaitingList {
				require.LessOrEqual(t, n, available)
			}
			next = next.Admit(next.Served+int64(n), n, now)
			batches = append(batches, batch{now, n, l.Settings.Rate})
		}
		l = next
		require.GreaterOrEqual(t, l.Served, served)
		require.LessOrEqual(t, l.Expired, l.Served)
		require.LessOrEqual(t, l.Served, l.Arrivals)
		served = l.Served
		for i := 1; i < len(l.Batches); i++ {
			require.Equal(t, l.Batches[i-1].To+1, l.Batches[i].From)
		}
	}
	for i := range batches {
		sum := 0
		for j := i; j < len(batches); j++ {
			sum += batches[j].n
			span := batches[j].at.Sub(batches[i].at).Seconds()
			require.LessOrEqual(t, float64(sum), batches[i].rate*span+max(1, batches[i].rate)+1e-6)
		}
	}
}
