// Package rest is booking's HTTP API: seat maps, holds, bookings and tickets for clients, and the internal routes
// of other services.
package rest

import (
	"context"
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
	"github.com/foyer-tickets/foyer/services/booking/seatmap"
)

//go:generate go tool oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Spec is the OpenAPI document.
//
//go:embed openapi.yaml
var Spec []byte

// BookingReader is the database as the API reads it.
type BookingReader interface {
	List(ctx context.Context, f booking.Filter) ([]booking.Booking, error)
	Tickets(ctx context.Context, bookings ...uuid.UUID) (map[uuid.UUID][]booking.Ticket, error)
	Ticket(ctx context.Context, id uuid.UUID) (booking.Ticket, error)
	Refunds(ctx context.Context, booking uuid.UUID) ([]booking.Refund, error)
	Sales(ctx context.Context, event uuid.UUID) ([]booking.TypeSales, error)
	Progress(ctx context.Context, event uuid.UUID) (saga.Cancellation, bool, error)
	SetAside(ctx context.Context, limit int) ([]saga.Trouble, error)
	Retry(ctx context.Context, booking uuid.UUID, now time.Time) (bool, error)
}

// Printer makes the PDF of a ticket, in the first of the accepted languages that it knows.
type Printer interface {
	PDF(t booking.Ticket, b booking.Booking, acceptLanguage string) ([]byte, error)
}

// Server implements the generated interface.
type Server struct {
	Service *booking.Service
	Live    *seatmap.Cache
	Reader  BookingReader
	Steps   *Steps
	Printer Printer
	Key     func() ed25519.PublicKey // of ticket codes
	Maps    *Maps
}

var _ Handlers = Server{}

// answer writes v, or err as a problem.
func answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) error {
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, status, v)
}

// CreateHold implements POST /api/v1/events/{event}/holds.
func (s Server) CreateHold(w http.ResponseWriter, r *http.Request, event EventId, params CreateHoldParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	var in HoldRequest
	if err := httpapi.Decode(r, &in); err != nil {
		return err
	}
	request := booking.HoldRequest{Units: deref(in.Units), Pass: deref(params.AdmissionPass)}
	for _, it := range deref(in.Items) {
		request.Items = append(request.Items, booking.Item{TicketType: it.TicketType, Quantity: it.Quantity})
	}
	h, err := s.hold(r.Context(), account, event, request)
	if errors.Is(err, booking.ErrHoldExists) {
		err = s.withHold(r.Context(), account, err)
	}
	if errors.Is(err, booking.ErrStillWaiting) {
		return pending(w, r, h.ID)
	}
	if err == nil {
		w.Header().Set("Location", "/api/v1/holds/"+h.ID.String())
	}
	return answer(w, r, http.StatusCreated, holdView(h, s.Service.Now()), err)
}

// pending answers that a hold is not decided yet, and where to ask again.
func pending(w http.ResponseWriter, r *http.Request, hold uuid.UUID) error {
	w.Header().Set("Location", "/api/v1/holds/"+hold.String())
	w.Header().Set("Retry-After", "1")
	return httpapi.WriteJSON(w, r, http.StatusAccepted, PendingHold{Id: hold, Status: Pending})
}

// withHold adds the existing hold to the problem, so that the client can go on with it.
func (s Server) withHold(ctx context.Context, account identity.Account, err error) error {
	f, _ := errors.AsType[*fault.Error](err)
	id, ok := f.Fields["hold"].(uuid.UUID)
	if !ok {
		return err
	}
	h, findErr := s.Service.Find(ctx, account, id)
	if findErr != nil {
		return err
	}
	return f.With("hold", holdView(h, s.Service.Now()))
}

// GetHold implements GET /api/v1/holds/{hold}.
func (s Server) GetHold(w http.ResponseWriter, r *http.Request, hold HoldId) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	h, err := s.Service.Find(r.Context(), account, hold)
	if errors.Is(err, booking.ErrStillWaiting) {
		return pending(w, r, hold)
	}
	return answer(w, r, http.StatusOK, holdView(h, s.Service.Now()), err)
}

// ChangeHold implements PATCH /api/v1/holds/{hold}.
func (s Server) ChangeHold(w http.ResponseWriter, r *http.Request, hold HoldId) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	in, err := httpapi.Body[ChangeHoldJSONRequestBody](r)
	if err != nil {
		return err
	}
	h, err := s.Service.Change(r.Context(), account, hold, deref(in.Add), deref(in.Remove))
	return answer(w, r, http.StatusOK, holdView(h, s.Service.Now()), err)
}

