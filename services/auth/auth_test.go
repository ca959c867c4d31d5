package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/authtest"
)

func TestSafeReturnStaysHere(t *testing.T) {
	for to, want := range map[string]string{
		"/events/1?x=2#seats": "/events/1?x=2#seats", "/": "/", "": "/", "events": "/",
		"https://evil.example": "/", "//evil.example": "/", "/\\evil.example": "/", "///evil.example": "/",
		"javascript:alert(1)": "/", "/a\r\nSet-Cookie: x": "/", "http://user@evil.example/": "/", "\t//evil.example": "/", "%zz": "/",
	} {
		assert.Equal(t, want, auth.SafeReturn(to), "%q", to)
	}
}

func TestSameOrigin(t *testing.T) {
	const ours = "https://foyer.example"
	for _, c := range []struct {
		method, site, origin string
		want                 bool
	}{
		{"GET", "cross-site", "https://evil.example", true}, // changes nothing
		{"HEAD", "", "", true},
		{"POST", "same-origin", "", true},
		{"POST", "none", "", true}, // typed, or from a bookmark
		{"POST", "same-site", ours, false},
		{"POST", "cross-site", ours, false},
		{"POST", "", ours, true},
		{"POST", "", "https://evil.example", false},
		{"POST", "", "null", false},
		{"POST", "", "", false},
		{"PATCH", "cross-site", "", false},
		{"DELETE", "", "https://foyer.example.evil", false},
	} {
		assert.Equal(t, c.want, auth.SameOrigin(c.method, c.site, c.origin, ours), "%+v", c)
	}
}

func TestSessionIDsAreNotStored(t *testing.T) {
	id := auth.NewSessionID()
	assert.GreaterOrEqual(t, len(id), 50)
	assert.NotEqual(t, id, auth.NewSessionID())
	assert.NotContains(t, auth.SessionKey(id), id)
	assert.Equal(t, auth.SessionKey(id), auth.SessionKey(id))
}

// provider answers a refresh as the test says.
type provider struct {
	refresh   func() (auth.Tokens, error)
	refreshes atomic.Int32
	revoked   []string
	away      error
}

func (p *provider) Refresh(context.Context, string) (auth.Tokens, error) {
	p.refreshes.Add(1)
	return p.refresh()
}

func (p *provider) Revoke(_ context.Context, refresh string) error {
	p.revoked = append(p.revoked, refresh)
	return p.away
}

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func tokens(access string, at time.Time) auth.Tokens {
	return auth.Tokens{Access: access, Refresh: "refresh-" + access, Expires: at.Add(15 * time.Minute), SessionExpiry: at.Add(2 * time.Hour), Session: "kc-" + access}
}

// revoked collects what was revoked, and makes tokens of those sessions be over.
type revoked struct {
	mu   sync.Mutex
	list []identity.Revocation
}

func (r *revoked) Revoke(_ context.Context, more ...identity.Revocation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, more...)
	return nil
}

// verify takes "first" for the access token of the session "kc-first".
func (r *revoked) verify(_ context.Context, access string) (identity.Account, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rev := range r.list {
		if rev.Session == "kc-"+access {
			return identity.Account{}, identity.ErrSessionEnded
		}
	}
	return identity.Account{ID: "anna", EmailVerified: true}, nil
}

// confirmations has one mark at most.
type confirmations struct {
	mark time.Time
	away error
}

func (c *confirmations) Mark(_ context.Context, _ string, at time.Time) error {
	c.mark = at
	return c.away
}

func (c *confirmations) Marked(context.Context, string) (time.Time, error) { return c.mark, c.away }

