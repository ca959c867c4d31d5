package postgres

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/catalog"
)

// Fingerprints are those that earlier releases stored.
func TestFingerprintsStay(t *testing.T) {
	at := time.Date(2027, 5, 1, 18, 0, 0, 0, time.UTC)
	until := at.AddDate(0, 0, -7)
	i := catalog.Imported{Source: "example.org", SourceID: "example.org/1", City: "Wien", Country: "Österreich", Event: catalog.Event{
		ID: uuid.MustParse("0192f0c4-0000-7000-8000-000000000001"), Merchant: "m",
		Venue: catalog.Venue{Name: "Haus", City: "Wien", Country: "AT", Location: &catalog.Location{Lat: 48.2, Lon: 16.4}, TimeZone: "Europe/Vienna"},
		Slug:  "fest", Name: "Fest", Description: "Ein Abend", Category: "music", Performers: []string{"Band"}, Topics: []string{"jazz"},
		URL: "https://example.org", Image: "/poster.png", Online: true, StartsAt: at, EndsAt: at.Add(2 * time.Hour), TimeZone: "Europe/Vienna",
		SalesStart: at.AddDate(0, -1, 0), SalesEnd: at, MaxPerOrder: 8, MaxPerAccount: 9, HighDemand: true, RefundableUntil: &until,
		TicketTypes: []catalog.TicketType{{Name: "Seat", Price: money.Money{Amount: 1250, Currency: "EUR"}, Capacity: 10, Seated: true, Categories: []string{"A"}}},
		Status:      catalog.Draft, Source: "example.org", Version: 1, UpdatedAt: at, Availability: catalog.Availability{Available: 10},
	}}
	require.Equal(t, "eec43bee989799f91b028df659d892cd", fingerprint(i))
	require.Equal(t, "65f4b6922334c9da88a1a75deec9b7c2", fingerprint(catalog.Imported{Event: catalog.Event{Venue: catalog.Venue{Name: "x"}}}))
}
