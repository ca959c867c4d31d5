package postgres_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/payment"
)

// A deleted account's payments stay in the books, and its refunds still go through: the provider
// goes on naming the account as it was.
func TestAPaymentCanBeAnonymised(t *testing.T) {
	s, pool := open(t)
	ctx := t.Context()
	p, err := s.Open(ctx, fresh())
	require.NoError(t, err)
	p, err = capture(t, s, p, nil)
	require.NoError(t, err)
	page, err := s.Export(ctx, "buyer", "")
	require.NoError(t, err)
	require.Len(t, page.Sections["payments"], 1)
	raw, err := json.Marshal(page)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "clientSecret")

	tombstone := identity.NewTombstone()
	require.NoError(t, s.Erase(ctx, "buyer", tombstone))
	require.NoError(t, s.Erase(ctx, "buyer", identity.NewTombstone()), "again, and nothing is left to do")
	after, err := s.Get(ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, tombstone, after.Account)
	require.Equal(t, int64(4500), after.Captured)
	require.Equal(t, 2, count(t, pool, `SELECT count(*) FROM transfers WHERE payment = $1`, p.ID), "the ledger is as it was")
	require.NoError(t, after.Matches(payment.Intent{ID: after.Intent, Payment: p.ID, Booking: p.Booking, Account: "buyer", Amount: p.Amount}))
	stranger := after
	stranger.Account = "somebody"
	require.Error(t, stranger.Matches(payment.Intent{ID: after.Intent, Payment: p.ID, Booking: p.Booking, Account: "buyer", Amount: p.Amount}))
	page, err = s.Export(ctx, "buyer", "")
	require.NoError(t, err)
	require.Empty(t, page.Sections["payments"])
	_, err = s.Export(ctx, "buyer", "no cursor")
	require.Error(t, err)
}
