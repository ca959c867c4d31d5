package waitingroom

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Room updates one event's stored line, one update after the other. When two processes update the same
// room, the store's version check lets one commit; the other reads the line again and repeats.
type Room struct {
	event uuid.UUID
	store LineStore
	now   func() time.Time

	mu      sync.Mutex
	loaded  bool
	line    Line
	version string
	pages   map[int64]Page // read lately
	index   *index
	log     *LogPage
	order   *DrawOrder
}

// NewRoom returns the room of an event. Its first update reads the line.
func NewRoom(event uuid.UUID, store LineStore, now func() time.Time) *Room {
	return &Room{event: event, store: store, now: now}
}

const (
	updateTries    = 6   // attempts of an update that conflicts with another process's
	cachedPages    = 64  // in memory
	admitLookahead = 256 // places read in one tick beyond those to admit, since some have left
	notifyLimit    = 512 // people notified of their admission in one tick
)

// forget makes the next update read the store. The index stays: updateIndex knows what it lacks.
func (r *Room) forget() {
	r.loaded, r.pages, r.log, r.order = false, nil, nil, nil
}

func (r *Room) load(ctx context.Context) error {
	if r.loaded {
		return nil
	}
	line, version, err := r.store.Load(ctx, r.event)
	if err != nil {
		return fault.Away("line", err)
	}
	r.line, r.version, r.loaded = line, version, true
	r.pages, r.log, r.order = map[int64]Page{}, nil, nil
	return nil
}

// update is the result of one update. The zero value changes nothing.
type update struct {
	line   Line
	pages  []Page
	log    *LogPage
	stored func() // called once it is stored, to follow it in memory
	verify bool   // nothing to store, but the answer is valid only if no other process changed the line
}

