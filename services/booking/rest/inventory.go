package rest

import (
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// InventoryMessage is an inventory as others read it.
func InventoryMessage(id uuid.UUID, i seatmap.Inventory, at time.Time) messages.Inventory {
	return messages.Inventory{
		Event: id, Available: i.Available, Held: i.Held, Booked: i.Booked, Total: i.Total, Version: i.Version, At: at.UTC(),
	}
}
