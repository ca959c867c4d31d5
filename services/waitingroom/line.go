package waitingroom

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
)

// Line is the state of one event's line, without the accounts in it (see Page). Arrival numbers count
// from 1 in the order people joined; place numbers are the order of admission. Both are the same,
// except for the arrivals that a draw ordered (see Draw).
type Line struct {
	Event     uuid.UUID
	Terms     SaleTerms
	Settings  Settings
	Inventory Inventory
	Draw      Draw

	Arrivals int64 // accounts that joined so far
	Served   int64 // places up to here were admitted
	Expired  int64 // admissions up to here are over: claimed, or past their claim window
	Notified int64 // places up to here were notified of their admission
	Removals int64 // how often an account was taken off a page

	Batches     []AdmissionBatch // admissions that can still be claimed, in order
	Passes      []PassCount      // valid passes, by when they end
	WaitingList bool             // everything was sold: units that come back go to exactly as many people

	Opened     time.Time // when admissions first were possible
	Ticked     time.Time
	Tokens     float64 // token bucket: admissions that the rate allows now
	Flow       float64 // admissions per second, a moving average not yet corrected for a short history
	Conversion ConversionStats

	Logged   int64     // batches in the admission log
	ChangeID uuid.UUID // the last change; its author recognises it by this
}

// AdmissionBatch is a run of places that were admitted at the same time.
type AdmissionBatch struct {
	From, To    int64
	At          time.Time
	People      int    // places with an account, when they were admitted
	Settled     int    // of them: claimed or left
	SettledBits []byte // one bit a place: claimed or left
}

// PassCount is the number of valid passes that end at the same time.
type PassCount struct {
	Until time.Time
	Count int
}

// ConversionStats estimate how many of the admitted buy, and how much. They start from a prior.
type ConversionStats struct {
	Turns, Shown float64 // admissions that are over, and those of them that were claimed
	Ended, Buys  float64 // passes that are over, and those of them that bought
	Units        float64 // units bought with them
}

// Figures of the line.
const (
	PassFor     = 10 * time.Minute // how long a pass is valid
	passStep    = 10 * time.Second // passes are counted by when they end, rounded up to this
	maxStep     = 2 * time.Second  // a longer time between ticks earns no more tokens
	maxTokens   = 1.0              // size of the token bucket, in seconds of the rate
	flowSpan    = 30 * time.Second // time constant of the flow's moving average
	maxArrivals = 50_000_000       // arrivals of one event
	statsWindow = 2000.0           // people after which older statistics count half
)

// NewLine is an empty line.
func NewLine(event uuid.UUID) Line { return Line{Event: event, Settings: Defaults()} }

// OpensAt is when people are first admitted: the merchant's time, but never before the sale starts.
func (l Line) OpensAt() time.Time {
	if l.Settings.OpensAt.After(l.Terms.SalesStart) {
		return l.Settings.OpensAt
	}
	return l.Terms.SalesStart
}

// Status is the line's status at a moment.
func (l Line) Status(now time.Time) Status {
	switch {
	case !l.Terms.HighDemand || !l.Terms.Published || !l.Settings.Open || !now.Before(l.Terms.SalesEnd):
		return Closed
	case now.Before(l.OpensAt()):
		return Lobby
	case l.Settings.Paused:
		return Paused
	case l.WaitingList:
		return SoldOut
	default:
		return Open
	}
}

// Join adds n people and returns the first one's arrival number. ErrClosed, ErrFull.
func (l Line) Join(n int, now time.Time) (Line, int64, error) {
	if l.Status(now) == Closed {
		return l, 0, ErrClosed
	}
	if l.Arrivals+int64(n) > maxArrivals {
		return l, 0, ErrFull
	}
	first := l.Arrivals + 1
	l.Arrivals += int64(n)
	return l, first, nil
}

// Waiting is how many places are not admitted yet.
func (l Line) Waiting() int64 { return l.Arrivals - l.Served }

// Unclaimed is how many people were admitted, can still claim their pass, and have not.
func (l Line) Unclaimed() int {
	n := 0
	for _, w := range l.Batches {
		n += w.People - w.Settled
	}
	return n
}

// Inside is the number of valid passes.
func (l Line) Inside() int {
	n := 0
	for _, p := range l.Passes {
		n += p.Count
	}
	return n
}

// NeedsDraw reports whether the room has opened and its early arrivals are not ordered yet.
func (l Line) NeedsDraw(now time.Time) bool {
	s := l.Status(now)
	return l.Settings.Order == Shuffle && !l.Draw.Held() && s != Lobby && s != Closed
}

