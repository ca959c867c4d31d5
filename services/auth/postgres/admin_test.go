package postgres_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// staff is a directory whose accounts have roles of their own.
type staff struct {
	auth.Directory // what is not written below is not called

	mu     sync.Mutex
	all    map[string]auth.Profile
	before func(ctx context.Context) // runs before each change
	away   error
}

func (s *staff) WithRoles(_ context.Context, id string) (auth.Profile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.all[id]
	if !ok {
		return p, auth.ErrNoAccount
	}
	return p, s.away
}

func (s *staff) change(ctx context.Context, id string, change func(*auth.Profile)) auth.Profile {
	if s.before != nil {
		s.before(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[id]
	change(&p)
	s.all[id] = p
	return p
}

func (s *staff) SetRoles(ctx context.Context, id string, roles []identity.Role) (auth.Profile, error) {
	return s.change(ctx, id, func(p *auth.Profile) { p.Roles = roles }), nil
}

func (s *staff) SetEnabled(ctx context.Context, id string, enabled bool) error {
	s.change(ctx, id, func(p *auth.Profile) { p.Enabled = enabled })
	return nil
}

// admins are those who can do anything as such.
func (s *staff) admins() (ids []string) {
	for id, p := range s.all {
		if p.Enabled && slices.Contains(p.Roles, identity.Admin) {
			ids = append(ids, id)
		}
	}
	return ids
}

var (
	anna, ben, cleo = uuid.NewString(), uuid.NewString(), uuid.NewString() // cleo is no admin

	yes, no = true, false
	lock    = auth.Change{Enabled: &no}
	unlock  = auth.Change{Enabled: &yes}
	demote  = auth.Change{ChangeRoles: true}
	promote = auth.Change{ChangeRoles: true, Roles: []identity.Role{identity.Admin}}
)

func newStaff(b *bench) *staff {
	s := &staff{all: map[string]auth.Profile{
		anna: {ID: anna, Enabled: true, Roles: []identity.Role{identity.Admin}},
		ben:  {ID: ben, Enabled: true, Roles: []identity.Role{identity.Admin}},
		cleo: {ID: cleo, Enabled: true},
	}}
	b.accounts.Directory = s
	return s
}

// administer changes an account with the token of an admin.
func (b *bench) administer(ctx context.Context, admin, account string, c auth.Change) error {
	_, err := b.accounts.Administer(ctx, identity.Account{ID: admin, Roles: []identity.Role{identity.Admin}}, "", account, c)
	return err
}

// The token says admin; the account does not any more, or never did.
func TestWhoIsNoAdminAnyMoreChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*auth.Profile)
		admin  string
	}{
		"demoted": {func(p *auth.Profile) { p.Roles = nil }, ben},
		"locked":  {func(p *auth.Profile) { p.Enabled = false }, ben},
		"deleted": {nil, uuid.NewString()},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := newStaff(b)
			if c.change != nil {
				s.change(t.Context(), c.admin, c.change)
			}
			want := maps.Clone(s.all)
			for _, account := range []string{anna, ben, cleo} {
				for _, change := range []auth.Change{lock, unlock, demote, promote} {
					assert.ErrorIs(t, b.administer(t.Context(), c.admin, account, change), identity.ErrForbidden)
				}
			}
			assert.Equal(t, want, s.all)
			assert.Empty(t, b.trail(t))
			assert.Zero(t, b.jobs(t))
		})
	}
}

func TestTheDirectoryIsAskedWhoIsAdmin(t *testing.T) {
	b := newBench(t)
	s := newStaff(b)
	s.away = away
	assert.Equal(t, fault.Unavailable, fault.KindOf(b.administer(t.Context(), anna, cleo, promote)))
	s.away = nil
	assert.ElementsMatch(t, []string{anna, ben}, s.admins())
	require.NoError(t, b.administer(t.Context(), anna, cleo, promote))
	assert.ElementsMatch(t, []string{anna, ben, cleo}, s.admins())
}

// someoneWaits tells whether a request waits until it is alone.
func (b *bench) someoneWaits(ctx context.Context) error {
	var waits bool
	err := b.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
		WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())`).Scan(&waits)
	if err == nil && !waits {
		err = errors.New("nobody waits")
	}
	return err
}

// Whatever admins do, one of them stays.
func TestTheLastAdminStays(t *testing.T) {
	for name, change := range map[string]auth.Change{
		"locked": lock, "demoted": demote, "made a merchant": {ChangeRoles: true, Roles: []identity.Role{identity.Merchant}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := newStaff(b)
			require.ErrorIs(t, b.administer(t.Context(), anna, anna, change), auth.ErrOwnAccount, "while there is another")
			require.NoError(t, b.administer(t.Context(), anna, ben, change))
			require.ErrorIs(t, b.administer(t.Context(), anna, anna, change), auth.ErrOwnAccount)
			require.ErrorIs(t, b.administer(t.Context(), ben, anna, change), identity.ErrForbidden)
			assert.Equal(t, []string{anna}, s.admins())
			assert.Equal(t, []string{ben}, b.ended)
		})
	}
}

// While anna takes ben's rights, a request of ben's is under way, with a token that was good when it was
// checked: it changes nothing.
func TestAdminsWhoChangeEachOtherAtOnce(t *testing.T) {
	for name, first := range map[string]auth.Change{"demoted": demote, "locked": lock} {
		for what, second := range map[string]struct {
			account string
			change  auth.Change
		}{
			"demotes the other": {anna, demote}, "locks the other": {anna, lock},
			"keeps the role": {ben, promote}, "unlocks itself": {ben, unlock},
			"gives a friend the role": {cleo, promote}, "locks somebody": {cleo, lock},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				b := newBench(t)
				s := newStaff(b)
				refused, overtook := make(chan error, 1), make(chan struct{})
				var changes atomic.Int32
				s.before = func(ctx context.Context) {
					if changes.Add(1) > 1 {
						close(overtook)
						return
					}
					go func() {
						refused <- b.administer(context.WithoutCancel(ctx), ben, second.account, second.change)
					}()
					harness.Eventually(t, 20*time.Second, "the second request waits for the first", func() error {
						select {
						case <-overtook: // and is not refused
							return nil
						default:
							return b.someoneWaits(ctx)
						}
					})
				}
				require.NoError(t, b.administer(t.Context(), anna, ben, first))
				require.ErrorIs(t, <-refused, identity.ErrForbidden)
				assert.Equal(t, []string{anna}, s.admins())
				assert.True(t, s.all[cleo].Enabled)
			})
		}
	}
}
