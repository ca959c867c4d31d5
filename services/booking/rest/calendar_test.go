package rest

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

// TestANameBeginsNoPropertyOfItsOwn: names that were stored before there was a rule are still sent.
func TestANameBeginsNoPropertyOfItsOwn(t *testing.T) {
	b := booking.Booking{Occasion: booking.EventSnapshot{
		Name: "Fest\rATTENDEE:mailto:a@b.example\r\nURL:https://evil.example\u2028x", VenueName: "Haus\nORGANIZER:x", StartsAt: time.Now(),
	}}
	text := string(calendar(booking.Ticket{ID: uuid.New(), Unit: "A1\rATTACH:x", IssuedAt: time.Now()}, b, "en"))
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		assert.NotContains(t, []string{"ATTENDEE", "URL", "ORGANIZER", "ATTACH"}, name)
		assert.NotContains(t, line, "\r")
		assert.NotContains(t, line, "\n")
	}
	assert.Contains(t, unfolded, "SUMMARY:Fest ATTENDEE:mailto:a@b.example URL:https://evil.example x\r\n")
}

// TestTheCalendarOfATicket: lines end in CRLF and have at most 75 octets, none of which is part of a character.
func TestTheCalendarOfATicket(t *testing.T) {
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	name := strings.Repeat("Übermäßig lange Straßenbahnfahrt, ", 4) + strings.Repeat("日本語", 20) + `; back\slash`
	id := uuid.MustParse("0192f0c4-0000-7000-8000-000000000001")
	text := string(calendar(booking.Ticket{ID: id, Unit: "A1", IssuedAt: noon}, booking.Booking{
		Occasion: booking.EventSnapshot{Name: name, StartsAt: noon, EndsAt: noon.Add(3 * time.Hour), VenueName: "Haus", VenueCity: "Köln", VenueCountry: "DE"},
		Units:    []booking.BookedUnit{{HeldUnit: booking.HeldUnit{ID: "A1", TypeName: "Stalls", Label: "A-1"}}},
	}, "en"))
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		assert.LessOrEqual(t, len(line), 75)
		assert.True(t, utf8.ValidString(line))
		assert.NotContains(t, line, "\n")
	}
	require.Contains(t, text, "\r\n ", "the name is folded")
	assert.Equal(t, strings.Join([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Foyer//Tickets//EN", "METHOD:PUBLISH", "BEGIN:VEVENT",
		"UID:0192f0c4-0000-7000-8000-000000000001@foyer", "DTSTAMP:20261124T120000Z", "DTSTART:20261124T120000Z", "DTEND:20261124T150000Z",
		"SUMMARY:" + strings.Repeat(`Übermäßig lange Straßenbahnfahrt\, `, 4) + strings.Repeat("日本語", 20) + `\; back\\slash`,
		`LOCATION:Haus\, Köln\, DE`, `DESCRIPTION:Stalls\, A-1`, "END:VEVENT", "END:VCALENDAR", "",
	}, "\r\n"), strings.ReplaceAll(text, "\r\n ", ""))
}
