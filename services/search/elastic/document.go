package elastic

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/search"
)

// event is a search.Event as the index stores it, without its ticket types.
type event struct {
	ID                  uuid.UUID    `json:"id"`
	Slug                string       `json:"slug"`
	Name                string       `json:"name"`
	Description         string       `json:"description"`
	Category            string       `json:"category"`
	Performers          []string     `json:"performers,omitempty"`
	Topics              []string     `json:"topics,omitempty"`
	Image               string       `json:"image,omitempty"`
	URL                 string       `json:"url,omitempty"`
	Online              bool         `json:"online"`
	StartsAt            time.Time    `json:"startsAt"`
	EndsAt              time.Time    `json:"endsAt"`
	TimeZone            string       `json:"timeZone"`
	Venue               venue        `json:"venue"`
	HighDemand          bool         `json:"highDemand"`
	Status              string       `json:"status"`
	Availability        availability `json:"availability"`
	Version             int64        `json:"version"`
	VenueVersion        int64        `json:"venueVersion"`
	AvailabilityVersion int64        `json:"availabilityVersion"`
}

type venue struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	City     string    `json:"city"`
	Country  string    `json:"country"`
	Location *point    `json:"location,omitempty"`
}

// point is a geo_point.
type point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

type availability struct {
	Available int    `json:"available"`
	Held      int    `json:"held"`
	Booked    int    `json:"booked"`
	Status    string `json:"status"`
}

func geoPoint(p *search.Point) *point {
	if p == nil {
		return nil
	}
	return &point{Lat: p.Lat, Lon: p.Lon}
}

func stored(e search.Event) event {
	return event{
		ID: e.ID, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category, Performers: e.Performers, Topics: e.Topics,
		Image: e.Image, URL: e.URL, Online: e.Online, StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone,
		Venue:      venue{ID: e.Venue.ID, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country, Location: geoPoint(e.Venue.Location)},
		HighDemand: e.HighDemand, Status: e.Status, Availability: availability(e.Availability),
		Version: e.Event, VenueVersion: e.Versions.Venue, AvailabilityVersion: e.Versions.Availability,
	}
}

func (e event) read() search.Event {
	read := search.Event{
		ID: e.ID, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category, Performers: e.Performers, Topics: e.Topics,
		Image: e.Image, URL: e.URL, Online: e.Online, StartsAt: e.StartsAt, EndsAt: e.EndsAt, TimeZone: e.TimeZone,
		Venue:      search.Venue{ID: e.Venue.ID, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country},
		HighDemand: e.HighDemand, Status: e.Status, Availability: search.Availability(e.Availability),
		Versions: search.Versions{Event: e.Version, Venue: e.VenueVersion, Availability: e.AvailabilityVersion},
	}
	if l := e.Venue.Location; l != nil {
		read.Venue.Location = &search.Point{Lat: l.Lat, Lon: l.Lon}
	}
	return read
}

// document is an event with what is derived from it.
type document struct {
	event
	Summary    string   `json:"summary"`
	Day        string   `json:"day"`
	Month      string   `json:"month"`
	CityKey    string   `json:"cityKey,omitempty"`
	Prices     []int64  `json:"prices,omitempty"`
	MinPrice   *int64   `json:"minPrice,omitempty"`
	MaxPrice   *int64   `json:"maxPrice,omitempty"`
	Currency   string   `json:"currency,omitempty"`
	Open       bool     `json:"open"`
	Popularity float64  `json:"popularity"`
	Checksum   int64    `json:"checksum"`
	Words      []string `json:"words"`
	AllEN      string   `json:"all_en,omitempty"`
	AllDE      string   `json:"all_de,omitempty"`
	AllFR      string   `json:"all_fr,omitempty"`
	AllES      string   `json:"all_es,omitempty"`
	AllVI      string   `json:"all_vi,omitempty"`
	AllJA      string   `json:"all_ja,omitempty"`
}

const summaryLength = 300 // characters

func documentOf(e search.Event) document {
	d := document{
		event: stored(e), Summary: e.Description, Day: e.Day(), Month: e.Month(), CityKey: text.Fold(e.Venue.City),
		Open: e.Availability.Available > 0, Popularity: e.Popularity(), Words: e.Words(),
		Checksum: search.Checksum(e.ID, e.Versions),
	}
	if r := []rune(e.Description); len(r) > summaryLength {
		d.Summary = strings.TrimSpace(string(r[:summaryLength])) + "…"
	}
	if d.Prices, d.Currency = e.Prices(); len(d.Prices) > 0 {
		d.MinPrice, d.MaxPrice = &d.Prices[0], &d.Prices[len(d.Prices)-1]
	}
	all := strings.Join([]string{e.Name, strings.Join(e.Performers, " "), e.Venue.Name, e.Venue.City, strings.Join(e.Topics, " "), e.Description}, "\n")
	switch search.Language(e.Name + " " + e.Description) {
	case "en":
		d.AllEN = all
	case "de":
		d.AllDE = all
	case "fr":
		d.AllFR = all
	case "es":
		d.AllES = all
	case "vi":
		d.AllVI = all
	case "ja":
		d.AllJA = all
	}
	return d
}
