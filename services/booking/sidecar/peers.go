package sidecar

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Catalog asks the catalog what is on sale.
type Catalog struct{ Client *daprclient.Client }

type saleAnswer struct {
	ID              uuid.UUID  `json:"id"`
	Version         int64      `json:"version"`
	Name            string     `json:"name"`
	Status          string     `json:"status"`
	Merchant        string     `json:"merchant"`
	StartsAt        time.Time  `json:"startsAt"`
	EndsAt          time.Time  `json:"endsAt"`
	TimeZone        string     `json:"timeZone"`
	SalesStart      time.Time  `json:"salesStart"`
	SalesEnd        time.Time  `json:"salesEnd"`
	MaxPerOrder     int        `json:"maxPerOrder"`
	MaxPerAccount   int        `json:"maxPerAccount"`
	HighDemand      bool       `json:"highDemand"`
	Currency        string     `json:"currency"`
	RefundableUntil *time.Time `json:"refundableUntil"`
	PlanVersion     int64      `json:"planVersion"`
	Venue           struct {
		Name    string `json:"name"`
		City    string `json:"city"`
		Country string `json:"country"`
	} `json:"venue"`
	TicketTypes []struct {
		ID       string      `json:"id"`
		Name     string      `json:"name"`
		Price    money.Money `json:"price"`
		Capacity int         `json:"capacity"`
		Seated   bool        `json:"seated"`
	} `json:"ticketTypes"`
	Units []struct {
		ID         string       `json:"id"`
		TicketType string       `json:"ticketType"`
		Label      string       `json:"label"`
		Zone       string       `json:"zone"`
		Row        string       `json:"row"`
		Number     string       `json:"number"`
		Note       string       `json:"note"`
		X          float64      `json:"x"`
		Y          float64      `json:"y"`
		Kind       booking.Kind `json:"kind"`
		Blocked    bool         `json:"blocked"`
	} `json:"units"`
}

// Sale reads everything needed to sell an event.
func (c Catalog) Sale(ctx context.Context, id uuid.UUID) (*booking.Sale, error) {
	var a saleAnswer
	err := c.Client.Invoke(ctx, messages.Catalog, http.MethodGet, fmt.Sprintf("/internal/events/%s/sale", id), nil, &a)
	if fault.KindOf(err) == fault.NotFound {
		return nil, booking.ErrEventNotFound
	}
	if err != nil {
		return nil, err
	}
	return a.sale(), nil
}

// sale lists the units: the seats that came, and then those of general admission, which the answer only
// counts. Their order and ids are the catalog's (catalog.Units). A catalog before that change lists all.
func (a saleAnswer) sale() *booking.Sale {
	s := &booking.Sale{
		Event: a.ID, Version: a.Version, PlanVersion: a.PlanVersion, Name: a.Name, Status: a.Status, Merchant: a.Merchant,
		StartsAt: a.StartsAt, EndsAt: a.EndsAt, TimeZone: a.TimeZone, Venue: booking.Venue(a.Venue),
		SalesStart: a.SalesStart, SalesEnd: a.SalesEnd, MaxPerOrder: a.MaxPerOrder, MaxPerAccount: a.MaxPerAccount,
		HighDemand: a.HighDemand, Currency: a.Currency, RefundableUntil: a.RefundableUntil,
		TicketTypes: make([]booking.TicketType, 0, len(a.TicketTypes)), Units: make([]booking.Unit, 0, len(a.Units)),
	}
	listed := map[string]bool{}
	for _, u := range a.Units {
		s.Units = append(s.Units, booking.Unit(u))
		listed[u.TicketType] = true
	}
	for _, t := range a.TicketTypes {
		s.TicketTypes = append(s.TicketTypes, booking.TicketType{ID: t.ID, Name: t.Name, Price: t.Price})
		if t.Seated || listed[t.ID] {
			continue
		}
		for n := 1; n <= t.Capacity; n++ {
			number := strconv.Itoa(n)
			s.Units = append(s.Units, booking.Unit{ID: t.ID + "-" + number, TicketType: t.ID, Label: t.Name, Number: number, Kind: booking.Standing})
		}
	}
	s.Prepare()
	return s
}

// Payments asks the payment service to move money.
type Payments struct{ Client *daprclient.Client }

var (
	_ booking.Payments      = Payments{}
	_ booking.PaymentFinder = Payments{}
)

// Intend implements booking.Payments.
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

// Capture implements booking.Payments.
func (p Payments) Capture(ctx context.Context, payment uuid.UUID) error {
	return p.end(ctx, payment, "capture", "captured", "refunded")
}

// Void implements booking.Payments.
func (p Payments) Void(ctx context.Context, payment uuid.UUID) error {
	return p.end(ctx, payment, "void", "voided")
}

// end has the payment service act, and believes that it did when the payment has one of the statuses.
func (p Payments) end(ctx context.Context, payment uuid.UUID, act string, statuses ...string) error {
	var out paymentAnswer
	err := p.Client.Invoke(ctx, messages.Payment, http.MethodPost, fmt.Sprintf("/internal/payments/%s/%s", payment, act), struct{}{}, &out)
	if err == nil && (out.Payment != payment || !slices.Contains(statuses, out.Status)) {
		err = fault.Away(messages.Payment, fmt.Errorf("payment %s is %q after %s", payment, out.Status, act))
	}
	return refused(err)
}

// Refund implements booking.Payments.
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

// FindPayment implements booking.PaymentFinder.
func (p Payments) FindPayment(ctx context.Context, id uuid.UUID) (booking.Payment, booking.PaymentStatus, bool, error) {
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
	return last.payment(), booking.PaymentStatus(last.Status), true, nil
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

// refused tells a final no from trouble that passes.
func refused(err error) error {
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.Gone, fault.NotFound, fault.Malformed, fault.Forbidden:
		f, _ := errors.AsType[*fault.Error](err)
		return booking.ErrPaymentRefused.With("reason", f.Code).Because(err)
	}
	return err
}
