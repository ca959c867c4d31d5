package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Stored is a session as the store has it.
type Stored struct {
	Sealed  []byte
	Version string
}

// Sessions keeps sealed sessions under a hash of their ids.
type Sessions interface {
	Create(ctx context.Context, key string, sealed []byte, ttl time.Duration) error
	Load(ctx context.Context, key string) (Stored, bool, error)
	// Replace writes over the version that was loaded. false: the session has ended or changed since.
	Replace(ctx context.Context, key string, sealed []byte, version string, ttl time.Duration) (bool, error)
	// End makes the session be gone, also for a Replace that is on its way.
	End(ctx context.Context, key string) error
	// Claim gives the right to renew the session to one caller at a time, for so long at most.
	Claim(ctx context.Context, key string, ttl time.Duration) (bool, error)
	Release(ctx context.Context, key string) error
}

// Provider speaks OpenID Connect with Keycloak.
type Provider interface {
	Refresh(ctx context.Context, refresh string) (Tokens, error)
	Revoke(ctx context.Context, refresh string) error
}

// Confirmations marks accounts that have just confirmed their address, for as long as a token may live
// that does not say so. Other replicas of the service read the marks.
type Confirmations interface {
	Mark(ctx context.Context, account string, at time.Time) error
	// Marked tells which mark an account has, the zero Time when it has none.
	Marked(ctx context.Context, account string) (time.Time, error)
}

// SessionManager keeps browsers signed in: it gives the access token of a session, renewed when it is
// about to end.
type SessionManager struct {
	Sessions Sessions
	Provider Provider
	Sealer   Sealer
	// Verify tells whether an access token is still good here; identity.ErrSessionEnded when not.
	Verify        func(ctx context.Context, access string) (identity.Account, error)
	Revoker       Revoker
	Confirmations Confirmations
	Now           func() time.Time

	renewals singleflight.Group
}

// Times of a renewal. Who claimed it and died keeps others from it for renewalLease; who waits for
// another's looks again every renewalPoll.
const (
	renewalTimeout = 12 * time.Second
	renewalLease   = 15 * time.Second
	renewalPoll    = 50 * time.Millisecond
	renewalWait    = 5 * time.Second
	// confirmedWait is how long a request waits for another replica's renewal while its own token is
	// good, and says only that the address is not confirmed.
	confirmedWait = 500 * time.Millisecond
)

// Begin stores a new session and returns its id for the cookie. previous is the id that the browser
// had before, "" for none: that session ends.
func (m *SessionManager) Begin(ctx context.Context, t Tokens, previous string) (id string, ttl time.Duration, err error) {
	id, ttl = NewSessionID(), t.SessionExpiry.Sub(m.Now())
	sealed, err := m.Sealer.Seal(id, t)
	if err != nil {
		return "", 0, err
	}
	if err := m.Sessions.Create(ctx, SessionKey(id), sealed, ttl); err != nil {
		return "", 0, fault.Away("sessions", err)
	}
	if previous != "" {
		if err := m.end(ctx, previous, t.Session); err != nil {
			slog.WarnContext(ctx, "earlier session not ended at Keycloak", "error", err)
		}
	}
	return id, ttl, nil
}

// load gives a session's tokens, false when there is no such session (any more).
func (m *SessionManager) load(ctx context.Context, id string) (t Tokens, version string, ok bool, err error) {
	stored, ok, err := m.Sessions.Load(ctx, SessionKey(id))
	if err != nil {
		return t, "", false, fault.Away("sessions", err)
	}
	if !ok {
		return t, "", false, nil
	}
	if t, err = m.Sealer.Open(id, stored.Sealed); err != nil { // of another server key
		slog.WarnContext(ctx, "session not opened", "error", err)
		return t, "", false, nil
	}
	return t, stored.Version, true, nil
}

// Access gives the session's access token, "" when there is no such session (any more). Besides one
// that is about to end, it renews one from before its account confirmed the address.
// Many requests of one browser arrive at once; one of them renews.
func (m *SessionManager) Access(ctx context.Context, id string) (string, error) {
	t, _, ok, err := m.load(ctx, id)
	if err != nil || !ok {
		return "", err
	}
	var mark time.Time
	if m.Now().Before(t.Expires) {
		account, err := m.Verify(ctx, t.Access)
		if errors.Is(err, identity.ErrSessionEnded) {
			return "", m.Sessions.End(ctx, SessionKey(id))
		}
		if err == nil && !account.EmailVerified {
			mark = m.marked(ctx, account.ID)
		}
	}
	if !t.outdated(m.Now(), mark) {
		return t.Access, nil
	}
	renewed, err, _ := m.renewals.Do(id+mark.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalTimeout)
		defer cancel()
		return m.renew(ctx, id, mark)
	})
	if err != nil {
		return "", err
	}
	return renewed.(string), nil
}

