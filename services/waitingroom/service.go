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

// Rooms updates the rooms of all events, on whatever replica they run.
type Rooms interface {
	Join(ctx context.Context, asks []JoinRequest, t SaleTerms) (JoinResults, error)
	Arrivals(ctx context.Context, event uuid.UUID, accounts []string) (arrivals []int64, err error)
	Claim(ctx context.Context, event uuid.UUID, accounts []string) ([]ClaimResult, error)
	Leave(ctx context.Context, event uuid.UUID, account string) error
	Configure(ctx context.Context, s Settings, t SaleTerms) (Line, error)
}

// Catalogue reads the sale terms of events. ErrEventNotFound when there is no such event.
type Catalogue interface {
	Terms(ctx context.Context, event uuid.UUID) (SaleTerms, error)
}

// PassSigner signs admission passes.
type PassSigner interface {
	Sign(p admission.Pass) (string, error)
}

// Service joins accounts to a line, tells them their standing, and exchanges their place for a pass.
// Joins of one event are batched: while a batch is being stored, the next one collects.
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

// How joins are batched.
const (
	maxBatch       = 512    // joins in one update
	maxBatches     = 2      // updates of one event at once, of this replica
	maxPending     = 20_000 // joins of one event that wait in this replica
	joinTimeout    = 10 * time.Second
	entryRetention = 24 * time.Hour // after the end of the sale
)

// joinQueue has the joins of one event that wait for a batch.
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

// terms returns the event's terms. A draft is not found, even by its merchant.
func (svc *Service) terms(ctx context.Context, event uuid.UUID) (SaleTerms, error) {
	t, err := svc.anyTerms(ctx, event)
	if err == nil && t.Draft {
		return SaleTerms{}, ErrEventNotFound
	}
	return t, err
}

// anyTerms returns the event's terms, also of a draft. ErrNoRoom when it has no waiting room.
func (svc *Service) anyTerms(ctx context.Context, event uuid.UUID) (SaleTerms, error) {
	t, err := svc.Catalogue.Terms(ctx, event)
	if err != nil {
		return t, err
	}
	if !t.HighDemand {
		return t, ErrNoRoom
	}
	return t, nil
}

// Join gives an account its place in the line. Joining again returns the same place; created reports
// whether it is new.
func (svc *Service) Join(ctx context.Context, account identity.Account, event uuid.UUID) (s Standing, created bool, err error) {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return s, false, err
	}
	if !account.EmailVerified { // it could not buy when its turn comes
		return s, false, identity.ErrEmailUnverified
	}
	j := &pendingJoin{account: account.ID, done: make(chan struct{})}
	if err := svc.enqueue(j, t); err != nil {
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
	s, err = svc.stand(ctx, t, j.place.entry)
	return s, j.place.created, err
}

func (svc *Service) enqueue(j *pendingJoin, t SaleTerms) error {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.joining == nil {
		svc.joining = map[uuid.UUID]*joinQueue{}
	}
	g := svc.joining[t.Event]
	if g == nil {
		g = &joinQueue{}
		svc.joining[t.Event] = g
	}
	if len(g.waiting) >= maxPending {
		return ErrBusy
	}
	g.waiting = append(g.waiting, j)
	if g.running < maxBatches {
		g.running++
		go svc.joinBatches(g, t)
	}
	return nil
}

// joinBatches stores batch after batch until no join waits.
func (svc *Service) joinBatches(g *joinQueue, t SaleTerms) {
	for {
		svc.mu.Lock()
		n := min(len(g.waiting), maxBatch)
		if n == 0 {
			if g.running--; g.running == 0 {
				delete(svc.joining, t.Event)
			}
			svc.mu.Unlock()
			return
		}
		batch := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		svc.mu.Unlock()
		// Callers that gave up waiting get their place nevertheless: they will ask again.
		ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
		svc.joinBatch(ctx, batch, t)
		cancel()
	}
}

