package waitingroom

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// Rooms are the rooms of all events, wherever they run.
type Rooms interface {
	Take(ctx context.Context, accounts []string, t Terms) (first int64, err error)
	Claim(ctx context.Context, event uuid.UUID, arrivals []int64) ([]Claimed, error)
	Quit(ctx context.Context, event uuid.UUID, arrivals []int64) error
	Configure(ctx context.Context, s Settings, t Terms) (Line, error)
}

// Catalogue tells what an event is.
type Catalogue interface {
	Terms(ctx context.Context, event uuid.UUID) (Terms, error)
}

// PassSigner makes admission passes.
type PassSigner interface {
	Sign(p admission.Pass) (string, error)
}

// Desk is where people join a line, ask for their place, and get their pass.
type Desk struct {
	Rooms     Rooms
	Book      Book
	Catalogue Catalogue
	Views     *Views
	Seal      Seal
	Passes    PassSigner
	Now       func() time.Time

	mu      sync.Mutex
	joining map[uuid.UUID]*gathering
}

// How joins are gathered.
const (
	batchMost   = 512    // people lined up in one turn
	batchesMost = 2      // turns of one event at once, from here
	waitMost    = 20_000 // people waiting here to be lined up, per event
	joinLimit   = 10 * time.Second
	entryKept   = 24 * time.Hour // beyond the end of the sale
)

// gathering collects people while others are being lined up.
type gathering struct {
	waiting []*joiner
	running int
}

type joiner struct {
	account string
	done    chan struct{}
	entry   Entry
	created bool
	err     error
}

// terms gives the event's terms, refusing events without a waiting room.
func (d *Desk) terms(ctx context.Context, event uuid.UUID) (Terms, error) {
	t, err := d.Catalogue.Terms(ctx, event)
	if err != nil {
		return t, err
	}
	if !t.HighDemand {
		return t, ErrNoRoom
	}
	return t, nil
}

// Join gives an account its place in the line. Joining again gives the same place; created tells
// whether it is new.
func (d *Desk) Join(ctx context.Context, account identity.Account, event uuid.UUID) (s Standing, created bool, err error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return s, false, err
	}
	j := &joiner{account: account.ID, done: make(chan struct{})}
	if err := d.gather(j, t); err != nil {
		return s, false, err
	}
	select {
	case <-ctx.Done():
		return s, false, ErrBusy.Because(ctx.Err())
	case <-j.done:
	}
	if j.err != nil {
		return s, false, j.err
	}
	s, err = d.stand(ctx, t, j.entry)
	return s, j.created, err
}

func (d *Desk) gather(j *joiner, t Terms) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.joining == nil {
		d.joining = map[uuid.UUID]*gathering{}
	}
	g := d.joining[t.Event]
	if g == nil {
		g = &gathering{}
		d.joining[t.Event] = g
	}
	if len(g.waiting) >= waitMost {
		return ErrBusy
	}
	g.waiting = append(g.waiting, j)
	if g.running < batchesMost {
		g.running++
		go d.lineUp(g, t)
	}
	return nil
}

// lineUp takes batch after batch until nobody waits.
func (d *Desk) lineUp(g *gathering, t Terms) {
	for {
		d.mu.Lock()
		n := min(len(g.waiting), batchMost)
		if n == 0 {
			if g.running--; g.running == 0 {
				delete(d.joining, t.Event)
			}
			d.mu.Unlock()
			return
		}
		batch := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		d.mu.Unlock()
		// Those who gave up waiting are lined up all the same: they will ask again.
		ctx, cancel := context.WithTimeout(context.Background(), joinLimit)
		d.settle(ctx, batch, t)
		cancel()
	}
}

// settle lines one batch up and lets its people go.
func (d *Desk) settle(ctx context.Context, batch []*joiner, t Terms) {
	groups := map[string][]*joiner{} // one account may have asked twice at once
	var accounts []string
	for _, j := range batch {
		if groups[j.account] == nil {
			accounts = append(accounts, j.account)
		}
		groups[j.account] = append(groups[j.account], j)
	}
	entries, fresh, err := d.places(ctx, accounts, t)
	for account, group := range groups {
		for i, j := range group {
			j.entry, j.created, j.err = entries[account], fresh[account] && i == 0, err
			if _, ok := entries[account]; !ok && err == nil {
				j.err = ErrBusy
			}
			close(j.done)
		}
	}
}

