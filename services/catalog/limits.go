package catalog

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
)

// What an event, a venue and a plan may hold, whichever way they come. The OpenAPI document has the same
// limits for what it can see.
const (
	maxName        = 200
	maxDescription = 20_000
	maxURL         = 500
	maxCategory    = 50
	maxPerformers  = 100
	maxTopics      = 50
	maxTypes       = 50
	maxTypeName    = 100
	maxCategories  = 50
	maxSeatLabel   = 50
	maxNote        = 200
	maxCity        = 100
	maxCapacity    = 100_000 // of one ticket type
	maxUnits       = 200_000 // of all ticket types of an event
	maxPerOrder    = 50
	maxPerAccount  = 200
	maxCoordinate  = 1e6 // of a plan, in its own unit
	maxColor       = 50

	maxPlanCategories = 500
	maxZones          = 1000
	maxInPlan         = 10_000 // rows or areas of a zone, seats of a row
)

// Times of an event lie within these years.
const firstYear, lastYear = 1900, 2200

var errTooManyUnits = fault.New(fault.Invalid, "capacity_too_large", fmt.Sprintf("An event has at most %d tickets, of all its types together.", maxUnits))

// clean trims and normalizes the texts of an event, in copies of its lists, and checks their lengths.
func (e Event) clean() (Event, error) {
	e.Performers, e.Topics, e.TicketTypes = slices.Clone(e.Performers), slices.Clone(e.Topics), slices.Clone(e.TicketTypes)
	switch {
	case len(e.Performers) > maxPerformers:
		return e, text.Invalid("performers", text.MaxItems)
	case len(e.Topics) > maxTopics:
		return e, text.Invalid("topics", text.MaxItems)
	case len(e.TicketTypes) > maxTypes:
		return e, text.Invalid("ticketTypes", text.MaxItems)
	}
	fields := []text.Field{
		{Name: "name", Value: &e.Name, Max: maxName},
		{Name: "description", Value: &e.Description, Max: maxDescription, Lines: true},
		{Name: "category", Value: &e.Category, Max: maxCategory},
		{Name: "url", Value: &e.URL, Max: maxURL},
		{Name: "image", Value: &e.Image, Max: maxURL},
	}
	fields = append(fields, text.Each("performers", e.Performers, maxName)...)
	fields = append(fields, text.Each("topics", e.Topics, maxName)...)
	for i := range e.TicketTypes {
		t, at := &e.TicketTypes[i], "ticketTypes."+strconv.Itoa(i)
		if len(t.Categories) > maxCategories {
			return e, text.Invalid(at+".categories", text.MaxItems)
		}
		t.Categories = slices.Clone(t.Categories)
		fields = append(fields, text.Field{Name: at + ".name", Value: &t.Name, Max: maxName, Required: true})
		fields = append(fields, text.Each(at+".categories", t.Categories, maxTypeName)...)
	}
	if err := text.Clean(fields...); err != nil {
		return e, err
	}
	if e.URL != "" && !webAddress(e.URL, "http", "https") {
		return e, text.Invalid("url", text.Format)
	}
	if e.Image != "" && !webAddress(e.Image, "https", "http") && !ownPath(e.Image) {
		return e, text.Invalid("image", text.Format)
	}
	return e, nil
}

// checkLimits checks the numbers and times of an event.
func (e Event) checkLimits() error {
	for _, n := range []struct {
		field       string
		value, most int
	}{{"maxPerOrder", e.MaxPerOrder, maxPerOrder}, {"maxPerAccount", e.MaxPerAccount, maxPerAccount}} {
		switch {
		case n.value < 1:
			return text.Invalid(n.field, text.Minimum)
		case n.value > n.most:
			return text.Invalid(n.field, text.Maximum)
		}
	}
	times := map[string]time.Time{"startsAt": e.StartsAt, "endsAt": e.EndsAt, "salesStart": e.SalesStart, "salesEnd": e.SalesEnd}
	if e.RefundableUntil != nil {
		times["refundableUntil"] = *e.RefundableUntil
	}
	for field, at := range times {
		if year := at.UTC().Year(); year < firstYear || year > lastYear {
			return text.Invalid(field, text.Format)
		}
	}
	return e.checkCapacity()
}

// checkCapacity bounds what one event sells: every unit is a row, a key and a letter of the seat map.
func (e Event) checkCapacity() error {
	total := 0
	for i, t := range e.TicketTypes {
		if t.Capacity > maxCapacity {
			return text.Invalid("ticketTypes."+strconv.Itoa(i)+".capacity", text.Maximum)
		}
		total += t.Capacity
	}
	if total > maxUnits {
		return errTooManyUnits
	}
	return nil
}

func webAddress(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Host != "" && u.User == nil && !strings.ContainsAny(s, " \\")
}

// ownPath is a path of this site, and not an address of another ("//host").
func ownPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.ContainsAny(s, " \\")
}

// isCountry knows the codes of ISO 3166-1 alpha-2.
func isCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && region.String() == code && region.IsCountry()
}

// isTimeZone knows the names of the IANA database. "Local" is this machine's.
func isTimeZone(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// check refuses what is no point on the earth.
func (l Location) check() error {
	switch {
	case math.IsNaN(l.Lat) || math.Abs(l.Lat) > 90:
		return text.Invalid("location.lat", text.Maximum)
	case math.IsNaN(l.Lon) || math.Abs(l.Lon) > 180:
		return text.Invalid("location.lon", text.Maximum)
	}
	return nil
}
