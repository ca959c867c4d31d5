package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

// KeepInventory notes what was published of an event.
func (s Store) KeepInventory(ctx context.Context, event uuid.UUID, i seatmap.Inventory, at time.Time) error {
	_, err := s.Pool.Exec(ctx, `INSERT INTO inventory (event_id, available, held, booked, total, version, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (event_id) DO UPDATE SET available = $2, held = $3, booked = $4, total = $5, version = $6, at = $7`,
		event, i.Available, i.Held, i.Booked, i.Total, i.Version, at)
	if err != nil {
		return fmt.Errorf("keep inventory: %w", err)
	}
	return nil
}

// Unsettled lists events that had holds when last published: somebody has to see them run out.
func (s Store) Unsettled(ctx context.Context) ([]uuid.UUID, error) {
	rows, err := s.Pool.Query(ctx, `SELECT event_id FROM inventory WHERE held > 0`)
	if err != nil {
		return nil, fmt.Errorf("unsettled inventories: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
