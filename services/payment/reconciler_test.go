package payment

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
)

// archive is a provider that has the refunds of all payments.
type archive struct {
	Reader
	mu      sync.Mutex
	asked   map[string]bool
	refunds map[string][]ProviderRefund
}

func (a *archive) RefundsOf(_ context.Context, intent string) ([]ProviderRefund, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[intent] = true
	return a.refunds[intent], nil
}

// The refunds of a called-off event settle days after the provider made them.
func TestRefundsThatNobodyAskedForAreNotMissing(t *testing.T) {
	later := noon.Add(time.Hour)
	provider := &archive{refunds: map[string][]ProviderRefund{}}
	var all Books
	for i := range 5 * maxRefundQueries {
		p := sample(Captured)
		p.ID, p.Booking, p.Intent = uuid.New(), uuid.New(), fmt.Sprintf("pi_%d", i)
		r := Refund{ID: uuid.New(), Payment: p.ID, Amount: 500, Provider: fmt.Sprintf("re_%d", i), Status: RefundSucceeded, UpdatedAt: noon}
		all.Related, all.Refunds = append(all.Related, p), append(all.Refunds, r)
		provider.refunds[p.Intent] = []ProviderRefund{{ID: r.Provider, Intent: p.Intent, Amount: money.Money{Amount: 500, Currency: "EUR"}, Status: RefundSucceeded, Refund: r.ID}}
	}
	// One that the provider never heard of is asked for whatever else there is.
	lost := &all.Refunds[len(all.Refunds)-1]
	lost.Status, lost.Provider = RefundRequested, ""
	unheard := all.Related[len(all.Related)-1].Intent
	provider.refunds[unheard] = nil

	reconciler := Reconciler{Poller: Poller{Reader: provider}, Now: func() time.Time { return later }}
	asked := map[string]bool{}
	for range 2 {
		provider.asked = map[string]bool{}
		books := all
		require.NoError(t, reconciler.earlierRefunds(t.Context(), &books))
		require.Len(t, provider.asked, maxRefundQueries)
		require.Contains(t, provider.asked, unheard)
		require.Len(t, books.NotQueried, 4*maxRefundQueries)
		found := books.Compare(later)
		require.Len(t, found, 1)
		require.Equal(t, RefundMissingThere, found[0].Kind)
		require.Equal(t, &lost.ID, found[0].Refund)
		for intent := range provider.asked {
			asked[intent] = true
		}
	}
	require.Greater(t, len(asked), maxRefundQueries, "the second run asks for others")
}
