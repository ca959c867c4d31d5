package rest

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/payment"
)

// Internal serves the bookings. Its routes are only for the process's own sidecar.
type Internal struct {
	Service        payment.Service
	PublishableKey string
}

// Mount adds the routes to a guarded router.
func (i Internal) Mount(router *mux.Router) {
	router.HandleFunc("/internal/intents", httpapi.Handle(i.intend)).Methods(http.MethodPost)
	router.HandleFunc("/internal/payments", httpapi.Handle(i.ofBooking)).Methods(http.MethodGet)
	router.HandleFunc("/internal/payments/{payment}/capture", httpapi.Handle(i.capture)).Methods(http.MethodPost)
	router.HandleFunc("/internal/payments/{payment}/void", httpapi.Handle(i.void)).Methods(http.MethodPost)
	router.HandleFunc("/internal/payments/{payment}/refunds", httpapi.Handle(i.refund)).Methods(http.MethodPost)
}

type paymentView struct {
	Payment        uuid.UUID `json:"payment"`
	Intent         string    `json:"intent"`
	ClientSecret   string    `json:"clientSecret"`
	PublishableKey string    `json:"publishableKey"`
	Status         string    `json:"status"`
}

// view shows preparing as pending: to a booking it is the same.
func (i Internal) view(p payment.Payment) paymentView {
	status := p.Status
	if status == payment.Preparing {
		status = payment.Pending
	}
	return paymentView{Payment: p.ID, Intent: p.Intent, ClientSecret: p.ClientSecret, PublishableKey: i.PublishableKey, Status: string(status)}
}

var errIncomplete = fault.New(fault.Malformed, "malformed_request", "A payment needs booking, attempt, amount, currency, account and event.")

func (i Internal) intend(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.InternalBody[struct {
		Booking  uuid.UUID `json:"booking"`
		Attempt  int       `json:"attempt"`
		Amount   int64     `json:"amount"`
		Currency string    `json:"currency"`
		Account  string    `json:"account"`
		Event    uuid.UUID `json:"event"`
	}](r)
	if err != nil {
		return err
	}
	if in.Booking == uuid.Nil || in.Event == uuid.Nil || in.Account == "" || in.Attempt < 1 {
		return errIncomplete
	}
	p, err := i.Service.Intend(r.Context(), payment.Order{
		Booking: in.Booking, Attempt: in.Attempt, Amount: money.Money{Amount: in.Amount, Currency: in.Currency}, Account: in.Account, Event: in.Event,
	})
	return i.answer(w, r, p, err)
}

func (i Internal) answer(w http.ResponseWriter, r *http.Request, p payment.Payment, err error) error {
	if err != nil {
		return err
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, i.view(p))
}

func pathPayment(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(mux.Vars(r)["payment"])
	if err != nil {
		return id, payment.ErrNotFound
	}
	return id, nil
}

func (i Internal) capture(w http.ResponseWriter, r *http.Request) error {
	id, err := pathPayment(r)
	if err != nil {
		return err
	}
	p, err := i.Service.Capture(r.Context(), id)
	return i.answer(w, r, p, err)
}

func (i Internal) void(w http.ResponseWriter, r *http.Request) error {
	id, err := pathPayment(r)
	if err != nil {
		return err
	}
	p, err := i.Service.Void(r.Context(), id)
	return i.answer(w, r, p, err)
}

func (i Internal) refund(w http.ResponseWriter, r *http.Request) error {
	id, err := pathPayment(r)
	if err != nil {
		return err
	}
	in, err := httpapi.InternalBody[struct {
		Refund uuid.UUID `json:"refund"`
		Amount int64     `json:"amount"`
		Reason string    `json:"reason"`
		Owed   bool      `json:"owed"`
	}](r)
	if err != nil {
		return err
	}
	if in.Refund == uuid.Nil {
		return fault.New(fault.Malformed, "malformed_request", "The refund id is missing.")
	}
	made, err := i.Service.Refund(r.Context(), id, payment.Refund{ID: in.Refund, Amount: in.Amount, Reason: in.Reason, Owed: in.Owed})
	if err != nil {
		return err
	}
	status := made.Status
	if made.ResolvedAt != nil {
		status = payment.RefundSucceeded // by other means
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"refund": made.ID, "status": status, "amount": made.Amount, "owed": made.Owed})
}

func (i Internal) ofBooking(w http.ResponseWriter, r *http.Request) error {
	booking, err := uuid.Parse(r.URL.Query().Get("booking"))
	if err != nil {
		return fault.New(fault.Malformed, "malformed_request", "The parameter booking is missing.")
	}
	found, err := i.Service.OfBooking(r.Context(), booking)
	if err != nil {
		return err
	}
	items := make([]paymentView, 0, len(found))
	for _, p := range found {
		items = append(items, i.view(p))
	}
	return httpapi.WriteJSON(w, r, http.StatusOK, map[string]any{"items": items})
}