// update calls f with the current line and stores the result. f may be called several times.
func (r *Room) update(ctx context.Context, f func(ctx context.Context, l Line) (update, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last error
	for try := range updateTries {
		if try > 0 {
			if err := worker.Sleep(ctx, worker.Pause(2*time.Millisecond, 50*time.Millisecond, try-1)); err != nil {
				break
			}
		}
		if err := r.load(ctx); err != nil {
			return err
		}
		s, err := f(ctx, r.line)
		if err != nil {
			return err
		}
		if len(s.pages) == 0 && s.log == nil && !changed(r.line, s.line) {
			if s.verify {
				fresh, err := r.current(ctx)
				if err != nil {
					return err
				}
				if !fresh {
					last = errElsewhere
					continue
				}
			}
			r.line = s.line // only figures that need not be stored
			return nil
		}
		s.line.ChangeID = uuid.New()
		c := Change{Line: s.line, Version: r.version, Pages: s.pages, Log: s.log}
		if last = r.store.Commit(ctx, r.event, c); last != nil {
			done, err := r.committed(ctx, s.line.ChangeID)
			if err != nil {
				return err
			}
			if done {
				return nil
			}
			continue
		}
		if last = r.reread(ctx, s); last != nil {
			r.forget()
		}
		return nil
	}
	return fault.Away("line", last)
}

var errElsewhere = errors.New("another process changed the line")

// current reports whether the line in memory is the stored one, and forgets it otherwise.
func (r *Room) current(ctx context.Context) (bool, error) {
	_, version, err := r.store.Load(ctx, r.event)
	if err != nil {
		return false, fault.Away("line", err)
	}
	if version != r.version {
		r.forget()
	}
	return version == r.version, nil
}

// committed reports whether a change whose commit returned an error was stored.
func (r *Room) committed(ctx context.Context, change uuid.UUID) (bool, error) {
	r.forget()
	if err := r.load(ctx); err != nil {
		return false, err
	}
	return r.line.ChangeID == change, nil
}

// reread reads the new version, which the store does not return on writing.
func (r *Room) reread(ctx context.Context, s update) error {
	line, version, err := r.store.Load(ctx, r.event)
	if err != nil {
		return err
	}
	if line.ChangeID != s.line.ChangeID {
		return errElsewhere
	}
	r.line, r.version = s.line, version
	for _, p := range s.pages {
		r.pages[p.Number] = p
	}
	if s.log != nil {
		r.log = s.log
	}
	if s.stored != nil {
		s.stored()
	}
	return nil
}

// changed reports whether a line has to be stored. The figures that each tick changes do not count: from
// older ones fewer people are admitted, never more.
func changed(a, b Line) bool {
	for _, l := range []*Line{&a, &b} {
		l.Ticked, l.Tokens, l.Flow, l.ChangeID, l.Inventory = time.Time{}, 0, 0, uuid.Nil, Inventory{}
	}
	return !reflect.DeepEqual(a, b)
}

// read returns pages by number, from memory where possible.
func (r *Room) read(ctx context.Context, numbers []int64) (map[int64]Page, error) {
	found := make(map[int64]Page, len(numbers))
	var missing []int64
	for _, n := range numbers {
		if p, ok := r.pages[n]; ok {
			found[n] = p
		} else if !slices.Contains(missing, n) {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	pages, err := r.store.Pages(ctx, r.event, missing)
	if err != nil {
		return nil, fault.Away("line", err)
	}
	if len(r.pages)+len(pages) > cachedPages {
		r.pages = map[int64]Page{}
	}
	for _, p := range pages {
		found[p.Number], r.pages[p.Number] = p, p
	}
	return found, nil
}

// JoinRequest asks for an account's place. An account whose arrival is after After keeps it; with 0, any
// arrival is kept.
type JoinRequest struct {
	Account string
	After   int64
}

// JoinResult is the result of one JoinRequest.
type JoinResult struct {
	Arrival int64 // 0: refused
	Fresh   bool  // the account joined now
}

// JoinResults are the results of a batch, in its order. Refusal is why some have no arrival.
type JoinResults struct {
	Places  []JoinResult
	Refusal error
}

// Join gives a place to each account that has none, in the order of the requests, in one update.
func (r *Room) Join(ctx context.Context, requests []JoinRequest, t SaleTerms) (out JoinResults, err error) {
	err = r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		if !t.same(l.Terms) {
			l.Terms = t
		}
		if err := r.updateIndex(ctx, l); err != nil {
			return update{}, err
		}
		out = JoinResults{Places: make([]JoinResult, len(requests))}
		var coming []string
		fresh := map[string]int{} // index in coming; an account may be in a batch twice
		for i, ask := range requests {
			out.Places[i].Arrival = r.index.arrival(ask.Account)
			if _, twice := fresh[ask.Account]; out.Places[i].Arrival <= ask.After && !twice {
				fresh[ask.Account] = len(coming)
				coming = append(coming, ask.Account)
				out.Places[i].Fresh = true
			}
		}
		if len(coming) == 0 {
			return update{line: l, verify: true}, nil
		}
		next, from, refusal := l.Join(len(coming), r.now())
		for i, ask := range requests {
			if at, is := fresh[ask.Account]; is && refusal == nil {
				out.Places[i].Arrival = from + int64(at)
			} else if is {
				out.Places[i] = JoinResult{}
			}
		}
		if out.Refusal = refusal; out.Refusal != nil {
			return update{line: l}, nil //nolint:nilerr // returned with the results
		}
		pages, err := r.appendArrivals(ctx, coming, from)
		return update{line: next, pages: pages, stored: func() {
			for i, account := range coming {
				r.index.set(account, from+int64(i))
			}
			r.index.readUpTo = next.Arrivals
		}}, err
	})
	return out, err
}

// appendArrivals puts accounts on the pages from an arrival on, and returns those pages.
func (r *Room) appendArrivals(ctx context.Context, accounts []string, from int64) (changed []Page, err error) {
	var numbers []int64
	for n, last := (from-1)/PageSize, (from+int64(len(accounts))-2)/PageSize; n <= last; n++ {
		numbers = append(numbers, n)
	}
	pages, err := r.read(ctx, numbers)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		p := pages[n]
		p.Accounts = slices.Clone(p.Accounts)
		pages[n] = p
	}
	for i, account := range accounts {
		n, at := pageOf(from + int64(i))
		pages[n] = pages[n].put(at, account)
	}
	for _, n := range numbers {
		changed = append(changed, pages[n])
	}
	return changed, nil
}

// Arrivals returns the arrivals of accounts; 0: no place.
func (r *Room) Arrivals(ctx context.Context, accounts []string) (arrivals []int64, err error) {
	err = r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		arrivals = make([]int64, len(accounts))
		if err := r.updateIndex(ctx, l); err != nil {
			return update{}, err
		}
		for i, account := range accounts {
			arrivals[i] = r.index.arrival(account)
		}
		return update{line: l, verify: true}, nil
	})
	return arrivals, err
}

// ClaimResult is the result of an account's claim. Until is the end of the pass, if it was granted.
type ClaimResult struct {
	Arrival int64 // 0: no place
	Outcome ClaimOutcome
	Until   time.Time
}

// Claim exchanges the admitted places of accounts for passes.
func (r *Room) Claim(ctx context.Context, accounts []string) (answers []ClaimResult, err error) {
	err = r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		if err := r.updateIndex(ctx, l); err != nil {
			return update{}, err
		}
		order := r.drawOrder(l)
		answers = make([]ClaimResult, len(accounts))
		for i, account := range accounts {
			c := &answers[i]
			if c.Arrival = r.index.arrival(account); c.Arrival > 0 {
				l, c.Outcome, c.Until = l.Claim(order.Place(c.Arrival), r.now())
			}
		}
		return update{line: l, verify: true}, nil
	})
	return answers, err
}