func manager(t *testing.T, p auth.Provider, clock func() time.Time) (*auth.SessionManager, *authtest.Sessions, *revoked) {
	sealer, err := auth.NewSealer(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	sessions, ended := authtest.NewSessions(), &revoked{}
	return &auth.SessionManager{Sessions: sessions, Provider: p, Sealer: sealer, Verify: ended.verify, Revoker: ended, Confirmations: &confirmations{}, Now: clock}, sessions, ended
}

func TestASessionIsRenewedOnceForAllWhoWait(t *testing.T) {
	clock := now
	begun, proceed := make(chan struct{}), make(chan struct{})
	p := &provider{refresh: func() (auth.Tokens, error) {
		close(begun)
		<-proceed
		return tokens("second", now.Add(15*time.Minute)), nil
	}}
	m, sessions, _ := manager(t, p, func() time.Time { return clock })
	id, ttl, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	assert.Equal(t, 2*time.Hour, ttl)
	access, err := m.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "first", access)
	assert.Zero(t, p.refreshes.Load())

	// A second replica shares the store and nothing else.
	other := &auth.SessionManager{Sessions: sessions, Provider: p, Sealer: m.Sealer, Verify: m.Verify, Revoker: m.Revoker, Confirmations: m.Confirmations, Now: m.Now}
	clock = now.Add(14*time.Minute + 40*time.Second)
	var all sync.WaitGroup
	all.Go(func() {
		access, err := m.Access(t.Context(), id)
		assert.NoError(t, err)
		assert.Equal(t, "second", access)
	})
	<-begun
	access, err = other.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "first", access, "it is still good, and somebody renews already")
	for range 20 {
		all.Go(func() {
			_, err := m.Access(t.Context(), id)
			assert.NoError(t, err)
		})
	}
	close(proceed)
	all.Wait()
	for _, replica := range []*auth.SessionManager{m, other} {
		access, err := replica.Access(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "second", access)
	}
	assert.EqualValues(t, 1, p.refreshes.Load(), "a refresh token works once")
}

// Signed out while Keycloak is asked for new tokens: the answer must not bring the session back.
func TestARenewalDoesNotResurrectASession(t *testing.T) {
	clock := now
	var m *auth.SessionManager
	var id string
	p := &provider{}
	p.refresh = func() (auth.Tokens, error) {
		return tokens("second", now.Add(15*time.Minute)), m.End(t.Context(), id)
	}
	m, _, _ = manager(t, p, func() time.Time { return clock })
	id, _, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	clock = now.Add(14*time.Minute + 50*time.Second)
	for range 2 {
		access, err := m.Access(t.Context(), id)
		require.NoError(t, err)
		assert.Empty(t, access)
	}
	assert.Equal(t, []string{"refresh-first", "refresh-second"}, p.revoked, "what came late is given back")
}

func TestWhenRenewingFails(t *testing.T) {
	ended := fault.New(fault.Unauthenticated, "session_ended", "ended")
	away := fault.Away("accounts", errors.New("connection refused"))
	for name, c := range map[string]struct {
		err    error
		after  time.Duration
		access string
		fails  bool
		kept   bool
	}{
		"Keycloak ended the session":             {ended, 14*time.Minute + 50*time.Second, "", false, false},
		"Keycloak is away, the token still good": {away, 14*time.Minute + 50*time.Second, "first", false, true},
		"Keycloak is away, the token over":       {away, 16 * time.Minute, "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := now
			m, sessions, _ := manager(t, &provider{refresh: func() (auth.Tokens, error) { return auth.Tokens{}, c.err }}, func() time.Time { return clock })
			id, _, err := m.Begin(t.Context(), tokens("first", now), "")
			require.NoError(t, err)
			clock = now.Add(c.after)
			access, err := m.Access(t.Context(), id)
			assert.Equal(t, c.fails, err != nil)
			assert.Equal(t, c.access, access)
			_, kept, err := sessions.Load(t.Context(), auth.SessionKey(id))
			require.NoError(t, err)
			assert.Equal(t, c.kept, kept)
		})
	}
}

