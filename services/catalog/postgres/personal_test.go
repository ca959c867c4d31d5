package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
)

func TestAMerchantLeaves(t *testing.T) {
	s, ctx := open(t), t.Context()
	used, unused := venue(t, s), venue(t, s)
	onSale, unpublished := draft(t, s, used, 30), draft(t, s, used, 40)
	_, err := s.Change(ctx, onSale.ID, now, func(e catalog.Event, _ *catalog.Plan) (catalog.Event, error) {
		e.Status = catalog.Published
		return e, nil
	})
	require.NoError(t, err)
	at := now
	p := postgres.Personal{Store: s, Now: func() time.Time { return at }}
	found, err := p.Obstacles(ctx, "m")
	require.NoError(t, err)
	assert.Equal(t, []personaldata.Obstacle{{Code: personaldata.EventsOnSale, Count: 1}}, found)
	page, err := p.Export(ctx, "m", "")
	require.NoError(t, err)
	assert.Len(t, page.Sections["events"], 2)
	assert.Len(t, page.Sections["venues"], 2)

	at = now.AddDate(0, 2, 0)
	found, err = p.Obstacles(ctx, "m")
	require.NoError(t, err)
	assert.Empty(t, found)
	for range 2 {
		require.NoError(t, p.Erase(ctx, "m", "deleted-1"))
	}
	after, err := s.Event(ctx, onSale.ID)
	require.NoError(t, err)
	assert.Equal(t, "deleted-1", after.Merchant)
	assert.Equal(t, "deleted-1", after.Venue.Merchant)
	_, err = s.Event(ctx, unpublished.ID)
	require.ErrorIs(t, err, catalog.ErrEventNotFound)
	_, err = s.Venue(ctx, unused.ID)
	require.Error(t, err)
}

// TestALargeMerchantLeavesInPieces: no call does more than a batch, and what it did stays done.
func TestALargeMerchantLeavesInPieces(t *testing.T) {
	s, ctx := open(t), t.Context()
	used := venue(t, s)
	for i := range 120 {
		e := draft(t, s, used, 10+i%50)
		if i%2 == 0 {
			_, err := s.Pool.Exec(ctx, `UPDATE events SET status = 'published' WHERE id = $1`, e.ID)
			require.NoError(t, err)
		}
	}
	for range 60 {
		venue(t, s)
	}
	p := postgres.Personal{Store: s, Now: func() time.Time { return now }}
	left := func() (n int) {
		require.NoError(t, s.Pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM events WHERE merchant = 'm') + (SELECT count(*) FROM venues WHERE merchant = 'm')`).Scan(&n))
		return n
	}
	calls, next := 0, "more"
	for before := left(); next != ""; before = left() {
		var err error
		next, err = p.EraseStep(ctx, "m", "deleted-1", "")
		require.NoError(t, err)
		calls++
		assert.LessOrEqual(t, before-left(), 200)
		require.True(t, next == "" || left() < before, "it comes to an end")
	}
	assert.Greater(t, calls, 2)
	assert.Zero(t, left())
	var published, drafts, venues int
	require.NoError(t, s.Pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE status = 'published' AND merchant = 'deleted-1'), count(*) FILTER (WHERE status = 'draft'),
		(SELECT count(*) FROM venues) FROM events`).Scan(&published, &drafts, &venues))
	assert.Equal(t, []int{60, 0, 1}, []int{published, drafts, venues})
}