// drawOrder is the drawn order, computed once.
func (r *Room) drawOrder(l Line) *DrawOrder {
	if r.order == nil || int64(len(r.order.places)) != l.Draw.Count {
		r.order = l.Draw.Order()
	}
	return r.order
}

// Leave takes an account out of the line.
func (r *Room) Leave(ctx context.Context, account string) error {
	return r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		if err := r.updateIndex(ctx, l); err != nil {
			return update{}, err
		}
		arrival := r.index.arrival(account)
		if arrival == 0 {
			return update{line: l, verify: true}, nil
		}
		n, at := pageOf(arrival)
		pages, err := r.read(ctx, []int64{n})
		if err != nil {
			return update{}, err
		}
		l = l.Leave(r.drawOrder(l).Place(arrival), r.now())
		l.Removals++
		return update{line: l, pages: []Page{pages[n].left(at)}, stored: func() {
			r.index.remove(account)
			r.index.removals = l.Removals
		}}, nil
	})
}

// Erase removes an account from the pages with these numbers, and from the line if it waits there. If it
// is the merchant's, the tombstone replaces it. Erase does without the index, which would have to be
// built from all pages of an old line first.
func (r *Room) Erase(ctx context.Context, account, tombstone string, numbers []int64) error {
	return r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		pages, err := r.read(ctx, numbers)
		if err != nil {
			return update{}, err
		}
		if l.Terms.Merchant == account {
			l.Terms.Merchant = tombstone
		}
		var changed []Page
		var waiting []int64
		for _, n := range numbers {
			p := pages[n]
			if !p.names(account) {
				continue
			}
			for _, a := range p.arrivals(account) {
				if !a.Left {
					waiting = append(waiting, a.Number)
				}
			}
			changed = append(changed, p.without(r.event, account))
		}
		if len(changed) == 0 {
			return update{line: l, verify: true}, nil
		}
		for _, arrival := range waiting { // more than one when an admission was missed
			l = l.Leave(r.drawOrder(l).Place(arrival), r.now())
		}
		l.Removals++
		return update{line: l, pages: changed, stored: func() {
			if r.index == nil || r.index.removals != l.Removals-1 {
				return // it is built anew
			}
			if slices.Contains(waiting, r.index.arrival(account)) {
				r.index.remove(account)
			}
			r.index.removals = l.Removals
		}}, nil
	})
}

// Arrival is an account's arrival in an event's line.
type Arrival struct {
	Number int64
	Left   bool
}

// Traces are an account's arrivals on some pages of a line.
type Traces struct {
	Arrivals []Arrival
	Pages    []int64 // the pages with one
}

// TracesOf searches pages of a line for an account.
func TracesOf(ctx context.Context, store LineStore, event uuid.UUID, account string, numbers []int64) (t Traces, err error) {
	pages, err := store.Pages(ctx, event, numbers)
	if err != nil {
		return t, err
	}
	for _, p := range pages {
		if p.names(account) {
			t.Pages = append(t.Pages, p.Number)
			t.Arrivals = append(t.Arrivals, p.arrivals(account)...)
		}
	}
	return t, nil
}

// FinishedPass is a pass that ended before its time.
type FinishedPass struct {
	Until time.Time
	Units int // units bought; 0: given up
}

// Finish ends passes before their time.
func (r *Room) Finish(ctx context.Context, passes []FinishedPass) error {
	return r.update(ctx, func(_ context.Context, l Line) (update, error) {
		for _, p := range passes {
			l = l.Finish(p.Until, p.Units)
		}
		return update{line: l}, nil
	})
}

// SetInventory sets what is left.
func (r *Room) SetInventory(ctx context.Context, s Inventory) error {
	return r.update(ctx, func(_ context.Context, l Line) (update, error) {
		return update{line: l.SetInventory(s)}, nil
	})
}

// Configure changes the settings.
func (r *Room) Configure(ctx context.Context, s Settings, t SaleTerms) (after Line, err error) {
	err = r.update(ctx, func(_ context.Context, l Line) (update, error) {
		if !t.same(l.Terms) {
			l.Terms = t
		}
		seed := make([]byte, 32)
		rand.Read(seed)
		next, err := l.Configure(s, seed, r.now())
		after = next
		return update{line: next}, err
	})
	return after, err
}

// Turn is an account whose turn has come; "" when it has left.
type Turn struct {
	Place   int64
	Account string
}