// places finds or makes the entries of accounts.
func (d *Desk) places(ctx context.Context, accounts []string, t Terms) (entries map[string]Entry, fresh map[string]bool, err error) {
	entries, err = d.Book.Find(ctx, t.Event, accounts)
	if err != nil {
		return nil, nil, err
	}
	if entries == nil {
		entries = map[string]Entry{}
	}
	var newcomers []string
	var again []string // had a turn and missed or used it
	for _, account := range accounts {
		e, ok := entries[account]
		switch {
		case !ok:
			newcomers = append(newcomers, account)
		case d.over(ctx, t, e):
			again = append(again, account)
		}
	}
	coming := slices.Concat(newcomers, again)
	if len(coming) == 0 {
		return entries, nil, nil
	}
	first, err := d.Rooms.Take(ctx, coming, t)
	if err != nil {
		return nil, nil, err
	}
	now := d.Now()
	keep := d.keep(t)
	fresh = map[string]bool{}
	kept := make([]Kept, len(newcomers))
	for i, account := range newcomers {
		kept[i] = Kept{account, Entry{Arrival: first + int64(i), JoinedAt: now}}
	}
	present, err := d.Book.Enter(ctx, t.Event, kept, keep)
	if err != nil {
		return nil, nil, err
	}
	var lost []int64 // arrivals of accounts that another replica lined up at the same time
	for _, k := range kept {
		if e, ok := present[k.Account]; ok && e.Arrival != k.Entry.Arrival {
			entries[k.Account] = e
			lost = append(lost, k.Entry.Arrival)
			continue
		}
		entries[k.Account], fresh[k.Account] = k.Entry, true
	}
	for i, account := range again {
		e := Entry{Arrival: first + int64(len(newcomers)+i), JoinedAt: now, Version: entries[account].Version}
		if err := d.Book.Replace(ctx, t.Event, account, e, keep); err != nil {
			delete(entries, account) // somebody else does the same: ask again
			lost = append(lost, e.Arrival)
			continue
		}
		entries[account], fresh[account] = e, true
	}
	if len(lost) > 0 {
		if err := d.Rooms.Quit(ctx, t.Event, lost); err != nil {
			slog.WarnContext(ctx, "spare places not given back", "event", t.Event, "count", len(lost), "error", err)
		}
	}
	return entries, fresh, nil
}

// over tells that an entry gives no right to anything any more.
func (d *Desk) over(ctx context.Context, t Terms, e Entry) bool {
	s, err := d.stand(ctx, t, e)
	return err == nil && s.State == TurnOver
}

func (d *Desk) stand(ctx context.Context, t Terms, e Entry) (Standing, error) {
	v, err := d.Views.Get(ctx, t)
	if err != nil {
		return Standing{}, err
	}
	return v.Front.Stand(e, v.Place(e.Arrival), d.Now()), nil
}

// Place gives the text that proves a standing's arrival.
func (d *Desk) Place(event uuid.UUID, account identity.Account, arrival int64) string {
	return d.Seal.Sign(event, account.ID, arrival)
}

// Where tells where an account stands. With its place at hand nothing has to be looked up for
// those who wait.
func (d *Desk) Where(ctx context.Context, account identity.Account, event uuid.UUID, place string) (Standing, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Standing{}, err
	}
	if place != "" {
		arrival, err := d.Seal.Open(event, account.ID, place)
		if err != nil {
			return Standing{}, err
		}
		s, err := d.stand(ctx, t, Entry{Arrival: arrival})
		if err != nil || (s.State != YourTurn && s.State != TurnOver && s.State != RoomClose) {
			return s, err
		}
	}
	e, err := d.entry(ctx, account, t, place)
	if err != nil {
		return Standing{}, err
	}
	return d.stand(ctx, t, e)
}

// entry finds an account's entry. A place restores one that the book has lost.
func (d *Desk) entry(ctx context.Context, account identity.Account, t Terms, place string) (Entry, error) {
	found, err := d.Book.Find(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	if e, ok := found[account.ID]; ok {
		return e, nil
	}
	if place == "" {
		return Entry{}, ErrNotQueued
	}
	arrival, err := d.Seal.Open(t.Event, account.ID, place)
	if err != nil {
		return Entry{}, err
	}
	if came, err := d.Views.Came(ctx, t.Event, arrival, account.ID); err != nil || !came {
		return Entry{}, errors.Join(err, ErrNotQueued)
	}
	lost := Kept{account.ID, Entry{Arrival: arrival, JoinedAt: d.Now()}}
	if _, err := d.Book.Enter(ctx, t.Event, []Kept{lost}, d.keep(t)); err != nil {
		return Entry{}, err
	}
	found, err = d.Book.Find(ctx, t.Event, []string{account.ID})
	if e, ok := found[account.ID]; ok && err == nil {
		return e, nil
	}
	return Entry{}, errors.Join(err, ErrNotQueued)
}

// keep is how long entries of an event are of use.
func (d *Desk) keep(t Terms) time.Duration {
	return max(time.Hour, t.SalesEnd.Sub(d.Now())+entryKept)
}

// Admit exchanges a place whose turn it is for a pass. Asking again gives the same pass.
func (d *Desk) Admit(ctx context.Context, account identity.Account, event uuid.UUID, place string) (pass string, until time.Time, err error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return "", until, err
	}
	if place != "" {
		if _, err := d.Seal.Open(event, account.ID, place); err != nil {
			return "", until, err
		}
	}
	for range 4 {
		e, err := d.entry(ctx, account, t, place)
		if err != nil {
			return "", until, err
		}
		s, err := d.stand(ctx, t, e)
		if err != nil {
			return "", until, err
		}
		switch s.State {
		case Admitted:
			return d.sign(account, event, e)
		case TurnOver:
			return "", until, ErrTurnMissed
		case RoomClose:
			return "", until, ErrClosed
		case YourTurn:
		default:
			return "", until, notYet(s)
		}
		answers, err := d.Rooms.Claim(ctx, event, []int64{e.Arrival})
		if err != nil {
			return "", until, err
		}
		switch answers[0].Answer {
		case NotYet:
			return "", until, notYet(s)
		case Missed:
			return "", until, ErrTurnMissed
		}
		e.PassUntil, e.PassID = answers[0].Until.Truncate(time.Second), uuid.New()
		err = d.Book.Replace(ctx, event, account.ID, e, d.keep(t))
		if err == nil {
			return d.sign(account, event, e)
		}
		if !errors.Is(err, ErrStale) {
			return "", until, err
		}
	}
	return "", until, ErrBusy
}

