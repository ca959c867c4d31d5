package clients

import (
	"context"
	"crypto/ed25519"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
)

// PassVerifier verifies admission passes with the key of the waiting room, which it reads from the secret store
// when it first needs it.
type PassVerifier struct {
	Client *daprclient.Client

	key atomic.Pointer[ed25519.PublicKey] // nil: not read yet
}

var _ booking.PassVerifier = (*PassVerifier)(nil)

// Verify implements booking.PassVerifier.
func (v *PassVerifier) Verify(ctx context.Context, pass, account string, id uuid.UUID, now time.Time) (time.Time, error) {
	key := v.key.Load()
	if key == nil {
		seed, err := v.Client.Secret(ctx, messages.Secrets, "admission-signing-key")
		if err != nil {
			return time.Time{}, fault.Away("secrets", err)
		}
		private, err := admission.Key(seed)
		if err != nil {
			return time.Time{}, err
		}
		public := admission.Public(private)
		key = &public
		v.key.Store(key)
	}
	p, err := admission.Verify(*key, pass, account, id, now)
	return p.From, err
}