// Tick admits the places that are due. It returns those admitted that have not been notified yet; in the
// next call, notified is the place up to which they have been. Terms t replace the stored ones if they
// differ; nil: they could not be read.
func (r *Room) Tick(ctx context.Context, t *SaleTerms, notified int64) (line Line, turns []Turn, err error) {
	err = r.update(ctx, func(ctx context.Context, l Line) (update, error) {
		now := r.now()
		if t != nil && !t.same(l.Terms) {
			l.Terms = *t
		}
		l.Notified = max(l.Notified, min(notified, l.Served))
		if l.NeedsDraw(now) {
			var err error
			if l, err = r.holdDraw(ctx, l, now); err != nil {
				return update{}, err
			}
		}
		next, n := l.Due(now)
		s := update{line: next}
		if n > 0 {
			to, people, err := r.chooseAdmitted(ctx, next, n)
			if err != nil {
				return update{}, err
			}
			s.line = next.Admit(to, people, now)
			if s.log, err = r.logAdmission(ctx, s.line, now); err != nil {
				return update{}, err
			}
		}
		return s, nil
	})
	if err != nil {
		return Line{}, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	turns, err = r.unnotified(ctx)
	return r.line, turns, err
}

// holdDraw draws the order of the arrivals before the opening.
func (r *Room) holdDraw(ctx context.Context, l Line, now time.Time) (Line, error) {
	hashes, err := entryHashes(ctx, r.store, l.Event, 0, l.Arrivals)
	if err != nil {
		return l, err
	}
	l.Draw = l.Draw.Hold(l.Arrivals, Digest(hashes), now)
	return l, nil
}

// entryHashes returns the published hashes of the arrivals in (after, to]. after ends a page.
func entryHashes(ctx context.Context, store LineStore, event uuid.UUID, after, to int64) ([][32]byte, error) {
	const chunk = 64
	var hashes [][32]byte
	for first := after / PageSize; first*PageSize < to; first += chunk {
		var numbers []int64
		for n := first; n < first+chunk && n*PageSize < to; n++ {
			numbers = append(numbers, n)
		}
		pages, err := store.Pages(ctx, event, numbers)
		if err != nil {
			return nil, fault.Away("line", err)
		}
		for _, p := range pages {
			for i := range int64(PageSize) {
				if p.Number*PageSize+i < to {
					hashes = append(hashes, p.hash(event, int(i)))
				}
			}
		}
	}
	return hashes, nil
}

// accounts returns the accounts of the places from..to; "" for those that left.
func (r *Room) accounts(ctx context.Context, l Line, from, to int64) ([]string, error) {
	order := r.drawOrder(l)
	var numbers []int64
	for p := from; p <= to; p++ {
		n, _ := pageOf(order.Arrival(p))
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	pages, err := r.read(ctx, slices.Compact(numbers))
	if err != nil {
		return nil, err
	}
	accounts := make([]string, 0, to-from+1)
	for p := from; p <= to; p++ {
		n, at := pageOf(order.Arrival(p))
		accounts = append(accounts, pages[n].at(at))
	}
	return accounts, nil
}

// chooseAdmitted returns the place up to which n people are waiting, passing over places that were left.
func (r *Room) chooseAdmitted(ctx context.Context, l Line, n int) (to int64, people int, err error) {
	last := min(l.Arrivals, l.Served+int64(n)+admitLookahead)
	accounts, err := r.accounts(ctx, l, l.Served+1, last)
	if err != nil {
		return 0, 0, err
	}
	to = l.Served
	for _, account := range accounts {
		if account != "" {
			if people == n {
				break
			}
			people++
		}
		to++
	}
	return to, people, nil
}

// logAdmission appends the last admission batch to the log.
func (r *Room) logAdmission(ctx context.Context, l Line, now time.Time) (*LogPage, error) {
	number := (l.Logged - 1) / PageSize
	if r.log == nil || r.log.Number != number {
		p, err := r.store.Log(ctx, r.event, number)
		if err != nil {
			return nil, fault.Away("line", err)
		}
		r.log = &p
	}
	w := l.Batches[len(l.Batches)-1]
	p := *r.log
	p.Entries = append(slices.Clone(p.Entries), LogEntry{From: w.From, To: w.To, People: w.People, Rate: l.Settings.Rate, At: now})
	return &p, nil
}

// unnotified returns the admitted that have not been notified.
func (r *Room) unnotified(ctx context.Context) ([]Turn, error) {
	l := r.line
	if l.Notified >= l.Served {
		return nil, nil
	}
	to := min(l.Served, l.Notified+notifyLimit)
	accounts, err := r.accounts(ctx, l, l.Notified+1, to)
	if err != nil {
		slog.WarnContext(ctx, "accounts of admitted places not read", "event", r.event, "error", err)
		return nil, nil
	}
	turns := make([]Turn, 0, len(accounts))
	for i, account := range accounts {
		turns = append(turns, Turn{Place: l.Notified + 1 + int64(i), Account: account})
	}
	return turns, nil
}

// Event is the event of the room.
func (r *Room) Event() uuid.UUID { return r.event }
