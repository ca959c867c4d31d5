package notification_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/notification"
)

var kinds = []event.NoticeKind{
	event.NoticeBookingConfirmed, event.NoticeBookingExpired, event.NoticeBookingFailed, event.NoticeBookingCancelled,
	event.NoticeBookingRefunded, event.NoticeHoldExpired, event.NoticeYourTurn,
}

func TestTheSameStepOfABookingIsTheSameMessage(t *testing.T) {
	b := event.BookingChanged{Booking: uuid.New(), Event: uuid.New(), Account: "a", Status: "confirmed", At: time.Now()}
	first, ok := notification.FromBooking(b)
	require.True(t, ok)
	b.Version++ // a redelivery after a later, unrelated write
	again, _ := notification.FromBooking(b)
	assert.Equal(t, first.ID, again.ID)

	b.Status = "refunded"
	other, _ := notification.FromBooking(b)
	assert.NotEqual(t, first.ID, other.ID)

	b.Status = "awaiting_payment"
	_, ok = notification.FromBooking(b)
	assert.False(t, ok, "nobody needs a message for every step")
}

func TestEveryMailedKindHasATextInEveryLanguage(t *testing.T) {
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	booking := uuid.New()
	order := &notification.Order{Booking: booking, Total: money.Money{Amount: 4500, Currency: "EUR"}}
	order.Event.Name = "Rock & <script>alert(1)</script>\r\nBcc: a@b.example"
	order.Event.StartsAt = time.Date(2027, 3, 1, 19, 0, 0, 0, time.UTC)
	order.Event.TimeZone = "Europe/Berlin"
	order.Tickets = []notification.Ticket{{ID: uuid.New(), Label: "Parkett, A-5", Place: seat.Place{Zone: "Parkett", Row: "A", Number: "5"}}}
	for _, locale := range []string{"en", "de", "es", "fr", "vi", "ja", "ar"} {
		for _, kind := range kinds {
			if !notification.Mailed(kind) {
				continue
			}
			mail, err := composer.Compose(notification.Message{Kind: kind, Booking: &booking},
				notification.Recipient{Email: "a@foyer.test", Name: "Ada", Locale: locale}, order)
			require.NoError(t, err, "%s %s", locale, kind)
			assert.NotContains(t, mail.Subject, "\n", "a name begins no header of its own")
			assert.NotContains(t, mail.Subject, "\r")
			assert.Contains(t, mail.HTML, "2027-03-01 20:00 CET")
			assert.Contains(t, mail.HTML, "Ada")
			assert.Equal(t, locale == "de", strings.Contains(mail.HTML, "Parkett, Reihe A, Platz 5"))
			assert.NotContains(t, mail.HTML, "<script>", "names come from strangers")
			assert.Equal(t, locale == "ar", strings.Contains(mail.HTML, `dir="rtl"`))
			assert.Equal(t, kind == event.NoticeBookingConfirmed, strings.Contains(mail.HTML, ".pdf"))
		}
	}
}

func TestAnUnknownLanguageIsEnglish(t *testing.T) {
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	for locale, want := range map[string]string{"pt-BR": "It is your turn", "": "It is your turn", "de-AT": "Sie sind dran", "%%": "It is your turn"} {
		mail, err := composer.Compose(notification.Message{Kind: event.NoticeYourTurn}, notification.Recipient{Locale: locale}, nil)
		require.NoError(t, err)
		assert.Equal(t, want, mail.Subject, locale)
	}
}

// inbox is a store whose announcer may fail, to see that nothing is lost between the two.
type inbox struct {
	stored    map[uuid.UUID]notification.Message
	announced []notification.Message
	down      bool
}

func (i *inbox) Add(_ context.Context, m notification.Message, _ bool) (bool, error) {
	_, there := i.stored[m.ID]
	i.stored[m.ID] = m
	return !there, nil
}

func (i *inbox) List(context.Context, string, notification.Cursor, int) ([]notification.Message, error) {
	return nil, nil
}
func (i *inbox) MarkRead(context.Context, string, time.Time) error { return nil }

func (i *inbox) Announce(_ context.Context, m notification.Message) error {
	if i.down {
		return errors.New("broker away")
	}
	i.announced = append(i.announced, m)
	return nil
}

func TestAMessageWhoseAnnouncementFailedIsAnnouncedOnRedelivery(t *testing.T) {
	fake := &inbox{stored: map[uuid.UUID]notification.Message{}, down: true}
	in := notification.Inbox{Store: fake, Announcer: fake}
	m := notification.Message{ID: uuid.New(), Account: "a", Kind: event.NoticeYourTurn}
	require.Error(t, in.Receive(t.Context(), m), "so that the broker delivers again")
	fake.down = false
	require.NoError(t, in.Receive(t.Context(), m))
	assert.Len(t, fake.stored, 1)
	assert.Len(t, fake.announced, 1)
}
