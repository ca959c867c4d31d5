package main

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// scenario is a sale and its public.
type scenario struct {
	people, places int
	rate           float64
	concurrency    int
	show, buy      float64 // of those whose turn it is, of those who are inside
	follow         bool    // admission follows the inventory
}

type result struct {
	line    waitingroom.Line
	soldOut time.Duration
	vain    int // came in and found nothing
	most    int // inside at once
	watched time.Duration
	samples []sample
}

type sample struct {
	at           time.Duration
	served       int64
	booked, held int
	vain         int
	eta          time.Duration // told to the watched place
}

// What people do takes about so long.
const (
	toCome    = 25 * time.Second
	toChoose  = 50 * time.Second
	toPay     = 80 * time.Second
	toGiveUp  = 60 * time.Second
	holdFor   = 5 * time.Minute
	longest   = 4 * time.Hour
	sampleGap = 10 // ticks

	watchedPlace = 15_000
)

var opening = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// sim is one run. Everything that happens is an action on a heap, in the order of its time.
type sim struct {
	scenario
	result
	rand                    *rand.Rand
	now                     time.Time
	actions                 actions
	available, held, booked int
}

type action struct {
	at time.Time
	n  int // breaks ties, so that a seed gives one course
	do func()
}

type actions []action

func (a actions) Len() int { return len(a) }
func (a actions) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || (a[i].at.Equal(a[j].at) && a[i].n < a[j].n)
}
func (a actions) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *actions) Push(x any) { *a = append(*a, x.(action)) }

// Pop implements heap.Interface.
func (a *actions) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

func (s *sim) after(d time.Duration, do func()) {
	heap.Push(&s.actions, action{s.now.Add(d), s.rand.Int(), do})
}

// about is a random time with that mean; most people are quick, a few are slow.
func (s *sim) about(mean time.Duration) time.Duration {
	return time.Duration(s.rand.ExpFloat64() * float64(mean))
}

func (s *sim) chance(p float64) bool { return s.rand.Float64() < p }

func simulate(sc scenario, seed uint64) result {
	s := &sim{scenario: sc, rand: rand.New(rand.NewPCG(seed, 7)), now: opening, available: sc.places}
	s.line = waitingroom.NewLine(uuid.Nil)
	s.line.Terms = waitingroom.SaleTerms{HighDemand: true, Published: true, SalesStart: opening, SalesEnd: opening.Add(longest), MaxPerOrder: 4}
	s.line.Settings.Rate, s.line.Settings.Concurrency = sc.rate, sc.concurrency
	s.line.Arrivals = int64(sc.people) // all came to the lobby
	for tick := 0; s.now.Before(opening.Add(longest)); tick++ {
		s.tick(tick)
		if s.booked == s.places {
			s.soldOut = s.now.Sub(opening)
			break
		}
		next := opening.Add(time.Duration(tick+1) * time.Second)
		for len(s.actions) > 0 && s.actions[0].at.Before(next) {
			a := heap.Pop(&s.actions).(action)
			s.now = a.at
			a.do()
		}
		s.now = next
	}
	return s.result
}

func (s *sim) tick(n int) {
	left := waitingroom.Inventory{Available: s.available, Held: s.held, Booked: s.booked, Total: s.places, At: s.now}
	if !s.follow {
		left = waitingroom.Inventory{Available: 1 << 30, Total: 1 << 30, At: s.now}
	}
	s.line = s.line.SetInventory(left)
	next, people := s.line.Due(s.now)
	s.line = next
	if people > 0 {
		from := s.line.Served + 1
		s.line = s.line.Admit(s.line.Served+int64(people), people, s.now)
		for p := from; p <= s.line.Served; p++ {
			s.turn(p)
		}
	}
	if s.watched == 0 && s.line.Served >= watchedPlace {
		s.watched = s.now.Sub(opening)
	}
	s.most = max(s.most, s.line.Inside()+s.line.Unclaimed())
	if n%sampleGap == 0 {
		eta, _ := s.line.Front(s.now).ETA(max(0, watchedPlace-s.line.Served), s.now)
		s.samples = append(s.samples, sample{s.now.Sub(opening), s.line.Served, s.booked, s.held, s.vain, eta})
	}
}

// turn is what somebody makes of theirs.
func (s *sim) turn(place int64) {
	if !s.chance(s.show) {
		return
	}
	s.after(s.about(toCome), func() {
		next, answer, until := s.line.Claim(place, s.now)
		s.line = next
		if answer == waitingroom.Granted {
			s.after(s.about(toChoose), func() { s.choose(until) })
		}
	})
}

func (s *sim) choose(until time.Time) {
	units := min(s.available, []int{1, 1, 1, 2, 2, 2, 2, 2, 3, 4}[s.rand.IntN(10)])
	if units == 0 {
		s.vain++
		return
	}
	s.available, s.held = s.available-units, s.held+units
	back := func() { s.available, s.held = s.available+units, s.held-units }
	switch {
	case s.chance(s.buy):
		s.after(min(s.about(toPay), holdFor-time.Second), func() {
			s.held, s.booked = s.held-units, s.booked+units
			s.line = s.line.Finish(until, units)
		})
	case s.chance(0.5):
		s.after(min(s.about(toGiveUp), holdFor-time.Second), back)
	default:
		s.after(holdFor, func() {
			back()
			s.line = s.line.Finish(until, 0)
		})
	}
}
