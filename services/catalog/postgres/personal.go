package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Personal answers for what the catalog keeps about a merchant: see personaldata.yaml.
type Personal struct {
	Store Store
	Now   func() time.Time
}

var _ personaldata.Stepwise = Personal{}

// exportCursor is a catalog.Cursor as an export's pages carry it.
type exportCursor struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

// personalPage is how many events are exported at once.
const personalPage = 100

// Export implements personaldata.Holder.
func (p Personal) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	var before exportCursor
	sections := map[string][]any{"events": {}}
	if cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &before); err != nil {
			return personaldata.Page{}, err
		}
	} else {
		venues, err := p.Store.Venues(ctx, account)
		if err != nil {
			return personaldata.Page{}, err
		}
		sections["venues"] = make([]any, len(venues))
		for i, v := range venues {
			sections["venues"][i] = map[string]any{"id": v.ID, "name": v.Name, "city": v.City, "country": v.Country, "timeZone": v.TimeZone}
		}
	}
	found, err := p.Store.ByMerchant(ctx, account, catalog.Cursor(before), personalPage)
	if err != nil {
		return personaldata.Page{}, err
	}
	for _, e := range found {
		sections["events"] = append(sections["events"], exportedEvent(e))
	}
	page := personaldata.Page{Sections: sections}
	if len(found) == personalPage {
		last := found[len(found)-1]
		page.Next, err = httpapi.EncodeCursor(exportCursor{At: last.UpdatedAt, ID: last.ID})
	}
	return page, err
}

func exportedEvent(e catalog.Event) map[string]any {
	types := make([]map[string]any, len(e.TicketTypes))
	for i, t := range e.TicketTypes {
		types[i] = map[string]any{"id": t.ID, "name": t.Name, "price": t.Price, "capacity": t.Capacity, "seated": t.Seated}
	}
	return map[string]any{
		"id": e.ID, "name": e.Name, "description": e.Description, "category": e.Category, "performers": e.Performers, "topics": e.Topics,
		"url": e.URL, "image": e.Image, "startsAt": e.StartsAt, "endsAt": e.EndsAt, "timeZone": e.TimeZone, "status": e.Status,
		"venue": e.Venue.ID, "ticketTypes": types, "updatedAt": e.UpdatedAt,
	}
}

// Obstacles implements personaldata.Holder: somebody has to stand for an event until it is over.
func (p Personal) Obstacles(ctx context.Context, account string) ([]personaldata.Obstacle, error) {
	var n int
	err := p.Store.Pool.QueryRow(ctx, `SELECT count(*) FROM events WHERE merchant = $1 AND status = 'published' AND ends_at > $2`, account, p.Now()).Scan(&n)
	if err != nil {
		return nil, fmt.Errorf("events on sale: %w", err)
	}
	found := []personaldata.Obstacle{}
	if n > 0 {
		found = append(found, personaldata.Obstacle{Code: personaldata.EventsOnSale, Count: n})
	}
	return found, nil
}

// eraseAtOnce is how many events or venues one statement changes. A plan of a venue may be large.
const eraseAtOnce = 50

// Erase implements personaldata.Holder.
func (p Personal) Erase(ctx context.Context, account, tombstone string) error {
	return personaldata.Steps(func(cursor string) (string, error) { return p.EraseStep(ctx, account, tombstone, cursor) })
}

// EraseStep implements personaldata.Stepwise: drafts go, and so do venues that no event needs. What was
// published stays a record of what people bought tickets for, and names nobody as its merchant.
// Each statement stands for itself and finds what is left: so what one call did stays done, however
// the next one fares. Events come before the venues that they need.
func (p Personal) EraseStep(ctx context.Context, account, tombstone, _ string) (next string, err error) {
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE merchant = $1 AND status = 'draft' LIMIT $2)`, nil},
		{`UPDATE events SET merchant = $3, version = version + 1, updated_at = $4
			WHERE id IN (SELECT id FROM events WHERE merchant = $1 LIMIT $2)`, []any{tombstone, p.Now()}},
		{`DELETE FROM venues WHERE id IN (SELECT id FROM venues v
			WHERE merchant = $1 AND NOT EXISTS (SELECT FROM events e WHERE e.venue = v.id) LIMIT $2)`, nil},
		{`UPDATE venues SET merchant = $3, version = version + 1 WHERE id IN (SELECT id FROM venues WHERE merchant = $1 LIMIT $2)`, []any{tombstone}},
	} {
		tag, err := p.Store.Pool.Exec(ctx, step.sql, append([]any{account, eraseAtOnce}, step.args...)...)
		if err != nil {
			return "", fmt.Errorf("erase merchant: %w", err)
		}
		if tag.RowsAffected() == eraseAtOnce {
			return personaldata.More, nil
		}
	}
	return "", nil
}