// joinBatch joins one batch and wakes its callers.
func (svc *Service) joinBatch(ctx context.Context, batch []*pendingJoin, t SaleTerms) {
	groups := map[string][]*pendingJoin{} // an account may be in a batch twice
	var accounts []string
	for _, j := range batch {
		if groups[j.account] == nil {
			accounts = append(accounts, j.account)
		}
		groups[j.account] = append(groups[j.account], j)
	}
	places, err := svc.places(ctx, accounts, t)
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

// placement is the place that an account got or had.
type placement struct {
	entry   Entry
	created bool
	err     error
}

// places returns the places of accounts and creates the missing ones.
func (svc *Service) places(ctx context.Context, accounts []string, t SaleTerms) (map[string]placement, error) {
	places := make(map[string]placement, len(accounts))
	asks := make([]JoinRequest, len(accounts))
	for i, account := range accounts {
		asks[i].Account = account
	}
	if err := svc.join(ctx, asks, t, places); err != nil {
		return nil, err
	}
	var inside []string // admitted: the pass store knows whether they have a pass
	for account, g := range places {
		if g.err != nil || g.created {
			continue
		}
		s, err := svc.stand(ctx, t, g.entry)
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
	found, findErr := svc.PassStore.Find(ctx, t.Event, inside)
	var again []JoinRequest // missed their turn, or used their pass
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
		s, err := svc.stand(ctx, t, g.entry)
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
	return places, svc.join(ctx, again, t, places)
}

// join joins accounts to the line and adds their places to the map.
func (svc *Service) join(ctx context.Context, asks []JoinRequest, t SaleTerms, places map[string]placement) error {
	out, err := svc.Rooms.Join(ctx, asks, t)
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

func (svc *Service) stand(ctx context.Context, t SaleTerms, e Entry) (Standing, error) {
	v, err := svc.Views.Get(ctx, t)
	if err != nil {
		return Standing{}, err
	}
	return v.Front.Stand(e, v.Place(e.Arrival), svc.Now()), nil
}

// Place returns the signed token of an arrival.
func (svc *Service) Place(event uuid.UUID, account identity.Account, arrival int64) string {
	return svc.PlaceSigner.Sign(event, account.ID, arrival)
}

// Standing returns an account's standing. With its place token no lookup is needed while the account
// waits.
func (svc *Service) Standing(ctx context.Context, account identity.Account, event uuid.UUID, place string) (Standing, error) {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return Standing{}, err
	}
	if place != "" {
		s, err := svc.standingOfPlace(ctx, account, t, place)
		if err != nil || isWaiting(s) {
			return s, err
		}
	}
	e, err := svc.entry(ctx, account, t)
	if err != nil {
		return Standing{}, err
	}
	return svc.stand(ctx, t, e)
}

// standingOfPlace returns the standing of a place token. It does not look up whether the account still
// has the place.
func (svc *Service) standingOfPlace(ctx context.Context, account identity.Account, t SaleTerms, place string) (Standing, error) {
	arrival, err := svc.PlaceSigner.Open(t.Event, account.ID, place)
	if err != nil {
		return Standing{}, err
	}
	return svc.stand(ctx, t, Entry{Arrival: arrival})
}

// isWaiting reports whether a turn is yet to come: then the place token is all that is needed.
func isWaiting(s Standing) bool {
	return s.State != YourTurn && s.State != TurnOver && s.State != RoomClosed
}

// entry returns an account's place, with its pass if it has one. ErrNotQueued without a place.
func (svc *Service) entry(ctx context.Context, account identity.Account, t SaleTerms) (Entry, error) {
	arrivals, err := svc.Rooms.Arrivals(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	if arrivals[0] == 0 {
		return Entry{}, ErrNotQueued
	}
	found, err := svc.PassStore.Find(ctx, t.Event, []string{account.ID})
	if e, ok := found[account.ID]; ok && e.Arrival == arrivals[0] {
		return e, err
	}
	return Entry{Arrival: arrivals[0]}, err
}

// keep is how long entries of an event are stored.
func (svc *Service) keep(t SaleTerms) time.Duration {
	return max(time.Hour, t.SalesEnd.Sub(svc.Now())+entryRetention)
}

// Admit exchanges an admitted place for a pass that is valid until a time. Asking again returns the same
// pass.
func (svc *Service) Admit(ctx context.Context, account identity.Account, event uuid.UUID, place string) (pass string, until time.Time, err error) {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return "", until, err
	}
	if place != "" { // asking too early costs no lookup
		s, err := svc.standingOfPlace(ctx, account, t, place)
		if err == nil && isWaiting(s) {
			err = notYet(s)
		}
		if err != nil {
			return "", until, err
		}
	}
	for range 4 {
		e, err := svc.admit(ctx, account, t)
		if err == nil {
			return svc.sign(account, event, e)
		}
		if !errors.Is(err, ErrStale) {
			return "", until, err
		}
	}
	return "", until, ErrBusy
}

// admit makes one attempt to claim an account's turn. ErrStale: another request did so just now.
func (svc *Service) admit(ctx context.Context, account identity.Account, t SaleTerms) (Entry, error) {
	found, err := svc.PassStore.Find(ctx, t.Event, []string{account.ID})
	if err != nil {
		return Entry{}, err
	}
	before := found[account.ID]
	if !before.PassUntil.IsZero() && !before.Finished && svc.Now().Before(before.PassUntil) {
		return before, nil
	}
	e, err := svc.entry(ctx, account, t)
	if err != nil {
		return Entry{}, err
	}
	s, err := svc.stand(ctx, t, e)
	if err != nil {
		return Entry{}, err
	}
	if s.State != YourTurn {
		return Entry{}, refusal(s)
	}
	answers, err := svc.Rooms.Claim(ctx, t.Event, []string{account.ID})
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
		return e, svc.PassStore.Write(ctx, t.Event, account.ID, e, svc.keep(t))
	}
}

// refusal is why an account with this standing gets no pass.
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

func (svc *Service) sign(account identity.Account, event uuid.UUID, e Entry) (string, time.Time, error) {
	pass, err := svc.PassSigner.Sign(admission.Pass{
		ID: e.PassID, Account: account.ID, Event: event, From: e.PassUntil.Add(-PassFor), Until: e.PassUntil,
	})
	return pass, e.PassUntil, err
}

// Leave gives up an account's place. ErrInside when it has a pass.
func (svc *Service) Leave(ctx context.Context, account identity.Account, event uuid.UUID) error {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return err
	}
	e, err := svc.entry(ctx, account, t)
	if err != nil {
		return err
	}
	if !e.PassUntil.IsZero() && svc.Now().Before(e.PassUntil) {
		return ErrInside // a pass cannot be revoked; it ends by itself
	}
	return svc.Rooms.Leave(ctx, event, account.ID)
}

