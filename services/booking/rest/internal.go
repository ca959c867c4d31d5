package rest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Internal serves the other services. Its routes are only for the process's own sidecar.
type Internal struct {
	Server Server
	Store  InternalReader
}

// InternalReader is the database as the internal routes need it.
type InternalReader interface {
	Get(ctx context.Context, id uuid.UUID) (booking.Booking, error)
	Tickets(ctx context.Context, bookings ...uuid.UUID) (map[uuid.UUID][]booking.Ticket, error)
	Reconciliation(ctx context.Context, from, to time.Time, after booking.Position, limit int) ([]booking.Reconciled, error)
}

// Mount adds the routes to a guarded router.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/events/{event}/inventory", httpapi.Handle(i.inventory)).Methods(http.MethodGet)
	router.HandleFunc("/internal/bookings/{booking}/mail", httpapi.Handle(i.mail)).Methods(http.MethodGet)
	router.HandleFunc("/internal/reconciliation/bookings", httpapi.Handle(i.reconciliation)).Methods(http.MethodGet)
}

func pathID(r *http.Request, name string, missing error) (uuid.UUID, error) {
	id, err := uuid.Parse(mux.Vars(r)[name])
	if err != nil {
		return uuid.Nil, missing
	}
	return id, nil
}

func (i Internal) inventory(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "event", booking.ErrEventNotFound)
	if err != nil {
		return err
	}
	seats, err := i.Server.Live.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, InventoryMessage(id, seats.Inventory(), time.Now()))
}

type mailVenue struct {
	Name    string `json:"name"`
	City    string `json:"city"`
	Country string `json:"country"`
}

type mailEvent struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	StartsAt time.Time `json:"startsAt"`
	EndsAt   time.Time `json:"endsAt"`
	TimeZone string    `json:"timeZone"`
	Venue    mailVenue `json:"venue"`
}

type mailTicket struct {
	ID    uuid.UUID   `json:"id,omitzero"`
	Unit  string      `json:"unit"`
	Type  string      `json:"ticketType"`
	Label string      `json:"label"`
	Place seat.Place  `json:"place,omitzero"`
	Price money.Money `json:"price"`
	Code  string      `json:"code,omitempty"`
	PDF   string      `json:"pdf,omitempty"`
	ICS   string      `json:"ics,omitempty"`
}

// mail gives what a mail about a booking shows.
func (i Internal) mail(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "booking", booking.ErrBookingNotFound)
	if err != nil {
		return err
	}
	b, err := i.Store.Get(r.Context(), id)
	if err != nil {
		return err
	}
	tickets, err := i.Store.Tickets(r.Context(), id)
	if err != nil {
		return err
	}
	o := b.Occasion
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{
		"booking": b.ID, "account": b.Account, "status": b.Status, "reason": b.Reason, "total": b.Total,
		"event":   mailEvent{b.Event, o.Name, o.StartsAt, o.EndsAt, o.TimeZone, mailVenue{o.VenueName, o.VenueCity, o.VenueCountry}},
		"tickets": mailTickets(b, tickets[id]),
	})
}

func mailTickets(b booking.Booking, issued []booking.Ticket) []mailTicket {
	byUnit := map[string]booking.Ticket{}
	for _, t := range issued {
		byUnit[t.Unit] = t
	}
	lines := make([]mailTicket, 0, len(b.Units))
	for _, u := range b.Units {
		line := mailTicket{Unit: u.ID, Type: u.TypeName, Label: u.Label, Place: u.Place, Price: u.Price}
		if t, ok := byUnit[u.ID]; ok {
			line.ID, line.Code = t.ID, t.Code
			line.PDF, line.ICS = fmt.Sprintf("/api/v1/tickets/%s.pdf", t.ID), fmt.Sprintf("/api/v1/tickets/%s.ics", t.ID)
		}
		lines = append(lines, line)
	}
	return lines
}

// maxReconciled is the largest page of bookings for the reconciliation.
const maxReconciled = 5000

// reconciliation gives a page of the bookings that changed in a period, which payment compares with the payments.
func (i Internal) reconciliation(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	from, errFrom := time.Parse(time.RFC3339, query.Get("from"))
	to, errTo := time.Parse(time.RFC3339, query.Get("to"))
	if errFrom != nil || errTo != nil {
		return fault.New(fault.Malformed, "invalid_period", "from and to must be RFC 3339 times.")
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > maxReconciled {
		return fault.New(fault.Malformed, "invalid_limit", "limit must be a number from 1 to 5000.")
	}
	var after position
	if cursor := query.Get("cursor"); cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &after); err != nil {
			return err
		}
	}
	found, err := i.Store.Reconciliation(r.Context(), from, to, booking.Position(after), limit)
	page := reconciledPage{Items: make([]reconciled, len(found))}
	for n, b := range found {
		page.Items[n] = reconciled(b)
	}
	if err == nil && len(found) == limit {
		last := found[limit-1]
		page.Next, err = httpapi.EncodeCursor(position{At: last.At, ID: last.Booking})
	}
	return answer(w, r, http.StatusOK, page, err)
}

type reconciledPage struct {
	Items []reconciled `json:"items"`
	Next  string       `json:"next,omitempty"`
}

type reconciled struct {
	Booking  uuid.UUID  `json:"booking"`
	Payment  *uuid.UUID `json:"payment"`
	Status   string     `json:"status"`
	Amount   int64      `json:"amount"`
	Refunded int64      `json:"refunded"`
	Currency string     `json:"currency"`
	At       time.Time  `json:"at"`
	Trouble  string     `json:"trouble,omitempty"`
}

// position is a booking.Position as a cursor has it.
type position struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}
