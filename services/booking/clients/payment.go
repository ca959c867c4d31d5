package clients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/saga"
)

// Payments calls the payment service.
type Payments struct{ Client *daprclient.Client }

var (
	_ saga.Payments      = Payments{}
	_ saga.PaymentFinder = Payments{}
)

// Intend implements saga.Payments.
func (p Payments) Intend(ctx context.Context, b booking.Booking) (booking.Payment, error) {
	in := struct {
		Booking  uuid.UUID `json:"booking"`
		Attempt  int       `json:"attempt"`
		Amount   int64     `json:"amount"`
		Currency string    `json:"currency"`
		Account  string    `json:"account"`
		Event    uuid.UUID `json:"event"`
	}{b.ID, 1, b.Total.Amount, b.Total.Currency, b.Account, b.Event}
	var out paymentAnswer
	err := p.Client.Invoke(ctx, messages.Payment, http.MethodPost, "/internal/intents", in, &out)
	return out.payment(), refused(err)
}

// Capture implements saga.Payments.
func (p Payments) Capture(ctx context.Context, payment uuid.UUID) error {
	return p.finish(ctx, payment, "capture", "captured", "refunded")
}

// Void implements saga.Payments.
func (p Payments) Void(ctx context.Context, payment uuid.UUID) error {
	return p.finish(ctx, payment, "void", "voided")
}

// finish has the payment service act on a payment, and checks that the payment has one of the statuses then.
func (p Payments) finish(ctx context.Context, payment uuid.UUID, act string, statuses ...string) error {
	var out paymentAnswer
	err := p.Client.Invoke(ctx, messages.Payment, http.MethodPost, fmt.Sprintf("/internal/payments/%s/%s", payment, act), struct{}{}, &out)
	if err == nil && (out.Payment != payment || !slices.Contains(statuses, out.Status)) {
		err = fault.Away(messages.Payment, fmt.Errorf("payment %s is %q after %s", payment, out.Status, act))
	}
	return refused(err)
}

// Refund implements saga.Payments.
func (p Payments) Refund(ctx context.Context, payment uuid.UUID, r booking.Refund, owed bool) (booking.RefundStatus, error) {
	in := struct {
		Refund uuid.UUID `json:"refund"`
		Amount int64     `json:"amount"`
		Reason string    `json:"reason"`
		Owed   bool      `json:"owed"`
	}{r.ID, r.Amount, r.Reason, owed}
	var out struct {
		Status string `json:"status"`
		Owed   bool   `json:"owed"`
	}
	if err := p.Client.Invoke(ctx, messages.Payment, http.MethodPost, fmt.Sprintf("/internal/payments/%s/refunds", payment), in, &out); err != nil {
		return "", refused(err)
	}
	switch {
	case out.Status == "succeeded":
		return booking.RefundSucceeded, nil
	case out.Status == "failed" && out.Owed:
		return booking.RefundOwed, nil
	case out.Status == "failed":
		return booking.RefundFailed, nil
	}
	return booking.RefundRequested, nil // under way: requested, pending, retrying
}

// FindPayment implements saga.PaymentFinder.
func (p Payments) FindPayment(ctx context.Context, id uuid.UUID) (booking.Payment, saga.PaymentStatus, bool, error) {
	var out struct {
		Items []paymentAnswer `json:"items"`
	}
	err := p.Client.Invoke(ctx, messages.Payment, http.MethodGet, "/internal/payments?booking="+id.String(), nil, &out)
	if fault.KindOf(err) == fault.NotFound {
		return booking.Payment{}, "", false, nil
	}
	if err != nil || len(out.Items) == 0 {
		return booking.Payment{}, "", false, err
	}
	last := out.Items[len(out.Items)-1]
	return last.payment(), saga.PaymentStatus(last.Status), true, nil
}

type paymentAnswer struct {
	Payment        uuid.UUID `json:"payment"`
	Intent         string    `json:"intent"`
	ClientSecret   string    `json:"clientSecret"`
	PublishableKey string    `json:"publishableKey"`
	Status         string    `json:"status"`
}

func (a paymentAnswer) payment() booking.Payment {
	return booking.Payment{ID: a.Payment, Intent: a.Intent, ClientSecret: a.ClientSecret, PublishableKey: a.PublishableKey}
}

// refused gives ErrPaymentRefused for a refusal that is final, and other errors as they are.
func refused(err error) error {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.Gone, fault.NotFound, fault.Malformed, fault.Forbidden:
		f, _ := errors.AsType[*fault.Error](err)
		return saga.ErrPaymentRefused.With("reason", f.Code).Because(err)
	}
	return err
}