// Front returns the public state of a line.
func (svc *Service) Front(ctx context.Context, event uuid.UUID) (Front, error) {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return Front{}, err
	}
	v, err := svc.Views.Get(ctx, t)
	return v.Front, err
}

// Line reads a line.
func (svc *Service) Line(ctx context.Context, event uuid.UUID) (Line, error) {
	t, err := svc.terms(ctx, event)
	if err != nil {
		return Line{}, err
	}
	return svc.Views.Line(ctx, t)
}

// Settings returns a line to its merchant or an admin.
func (svc *Service) Settings(ctx context.Context, account identity.Account, event uuid.UUID) (Line, error) {
	t, err := svc.owned(ctx, account, event)
	if err != nil {
		return Line{}, err
	}
	l, err := svc.Views.Line(ctx, t)
	return l, err
}

// Configure changes the settings of a line, for its merchant or an admin.
func (svc *Service) Configure(ctx context.Context, account identity.Account, event uuid.UUID, change func(Settings) Settings) (Line, error) {
	t, err := svc.owned(ctx, account, event)
	if err != nil {
		return Line{}, err
	}
	l, err := svc.Views.Line(ctx, t)
	if err != nil {
		return Line{}, err
	}
	after, err := svc.Rooms.Configure(ctx, change(l.Settings), t)
	if err != nil {
		return Line{}, err
	}
	svc.Views.Apply(after.Front(svc.Now()))
	return after, nil
}

// owned returns the terms of an event that the account may manage. To others there is no such event.
func (svc *Service) owned(ctx context.Context, account identity.Account, event uuid.UUID) (SaleTerms, error) {
	t, err := svc.anyTerms(ctx, event)
	if err == nil && !account.Has(identity.Admin) && t.Merchant != account.ID {
		return SaleTerms{}, ErrEventNotFound
	}
	return t, err
}

// Finish ends an account's pass before its time: it has bought so many units, or given up (0). end counts
// it in the line. Without a waiting room or a pass there is nothing to do.
func (svc *Service) Finish(ctx context.Context, event uuid.UUID, account string, units int, end func(ctx context.Context, event uuid.UUID, passes ...FinishedPass) error) error {
	t, err := svc.Catalogue.Terms(ctx, event)
	if errors.Is(err, ErrEventNotFound) || (err == nil && !t.HighDemand) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := svc.PassStore.Find(ctx, event, []string{account})
	if err != nil {
		return err
	}
	e, ok := found[account]
	if !ok || e.PassUntil.IsZero() || e.Finished || !svc.Now().Before(e.PassUntil) {
		return nil
	}
	e.Finished = true
	if err := svc.PassStore.Write(ctx, event, account, e, svc.keep(t)); err != nil {
		return err // the message is delivered again
	}
	// After a crash here, the line counts the pass as valid until it ends by itself.
	return end(ctx, event, FinishedPass{Until: e.PassUntil, Units: units})
}
