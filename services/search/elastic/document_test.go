package elastic

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/search"
)

// Documents are written and read as they stand in the indices of earlier releases.
func TestStoredDocuments(t *testing.T) {
	at := time.Date(2027, 5, 1, 18, 0, 0, 0, time.UTC)
	e := search.Event{
		ID: uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), Slug: "fest", Name: "Fest", Description: "Ein Abend mit der Band und den Gästen", Category: "film",
		Performers: []string{"Band"}, Topics: []string{"jazz"}, Image: "/poster.png", URL: "https://example.org", Online: true, StartsAt: at, EndsAt: at.Add(2 * time.Hour), TimeZone: "Europe/Vienna",
		Venue:       search.Venue{ID: uuid.MustParse("0192f0c4-0000-7000-8000-000000000002"), Name: "Haus", City: "Wien", Country: "AT", Location: &search.Point{Lat: 48.2, Lon: 16.4}},
		TicketTypes: []search.TicketType{{Price: search.Money{Amount: 1250, Currency: "EUR"}}, {Price: search.Money{Amount: 900, Currency: "EUR"}}},
		HighDemand:  true, Status: "published", Availability: search.Availability{Available: 5, Held: 1, Booked: 4, Status: "available"}, Versions: search.Versions{Event: 7, Venue: 2, Availability: 3},
	}
	const full = `{"id":"0192f0c4-0000-7000-8000-000000000001","slug":"fest","name":"Fest","description":"Ein Abend mit der Band und den Gästen","category":"film","performers":["Band"],"topics":["jazz"],"image":"/poster.png","url":"https://example.org","online":true,"startsAt":"2027-05-01T18:00:00Z","endsAt":"2027-05-01T20:00:00Z","timeZone":"Europe/Vienna","venue":{"id":"0192f0c4-0000-7000-8000-000000000002","name":"Haus","city":"Wien","country":"AT","location":{"lat":48.2,"lon":16.4}},"highDemand":true,"status":"published","availability":{"available":5,"held":1,"booked":4,"status":"available"},"version":7,"venueVersion":2,"availabilityVersion":3,"summary":"Ein Abend mit der Band und den Gästen","day":"2027-05-01","month":"2027-05","cityKey":"wien","prices":[900,1250],"minPrice":900,"maxPrice":1250,"currency":"EUR","open":true,"popularity":206,"checksum":2715299378,"words":["film","movie","cinema","Kino","cinéma","cine","película","phim","映画","2027","May","Mai","mai","mayo","tháng 5","5月","Austria","Österreich","Autriche","Austria","Áo","オーストリア","online","livestream","virtual","remote"],"all_de":"Fest\nBand\nHaus\nWien\njazz\nEin Abend mit der Band und den Gästen"}`
	const empty = `{"id":"00000000-0000-0000-0000-000000000000","slug":"","name":"","description":"","category":"","online":false,"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","timeZone":"","venue":{"id":"00000000-0000-0000-0000-000000000000","name":"","city":"","country":""},"highDemand":false,"status":"","availability":{"available":0,"held":0,"booked":0,"status":""},"version":0,"venueVersion":0,"availabilityVersion":0,"summary":"","day":"0001-01-01","month":"0001-01","open":false,"popularity":1,"checksum":3648646263,"words":["0001","January","Januar","janvier","enero","tháng 1","1月"]}`
	for want, e := range map[string]search.Event{full: e, empty: {}} {
		raw, err := json.Marshal(documentOf(e))
		require.NoError(t, err)
		require.Equal(t, want, string(raw))
		var read document
		require.NoError(t, json.Unmarshal(raw, &read))
		e.TicketTypes = nil
		require.Equal(t, e, read.read())
	}
}
