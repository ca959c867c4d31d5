package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/auth"
)

// registry keeps deletions as the directory does, one at a time.
type registry struct {
	mu      sync.Mutex
	now     *auth.Deletion
	forgot  bool
	removed bool
}

func (r *registry) Begin(_ context.Context, d auth.Deletion) (auth.Deletion, error) {
	if r.now != nil {
		return *r.now, nil
	}
	return d, r.Save(nil, d) //nolint:staticcheck // no context needed
}

func (r *registry) Save(_ context.Context, d auth.Deletion) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Erased = slices.Clone(d.Erased)
	r.now = &d
	return nil
}

func (r *registry) Forget(_ context.Context, d auth.Deletion) error {
	r.forgot = true
	return r.Save(nil, d) //nolint:staticcheck // no context needed
}

func (r *registry) Pending(_ context.Context, first, _ int) ([]auth.Deletion, error) {
	if r.now == nil || first > 0 {
		return nil, nil
	}
	return []auth.Deletion{*r.now}, nil
}

func (r *registry) Find(context.Context, string) (auth.Deletion, bool, error) {
	if r.now == nil {
		return auth.Deletion{}, false, nil
	}
	return *r.now, true, nil
}

func (r *registry) Remove(context.Context, string) error {
	r.now, r.removed = nil, true
	return nil
}

// holder keeps something about one account until it is erased.
type holder struct {
	away       error
	obstacles  []personaldata.Obstacle
	erasures   []string
	exportPage func(cursor string) personaldata.Page
}

func (h *holder) Export(_ context.Context, _, cursor string) (personaldata.Page, error) {
	if h.away != nil {
		return personaldata.Page{}, h.away
	}
	if h.exportPage != nil {
		return h.exportPage(cursor), nil
	}
	return personaldata.Page{}, nil
}

func (h *holder) Obstacles(context.Context, string) ([]personaldata.Obstacle, error) {
	return h.obstacles, h.away
}

func (h *holder) Erase(_ context.Context, account, tombstone string) error {
	if h.away != nil {
		return h.away
	}
	h.erasures = append(h.erasures, account+">"+tombstone)
	return nil
}

type post struct {
	sent []auth.Person
	away error
}

func (p *post) SendDeletionMail(_ context.Context, _ string, to auth.Person) error {
	if p.away == nil {
		p.sent = append(p.sent, to)
	}
	return p.away
}

type ender struct{ ended []string }

func (e *ender) EndAll(_ context.Context, account string) error {
	e.ended = append(e.ended, account)
	return nil
}

// trail keeps the first entry of each id.
type trail struct {
	away    error
	entries []auth.Entry
}

func (t *trail) Record(_ context.Context, entries ...auth.Entry) error {
	for _, e := range entries {
		if t.away == nil && !slices.ContainsFunc(t.entries, func(k auth.Entry) bool { return k.ID == e.ID }) {
			t.entries = append(t.entries, e)
		}
	}
	return t.away
}

type leases struct {
	taken bool
	last  time.Duration
}

func (l *leases) Acquire(_ context.Context, _ string, ttl time.Duration) (string, error) {
	if l.last = ttl; l.taken {
		return "", nil
	}
	return "me", nil
}

func (l *leases) Release(context.Context, string, string) error { return nil }

type world struct {
	deleter  *auth.Deleter
	registry *registry
	one, two *holder
	post     *post
	ender    *ender
	trail    *trail
	leases   *leases
	clock    time.Time
}

func newWorld() *world {
	w := &world{registry: &registry{}, one: &holder{}, two: &holder{}, post: &post{}, ender: &ender{}, trail: &trail{}, leases: &leases{}, clock: now}
	w.deleter = &auth.Deleter{
		Deletions: w.registry, Sessions: w.ender, DeletionMails: w.post, Lease: w.leases, Audit: w.trail, Settle: 20 * time.Minute,
		Holders: map[string]personaldata.Holder{"one": w.one, "two": w.two}, Now: func() time.Time { return w.clock },
	}
	return w
}

