package waitingroom

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// Rooms are the rooms of all events, wherever they run.
type Rooms interface {
	Join(ctx context.Context, asks []JoinRequest, t SaleTerms) (JoinResults, error)
	Arrivals(ctx context.Context, event uuid.UUID, accounts []string) (arrivals []int64, err error)
	Claim(ctx context.Context, event uuid.UUID, accounts []string) ([]ClaimResult, error)
	Leave(ctx context.Context, event uuid.UUID, account string) error
	Configure(ctx context.Context, s Settings, t SaleTerms) (Line, error)
}

// Catalogue tells what an event is.
type Catalogue interface {
	Terms(ctx context.Context, event uuid.UUID) (SaleTerms, error)
}

// PassSigner makes admission passes.
type PassSigner interface {
	Sign(p admission.Pass) (string, error)
}

// Service is where people join a line, ask for their place, and get their pass.
type Service struct {
	Rooms       Rooms
	PassStore   PassStore
	Catalogue   Catalogue
	Views       *LineViews
	PlaceSigner PlaceSigner
	PassSigner  PassSigner
	Now         func() time.Time

	mu      sync.Mutex
	joining map[uuid.UUID]*joinQueue
}

// How joins are gathered.
const (
	maxBatch       = 512    // people lined up in one turn
	maxBatches     = 2      // turns of one event at once, from here
	maxPending     = 20_000 // people waiting here to be lined up, per event
	joinTimeout    = 10 * time.Second
	entryRetention = 24 * time.Hour // beyond the end of the sale
)

// gathering collects people while others are being lined up.
type joinQueue struct {
	waiting []*pendingJoin
	running int
}

type pendingJoin struct {
	account string
	done    chan struct{}
	place   placement
	err     error
}

// terms gives the event's terms to anybody. Drafts are not there, whoever asks.
func (d *Service) terms(ctx context.Context, event uuid.UUID) (SaleTerms, error) {
	t, err := d.anyTerms(ctx, event)
	if err == nil && t.Draft {
		return SaleTerms{}, ErrEventNotFound
	}
	return t, err
}

// any gives the event's terms, refusing events without a waiting room.
func (d *Service) anyTerms(ctx context.Context, event uuid.UUID) (SaleTerms, error) {
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
func (d *Service) Join(ctx context.Context, account identity.Account, event uuid.UUID) (s Standing, created bool, err error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return s, false, err
	}
	if !account.EmailVerified { // it could not buy anything when its turn comes
		return s, false, identity.ErrEmailUnverified
	}
	j := &pendingJoin{account: account.ID, done: make(chan struct{})}
	if err := d.enqueue(j, t); err != nil {
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
	s, err = d.stand(ctx, t, j.place.entry)
	return s, j.place.created, err
}

func (d *Service) enqueue(j *pendingJoin, t SaleTerms) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.joining == nil {
		d.joining = map[uuid.UUID]*joinQueue{}
	}
	g := d.joining[t.Event]
	if g == nil {
		g = &joinQueue{}
		d.joining[t.Event] = g
	}
	if len(g.waiting) >= maxPending {
		return ErrBusy
	}
	g.waiting = append(g.waiting, j)
	if g.running < maxBatches {
		g.running++
		go d.joinBatches(g, t)
	}
	return nil
}

// lineUp takes batch after batch until nobody waits.
func (d *Service) joinBatches(g *joinQueue, t SaleTerms) {
	for {
		d.mu.Lock()
		n := min(len(g.waiting), maxBatch)
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
		ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
		d.joinBatch(ctx, batch, t)
		cancel()
	}
}

// settle lines one batch up and lets its people go.
func (d *Service) joinBatch(ctx context.Context, batch []*pendingJoin, t SaleTerms) {
	groups := map[string][]*pendingJoin{} // one account may have asked twice at once
	var accounts []string
	for _, j := range batch {
		if groups[j.account] == nil {
			accounts = append(accounts, j.account)
		}
		groups[j.account] = append(groups[j.account], j)
	}
	places, err := d.places(ctx, accounts, t)
	for account, group := range groups {
		for i, j := range group {
			j.place, j.err = places[account], err
			j.place.created = j.place.created && i == 0
			if err == nil && j.place.err != nil {
				j.err = j.place.err
			}
			close(j.done)
		}
	}
}

// given is the place that an account got, or had.
type placement struct {
	entry   Entry
	created bool
	err     error
}