// Due ends admissions and passes whose time is over, and returns how many people may be admitted now:
// the least of what the rate, the concurrency limit, the inventory and the number waiting allow.
func (l Line) Due(now time.Time) (Line, int) {
	l = l.expire(now)
	step := min(max(0, now.Sub(l.Ticked)), maxStep)
	if l.Ticked.IsZero() {
		step = 0
	}
	if now.After(l.Ticked) {
		l.Ticked = now
	}
	l.Flow *= math.Exp(-step.Seconds() / flowSpan.Seconds())
	switch l.Status(now) {
	case Open, SoldOut:
	default:
		l.Tokens = 0
		return l, 0
	}
	if l.NeedsDraw(now) {
		return l, 0
	}
	if l.Opened.IsZero() {
		l.Opened = now
	}
	l.Tokens = min(l.Tokens+l.Settings.Rate*step.Seconds(), max(1, l.Settings.Rate*maxTokens))
	n := min(int64(l.Tokens), int64(l.Settings.Concurrency-l.Unclaimed()-l.Inside()), int64(l.capacity(now)), l.Waiting())
	return l, int(max(0, n))
}

// Admit admits all places up to one. people is how many of them still have an account, at most what
// Due returned.
func (l Line) Admit(to int64, people int, now time.Time) Line {
	if to <= l.Served {
		return l
	}
	w := AdmissionBatch{From: l.Served + 1, To: to, At: now, People: people, SettledBits: make([]byte, (to-l.Served+7)/8)}
	l.Batches = append(slices.Clone(l.Batches), w)
	l.Served = to
	l.Tokens -= float64(people)
	l.Flow += float64(people) / flowSpan.Seconds()
	l.Logged++
	return l
}

// capacity is how many more people the inventory serves, beyond those admitted or inside lately. A
// pass older than the claim window without a hold is not expected to buy any more. Held units are not
// available and are not counted twice.
func (l Line) capacity(now time.Time) int {
	perPass := l.Conversion.buy() * l.Conversion.party(l.Terms.MaxPerOrder)
	perTurn := l.Conversion.show() * perPass
	if l.WaitingList {
		perPass, perTurn = 1, 1 // waiting list: exactly one person for each unit
	}
	recent := 0
	for _, p := range l.Passes {
		if now.Before(p.Until.Add(l.Settings.ClaimWindow - PassFor)) {
			recent += p.Count
		}
	}
	others := float64(l.Inside()-recent) * perPass // what older passes may hold
	holding := max(0, float64(l.Inventory.Held)-others)
	expected := float64(l.Unclaimed())*perTurn + max(0, float64(recent)*perPass-holding)
	free := float64(l.Inventory.Available) - expected
	if free < 1 {
		return 0
	}
	return max(1, int(free/perTurn))
}

// expire ends admissions and passes whose time is over.
func (l Line) expire(now time.Time) Line {
	for len(l.Batches) > 0 && now.Sub(l.Batches[0].At) >= l.Settings.ClaimWindow {
		w := l.Batches[0]
		l.Batches = l.Batches[1:]
		l.Expired = w.To
		l.Conversion = l.Conversion.turns(w.People, w.Settled)
	}
	for len(l.Passes) > 0 && !now.Before(l.Passes[0].Until) {
		l.Conversion = l.Conversion.passes(l.Passes[0].Count, 0, 0)
		l.Passes = l.Passes[1:]
	}
	return l
}

// ClaimOutcome is the answer to a claim.
type ClaimOutcome int

// The outcomes.
const (
	NotYet ClaimOutcome = iota
	Granted
	Missed
)

// Claim exchanges an admitted place for a pass that ends at until. Claiming again counts once.
func (l Line) Claim(place int64, now time.Time) (next Line, a ClaimOutcome, until time.Time) {
	l = l.expire(now)
	switch {
	case place > l.Served || l.Status(now) == Lobby:
		return l, NotYet, until
	case place <= l.Expired:
		return l, Missed, until
	case l.Status(now) == Closed:
		return l, Missed, until
	}
	until = now.Add(PassFor).Truncate(time.Second) // a pass has whole seconds, and Finish finds it by them
	l, again := l.markUsed(place)
	if !again {
		l = l.pass(until)
	}
	return l, Granted, until
}

// Leave ends a place.
func (l Line) Leave(place int64, now time.Time) Line {
	l = l.expire(now)
	if place <= l.Served && place > l.Expired {
		l, _ = l.markUsed(place)
	}
	return l
}