func TestASessionEndsHereEvenWhenKeycloakIsAway(t *testing.T) {
	p := &provider{away: fault.Away("accounts", errors.New("refused"))}
	m, _, ended := manager(t, p, func() time.Time { return now })
	id, _, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	require.Error(t, m.End(t.Context(), id))
	assert.Equal(t, []string{"refresh-first"}, p.revoked)
	require.Len(t, ended.list, 1)
	assert.Equal(t, "kc-first", ended.list[0].Session)
	access, err := m.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Empty(t, access)
	require.NoError(t, m.End(t.Context(), id), "twice is once")
	require.Len(t, p.revoked, 1)
}

// A second sign-in in one browser ends the session that the browser had.
func TestASecondSignInEndsTheFirst(t *testing.T) {
	p := &provider{}
	m, _, ended := manager(t, p, func() time.Time { return now })
	access := func(id string) string {
		access, err := m.Access(t.Context(), id)
		require.NoError(t, err)
		return access
	}
	first, _, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	second, _, err := m.Begin(t.Context(), tokens("second", now), first)
	require.NoError(t, err)
	assert.Empty(t, access(first))
	assert.Equal(t, "second", access(second))
	assert.Equal(t, []string{"refresh-first"}, p.revoked, "at Keycloak too")

	// The same session of Keycloak, which goes on.
	again := tokens("third", now)
	again.Session = "kc-second"
	third, _, err := m.Begin(t.Context(), again, second)
	require.NoError(t, err)
	assert.Empty(t, access(second))
	assert.Equal(t, "third", access(third))
	assert.Len(t, p.revoked, 1)
	assert.Len(t, ended.list, 1)
}

// Keycloak's session ends: so does every session that began with it.
func TestSessionsEndWithKeycloaks(t *testing.T) {
	m, _, _ := manager(t, &provider{}, func() time.Time { return now })
	var ids []string
	for range 2 { // two browsers' cookies of one sign-on
		id, _, err := m.Begin(t.Context(), tokens("first", now), "")
		require.NoError(t, err)
		ids = append(ids, id)
	}
	other, _, err := m.Begin(t.Context(), tokens("other", now), "")
	require.NoError(t, err)
	require.NoError(t, m.EndKeycloakSession(t.Context(), "kc-first"))
	for _, id := range ids {
		access, err := m.Access(t.Context(), id)
		require.NoError(t, err)
		assert.Empty(t, access)
	}
	access, err := m.Access(t.Context(), other)
	require.NoError(t, err)
	assert.Equal(t, "other", access)
}

// What is stored opens with the session's id and the server's key, and with nothing less.
func TestStoredSessionsAreSealed(t *testing.T) {
	m, sessions, _ := manager(t, &provider{}, func() time.Time { return now })
	id, _, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	stored, ok, err := sessions.Load(t.Context(), auth.SessionKey(id))
	require.NoError(t, err)
	require.True(t, ok)
	for _, secret := range []string{"first", "refresh", "kc-", id} {
		assert.NotContains(t, string(stored.Sealed), secret)
	}
	_, err = m.Sealer.Open(id, stored.Sealed)
	require.NoError(t, err)
	_, err = m.Sealer.Open(auth.NewSessionID(), stored.Sealed)
	require.Error(t, err, "another session's id")
	_, err = m.Sealer.Open(auth.SessionKey(id), stored.Sealed)
	require.Error(t, err, "what the store knows it by")
	for _, purpose := range []string{"foyer session ", "foyer session " + auth.SessionKey(id), "foyer sign-in cookie"} {
		aead, err := m.Sealer.AEAD(purpose)
		require.NoError(t, err)
		_, err = aead.Open(nil, nil, stored.Sealed, []byte(auth.SessionKey(id)))
		require.Error(t, err, "the store and the server's key without the browser's id")
	}
	other, err := auth.NewSealer(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	require.NoError(t, err)
	_, err = other.Open(id, stored.Sealed)
	require.Error(t, err, "another server's key")
}

// Many sign out at once: their revocations are written in few writes, and none returns before its own.
func TestRevocationsAreWrittenTogether(t *testing.T) {
	var mu sync.Mutex
	written := map[string]bool{}
	writes := 0
	g := &auth.GroupRevoker{Now: time.Now, Write: func(_ context.Context, _ time.Time, more ...identity.Revocation) error {
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		writes++
		for _, r := range more {
			written[r.Session] = true
		}
		return nil
	}}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			session := fmt.Sprint(i)
			assert.NoError(t, g.Revoke(t.Context(), identity.RevokeSession(time.Now(), session)))
			mu.Lock()
			defer mu.Unlock()
			assert.True(t, written[session])
		})
	}
	all.Wait()
	assert.Less(t, writes, 100)
}

