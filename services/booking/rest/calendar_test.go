package rest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

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
