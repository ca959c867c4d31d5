package ticketpdf_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/ticketpdf"
)

func TestATicketIsPrintedInAnyScript(t *testing.T) {
	for _, name := range []string{"Winterreise", "Đêm nhạc Trịnh", "أمسية عود في القاهرة", "ערב jazz בתל אביב", "東京の夜", "Вишнёвый сад", "", "🎷", "한강 " + strings.Repeat("긴 이름 ", 40)} {
		b := booking.Booking{
			ID: uuid.New(), Event: uuid.New(),
			Occasion: booking.EventSnapshot{Name: name, StartsAt: time.Now(), TimeZone: "Mars/Olympus", VenueName: name, VenueCity: "Oslo"},
			Units:    []booking.BookedUnit{{HeldUnit: booking.HeldUnit{ID: "A1", Label: "Row A, 1", TypeName: name, Price: money.Money{Amount: 4500, Currency: "EUR"}}}},
		}
		raw, err := ticketpdf.Printer{}.PDF(booking.Ticket{ID: uuid.New(), Unit: "A1", Code: "FOYER1.code", IssuedAt: time.Now()}, b, "en")
		require.NoError(t, err, name)
		assert.True(t, bytes.HasPrefix(raw, []byte("%PDF-")), name)
		assert.Greater(t, len(raw), 5_000, name)
	}
}