// ReleaseHold implements DELETE /api/v1/holds/{hold}.
func (s Server) ReleaseHold(w http.ResponseWriter, r *http.Request, hold HoldId) error {
	account, err := identity.Require(r.Context())
	if err == nil {
		err = s.Service.Release(r.Context(), account, hold)
	}
	if err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// CreateBooking implements POST /api/v1/bookings.
func (s Server) CreateBooking(w http.ResponseWriter, r *http.Request, params CreateBookingParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	in, err := httpapi.Body[CreateBookingJSONRequestBody](r)
	if err != nil {
		return err
	}
	wait := preference(deref(params.Prefer))
	b, _, err := s.Service.CheckOut(r.Context(), account, in.Hold)
	if err == nil && b.Status == booking.Requested && wait > 0 {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
		b, err = s.awaitStep(r.Context(), b, wait)
	}
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if b.Status == booking.Requested {
		status = http.StatusAccepted
	}
	w.Header().Set("Location", "/api/v1/bookings/"+b.ID.String())
	view, err := s.view(r.Context(), account, b)
	return answer(w, r, status, view, err)
}

// preference reads `wait=N` of a Prefer header (RFC 7240, 4.3).
func preference(prefer string) time.Duration {
	const longest = 20 * time.Second
	for p := range strings.SplitSeq(prefer, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if seconds, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, "wait") && seconds > 0 {
			return min(time.Duration(seconds)*time.Second, longest)
		}
	}
	return 0
}

// awaitStep waits for a booking to leave its status.
func (s Server) awaitStep(ctx context.Context, b booking.Booking, wait time.Duration) (booking.Booking, error) {
	steps, leave := s.Steps.Watch(b.ID)
	defer leave()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	poll := time.NewTicker(time.Second) // notifications may be lost
	defer poll.Stop()
	for {
		next, err := s.Service.Bookings.Get(ctx, b.ID)
		if err != nil || next.Status != b.Status {
			return next, err
		}
		select {
		case <-ctx.Done():
			return b, ctx.Err()
		case <-timeout.C:
			return next, nil
		case <-steps:
		case <-poll.C:
		}
	}
}

// GetBooking implements GET /api/v1/bookings/{booking}.
func (s Server) GetBooking(w http.ResponseWriter, r *http.Request, id BookingId) error {
	account, b, err := s.find(r, id)
	if err != nil {
		return err
	}
	view, err := s.view(r.Context(), account, b)
	return answer(w, r, http.StatusOK, view, err)
}

func (s Server) find(r *http.Request, id uuid.UUID) (identity.Account, booking.Booking, error) {
	account, err := identity.Require(r.Context())
	if err != nil {
		return account, booking.Booking{}, err
	}
	b, err := s.Service.Booking(r.Context(), account, id)
	return account, b, err
}

// CancelBooking implements POST /api/v1/bookings/{booking}/cancel.
func (s Server) CancelBooking(w http.ResponseWriter, r *http.Request, id BookingId, _ CancelBookingParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	b, err := s.Service.Cancel(r.Context(), account, id)
	if err != nil {
		return err
	}
	view, err := s.view(r.Context(), account, b)
	return answer(w, r, http.StatusOK, view, err)
}

// RefundBooking implements POST /api/v1/bookings/{booking}/refunds.
func (s Server) RefundBooking(w http.ResponseWriter, r *http.Request, id BookingId, _ RefundBookingParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	in, err := httpapi.Body[RefundBookingJSONRequestBody](r)
	if err != nil {
		return err
	}
	b, refund, err := s.Service.Refund(r.Context(), account, id, deref(in.Units), deref(in.Reason))
	return answer(w, r, http.StatusAccepted, refundView(refund, b.Total.Currency), err)
}

// ListMyBookings implements GET /api/v1/me/bookings.
func (s Server) ListMyBookings(w http.ResponseWriter, r *http.Request, params ListMyBookingsParams) error {
	account, err := identity.Require(r.Context())
	if err != nil {
		return err
	}
	return s.list(w, r, account, booking.Filter{Account: account.ID}, params.Cursor, params.Limit)
}

// ListBookings implements GET /api/v1/admin/bookings.
func (s Server) ListBookings(w http.ResponseWriter, r *http.Request, params ListBookingsParams) error {
	account, err := identity.Require(r.Context(), identity.Admin)
	if err != nil {
		return err
	}
	return s.list(w, r, account, booking.Filter{
		Account: deref(params.Account), Event: deref(params.Event), Status: string(deref(params.Status)),
	}, params.Cursor, params.Limit)
}

const defaultLimit = 20

func (s Server) list(w http.ResponseWriter, r *http.Request, account identity.Account, f booking.Filter, cursor *string, limit *int) error {
	if cursor != nil {
		if err := httpapi.DecodeCursor(*cursor, &f.Before); err != nil {
			return err
		}
	}
	if f.Limit = defaultLimit; limit != nil {
		f.Limit = *limit
	}
	bookings, err := s.Reader.List(r.Context(), f)
	if err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(bookings))
	for i, b := range bookings {
		ids[i] = b.ID
	}
	tickets, err := s.Reader.Tickets(r.Context(), ids...)
	if err != nil {
		return err
	}
	page := BookingPage{Items: make([]Booking, 0, len(bookings))}
	for _, b := range bookings {
		page.Items = append(page.Items, bookingView(account, b, tickets[b.ID], nil))
	}
	if len(bookings) == f.Limit {
		next, err := httpapi.EncodeCursor(bookings[len(bookings)-1].ID)
		if err != nil {
			return err
		}
		page.Next = &next
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, page)
}

