// Package personal exports and erases what booking stores about an account.
package personal

import (
	"context"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/daprstore"
)

// Store is the database as far as an account's data is concerned.
type Store interface {
	List(ctx context.Context, f booking.Filter) ([]booking.Booking, error)
	Save(ctx context.Context, b booking.Booking, e booking.Effects) error
	Records(ctx context.Context, account string, before uuid.UUID, limit int) ([]booking.Record, error)
	Pending(ctx context.Context, account string, now time.Time) (open, upcoming int, err error)
	Anonymise(ctx context.Context, bookings []uuid.UUID, tombstone string) error
	AnonymiseRest(ctx context.Context, account, tombstone string) error
}

// Data is what booking stores about accounts, as personaldata.yaml lists it.
type Data struct {
	Store Store
	Seats interface {
		Delete(ctx context.Context, key string) error
	}
	Now func() time.Time
}

var _ personaldata.Stepwise = Data{}

const (
	personalPage = 100 // bookings in a page of the export
	eraseAtOnce  = 20  // bookings erased in a call, with up to two keys each
	deleteAtOnce = 8   // keys deleted side by side
)

type exportedUnit struct {
	Unit       string      `json:"unit"`
	TicketType string      `json:"ticketType"`
	Label      string      `json:"label"`
	Price      money.Money `json:"price"`
	GivenBack  bool        `json:"givenBack"`
}

type exportedTicket struct {
	ID       uuid.UUID `json:"id"`
	Unit     string    `json:"unit"`
	Code     string    `json:"code"`
	IssuedAt time.Time `json:"issuedAt"`
	Void     bool      `json:"void"`
}

type exportedRefund struct {
	ID     uuid.UUID            `json:"id"`
	Units  []string             `json:"units"`
	Amount int64                `json:"amount"`
	Reason string               `json:"reason"`
	Status booking.RefundStatus `json:"status"`
	At     time.Time            `json:"at"`
}

type exportedBooking struct {
	ID        uuid.UUID        `json:"id"`
	Event     uuid.UUID        `json:"event"`
	Name      string           `json:"eventName"`
	StartsAt  time.Time        `json:"startsAt"`
	Venue     string           `json:"venue"`
	City      string           `json:"city"`
	Status    booking.Status   `json:"status"`
	Reason    string           `json:"reason,omitempty"`
	Total     money.Money      `json:"total"`
	Units     []exportedUnit   `json:"units"`
	Tickets   []exportedTicket `json:"tickets"`
	Refunds   []exportedRefund `json:"refunds"`
	CreatedAt time.Time        `json:"createdAt"`
	UpdatedAt time.Time        `json:"updatedAt"`
}

// Export implements personaldata.Holder.
func (d Data) Export(ctx context.Context, account, cursor string) (personaldata.Page, error) {
	before, err := personaldata.CursorID(cursor)
	if err != nil {
		return personaldata.Page{}, err
	}
	kept, err := d.Store.Records(ctx, account, before, personalPage)
	if err != nil {
		return personaldata.Page{}, err
	}
	items := make([]any, len(kept))
	for i, k := range kept {
		items[i] = exported(k)
	}
	page := personaldata.Page{Sections: map[string][]any{"bookings": items}}
	if len(kept) == personalPage {
		page.Next = kept[len(kept)-1].Booking.ID.String()
	}
	return page, nil
}

func exported(k booking.Record) exportedBooking {
	b := k.Booking
	e := exportedBooking{
		ID: b.ID, Event: b.Event, Name: b.Occasion.Name, StartsAt: b.Occasion.StartsAt, Venue: b.Occasion.VenueName, City: b.Occasion.VenueCity,
		Status: b.Status, Reason: b.Reason, Total: b.Total, CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt,
		Units: []exportedUnit{}, Tickets: []exportedTicket{}, Refunds: []exportedRefund{},
	}
	for _, u := range b.Units {
		e.Units = append(e.Units, exportedUnit{u.ID, u.TypeName, u.Label, u.Price, u.Released})
	}
	for _, t := range k.Tickets {
		e.Tickets = append(e.Tickets, exportedTicket{t.ID, t.Unit, t.Code, t.IssuedAt, t.Void})
	}
	for _, r := range k.Refunds {
		e.Refunds = append(e.Refunds, exportedRefund{r.ID, r.Units, r.Amount, r.Reason, r.Status, r.At})
	}
	return e
}

// Obstacles implements personaldata.Holder. A hold without a booking is none: it expires within minutes.
func (d Data) Obstacles(ctx context.Context, account string) ([]personaldata.Obstacle, error) {
	open, upcoming, err := d.Store.Pending(ctx, account, d.Now())
	if err != nil {
		return nil, err
	}
	found := []personaldata.Obstacle{}
	if open > 0 {
		found = append(found, personaldata.Obstacle{Code: personaldata.OpenBookings, Count: open})
	}
	if upcoming > 0 {
		found = append(found, personaldata.Obstacle{Code: personaldata.UpcomingTickets, Count: upcoming, Waivable: true})
	}
	return found, nil
}

// Erase implements personaldata.Holder.
func (d Data) Erase(ctx context.Context, account, tombstone string) error {
	return personaldata.Steps(func(cursor string) (string, error) { return d.EraseStep(ctx, account, tombstone, cursor) })
}

// EraseStep implements personaldata.Stepwise. A call that was interrupted can be repeated: a booking is anonymised
// after the keys that are found by it are deleted. An unpaid booking is cancelled, so that nobody pays for
// one without an owner.
func (d Data) EraseStep(ctx context.Context, account, tombstone, _ string) (next string, err error) {
	found, err := d.Store.List(ctx, booking.Filter{Account: account, Limit: eraseAtOnce})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", d.Store.AnonymiseRest(ctx, account, tombstone)
	}
	ids := make([]uuid.UUID, len(found))
	keys := map[string]bool{}
	for i, b := range found {
		ids[i] = b.ID
		if cancelled, err := b.Cancel(booking.ReasonByBuyer, d.Now()); err == nil {
			if err := d.Store.Save(ctx, cancelled, booking.Effects{Drive: true, Quiet: true}); err != nil {
				return "", err
			}
		}
		keys[daprstore.CapKey(b.Event, account)], keys[daprstore.HoldKey(b.Hold)] = true, true
	}
	group, deleting := errgroup.WithContext(ctx)
	group.SetLimit(deleteAtOnce)
	for key := range keys {
		group.Go(func() error { return d.Seats.Delete(deleting, key) })
	}
	if err := group.Wait(); err != nil {
		return "", fault.Away("seats", err)
	}
	return personaldata.More, d.Store.Anonymise(ctx, ids, tombstone)
}
