package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/payment"
)

var _ personaldata.Holder = Store{}

// personalPage is how many payments are exported at once.
const personalPage = 200

type exportedRefund struct {
	ID     uuid.UUID            `json:"id"`
	Amount int64                `json:"amount"`
	Reason string               `json:"reason"`
	Status payment.RefundStatus `json:"status"`
	At     time.Time            `json:"at"`
}

type exportedPayment struct {
	ID        uuid.UUID        `json:"id"`
	Booking   uuid.UUID        `json:"booking"`
	Event     uuid.UUID        `json:"event"`
	Amount    int64            `json:"amount"`
	Currency  string           `json:"currency"`
	Status    payment.Status   `json:"status"`
	Captured  int64            `json:"captured"`
	Refunded  int64            `json:"refunded"`
	Intent    string           `json:"paymentIntent,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Refunds   []exportedRefund `json:"refunds"`
	CreatedAt time.Time        `json:"createdAt"`
}

// Export implements personaldata.Holder. Cards are the provider's: none of them is known here.
func (s Store) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	after, err := personaldata.CursorID(cursor)
	if err != nil {
		return personaldata.Page{}, err
	}
	found, err := payments(ctx, s.Pool, `account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after, personalPage)
	if err != nil {
		return personaldata.Page{}, fmt.Errorf("payments of account: %w", err)
	}
	ids := make([]uuid.UUID, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	given, err := refunds(ctx, s.Pool, `payment = ANY($1) ORDER BY created_at, id`, ids)
	if err != nil {
		return personaldata.Page{}, fmt.Errorf("refunds of account: %w", err)
	}
	of := map[uuid.UUID][]exportedRefund{}
	for _, r := range given {
		of[r.Payment] = append(of[r.Payment], exportedRefund{r.ID, r.Amount, r.Reason, r.Status, r.CreatedAt})
	}
	items := make([]any, len(found))
	for i, p := range found {
		items[i] = exportedPayment{
			ID: p.ID, Booking: p.Booking, Event: p.Event, Amount: p.Amount.Amount, Currency: p.Amount.Currency, Status: p.Status,
			Captured: p.Captured, Refunded: p.Refunded, Intent: p.Intent, Reason: p.Reason, Refunds: of[p.ID], CreatedAt: p.CreatedAt,
		}
	}
	page := personaldata.Page{Sections: map[string][]any{"payments": items}}
	if len(found) == personalPage {
		page.Next = ids[len(ids)-1].String()
	}
	return page, nil
}

// Obstacles implements personaldata.Holder. What is not finished the bookings know.
func (s Store) Obstacles(context.Context, string) ([]personaldata.Obstacle, error) {
	return []personaldata.Obstacle{}, nil
}

// erasedAtOnce is how many payments one statement anonymises.
const erasedAtOnce = 500

// Erase implements personaldata.Holder. Amounts stay: the books need them.
func (s Store) Erase(ctx context.Context, account, tombstone string) error {
	err := database.InBatches(ctx, s.Pool, erasedAtOnce, `UPDATE payments SET account = $2, client_secret = ''
		WHERE id IN (SELECT id FROM payments WHERE account = $1 LIMIT $3)`, account, tombstone)
	if err != nil {
		return fmt.Errorf("anonymise payments: %w", err)
	}
	return nil
}
