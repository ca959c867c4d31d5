package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// fingerprint changes when, and only when, what was imported changed. It hashes the JSON of the form
// below. Fingerprints are stored: with another form, each import would once rewrite all its events.
func fingerprint(i catalog.Imported) string {
	e, v := i.Event, i.Event.Venue
	form := fingerprintForm{
		Source: i.Source, SourceID: i.SourceID, City: i.City, Country: i.Country,
		Event: fingerprintEvent{
			ID: e.ID, Merchant: e.Merchant, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category,
			Performers: e.Performers, Topics: e.Topics, URL: e.URL, Image: e.Image, Online: e.Online, StartsAt: e.StartsAt, EndsAt: e.EndsAt,
			TimeZone: e.TimeZone, SalesStart: e.SalesStart, SalesEnd: e.SalesEnd, MaxPerOrder: e.MaxPerOrder, MaxPerAccount: e.MaxPerAccount,
			HighDemand: e.HighDemand, RefundableUntil: e.RefundableUntil, Status: e.Status, Source: e.Source, Version: e.Version,
			UpdatedAt: e.UpdatedAt, Availability: fingerprintAvailability(e.Availability),
			Venue: fingerprintVenue{
				ID: v.ID, Merchant: v.Merchant, Name: v.Name, City: v.City, Country: v.Country, TimeZone: v.TimeZone, HasPlan: v.HasPlan, Version: v.Version,
			},
		},
	}
	if v.Location != nil {
		form.Event.Venue.Location = &fingerprintLocation{Lat: v.Location.Lat, Lon: v.Location.Lon}
	}
	if e.TicketTypes != nil {
		form.Event.TicketTypes = make([]fingerprintTicketType, len(e.TicketTypes))
	}
	for n, t := range e.TicketTypes {
		form.Event.TicketTypes[n] = fingerprintTicketType(t)
	}
	raw, err := json.Marshal(form)
	if err != nil {
		return "" // never equal to a stored one
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// fingerprintForm and the types below are in the order in which they are hashed.
type fingerprintForm struct {
	Source   string           `json:"Source"`
	SourceID string           `json:"SourceID"`
	Event    fingerprintEvent `json:"Event"`
	City     string           `json:"City"`
	Country  string           `json:"Country"`
}

type fingerprintEvent struct {
	ID              uuid.UUID               `json:"ID"`
	Merchant        string                  `json:"Merchant"`
	Venue           fingerprintVenue        `json:"Venue"`
	Slug            string                  `json:"Slug"`
	Name            string                  `json:"Name"`
	Description     string                  `json:"Description"`
	Category        string                  `json:"Category"`
	Performers      []string                `json:"Performers"`
	Topics          []string                `json:"Topics"`
	URL             string                  `json:"URL"`
	Image           string                  `json:"Image"`
	Online          bool                    `json:"Online"`
	StartsAt        time.Time               `json:"StartsAt"`
	EndsAt          time.Time               `json:"EndsAt"`
	TimeZone        string                  `json:"TimeZone"`
	SalesStart      time.Time               `json:"SalesStart"`
	SalesEnd        time.Time               `json:"SalesEnd"`
	MaxPerOrder     int                     `json:"MaxPerOrder"`
	MaxPerAccount   int                     `json:"MaxPerAccount"`
	HighDemand      bool                    `json:"HighDemand"`
	RefundableUntil *time.Time              `json:"RefundableUntil"`
	TicketTypes     []fingerprintTicketType `json:"TicketTypes"`
	Status          catalog.Status          `json:"Status"`
	Source          string                  `json:"Source"`
	Version         int64                   `json:"Version"`
	UpdatedAt       time.Time               `json:"UpdatedAt"`
	Availability    fingerprintAvailability `json:"Availability"`
}

type fingerprintVenue struct {
	ID       uuid.UUID            `json:"ID"`
	Merchant string               `json:"Merchant"`
	Name     string               `json:"Name"`
	City     string               `json:"City"`
	Country  string               `json:"Country"`
	Location *fingerprintLocation `json:"Location"`
	TimeZone string               `json:"TimeZone"`
	HasPlan  bool                 `json:"HasPlan"`
	Version  int64                `json:"Version"`
}

type fingerprintLocation struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

type fingerprintTicketType struct {
	ID         uuid.UUID   `json:"ID"`
	Name       string      `json:"Name"`
	Price      money.Money `json:"Price"`
	Capacity   int         `json:"Capacity"`
	Seated     bool        `json:"Seated"`
	Categories []string    `json:"Categories"`
}

type fingerprintAvailability struct {
	Available int   `json:"Available"`
	Held      int   `json:"Held"`
	Booked    int   `json:"Booked"`
	Version   int64 `json:"Version"`
}
