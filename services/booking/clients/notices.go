package clients

import (
	"context"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// Notices publishes notices to buyers.
type Notices struct{ Client *daprclient.Client }

var _ saga.ExpiryNotifier = Notices{}

// HoldExpired implements saga.ExpiryNotifier.
func (n Notices) HoldExpired(ctx context.Context, h booking.Hold) error {
	return n.Client.Publish(ctx, messages.PubSub, messages.Notices, h.Account, messages.Notice{
		ID: uuid.NewSHA1(h.ID, []byte("expired")), Account: h.Account, Kind: messages.NoticeHoldExpired,
		Event: &h.Event, Hold: &h.ID, At: h.Until.UTC(),
	})
}
