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

// However many payments there are: what a call that broke off has anonymised stays so, and the next one
// has less to do.
func TestManyPaymentsAreAnonymisedInBatches(t *testing.T) {
	s, pool := open(t)
	ctx := t.Context()
	_, err := pool.Exec(ctx, `INSERT INTO payments (id, booking, attempt, account, event, amount, currency, client_secret, status, created_at, updated_at)
		SELECT gen_random_uuid(), gen_random_uuid(), 1, 'buyer', gen_random_uuid(), 1, 'EUR', '', 'pending', now(), now() FROM generate_series(1, 1200);
		CREATE SEQUENCE anonymised;
		CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('anonymised') > 1100 THEN RAISE EXCEPTION 'out of time'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER stop BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION stop()`)
	require.NoError(t, err)
	tombstone := identity.NewTombstone()
	require.Error(t, s.Erase(ctx, "buyer", tombstone))
	require.Equal(t, 1000, count(t, pool, `SELECT count(*) FROM payments WHERE account = $1`, tombstone))
	_, err = pool.Exec(ctx, `DROP TRIGGER stop ON payments`)
	require.NoError(t, err)
	require.NoError(t, s.Erase(ctx, "buyer", tombstone))
	require.Equal(t, 1200, count(t, pool, `SELECT count(*) FROM payments WHERE account = $1`, tombstone))
}