var anna = auth.Profile{ID: "a", Email: "anna@foyer.test", Name: "Anna", Locale: "de"}

func TestDeletionTellsForgetsErasesTwiceAndEnds(t *testing.T) {
	w := newWorld()
	d, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	require.NoError(t, err)
	assert.True(t, identity.IsTombstone(d.Tombstone))
	assert.Equal(t, []string{"a"}, w.ender.ended, "signed out at once")
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.Equal(t, []auth.Person{{Email: "anna@foyer.test", Name: "Anna", Locale: "de"}}, w.post.sent)
	assert.True(t, w.registry.forgot)
	assert.Empty(t, w.registry.now.Person)
	want := "a>" + d.Tombstone
	assert.Equal(t, []string{want}, w.one.erasures)
	assert.Equal(t, []string{want}, w.two.erasures)
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.False(t, w.registry.removed, "something may still come in")
	w.clock = w.clock.Add(20 * time.Minute)
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.Equal(t, []string{want, want}, w.one.erasures, "erased once more")
	assert.True(t, w.registry.removed)
	assert.Len(t, w.post.sent, 1)
}

func TestDeletionWaitsForWhoIsAway(t *testing.T) {
	w := newWorld()
	_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	require.NoError(t, err)
	w.one.away = errors.New("refused")
	require.Error(t, w.deleter.Continue(t.Context()))
	assert.Len(t, w.two.erasures, 1, "one that is away keeps no other back")
	assert.Equal(t, "one", w.registry.now.WaitingFor)
	assert.Equal(t, []string{"two"}, w.registry.now.Erased)
	w.clock = w.clock.Add(25 * time.Hour)
	assert.True(t, w.registry.now.Stuck(w.clock))
	require.Error(t, w.deleter.Continue(t.Context()))
	assert.False(t, w.registry.removed, "never before everybody confirmed")
	assert.Len(t, w.two.erasures, 1)
	w.one.away = nil
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.Empty(t, w.registry.now.WaitingFor)
	assert.Len(t, w.one.erasures, 1)
}

func TestDeletionDoesNotWaitForEverForTheMail(t *testing.T) {
	w := newWorld()
	w.post.away = errors.New("no such mailbox")
	_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	require.NoError(t, err)
	require.Error(t, w.deleter.Continue(t.Context()))
	assert.Equal(t, "mail", w.registry.now.WaitingFor)
	assert.False(t, w.registry.forgot)
	w.clock = w.clock.Add(time.Hour)
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.True(t, w.registry.forgot)
}

func TestDeletionIsLeftToWhoHasTheLease(t *testing.T) {
	w := newWorld()
	_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	require.NoError(t, err)
	w.leases.taken = true
	require.NoError(t, w.deleter.Continue(t.Context()))
	assert.Empty(t, w.post.sent)
	assert.Empty(t, w.one.erasures)
}

// hanging erases nothing for as long as it may.
type hanging struct{ holder }

func (*hanging) Erase(ctx context.Context, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// One that takes for ever is let go of before its lease ends, with what came of it noted: the next round
// begins, and no other replica works on it at the same time.
func TestATurnEndsBeforeItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deleter.Holders["two"] = &hanging{}
		_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "", false)
		require.NoError(t, err)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.Error(t, w.deleter.Continue(ctx))
		require.NoError(t, ctx.Err())
		assert.Less(t, time.Since(began), w.leases.last)
		assert.Equal(t, []string{"one"}, w.registry.now.Erased)
		assert.Equal(t, "two", w.registry.now.WaitingFor)
	})
}

