package notification_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/notification"
)

var kinds = []messages.NoticeKind{
	messages.NoticeBookingConfirmed, messages.NoticeBookingExpired, messages.NoticeBookingFailed, messages.NoticeBookingCancelled,
	messages.NoticeBookingRefunded, messages.NoticePartlyRefunded, messages.NoticeRefundDelayed, messages.NoticeRefundRefused, messages.NoticeRefundFailed,
	messages.NoticeHoldExpired, messages.NoticeYourTurn,
}

var accountKinds = []messages.NoticeKind{
	messages.NoticeConfirmEmail, messages.NoticeAccountExists, messages.NoticePasswordReset, messages.NoticePasswordChanged,
}

// Mails about an account carry its link, and no name: a stranger may have typed both name and address.
func TestMailsAboutAccounts(t *testing.T) {
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, locale := range []string{"en", "de", "es", "fr", "vi", "ja", "ar"} {
		for _, kind := range accountKinds {
			require.True(t, notification.Mailed(kind))
			to := notification.Recipient{Email: "a@foyer.test", Name: "Call-this-number", Locale: locale}
			want := "https://foyer.test/password"
			if notification.LinkOf(kind) != "" {
				to.Link = "https://foyer.test/confirm#a.secret"
				want = to.Link
			}
			mail, err := composer.Compose(notification.Message{Kind: kind}, to, nil)
			require.NoError(t, err, "%s %s", locale, kind)
			assert.Contains(t, mail.HTML, `href="`+want+`"`)
			assert.NotContains(t, mail.HTML, "Call-this-number")
			assert.False(t, seen[mail.Subject+string(kind)], "%s %s is not translated", locale, kind)
			seen[mail.Subject+string(kind)] = true
		}
	}
}

func TestMessagesAboutAccountsAreNotShown(t *testing.T) {
	fake := &inbox{stored: map[uuid.UUID]notification.Message{}}
	in := notification.Inbox{Store: fake, Announcer: fake}
	for _, kind := range accountKinds {
		require.NoError(t, in.Receive(t.Context(), notification.Message{ID: uuid.New(), Account: "a", Kind: kind}))
	}
	assert.Len(t, fake.stored, len(accountKinds))
	assert.Empty(t, fake.announced)
}

func TestTheSameStepOfABookingIsTheSameMessage(t *testing.T) {
	b := messages.BookingChanged{Booking: uuid.New(), Event: uuid.New(), Account: "a", Status: "confirmed", At: time.Now()}
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
			assert.Equal(t, kind == messages.NoticeBookingConfirmed, strings.Contains(mail.HTML, ".pdf"))
		}
	}
}

// A refund's mail says how much and for what, in words of its own; one of free tickets says nothing of money.
func TestMailsOfRefunds(t *testing.T) {
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	booking := uuid.New()
	money4500, money0 := money.Money{Amount: 4500, Currency: "EUR"}, money.Money{Currency: "EUR"}
	order := func(total money.Money) *notification.Order {
		return &notification.Order{Booking: booking, Total: total, Tickets: []notification.Ticket{{Unit: "A1", Label: "Balcony 1"}, {Unit: "A2", Label: "Balcony 2"}}}
	}
	for _, locale := range []string{"en", "de", "es", "fr", "vi", "ja", "ar"} {
		subjects := map[string]messages.NoticeKind{}
		to := notification.Recipient{Email: "a@foyer.test", Name: "Ada", Locale: locale}
		for _, kind := range kinds {
			m := notification.Message{Kind: kind, Booking: &booking}
			if !notification.Mailed(kind) {
				continue
			}
			refund := strings.Contains(string(kind), "refund")
			if refund {
				m.Refund = &notification.Refund{Amount: money.Money{Amount: 2500, Currency: "EUR"}, Units: []string{"A2"}}
			}
			mail, err := composer.Compose(m, to, order(money4500))
			require.NoError(t, err, "%s %s", locale, kind)
			other, taken := subjects[mail.Subject]
			assert.False(t, taken, "%s: %s and %s have one subject", locale, kind, other)
			subjects[mail.Subject] = kind
			if refund {
				assert.Contains(t, mail.HTML, "25.00 EUR")
				assert.NotContains(t, mail.HTML, "45.00 EUR")
				assert.Contains(t, mail.HTML, "Balcony 2")
				assert.NotContains(t, mail.HTML, "Balcony 1")
				m.Refund.Amount.Amount = 0
			}
			if kind == messages.NoticeYourTurn || kind == messages.NoticeRefundDelayed || kind == messages.NoticeRefundRefused || kind == messages.NoticeRefundFailed {
				continue
			}
			free, err := composer.Compose(m, to, order(money0))
			require.NoError(t, err)
			for _, word := range []string{"EUR", "0.00", "money", "charged", "Geld", "abgebucht", "dinero", "cobrado", "rembours", "débité", "tiền", "料金", "返金", "代金", "المبلغ", "مبلغ", "ثمن"} {
				assert.NotContains(t, free.Subject+free.HTML, word, "%s %s", locale, kind)
			}
		}
	}
}

