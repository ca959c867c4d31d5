package catalog

import (
	"hash/fnv"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosimple/slug"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/text"
)

// span is when a record says that its event takes place.
type span struct{ start, end, zone string }

// complete settles place, times and offer of what was read, and checks what must be there.
func (i Imported) complete(when span) (Imported, error) {
	e := &i.Event
	if err := i.check(); err != nil {
		return i, err
	}
	place, known := Locate(i.City, i.Country)
	if i.Country != "" && !known {
		return i, fault.New(fault.Invalid, "unknown_country", "The country is not known.")
	}
	for _, zone := range []string{when.zone, "UTC"} {
		if place.TimeZone == "" {
			place.TimeZone = zone
		}
	}
	zone, err := time.LoadLocation(place.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	if e.StartsAt, err = importTime(when.start, zone, 9); err != nil {
		return i, fault.New(fault.Invalid, "invalid_start", "The start is missing or not a valid date.")
	}
	if when.end == "" {
		when.end = when.start
	}
	if e.EndsAt, err = importTime(when.end, zone, 18); err != nil {
		return i, fault.New(fault.Invalid, "invalid_end", "The end is not a valid date.")
	}
	if e.EndsAt.Equal(e.StartsAt) {
		e.EndsAt = e.StartsAt.Add(2 * time.Hour)
	}
	if e.EndsAt.Before(e.StartsAt) {
		return i, fault.New(fault.Invalid, "ends_before_start", "The event ends before it starts.")
	}
	e.TimeZone, e.Source, e.Slug = place.TimeZone, i.Source, slug.Make(e.Name)
	if e.Slug == "" {
		e.Slug = "event"
	}
	e.SalesStart, e.SalesEnd = e.StartsAt.AddDate(-1, 0, 0), e.StartsAt
	e.MaxPerOrder, e.MaxPerAccount = 8, 16
	if e.Venue.Name == "" {
		e.Venue.Name = cityName(i.City)
	}
	if i.City == "" {
		e.Online, e.Venue.Name = true, "Online"
	}
	if e.Venue.Location == nil {
		e.Venue.Location = place.Location
	}
	e.Venue.City, e.Venue.Country, e.Venue.TimeZone = cityName(i.City), place.Country, place.TimeZone
	return i.offer(place.Currency)
}

// maxWords is how many topics and performers a record may have.
const maxWords = 50

// check refuses a record that an event of ours could not hold, and cleans its texts.
func (i *Imported) check() error {
	e := &i.Event
	switch {
	case e.Name == "":
		return fault.New(fault.Invalid, "name_required", "The record has no name.")
	case utf8.RuneCountInString(e.Name) > maxName:
		return fault.New(fault.Invalid, "name_too_long", "The name has more than 200 characters.")
	case utf8.RuneCountInString(e.Description) > maxDescription:
		return fault.New(fault.Invalid, "description_too_long", "The description has more than 20,000 characters.")
	case len(i.SourceID) > maxURL:
		return fault.New(fault.Invalid, "id_too_long", "The record's id has more than 500 characters.")
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || len(e.URL) > maxURL || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "") {
		return fault.New(fault.Invalid, "invalid_url", "The url must be an http or https address of at most 500 characters.")
	}
	words := []string{e.Venue.Name, i.City, i.Country}
	for _, list := range [][]string{e.Topics, e.Performers} {
		if len(list) > maxWords {
			return fault.New(fault.Invalid, "too_many_words", "The record has more than 50 topics or 50 performers.")
		}
		words = append(words, list...)
	}
	for _, t := range e.TicketTypes {
		words = append(words, t.Name)
	}
	for _, word := range words {
		if utf8.RuneCountInString(word) > maxName {
			return fault.New(fault.Invalid, "word_too_long", "A topic, performer, place or ticket name has more than 200 characters.")
		}
	}
	if location := e.Venue.Location; location != nil {
		if err := location.check(); err != nil {
			return err
		}
	}
	err := text.Clean(
		text.Field{Name: "id", Value: &i.SourceID, Max: maxURL},
		text.Field{Name: "venue", Value: &e.Venue.Name, Max: maxName},
		text.Field{Name: "city", Value: &i.City, Max: maxName},
		text.Field{Name: "country", Value: &i.Country, Max: maxName},
	)
	if err != nil {
		return err
	}
	*e, err = e.clean()
	return err
}

// localTime is a time at the place, without a zone.
const localTime = "2006-01-02T15:04:05"

// importTime reads a date or a time. A date means the given hour at the place.
func importTime(s string, zone *time.Location, hour int) (time.Time, error) {
	s = strings.TrimSpace(s)
	if day, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, zone).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", localTime} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), nil
		}
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, zone)
	return t.UTC(), err
}

// perEuro gives roughly how many of a currency's minor units buy one euro cent. Imported events
// in other countries are priced in US dollars.
var perEuro = map[string]float64{
	"EUR": 1, "USD": 1.1, "GBP": .85, "CHF": .95, "CAD": 1.5, "AUD": 1.65, "NZD": 1.8, "SGD": 1.45, "SEK": 11, "NOK": 11.5,
	"DKK": 7.5, "PLN": 4.3, "CZK": 25, "HUF": 400, "RON": 5, "BRL": 6, "INR": 95, "ZAR": 20, "ILS": 4, "JPY": 1.6, "AED": 4,
}

// offer sells what the record offers. Most sources have no prices, and none says how many: then
// it makes up what the same event always gets again.
func (i Imported) offer(currency string) (Imported, error) {
	e := &i.Event
	h := fnv.New64a()
	h.Write([]byte(i.SourceID))
	n := h.Sum64()
	capacity := []int{40, 80, 120, 200, 300, 500}[n/8%6]
	if len(e.TicketTypes) == 0 {
		cents := []float64{1900, 4900, 9900, 14900, 19900, 29900, 49900, 79900}[n%8]
		rate, ok := perEuro[currency]
		if !ok {
			currency, rate = "USD", perEuro["USD"]
		}
		sell := func(name string, cents float64) {
			e.TicketTypes = append(e.TicketTypes, TicketType{Name: name, Price: money.Money{Amount: rounded(cents * rate), Currency: currency}})
		}
		if e.Venue.City != "" {
			sell(map[bool]string{true: "Conference pass", false: "Ticket"}[e.Category == "conference"], cents)
		}
		if e.Online {
			sell("Online pass", cents/5)
		}
	}
	for n := range e.TicketTypes {
		e.TicketTypes[n].Capacity = capacity
	}
	if err := e.checkLimits(); err != nil {
		return i, err
	}
	return i, e.checkTicketTypes()
}

// rounded keeps two digits and a half, as prices have: 163.90 becomes 165.
func rounded(amount float64) int64 {
	step := 5 * math.Pow(10, math.Floor(math.Log10(amount))-2)
	return int64(math.Round(amount/step) * step)
}