func TestSessionsInMemory(t *testing.T) { authtest.Run(t, authtest.NewSessions()) }

// Somebody who is signed in confirms the address: the next request has a token that says so, and a
// session is renewed once for it.
func TestConfirmingAnAddressRenewsASessionOnce(t *testing.T) {
	away := fault.Away("accounts", errors.New("connection refused"))
	for name, c := range map[string]struct {
		before  time.Duration // the mark, before now
		unread  error
		refresh error
		still   bool // the new token says unconfirmed again
		access  string
		tries   int32
	}{
		"it was confirmed":               {0, nil, nil, false, "second", 1},
		"whatever the clocks say":        {10 * time.Minute, nil, nil, false, "second", 1},
		"the new token is no better":     {0, nil, nil, true, "second", 1},
		"the mark is not read":           {0, away, nil, false, "first", 0},
		"Keycloak is away":               {0, nil, away, false, "first", 1},
		"Keycloak has ended the session": {0, nil, fault.New(fault.Unauthenticated, "session_ended", "ended"), false, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := &provider{refresh: func() (auth.Tokens, error) { return tokens("second", now), c.refresh }}
			m, _, _ := manager(t, p, func() time.Time { return now })
			m.Verify = func(_ context.Context, access string) (identity.Account, error) {
				return identity.Account{ID: "anna", EmailVerified: access == "second" && !c.still}, nil
			}
			id, _, err := m.Begin(t.Context(), tokens("first", now), "")
			require.NoError(t, err)
			access, err := m.Access(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, "first", access)
			assert.Zero(t, p.refreshes.Load(), "nothing was confirmed")

			m.Confirmations = &confirmations{mark: now.Add(-c.before), away: c.unread}
			for range 3 {
				access, err = m.Access(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, c.access, access)
			}
			assert.Equal(t, c.tries, p.refreshes.Load())
		})
	}
}

// A request that meets another replica's renewal goes on with the new token.
func TestAConfirmedAddressIsRenewedByOneReplica(t *testing.T) {
	begun, proceed := make(chan struct{}), make(chan struct{})
	p := &provider{refresh: func() (auth.Tokens, error) {
		close(begun)
		<-proceed
		return tokens("second", now), nil
	}}
	m, sessions, _ := manager(t, p, func() time.Time { return now })
	m.Verify = func(_ context.Context, access string) (identity.Account, error) {
		return identity.Account{ID: "anna", EmailVerified: access == "second"}, nil
	}
	m.Confirmations = &confirmations{mark: now}
	id, _, err := m.Begin(t.Context(), tokens("first", now), "")
	require.NoError(t, err)
	other := &auth.SessionManager{Sessions: sessions, Provider: p, Sealer: m.Sealer, Verify: m.Verify, Revoker: m.Revoker, Confirmations: m.Confirmations, Now: m.Now}
	var all sync.WaitGroup
	all.Go(func() {
		access, err := m.Access(t.Context(), id)
		assert.NoError(t, err)
		assert.Equal(t, "second", access)
	})
	select {
	case <-begun:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody renews")
	}
	access, err := other.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "first", access, "it waits for a while, and no longer: the token is good")
	all.Go(func() {
		access, err := other.Access(t.Context(), id)
		assert.NoError(t, err)
		assert.NotEmpty(t, access)
	})
	close(proceed)
	all.Wait()
	access, err = other.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "second", access)
	assert.EqualValues(t, 1, p.refreshes.Load())
}