// places finds or makes the places of accounts.
func (d *Service) places(ctx context.Context, accounts []string, t SaleTerms) (map[string]placement, error) {
	places := make(map[string]placement, len(accounts))
	asks := make([]JoinRequest, len(accounts))
	for i, account := range accounts {
		asks[i].Account = account
	}
	if err := d.join(ctx, asks, t, places); err != nil {
		return nil, err
	}
	var inside []string // whose turn came: what they made of it is in the book
	for account, g := range places {
		if g.err != nil || g.created {
			continue
		}
		s, err := d.stand(ctx, t, g.entry)
		if err != nil {
			return nil, err
		}
		if s.State == YourTurn || s.State == TurnOver {
			inside = append(inside, account)
		}
	}
	if len(inside) == 0 {
		return places, nil
	}
	found, findErr := d.PassStore.Find(ctx, t.Event, inside)
	var again []JoinRequest // had a turn and missed or used it
	for _, account := range inside {
		g := places[account]
		if findErr != nil {
			g.err = findErr
			places[account] = g
			continue
		}
		if e, ok := found[account]; ok && e.Arrival == g.entry.Arrival {
			g.entry = e
			places[account] = g
		}
		s, err := d.stand(ctx, t, g.entry)
		if err != nil {
			return nil, err
		}
		if s.State == TurnOver {
			again = append(again, JoinRequest{Account: account, After: g.entry.Arrival})
		}
	}
	if len(again) == 0 {
		return places, nil
	}
	return places, d.join(ctx, again, t, places)
}

// take lines accounts up and notes their places.
func (d *Service) join(ctx context.Context, asks []JoinRequest, t SaleTerms, places map[string]placement) error {
	out, err := d.Rooms.Join(ctx, asks, t)
	if err != nil {
		return err
	}
	for i, ask := range asks {
		g := placement{entry: Entry{Arrival: out.Places[i].Arrival}, created: out.Places[i].Fresh}
		if g.entry.Arrival == 0 {
			if g.err = out.Refusal; g.err == nil {
				g.err = ErrBusy
			}
		}
		places[ask.Account] = g
	}
	return nil
}

func (d *Service) stand(ctx context.Context, t SaleTerms, e Entry) (Standing, error) {
	v, err := d.Views.Get(ctx, t)
	if err != nil {
		return Standing{}, err
	}
	return v.Front.Stand(e, v.Place(e.Arrival), d.Now()), nil
}

// Place gives the text that proves a standing's arrival.
func (d *Service) Place(event uuid.UUID, account identity.Account, arrival int64) string {
	return d.PlaceSigner.Sign(event, account.ID, arrival)
}

// Where tells where an account stands. With its place at hand nothing has to be looked up for
// those who wait.
func (d *Service) Standing(ctx context.Context, account identity.Account, event uuid.UUID, place string) (Standing, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Standing{}, err
	}
	if place != "" {
		s, err := d.standingOfPlace(ctx, account, t, place)
		if err != nil || isWaiting(s) {
			return s, err
		}
	}
	e, err := d.entry(ctx, account, t)
	if err != nil {
		return Standing{}, err
	}
	return d.stand(ctx, t, e)
}

// shown tells where a place stands, whoever has it by now.
func (d *Service) standingOfPlace(ctx context.Context, account identity.Account, t SaleTerms, place string) (Standing, error) {
	arrival, err := d.PlaceSigner.Open(t.Event, account.ID, place)
	if err != nil {
		return Standing{}, err
	}
	return d.stand(ctx, t, Entry{Arrival: arrival})
}

// waits tells that somebody's turn is yet to come: then the place says all there is to say.
func isWaiting(s Standing) bool {
	return s.State != YourTurn && s.State != TurnOver && s.State != RoomClosed
}

// entry finds an account's place, and its pass if it has come in.
func (d *Service) entry(ctx context.Context, account identity.Account, t SaleTerms) (Entry, error) {
	arrivals, err := d.Rooms.Arrivals(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	if arrivals[0] == 0 {
		return Entry{}, ErrNotQueued
	}
	found, err := d.PassStore.Find(ctx, t.Event, []string{account.ID})
	if e, ok := found[account.ID]; ok && e.Arrival == arrivals[0] {
		return e, err
	}
	return Entry{Arrival: arrivals[0]}, err
}

// keep is how long entries of an event are of use.
func (d *Service) keep(t SaleTerms) time.Duration {
	return max(time.Hour, t.SalesEnd.Sub(d.Now())+entryRetention)
}

// Admit exchanges a place whose turn it is for a pass. Asking again gives the same pass.
func (d *Service) Admit(ctx context.Context, account identity.Account, event uuid.UUID, place string) (pass string, until time.Time, err error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return "", until, err
	}
	if place != "" { // those who ask too early cost nothing
		s, err := d.standingOfPlace(ctx, account, t, place)
		if err == nil && isWaiting(s) {
			err = notYet(s)
		}
		if err != nil {
			return "", until, err
		}
	}
	for range 4 {
		e, err := d.admit(ctx, account, t)
		if err == nil {
			return d.sign(account, event, e)
		}
		if !errors.Is(err, ErrStale) {
			return "", until, err
		}
	}
	return "", until, ErrBusy
}

