package catalog

import (
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
)

// Venue is where events take place. An online-only event has a venue of that name without a point.
type Venue struct {
	ID       uuid.UUID
	Merchant string
	Name     string
	City     string
	Country  string // ISO 3166-1 alpha-2
	Location *Location
	TimeZone string
	HasPlan  bool
	Version  int64
}

// Check refuses a venue that nobody could find.
func (v Venue) Check() (Venue, error) {
	err := text.Clean(
		text.Field{Name: "name", Value: &v.Name, Max: maxName},
		text.Field{Name: "city", Value: &v.City, Max: maxCity},
	)
	if err != nil {
		return v, err
	}
	if v.Name == "" {
		return v, fault.New(fault.Invalid, "name_required", "The venue's name is missing.")
	}
	if v.Country != "" && !isCountry(v.Country) {
		return v, fault.New(fault.Invalid, "unknown_country", "The country must be an ISO 3166-1 code of two capital letters.")
	}
	if v.Location != nil {
		if err := v.Location.check(); err != nil {
			return v, err
		}
	}
	if !isTimeZone(v.TimeZone) {
		return v, fault.New(fault.Invalid, "unknown_time_zone", "The time zone is not in the IANA database.")
	}
	return v, nil
}