// ListSetAsideBookings implements GET /api/v1/admin/bookings/set-aside.
func (s Server) ListSetAsideBookings(w http.ResponseWriter, r *http.Request, params ListSetAsideBookingsParams) error {
	if _, err := identity.Require(r.Context(), identity.Admin); err != nil {
		return err
	}
	limit := defaultLimit
	if params.Limit != nil {
		limit = *params.Limit
	}
	all, err := s.Reader.SetAside(r.Context(), limit)
	items := make([]SetAsideBooking, 0, len(all))
	for _, t := range all {
		items = append(items, SetAsideBooking{
			Booking: t.Booking, Code: t.Code, Tries: t.Tries, Since: t.Since.UTC(), SetAsideAt: t.SetAside.UTC(), NextTry: t.Next.UTC(),
		})
	}
	return answer(w, r, http.StatusOK, map[string]any{"items": items}, err)
}

var errNotSetAside = fault.New(fault.Conflict, "booking_not_set_aside", "This booking is not set aside.")

// RetryBooking implements POST /api/v1/admin/bookings/{booking}/retry.
func (s Server) RetryBooking(w http.ResponseWriter, r *http.Request, id BookingId) error {
	_, err := identity.Require(r.Context(), identity.Admin)
	if err == nil {
		_, err = s.Service.Bookings.Get(r.Context(), id)
	}
	if err == nil {
		var found bool
		if found, err = s.Reader.Retry(r.Context(), id, s.Service.Now()); err == nil && !found {
			err = errNotSetAside
		}
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// GetSales implements GET /api/v1/merchant/events/{event}/sales.
func (s Server) GetSales(w http.ResponseWriter, r *http.Request, event EventId) error {
	account, err := identity.Require(r.Context(), identity.Merchant, identity.Admin)
	if err != nil {
		return err
	}
	view, err := s.sales(r.Context(), account, event)
	return answer(w, r, http.StatusOK, view, err)
}

func (s Server) sales(ctx context.Context, account identity.Account, event uuid.UUID) (Sales, error) {
	seats, err := s.Live.Get(ctx, event)
	if err != nil {
		return Sales{}, err
	}
	sale := seats.Sale()
	if account.ID != sale.Merchant && !account.Has(identity.Admin) {
		return Sales{}, booking.ErrEventNotFound
	}
	sold, err := s.Reader.Sales(ctx, event)
	if err != nil {
		return Sales{}, err
	}
	cancellation, cancelled, err := s.Reader.Progress(ctx, event)
	if err != nil {
		return Sales{}, err
	}
	return salesView(sale, seats.Inventory(), sold, cancellation, cancelled), nil
}

// GetTicketKey implements GET /api/v1/tickets/key.
func (s Server) GetTicketKey(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]string{"algorithm": "Ed25519", "key": base64.StdEncoding.EncodeToString(s.Key())})
}

// GetTicketPdf implements GET /api/v1/tickets/{ticket}.pdf.
func (s Server) GetTicketPdf(w http.ResponseWriter, r *http.Request, id TicketId) error {
	t, b, err := s.ticket(r, id)
	if err != nil {
		return err
	}
	raw, err := s.Printer.PDF(t, b, r.Header.Get("Accept-Language"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="ticket-`+t.ID.String()+`.pdf"`)
	h.Set("Cache-Control", "private, no-store")
	_, _ = w.Write(raw)
	return nil
}

// GetTicketCalendar implements GET /api/v1/tickets/{ticket}.ics.
func (s Server) GetTicketCalendar(w http.ResponseWriter, r *http.Request, id TicketId) error {
	t, b, err := s.ticket(r, id)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="ticket-`+t.ID.String()+`.ics"`)
	h.Set("Cache-Control", "private, no-store")
	_, _ = w.Write(calendar(t, b, r.Header.Get("Accept-Language")))
	return nil
}

// ticket finds a ticket of the caller's. Nobody else gets one, not even who runs the event: it has
// the code that lets in whoever shows it (decision 109). One that was refunded is gone.
func (s Server) ticket(r *http.Request, id uuid.UUID) (booking.Ticket, booking.Booking, error) {
	account, err := identity.Require(r.Context())
	if err != nil {
		return booking.Ticket{}, booking.Booking{}, err
	}
	t, err := s.Reader.Ticket(r.Context(), id)
	if err != nil {
		return t, booking.Booking{}, err
	}
	b, err := s.Service.Booking(r.Context(), account, t.Booking)
	if errors.Is(err, booking.ErrBookingNotFound) || (err == nil && b.Account != account.ID) {
		err = booking.ErrTicketNotFound
	}
	if err == nil && t.Void {
		err = fault.New(fault.Gone, "ticket_void", "This ticket was refunded.")
	}
	return t, b, err
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
