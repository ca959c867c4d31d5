package auth_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
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

func TestRegistrationRefusesWeakPasswords(t *testing.T) {
	for password, good := range map[string]bool{
		"ten-letter": true, "nine-lett": false, "": false, "ANNA@FOYER.TEST": false, "日本語のパスワードです": true,
	} {
		err := auth.Registration{Email: "anna@foyer.test", Password: password}.Check()
		assert.Equal(t, good, err == nil, "%q", password)
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

func TestKeeperRenewsOnceForAllWhoWait(t *testing.T) {
	clock := now
	p := &provider{refresh: func() (auth.Tokens, error) {
		time.Sleep(50 * time.Millisecond) // so that the others wait for this one
		return tokens("second", now.Add(15*time.Minute)), nil
	}}
	k := &auth.Keeper{Sessions: authtest.NewSessions(), Provider: p, Now: func() time.Time { return clock }}
	id, ttl, err := k.Begin(t.Context(), tokens("first", now))
	require.NoError(t, err)
	assert.Equal(t, 2*time.Hour, ttl)
	access, err := k.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "first", access)
	assert.Zero(t, p.refreshes.Load())

	clock = now.Add(14*time.Minute + 40*time.Second)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			access, err := k.Access(t.Context(), id)
			assert.NoError(t, err)
			assert.Equal(t, "second", access)
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, p.refreshes.Load(), "a refresh token works once")
}

func TestKeeperWhenRefreshingFails(t *testing.T) {
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
			k := &auth.Keeper{Sessions: authtest.NewSessions(), Now: func() time.Time { return clock },
				Provider: &provider{refresh: func() (auth.Tokens, error) { return auth.Tokens{}, c.err }}}
			id, _, err := k.Begin(t.Context(), tokens("first", now))
			require.NoError(t, err)
			clock = now.Add(c.after)
			access, err := k.Access(t.Context(), id)
			assert.Equal(t, c.fails, err != nil)
			assert.Equal(t, c.access, access)
			_, kept, err := k.Sessions.Load(t.Context(), auth.SessionKey(id))
			require.NoError(t, err)
			assert.Equal(t, c.kept, kept)
		})
	}
}

func TestKeeperEndsHereEvenWhenKeycloakIsAway(t *testing.T) {
	p := &provider{away: fault.Away("accounts", errors.New("refused"))}
	k := &auth.Keeper{Sessions: authtest.NewSessions(), Provider: p, Now: func() time.Time { return now }}
	id, _, err := k.Begin(t.Context(), tokens("first", now))
	require.NoError(t, err)
	require.Error(t, k.End(t.Context(), id))
	assert.Equal(t, []string{"refresh-first"}, p.revoked)
	access, err := k.Access(t.Context(), id)
	require.NoError(t, err)
	assert.Empty(t, access)
	require.NoError(t, k.End(t.Context(), id), "twice is once")
	require.Len(t, p.revoked, 1)
}

func TestSessionsInMemory(t *testing.T) { authtest.Run(t, authtest.NewSessions()) }
