package waitingroom

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestErasedFromTheLine: of a deleted account nothing is left on any page but the hash that was
// published of it, so that the draw can be checked as before; and its turn passes on.
func TestErasedFromTheLine(t *testing.T) {
	s, _, room := opened()
	a, ctx := room(), t.Context()
	_, err := a.Join(ctx, requests("anna", "ben"), terms())
	require.NoError(t, err)
	require.NoError(t, a.Leave(ctx, "anna"))
	_, err = a.Join(ctx, requests(numbered(1, 600)...), terms())
	require.NoError(t, err)
	out, err := a.Join(ctx, requests("anna"), terms()) // again, pages later
	require.NoError(t, err)
	require.Equal(t, int64(603), out.Places[0].Arrival)
	before, err := entryHashes(ctx, s, a.Event(), 0, s.line.Arrivals)
	require.NoError(t, err)

	other := room() // has an index of its own
	arrivals, err := other.Arrivals(ctx, []string{"anna"})
	require.NoError(t, err)
	require.Equal(t, []int64{603}, arrivals)

	found, err := TracesOf(ctx, s, a.Event(), "anna", []int64{0, 1, 2})
	require.NoError(t, err)
	require.Equal(t, []Arrival{{1, true}, {603, false}}, found.Arrivals)
	require.Equal(t, []int64{0, 2}, found.Pages)
	require.NoError(t, a.Erase(ctx, "anna", "deleted-1", found.Pages[:1]), "in pieces")
	arrivals, err = a.Arrivals(ctx, []string{"anna"})
	require.NoError(t, err)
	require.Equal(t, []int64{603}, arrivals)
	require.NoError(t, a.Erase(ctx, "anna", "deleted-1", found.Pages[1:]))
	require.NoError(t, a.Erase(ctx, "anna", "deleted-1", found.Pages), "again")

	for _, p := range s.pages {
		require.NotContains(t, strings.Join(p.Accounts, " "), "anna")
	}
	after, err := entryHashes(ctx, s, a.Event(), 0, s.line.Arrivals)
	require.NoError(t, err)
	require.Equal(t, before, after)
	for _, r := range []*Room{a, other, room()} {
		arrivals, err := r.Arrivals(ctx, []string{"anna", "ben"})
		require.NoError(t, err)
		require.Equal(t, []int64{0, 2}, arrivals)
	}
	left, err := TracesOf(ctx, s, a.Event(), "anna", []int64{0, 1, 2})
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAMerchantIsErasedFromTheLine(t *testing.T) {
	s, _, room := opened()
	r := room()
	merchant := terms()
	merchant.Merchant = "marta"
	_, err := r.Join(t.Context(), requests("anna"), merchant)
	require.NoError(t, err)
	require.NoError(t, r.Erase(t.Context(), "marta", "deleted-1", nil))
	require.Equal(t, "deleted-1", s.line.Terms.Merchant)
}

// TestErasureReadsOnlyThePagesThatItIsGiven: what else an old line has would be read within one call.
func TestErasureReadsOnlyThePagesThatItIsGiven(t *testing.T) {
	s, _, room := opened()
	_, err := room().Join(t.Context(), requests(numbered(1, 40*PageSize)...), terms())
	require.NoError(t, err)
	fresh := room()
	s.reads = 0
	require.NoError(t, fresh.Erase(t.Context(), s.pages[3].Accounts[7], "deleted-1", []int64{3}))
	require.LessOrEqual(t, s.reads, 2)
}