// admit makes one attempt to take somebody's turn. ErrStale: they did so elsewhere just now.
func (d *Service) admit(ctx context.Context, account identity.Account, t SaleTerms) (Entry, error) {
	found, err := d.PassStore.Find(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	before := found[account.ID]
	if !before.PassUntil.IsZero() && !before.Finished && d.Now().Before(before.PassUntil) {
		return before, nil
	}
	e, err := d.entry(ctx, account, t)
	if err != nil {
		return Entry{}, err
	}
	s, err := d.stand(ctx, t, e)
	if err != nil {
		return Entry{}, err
	}
	if s.State != YourTurn {
		return Entry{}, refusal(s)
	}
	answers, err := d.Rooms.Claim(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	switch c := answers[0]; {
	case c.Arrival == 0:
		return Entry{}, ErrNotQueued
	case c.Outcome == NotYet:
		return Entry{}, notYet(s)
	case c.Outcome == Missed:
		return Entry{}, ErrTurnMissed
	default:
		e = Entry{Arrival: c.Arrival, PassUntil: c.Until, PassID: uuid.New(), Version: before.Version}
		return e, d.PassStore.Write(ctx, t.Event, account.ID, e, d.keep(t))
	}
}

// refusal tells somebody who wants to come in why they cannot.
func refusal(s Standing) error {
	switch s.State {
	case TurnOver:
		return ErrTurnMissed
	case RoomClosed:
		return ErrClosed
	default:
		return notYet(s)
	}
}

func notYet(s Standing) error {
	err := ErrNotYourTurn.With("position", s.Position).With("ahead", s.Ahead).With("state", s.State)
	if s.ETAKnown {
		err = err.With("etaSeconds", int64(s.ETA.Seconds()))
	}
	return err.After(time.Second)
}

func (d *Service) sign(account identity.Account, event uuid.UUID, e Entry) (string, time.Time, error) {
	pass, err := d.PassSigner.Sign(admission.Pass{
		ID: e.PassID, Account: account.ID, Event: event, From: e.PassUntil.Add(-PassFor), Until: e.PassUntil,
	})
	return pass, e.PassUntil, err
}

// Leave gives an account's place up.
func (d *Service) Leave(ctx context.Context, account identity.Account, event uuid.UUID) error {
	t, err := d.terms(ctx, event)
	if err != nil {
		return err
	}
	e, err := d.entry(ctx, account, t)
	if err != nil {
		return err
	}
	if !e.PassUntil.IsZero() && d.Now().Before(e.PassUntil) {
		return ErrInside // the pass cannot be taken back; it ends by itself
	}
	return d.Rooms.Leave(ctx, event, account.ID)
}

// Front gives the head of a line.
func (d *Service) Front(ctx context.Context, event uuid.UUID) (Front, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Front{}, err
	}
	v, err := d.Views.Get(ctx, t)
	return v.Front, err
}

// Line reads a line.
func (d *Service) Line(ctx context.Context, event uuid.UUID) (Line, error) {
	t, err := d.terms(ctx, event)
	if err != nil {
		return Line{}, err
	}
	return d.Views.Line(ctx, t)
}

// Settings gives a line for its merchant.
func (d *Service) Settings(ctx context.Context, account identity.Account, event uuid.UUID) (Line, error) {
	t, err := d.owned(ctx, account, event)
	if err != nil {
		return Line{}, err
	}
	l, err := d.Views.Line(ctx, t)
	return l, err
}

// Configure changes the settings of a line for its merchant.
func (d *Service) Configure(ctx context.Context, account identity.Account, event uuid.UUID, change func(Settings) Settings) (Line, error) {
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
func (d *Service) owned(ctx context.Context, account identity.Account, event uuid.UUID) (SaleTerms, error) {
	t, err := d.anyTerms(ctx, event)
	if err == nil && !account.Has(identity.Admin) && t.Merchant != account.ID {
		return SaleTerms{}, ErrEventNotFound
	}
	return t, err
}

// Finish ends an account's pass before its time: it has bought that many units, or given up (0).
// end counts it in the line. Events without a room and accounts without a pass are left alone.
func (d *Service) Finish(ctx context.Context, event uuid.UUID, account string, units int, end func(ctx context.Context, event uuid.UUID, passes ...FinishedPass) error) error {
	t, err := d.Catalogue.Terms(ctx, event)
	if errors.Is(err, ErrEventNotFound) || (err == nil && !t.HighDemand) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := d.PassStore.Find(ctx, event, []string{account})
	if err != nil {
		return err
	}
	e, ok := found[account]
	if !ok || e.PassUntil.IsZero() || e.Finished || !d.Now().Before(e.PassUntil) {
		return nil
	}
	e.Finished = true
	if err := d.PassStore.Write(ctx, event, account, e, d.keep(t)); err != nil {
		return err // tried again with the message
	}
	// Should we end here, the pass counts as valid until it ends by itself.
	return end(ctx, event, FinishedPass{Until: e.PassUntil, Units: units})
}
