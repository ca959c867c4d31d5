// Package clients calls catalog and payment, publishes notices to buyers, and verifies admission passes.
package clients

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Catalog reads sales from the catalog service.
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

// Sale reads what is needed to sell an event. ErrEventNotFound.
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

// sale lists the units: first the seats of the answer, then those of general admission, of which the answer has
// only the number. Their order and ids are those of catalog.Units. An older catalog lists all.
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