// Asked for twice at once, or again: there is one deletion, and one entry in the trail.
func TestADeletionBeginsOnce(t *testing.T) {
	w := newWorld()
	begin := func() (auth.Deletion, error) {
		return w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	}
	w.leases.taken = true
	_, err := begin()
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "another request is about to begin it")
	assert.Nil(t, w.registry.now)

	w.leases.taken = false
	first, err := begin()
	require.NoError(t, err)
	w.registry.now.Told, w.registry.now.Person = true, auth.Person{} // the saga goes on
	for _, underWay := range []bool{false, true} {
		w.leases.taken = underWay
		again, err := begin()
		require.NoError(t, err)
		assert.Equal(t, first.Tombstone, again.Tombstone)
		assert.True(t, w.registry.now.Told)
	}
	assert.Len(t, w.trail.entries, 1)
}

// A change of the profile writes back what it read: it must not cross the beginning of a deletion.
func TestAProfileIsNotChangedOverADeletion(t *testing.T) {
	synctest.Test(t, profileAndDeletion)
}

func profileAndDeletion(t *testing.T) {
	w := newWorld()
	writes := 0
	change := func() error {
		return w.deleter.Unless(t.Context(), "a", func(context.Context) error { writes++; return nil })
	}
	require.NoError(t, change())
	w.leases.taken = true
	require.Equal(t, fault.Unavailable, fault.KindOf(change()), "a deletion may be beginning")
	w.leases.taken = false
	_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
	require.NoError(t, err)
	require.ErrorIs(t, change(), auth.ErrNoAccount)
	require.Equal(t, 1, writes)
}

func TestDeletionIsRefusedWhileSomethingStands(t *testing.T) {
	open := personaldata.Obstacle{Code: personaldata.OpenBookings, Count: 1}
	upcoming := personaldata.Obstacle{Code: personaldata.UpcomingTickets, Count: 2, Waivable: true}
	for name, c := range map[string]struct {
		obstacles []personaldata.Obstacle
		roles     []identity.Role
		forfeit   bool
		refused   bool
	}{
		"nothing":                 {},
		"tickets":                 {obstacles: []personaldata.Obstacle{upcoming}, refused: true},
		"tickets given up":        {obstacles: []personaldata.Obstacle{upcoming}, forfeit: true},
		"a booking under way":     {obstacles: []personaldata.Obstacle{open, upcoming}, forfeit: true, refused: true},
		"an admin":                {roles: []identity.Role{identity.Admin}, forfeit: true, refused: true},
		"a merchant with nothing": {roles: []identity.Role{identity.Merchant}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.two.obstacles = c.obstacles
			_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a", Roles: c.roles}, anna, "", c.forfeit)
			assert.Equal(t, c.refused, errors.Is(err, auth.ErrDeletionBlocked), "%v", err)
			assert.Equal(t, c.refused, w.registry.now == nil)
		})
	}
	w := newWorld()
	w.two.away = errors.New("refused")
	_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "", true)
	assert.Equal(t, fault.Unavailable, fault.KindOf(err), "who cannot be asked may have something to say")
	assert.Nil(t, w.registry.now)
}

func TestExportIsCompleteOrNotAtAll(t *testing.T) {
	one, two := &holder{}, &holder{}
	one.exportPage = func(cursor string) personaldata.Page {
		if cursor == "" {
			return personaldata.Page{Sections: map[string][]any{"bookings": {1, 2}}, Next: "2"}
		}
		return personaldata.Page{Sections: map[string][]any{"bookings": {3}}}
	}
	two.exportPage = func(string) personaldata.Page { return personaldata.Page{Sections: map[string][]any{"messages": nil}} }
	holders := map[string]personaldata.Holder{"one": one, "two": two}
	found, err := auth.Collect(t.Context(), holders, "a")
	require.NoError(t, err)
	assert.Equal(t, map[string][]any{"bookings": {1, 2, 3}, "messages": {}}, found)
	two.away = errors.New("refused")
	_, err = auth.Collect(t.Context(), holders, "a")
	assert.Equal(t, fault.Unavailable, fault.KindOf(err))
	two.away = nil
	one.exportPage = func(string) personaldata.Page { return personaldata.Page{Next: "again"} }
	_, err = auth.Collect(t.Context(), holders, "a")
	assert.ErrorIs(t, err, auth.ErrExportTooLarge, "it ends in any case")
}