func TestEachRefundIsAMessageOfItsOwn(t *testing.T) {
	b := messages.BookingChanged{Booking: uuid.New(), Event: uuid.New(), Account: "a", At: time.Now()}
	ids := map[uuid.UUID]bool{}
	for _, status := range []string{"refunded", "partly_refunded", "refund_delayed", "refund_refused", "refund_failed"} {
		for _, r := range []messages.BookingRefund{{ID: uuid.New()}, {ID: uuid.New()}, {ID: uuid.Max, Failures: 1}, {ID: uuid.Max, Failures: 2}} {
			b.Status, b.Refund = status, &r
			m, ok := notification.FromBooking(b)
			require.True(t, ok, status)
			assert.True(t, notification.Mailed(m.Kind))
			assert.False(t, ids[m.ID], status)
			ids[m.ID] = true
			again, _ := notification.FromBooking(b)
			assert.Equal(t, m.ID, again.ID)
		}
	}
}

// What is in the topic from before refunds were told is still understood.
func TestOldMessagesAreRead(t *testing.T) {
	var b messages.BookingChanged
	require.NoError(t, json.Unmarshal([]byte(`{"booking":"0192f0c4-6a3e-7c1d-9a53-5b8f0e6f2d11","event":"0192f0c4-6a3e-7c1d-9a53-5b8f0e6f2d12","account":"a","status":"refunded","version":7,"units":["A1"],"at":"2026-11-01T10:00:00Z"}`), &b))
	m, ok := notification.FromBooking(b)
	require.True(t, ok)
	assert.Equal(t, messages.NoticeBookingRefunded, m.Kind)
	assert.Nil(t, m.Refund)
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	mail, err := composer.Compose(m, notification.Recipient{Locale: "en"}, &notification.Order{Total: money.Money{Amount: 4500, Currency: "EUR"}})
	require.NoError(t, err)
	assert.Contains(t, mail.HTML, "45.00 EUR")
}

func TestAnUnknownLanguageIsEnglish(t *testing.T) {
	composer, err := notification.NewComposer("https://foyer.test")
	require.NoError(t, err)
	for locale, want := range map[string]string{"pt-BR": "It’s your turn", "": "It’s your turn", "de-AT": "Du bist dran", "%%": "It’s your turn"} {
		mail, err := composer.Compose(notification.Message{Kind: messages.NoticeYourTurn}, notification.Recipient{Locale: locale}, nil)
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
	m := notification.Message{ID: uuid.New(), Account: "a", Kind: messages.NoticeYourTurn}
	require.Error(t, in.Receive(t.Context(), m), "so that the broker delivers again")
	fake.down = false
	require.NoError(t, in.Receive(t.Context(), m))
	assert.Len(t, fake.stored, 1)
	assert.Len(t, fake.announced, 1)
}
