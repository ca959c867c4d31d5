package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Revoker ends access tokens before they expire.
type Revoker interface {
	Revoke(ctx context.Context, more ...identity.Revocation) error
}

// GroupRevoker writes revocations to the list that all processes share. There is one list and many
// sign out at once, so what comes while one write is under way goes together with the next.
type GroupRevoker struct {
	Write func(ctx context.Context, now time.Time, more ...identity.Revocation) error
	Wrote func() // told after each write; may be nil
	Now   func() time.Time

	mu      sync.Mutex
	pending *revocationBatch
	writing sync.Mutex
}

type revocationBatch struct {
	list []identity.Revocation
	done bool
	err  error
}

var _ Revoker = (*GroupRevoker)(nil)

// Revoke implements Revoker. It returns when the revocations are written.
func (g *GroupRevoker) Revoke(ctx context.Context, more ...identity.Revocation) error {
	g.mu.Lock()
	if g.pending == nil {
		g.pending = &revocationBatch{}
	}
	batch := g.pending
	batch.list = append(batch.list, more...)
	g.mu.Unlock()

	g.writing.Lock()
	defer g.writing.Unlock()
	if batch.done { // somebody of the same batch was first
		return batch.err
	}
	g.mu.Lock()
	g.pending = nil
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	batch.done, batch.err = true, g.Write(ctx, g.Now(), batch.list...)
	if batch.err != nil {
		batch.err = fault.Away("sessions", batch.err)
	} else if g.Wrote != nil {
		g.Wrote()
	}
	return batch.err
}

const revokeTimeout = 5 * time.Second

// Ender ends everything that lets somebody act as an account.
type Ender struct {
	Directory interface {
		SignIns
		EndSessions(ctx context.Context, account string) error
		EndSessionsBefore(ctx context.Context, account string, moment time.Time) error
		// Ahead is how far the clock that tokens are issued by is before ours.
		Ahead() time.Duration
	}
	Revoker Revoker
	Now     func() time.Time
}

// EndAll ends all sessions, refresh and offline tokens of an account, and every access token issued
// until it returns. Tokens tell the second of their birth, so it returns in the next second: what is
// issued then is good again, if the account may still sign in. That second is told by the issuer's
// clock, not ours; tokens of the sessions that are there also end by name, whatever clocks say.
func (e Ender) EndAll(ctx context.Context, account string) error {
	sessions, err := e.Directory.SignIns(ctx, account)
	err = errors.Join(err, e.Directory.EndSessions(ctx, account))
	issuer := e.Now().Add(e.Directory.Ahead())
	next := issuer.Truncate(time.Second).Add(time.Second)
	over := []identity.Revocation{identity.RevokeAccount(e.Now(), account, next)}
	for _, s := range sessions {
		over = append(over, identity.RevokeSession(e.Now(), s.Session))
	}
	if err = errors.Join(err, e.Revoker.Revoke(ctx, over...)); err != nil {
		return err
	}
	return worker.Sleep(ctx, next.Sub(e.Now().Add(e.Directory.Ahead())))
}

// EndBefore ends what an account had before something happened at Keycloak, such as a new password,
// and leaves what it began since.
func (e Ender) EndBefore(ctx context.Context, account string, moment time.Time) error {
	return errors.Join(
		e.Directory.EndSessionsBefore(ctx, account, moment),
		e.Revoker.Revoke(ctx, identity.RevokeAccount(e.Now(), account, moment)),
	)
}
