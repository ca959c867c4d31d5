package catalog

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
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
	v.Name = strings.TrimSpace(v.Name)
	if err := storable(v.Name, v.City); err != nil {
		return v, err
	}
	if v.Name == "" {
		return v, fault.New(fault.Invalid, "name_required", "A venue needs a name.")
	}
	if _, err := time.LoadLocation(v.TimeZone); err != nil || v.TimeZone == "" {
		return v, fault.New(fault.Invalid, "unknown_time_zone", "The time zone is not one of the IANA database.")
	}
	return v, nil
}