// A deletion is in the trail, once, also when the trail was away as it began.
func TestADeletionIsRecorded(t *testing.T) {
	for name, away := range map[string]error{"at once": nil, "later": errors.New("refused")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.trail.away = away
			_, err := w.deleter.Begin(t.Context(), identity.Account{ID: "a"}, anna, "192.0.2.1", false)
			require.NoError(t, err)
			if away != nil {
				require.Error(t, w.deleter.Continue(t.Context()))
				assert.Empty(t, w.post.sent)
				w.trail.away = nil
			}
			require.NoError(t, w.deleter.Continue(t.Context()))
			require.Len(t, w.trail.entries, 1)
			e := w.trail.entries[0]
			assert.Equal(t, auth.AuditAccountDeleted, e.Kind)
			assert.Equal(t, "a", e.Account)
			assert.Equal(t, w.clock, e.At)
			assert.Equal(t, away == nil, e.Address == "192.0.2.1")
		})
	}
}

// many are deletions that cannot go on, in front of one that can.
type many struct {
	registry
	all []auth.Deletion
}

func (m *many) Pending(_ context.Context, first, limit int) ([]auth.Deletion, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := m.all[min(first, len(m.all)):]
	return slices.Clone(page[:min(limit, len(page))]), nil
}

func (m *many) Find(_ context.Context, account string) (auth.Deletion, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.all, func(d auth.Deletion) bool { return d.Account == account })
	return m.all[i], true, nil
}

type onlyFor struct {
	holder
	mu      sync.Mutex
	account string
	asked   int
	erased  int
}

func (o *onlyFor) Erase(_ context.Context, account, _ string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if account != o.account {
		return errors.New("stuck")
	}
	o.erased++
	return nil
}

func TestStuckAndWaitingDeletionsHideNoOther(t *testing.T) {
	w := newWorld()
	m, o := &many{}, &onlyFor{account: "last"}
	for range 120 {
		m.all = append(m.all, auth.Deletion{Account: "stuck", Tombstone: "deleted-s", Told: true, RequestedAt: now})
		m.all = append(m.all, auth.Deletion{Account: "waiting", Tombstone: "deleted-w", Told: true, RequestedAt: now, ErasedAt: now})
	}
	m.all = append(m.all, auth.Deletion{Account: "last", Tombstone: "deleted-l", Told: true, RequestedAt: now})
	w.deleter.Deletions, w.deleter.Holders = m, map[string]personaldata.Holder{"one": o}
	require.Error(t, w.deleter.Continue(t.Context()))
	assert.Equal(t, 1, o.erased)
	assert.Equal(t, 121, o.asked, "those that wait are not asked for")
}

// What all services have together is bounded, and so is how many exports there are at once.
func TestExportsAreBounded(t *testing.T) {
	holders := map[string]personaldata.Holder{}
	for _, name := range []string{"one", "two", "three"} {
		h := &holder{}
		h.exportPage = func(string) personaldata.Page {
			return personaldata.Page{Sections: map[string][]any{name: {strings.Repeat("x", 12<<20)}}}
		}
		holders[name] = h
	}
	_, err := auth.Collect(t.Context(), holders, "a")
	require.ErrorIs(t, err, auth.ErrExportTooLarge)

	exports := &auth.Exports{}
	end, err := exports.Begin("anna")
	require.NoError(t, err)
	_, err = exports.Begin("anna")
	require.ErrorIs(t, err, auth.ErrExportsBusy)
	_, err = exports.Begin("ben")
	require.NoError(t, err)
	_, err = exports.Begin("carl")
	require.ErrorIs(t, err, auth.ErrExportsBusy)
	end()
	_, err = exports.Begin("carl")
	require.NoError(t, err)
}