func notYet(s Standing) error {
	err := ErrNotYourTurn.With("position", s.Position).With("ahead", s.Ahead).With("state", s.State)
	if s.ETAKnown {
		err = err.With("etaSeconds", int64(s.ETA.Seconds()))
	}
	return err.After(time.Second)
}

func (d *Desk) sign(account identity.Account, event uuid.UUID, e Entry) (string, time.Time, error) {
	pass, err := d.Passes.Sign(admission.Pass{
		ID: e.PassID, Account: account.ID, Event: event, From: e.PassUntil.Add(-PassFor), Until: e.PassUntil,
	})
	return pass, e.PassUntil, err
}

// Leave gives an account's place up.
func (d *Desk) Leave(ctx context.Context, account identity.Account, event uuid.UUID) error {
	t, err := d.terms(ctx, event)
	if err != nil {
		return err
	}
	e, err := d.entry(ctx, account, t, "")
	if err != nil {
		return err
	}
	if !e.PassUntil.IsZero() && d.Now().Before(e.PassUntil) {
		return ErrInside // the pass cannot be taken back; it ends by itself
	}
	if err := d.Book.Strike(ctx, event, account.ID, e); err != nil {
		return err
	}
	return d.Rooms.Quit(ctx, event, []int64{e.Arrival})
}

// Front gives the head of a line.
func (d *Desk) Front(ctx context.Context, event uuid.UUID) (Front, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Front{}, err
	}
	v, err := d.Views.Get(ctx, t)
	return v.Front, err
}

// Line reads a line.
func (d *Desk) Line(ctx context.Context, event uuid.UUID) (Line, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Line{}, err
	}
	return d.Views.Line(ctx, t)
}

// Settings gives a line for its merchant.
func (d *Desk) Settings(ctx context.Context, account identity.Account, event uuid.UUID) (Line, error) {
	t, err := d.owned(ctx, account, event)
	if err != nil {
		return Line{}, err
	}
	l, err := d.Views.Line(ctx, t)
	return l, err
}

// Configure changes the settings of a line for its merchant.
func (d *Desk) Configure(ctx context.Context, account identity.Account, event uuid.UUID, change func(Settings) Settings) (Line, error) {
	t, err := d.owned(ctx, account, event)
	if err != nil {
		return Line{}, err
	}
	l, err := d.Views.Line(ctx, t)
	if err != nil {
		return Line{}, err
	}
	after, err := d.Rooms.Configure(ctx, change(l.Settings), t)
	if err != nil {
		return Line{}, err
	}
	d.Views.Apply(after.Front(d.Now()))
	return after, nil
}

// owned gives the terms of an event that the account runs. Others do not learn of its settings.
func (d *Desk) owned(ctx context.Context, account identity.Account, event uuid.UUID) (Terms, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return t, err
	}
	if !account.Has(identity.Admin) && t.Merchant != account.ID {
		return t, ErrEventNotFound
	}
	return t, nil
}

// Finish ends an account's pass before its time: it has bought that many units, or given up (0).
// end counts it in the line. Events without a room and accounts without a pass are left alone.
func (d *Desk) Finish(ctx context.Context, event uuid.UUID, account string, units int, end func(ctx context.Context, event uuid.UUID, passes ...Finished) error) error {
	t, err := d.Catalogue.Terms(ctx, event)
	if errors.Is(err, ErrEventNotFound) || (err == nil && !t.HighDemand) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := d.Book.Find(ctx, event, []string{account})
	if err != nil {
		return err
	}
	e, ok := found[account]
	if !ok || e.PassUntil.IsZero() || e.Finished || !d.Now().Before(e.PassUntil) {
		return nil
	}
	e.Finished = true
	if err := d.Book.Replace(ctx, event, account, e, d.keep(t)); err != nil {
		return err // tried again with the message
	}
	// Should we end here, the pass counts as valid until it ends by itself.
	return end(ctx, event, Finished{Until: e.PassUntil, Units: units})
}
