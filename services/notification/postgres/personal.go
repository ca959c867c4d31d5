package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/notification"
)

var _ personaldata.Holder = Store{}

// personalPage is how many messages are exported at once.
const personalPage = 500

// Export implements personaldata.Holder.
func (s Store) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	var before cursorForm
	if cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &before); err != nil {
			return personaldata.Page{}, err
		}
	}
	found, err := s.List(ctx, account, notification.Cursor(before), personalPage)
	if err != nil {
		return personaldata.Page{}, err
	}
	items := make([]any, len(found))
	for i, m := range found {
		items[i] = map[string]any{"id": m.ID, "kind": m.Kind, "event": m.Event, "booking": m.Booking, "hold": m.Hold, "refund": (*refundColumn)(m.Refund), "at": m.At, "read": m.Read}
	}
	page := personaldata.Page{Sections: map[string][]any{"messages": items}}
	if len(found) == personalPage {
		last := found[len(found)-1]
		if page.Next, err = httpapi.EncodeCursor(cursorForm{At: last.At, ID: last.ID}); err != nil {
			return personaldata.Page{}, err
		}
	}
	return page, nil
}

// Obstacles implements personaldata.Holder: a message keeps nobody.
func (s Store) Obstacles(context.Context, string) ([]personaldata.Obstacle, error) {
	return []personaldata.Obstacle{}, nil
}

// erasedAtOnce is how many messages one statement deletes.
const erasedAtOnce = 500

// Erase implements personaldata.Holder. Mails that are due go with their messages.
func (s Store) Erase(ctx context.Context, account, _ string) error {
	err := database.InBatches(ctx, s.Pool, erasedAtOnce, `DELETE FROM messages
		WHERE id IN (SELECT id FROM messages WHERE account = $1 LIMIT $2)`, account)
	if err != nil {
		return fmt.Errorf("delete messages: %w", err)
	}
	return nil
}

// cursorForm is a notification.Cursor on the wire, where clients take it for an opaque text.
type cursorForm struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}