// marked gives the mark of an account whose token says that its address is not confirmed. Without an
// answer the token is used as it is.
func (m *SessionManager) marked(ctx context.Context, account string) time.Time {
	mark, err := m.Confirmations.Marked(ctx, account)
	if err != nil {
		slog.WarnContext(ctx, "not known whether the address was confirmed since", "error", err)
		return time.Time{}
	}
	return mark
}

// renew uses up the refresh token, which works once: of all replicas one does it, and the others
// go on with the old access token or wait for the new one.
func (m *SessionManager) renew(ctx context.Context, id string, mark time.Time) (string, error) {
	for waited := time.Duration(0); ; waited += renewalPoll {
		claimed, err := m.Sessions.Claim(ctx, SessionKey(id), renewalLease)
		if err != nil {
			return "", fault.Away("sessions", err)
		}
		if claimed {
			return m.renewClaimed(ctx, id, mark)
		}
		t, _, ok, err := m.load(ctx, id)
		if err != nil || !ok {
			return "", err
		}
		good := m.Now().Before(t.Expires)
		switch {
		case !t.outdated(m.Now(), mark), good && (mark.IsZero() || waited >= confirmedWait):
			return t.Access, nil
		case waited >= renewalWait:
			return "", fault.Away("accounts", errors.New("another replica's renewal takes too long"))
		}
		if err := worker.Sleep(ctx, renewalPoll); err != nil {
			return "", fault.Away("sessions", err)
		}
	}
}

// renewClaimed renews the session that was claimed.
func (m *SessionManager) renewClaimed(ctx context.Context, id string, mark time.Time) (string, error) {
	key, keep := SessionKey(id), false
	defer func() {
		if keep {
			return
		}
		if err := m.Sessions.Release(context.WithoutCancel(ctx), key); err != nil {
			slog.WarnContext(ctx, "renewal not released", "error", err)
		}
	}()
	t, version, ok, err := m.load(ctx, id)
	if err != nil || !ok {
		return "", err
	}
	if !t.outdated(m.Now(), mark) {
		return t.Access, nil
	}
	access, err := m.refresh(ctx, id, t, version, mark)
	// The old token is good for minutes still: while Keycloak is away, it is asked once in a lease.
	keep = err == nil && access == t.Access && !t.Stale(m.Now())
	return access, err
}

func (m *SessionManager) refresh(ctx context.Context, id string, t Tokens, version string, mark time.Time) (string, error) {
	key := SessionKey(id)
	next, err := m.Provider.Refresh(ctx, t.Refresh)
	switch {
	case fault.KindOf(err) == fault.Unauthenticated: // Keycloak ended the session
		return "", m.Sessions.End(ctx, key)
	case err != nil && m.Now().Before(t.Expires): // Keycloak is away; the old token still works
		return t.Access, nil
	case err != nil:
		return "", err
	}
	next.Confirmed = t.Confirmed
	if !mark.IsZero() {
		next.Confirmed = mark
	}
	sealed, err := m.Sealer.Seal(id, next)
	if err != nil {
		return "", err
	}
	replaced, err := m.Sessions.Replace(ctx, key, sealed, version, next.SessionExpiry.Sub(m.Now()))
	if err != nil {
		return "", fault.Away("sessions", err)
	}
	if !replaced { // it was signed out meanwhile: what Keycloak gave us is nobody's
		return "", m.Provider.Revoke(ctx, next.Refresh)
	}
	return next.Access, nil
}

// End signs a browser out, here and at Keycloak. The session is gone even when Keycloak is away.
func (m *SessionManager) End(ctx context.Context, id string) error { return m.end(ctx, id, "") }

// end ends a session, and Keycloak's behind it unless that one goes on.
func (m *SessionManager) end(ctx context.Context, id, goesOn string) error {
	t, _, ok, err := m.load(ctx, id)
	if err != nil || !ok {
		return err
	}
	if err := m.Sessions.End(ctx, SessionKey(id)); err != nil {
		return fault.Away("sessions", err)
	}
	if t.Session == "" || t.Session == goesOn {
		return nil
	}
	return errors.Join(m.EndKeycloakSession(ctx, t.Session), m.Provider.Revoke(ctx, t.Refresh))
}

// EndKeycloakSession ends what hangs on a session of Keycloak that is over: all sessions of browsers
// that began with it, their access tokens, and their streams.
func (m *SessionManager) EndKeycloakSession(ctx context.Context, session string) error {
	return m.Revoker.Revoke(ctx, identity.RevokeSession(m.Now(), session))
}
