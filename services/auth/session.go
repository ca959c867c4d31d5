package auth

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Keeper gives the access token of a session, renewed when it is about to end.
type Keeper struct {
	Sessions Sessions
	Provider Provider
	Now      func() time.Time

	renewals singleflight.Group
}

// Begin stores a new session and returns its id for the cookie.
func (k *Keeper) Begin(ctx context.Context, t Tokens) (id string, ttl time.Duration, err error) {
	id, ttl = NewSessionID(), t.SessionExpiry.Sub(k.Now())
	return id, ttl, k.Sessions.Save(ctx, SessionKey(id), t, ttl)
}

// Access gives the session's access token, "" when there is no such session (any more).
// Many requests of one browser arrive at once; one of them renews.
func (k *Keeper) Access(ctx context.Context, id string) (string, error) {
	key := SessionKey(id)
	t, ok, err := k.Sessions.Load(ctx, key)
	if err != nil {
		return "", fault.Away("sessions", err)
	}
	if !ok {
		return "", nil
	}
	if !t.Stale(k.Now()) {
		return t.Access, nil
	}
	renewed, err, _ := k.renewals.Do(key, func() (any, error) {
		return k.renew(context.WithoutCancel(ctx), key, t)
	})
	if err != nil {
		return "", err
	}
	return renewed.(string), nil
}

func (k *Keeper) renew(ctx context.Context, key string, t Tokens) (string, error) {
	next, err := k.Provider.Refresh(ctx, t.Refresh)
	switch {
	case fault.KindOf(err) == fault.Unauthenticated: // Keycloak ended the session
		return "", k.Sessions.Delete(ctx, key)
	case err != nil && k.Now().Before(t.Expires): // Keycloak is away; the old token still works
		return t.Access, nil
	case err != nil:
		return "", err
	}
	return next.Access, k.Sessions.Save(ctx, key, next, next.SessionExpiry.Sub(k.Now()))
}

// End signs a browser out, here and at Keycloak. The session is gone even when Keycloak is away.
func (k *Keeper) End(ctx context.Context, id string) error {
	key := SessionKey(id)
	t, ok, err := k.Sessions.Load(ctx, key)
	if err != nil {
		return fault.Away("sessions", err)
	}
	if !ok {
		return nil
	}
	if err := k.Sessions.Delete(ctx, key); err != nil {
		return fault.Away("sessions", err)
	}
	return k.Provider.Revoke(ctx, t.Refresh)
}
