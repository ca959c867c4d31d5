package sidecar

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/admission"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Gate checks admission passes with the key that the waiting room signs them with. Every hold of
// an event in high demand passes here, whichever port it came by.
type Gate struct{ backing *Backing }

var _ booking.Gate = Gate{}

// HighDemand gives a service the pass verifier and the hold queue of events in high demand.
func (b *Backing) HighDemand(o *booking.Service) *HoldQueue {
	line := NewHoldQueue(b.Client, o.Expiries.Watch)
	o.Gate, o.HoldQueue = Gate{b}, line
	return line
}

// Admit implements booking.Gate.
func (g Gate) Admit(ctx context.Context, pass, account string, id uuid.UUID, now time.Time) (time.Time, error) {
	key := g.backing.passKey.Load()
	if key == nil {
		seed, err := g.backing.Client.Secret(ctx, messages.Secrets, "admission-signing-key")
		if err != nil {
			return time.Time{}, fault.Away("secrets", err)
		}
		private, err := admission.Key(seed)
		if err != nil {
			return time.Time{}, err
		}
		public := admission.Public(private)
		key = &public
		g.backing.passKey.Store(key)
	}
	p, err := admission.Verify(*key, pass, account, id, now)
	return p.From, err
}
