package clients

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// Booking reads what is left from booking.
type Booking struct{ Client *daprclient.Client }

// Inventory returns what is left of an event.
func (b Booking) Inventory(ctx context.Context, id uuid.UUID) (waitingroom.Inventory, error) {
	var i messages.Inventory
	if err := b.Client.Invoke(ctx, messages.Booking, http.MethodGet, fmt.Sprintf("/internal/events/%s/inventory", id), nil, &i); err != nil {
		return waitingroom.Inventory{}, err
	}
	return InventoryOf(i), nil
}

// InventoryOf converts booking's message.
func InventoryOf(i messages.Inventory) waitingroom.Inventory {
	return waitingroom.Inventory{Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, At: i.At}
}