// markUsed marks a place of an open batch. again: it was marked before.
func (l Line) markUsed(place int64) (next Line, again bool) {
	i := sort.Search(len(l.Batches), func(i int) bool { return l.Batches[i].To >= place })
	if i == len(l.Batches) || place < l.Batches[i].From {
		return l, true
	}
	w := l.Batches[i]
	at, bit := (place-w.From)/8, byte(1)<<((place-w.From)%8)
	if w.SettledBits[at]&bit != 0 {
		return l, true
	}
	w.SettledBits = slices.Clone(w.SettledBits)
	w.SettledBits[at] |= bit
	w.Settled++
	l.Batches = slices.Clone(l.Batches)
	l.Batches[i] = w
	return l, false
}

func passEnd(until time.Time) time.Time {
	if t := until.Truncate(passStep); t.Before(until) {
		return t.Add(passStep)
	}
	return until
}

func (l Line) pass(until time.Time) Line {
	end := passEnd(until)
	i, found := slices.BinarySearchFunc(l.Passes, end, func(p PassCount, t time.Time) int { return p.Until.Compare(t) })
	if found {
		l.Passes = slices.Clone(l.Passes)
		l.Passes[i].Count++
		return l
	}
	l.Passes = slices.Insert(slices.Clone(l.Passes), i, PassCount{Until: end, Count: 1})
	return l
}

// Finish ends a pass before its time. units is the number of units that its holder bought; 0: none.
// If the inventory shows no hold of them yet, it is older than the purchase: the units are taken off what
// is available until the next inventory arrives, so that nobody is admitted to buy them again.
func (l Line) Finish(until time.Time, units int) Line {
	i := slices.IndexFunc(l.Passes, func(p PassCount) bool { return p.Until.Equal(passEnd(until)) })
	if i < 0 || l.Passes[i].Count == 0 {
		return l
	}
	l.Passes = slices.Clone(l.Passes)
	l.Passes[i].Count--
	if l.Inventory.Held < units {
		l.Inventory.Available = max(0, l.Inventory.Available-units)
	}
	bought := 0
	if units > 0 {
		bought = 1
	}
	l.Conversion = l.Conversion.passes(1, bought, units)
	return l
}

// SetInventory sets what is left. What is older than the last is ignored.
func (l Line) SetInventory(s Inventory) Line {
	if s.At.Before(l.Inventory.At) {
		return l
	}
	l.Inventory = s
	if s.Available == 0 && s.Held == 0 && s.Booked > 0 {
		l.WaitingList = true
	}
	return l
}

// Configure changes the settings. seed is 32 fresh random bytes, used if the order becomes a draw.
// ErrOrderDecided when the room is open; a fault of kind Invalid when a setting is out of range.
func (l Line) Configure(s Settings, seed []byte, now time.Time) (Line, error) {
	if err := s.check(); err != nil {
		return l, err
	}
	if s.Order != l.Settings.Order {
		if status := l.Status(now); (status != Lobby && status != Closed) || l.Served > 0 || l.Draw.Held() {
			return l, ErrOrderDecided
		}
		l.Draw = Draw{}
		if s.Order == Shuffle {
			l.Draw = Commit(seed, now)
		}
	}
	l.Settings = s
	return l, nil
}

// Speed is the recent number of admissions per second.
func (l Line) Speed(now time.Time) float64 {
	age := now.Sub(l.Opened)
	if l.Opened.IsZero() || age < time.Second {
		return 0
	}
	idle := max(0, now.Sub(l.Ticked)).Seconds()
	return l.Flow * math.Exp(-idle/flowSpan.Seconds()) / (1 - math.Exp(-age.Seconds()/flowSpan.Seconds()))
}

// Idle reports whether nothing will happen before the next arrival.
func (l Line) Idle(now time.Time) bool {
	return l.Notified >= l.Served && (l.Status(now) == Closed || (l.Waiting() == 0 && l.Unclaimed() == 0 && l.Inside() == 0))
}

// The priors of the statistics, each weighted like that many observations.
func (h ConversionStats) show() float64 { return (h.Shown + 18) / (h.Turns + 20) }
func (h ConversionStats) buy() float64  { return (h.Buys + 8) / (h.Ended + 10) }
func (h ConversionStats) party(most int) float64 {
	p := max(1, (h.Units+20)/(h.Buys+10))
	if most > 0 {
		p = min(p, float64(most))
	}
	return p
}

func (h ConversionStats) turns(over, taken int) ConversionStats {
	h.Turns, h.Shown = h.Turns+float64(over), h.Shown+float64(taken)
	if h.Turns > statsWindow {
		h.Turns, h.Shown = h.Turns/2, h.Shown/2
	}
	return h
}

func (h ConversionStats) passes(ended, bought, units int) ConversionStats {
	h.Ended, h.Buys, h.Units = h.Ended+float64(ended), h.Buys+float64(bought), h.Units+float64(units)
	if h.Ended > statsWindow {
		h.Ended, h.Buys, h.Units = h.Ended/2, h.Buys/2, h.Units/2
	}
	return h
}
