package waitingroom

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
)

type drafts struct{}

func (drafts) Terms(_ context.Context, event uuid.UUID) (SaleTerms, error) {
	return SaleTerms{Event: event, Merchant: "m", HighDemand: true, Draft: true}, nil
}

// TestADraftHasNoLine: nobody but its merchant learns that there is such an event.
func TestADraftHasNoLine(t *testing.T) {
	d := &Service{Catalogue: drafts{}, Now: time.Now}
	stranger, event, ctx := identity.Account{ID: "x", Roles: []identity.Role{identity.Merchant}}, uuid.New(), t.Context()
	for name, ask := range map[string]func() error{
		"join":     func() error { _, _, err := d.Join(ctx, stranger, event); return err },
		"where":    func() error { _, err := d.Standing(ctx, stranger, event, ""); return err },
		"admit":    func() error { _, _, err := d.Admit(ctx, stranger, event, ""); return err },
		"leave":    func() error { return d.Leave(ctx, stranger, event) },
		"stream":   func() error { _, err := d.Front(ctx, event); return err },
		"draw":     func() error { _, err := d.Line(ctx, event); return err },
		"settings": func() error { _, err := d.Settings(ctx, stranger, event); return err },
	} {
		require.ErrorIs(t, ask(), ErrEventNotFound, name)
	}
	own, err := d.owned(ctx, identity.Account{ID: "m", Roles: []identity.Role{identity.Merchant}}, event)
	require.NoError(t, err, "its merchant sets the line up before the event is published")
	require.True(t, own.Draft)
}

type inDemand struct{}

func (inDemand) Terms(_ context.Context, event uuid.UUID) (SaleTerms, error) {
	return SaleTerms{Event: event, HighDemand: true, Published: true}, nil
}

// TestWhoCannotBuyDoesNotWait: an account whose address nobody confirmed learns it before the line,
// not when its turn comes.
func TestWhoCannotBuyDoesNotWait(t *testing.T) {
	d := &Service{Catalogue: inDemand{}, Now: time.Now}
	_, _, err := d.Join(t.Context(), identity.Account{ID: "x"}, uuid.New())
	require.ErrorIs(t, err, identity.ErrEmailUnverified)
}
