// Package notification tells people what happened to them: a message in the app at once, and a
// mail for what must not be missed. Text is made here, in the reader's language, from ids and
// facts that the other services send; topics carry no names and no addresses.
package notification

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
)

// Message is what one account sees in the app.
type Message struct {
	ID      uuid.UUID
	Account string
	Kind    messages.NoticeKind
	Event   *uuid.UUID
	Booking *uuid.UUID
	Hold    *uuid.UUID
	At      time.Time
	Read    bool
	Refund  *Refund // what it is about; nil for all else
}

// Refund is what a message about a refund says of it.
type Refund struct {
	Amount money.Money
	Units  []string
}

// Mailed tells whether a kind also goes out by mail. What a person only needs while looking at
// the page does not.
func Mailed(kind messages.NoticeKind) bool {
	switch kind {
	case messages.NoticeBookingConfirmed, messages.NoticeBookingCancelled, messages.NoticeBookingFailed, messages.NoticeYourTurn,
		messages.NoticeBookingRefunded, messages.NoticePartlyRefunded, messages.NoticeRefundDelayed, messages.NoticeRefundRefused, messages.NoticeRefundFailed:
		return true
	}
	return AboutAccount(kind)
}

// AboutAccount tells whether a kind is about the account itself. Such a message goes out by mail and
// is not shown in the app, where whoever is signed in may not be who it is for.
func AboutAccount(kind messages.NoticeKind) bool {
	switch kind {
	case messages.NoticeConfirmEmail, messages.NoticeAccountExists, messages.NoticePasswordReset, messages.NoticePasswordChanged:
		return true
	}
	return false
}

// LinkOf names the link that a mail of a kind carries, "" for none.
func LinkOf(kind messages.NoticeKind) string {
	switch kind {
	case messages.NoticeConfirmEmail:
		return "confirm"
	case messages.NoticeAccountExists, messages.NoticePasswordReset:
		return "reset"
	}
	return ""
}

// FromNotice makes the message of a notice.
func FromNotice(n messages.Notice) Message {
	return Message{ID: n.ID, Account: n.Account, Kind: n.Kind, Event: n.Event, Booking: n.Booking, Hold: n.Hold, At: n.At, Refund: fromRefund(n.Refund)}
}

func fromRefund(r *messages.BookingRefund) *Refund {
	if r == nil {
		return nil
	}
	return &Refund{Amount: money.Money{Amount: r.Amount, Currency: r.Currency}, Units: r.Units}
}

// Notice is a stored message on its way to open browsers.
func (m Message) Notice() messages.Notice {
	n := messages.Notice{ID: m.ID, Account: m.Account, Kind: m.Kind, Event: m.Event, Booking: m.Booking, Hold: m.Hold, At: m.At}
	if r := m.Refund; r != nil {
		n.Refund = &messages.BookingRefund{Amount: r.Amount.Amount, Currency: r.Amount.Currency, Units: r.Units}
	}
	return n
}

// bookingKinds says which step of a booking is worth telling about.
var bookingKinds = map[string]messages.NoticeKind{
	"confirmed": messages.NoticeBookingConfirmed,
	"expired":   messages.NoticeBookingExpired,
	"failed":    messages.NoticeBookingFailed,
	"cancelled": messages.NoticeBookingCancelled,

	messages.BookingRefunded:       messages.NoticeBookingRefunded,
	messages.BookingPartlyRefunded: messages.NoticePartlyRefunded,
	messages.BookingRefundDelayed:  messages.NoticeRefundDelayed,
	messages.BookingRefundRefused:  messages.NoticeRefundRefused,
	messages.BookingRefundFailed:   messages.NoticeRefundFailed,
}

// namespace keeps ids made from a booking's step apart from all others.
var namespace = uuid.MustParse("0192f0c4-6a3e-7c1d-9a53-5b8f0e6f2d11")

// FromBooking makes the message of a booking's step; false when nobody needs to hear of it.
// The same step always gives the same id, so that a repeated delivery tells nothing twice.
func FromBooking(b messages.BookingChanged) (Message, bool) {
	kind, ok := bookingKinds[b.Status]
	if !ok {
		return Message{}, false
	}
	step := b.Booking.String() + b.Status
	if r := b.Refund; r != nil { // a booking may have several, and each may fail and be made again
		step += r.ID.String() + strconv.Itoa(r.Failures)
	}
	return Message{
		ID: uuid.NewSHA1(namespace, []byte(step)), Account: b.Account, Kind: kind, Event: &b.Event, Booking: &b.Booking, At: b.At, Refund: fromRefund(b.Refund),
	}, true
}

// Store keeps messages and the mails still to be sent.
type Store interface {
	// Add stores a message and, when mailed is set, that a mail is due. false: it was there already.
	Add(ctx context.Context, m Message, mailed bool) (added bool, err error)
	// List gives an account's messages, newest first, from before the cursor on, without those that
	// only go out by mail.
	List(ctx context.Context, account string, before Cursor, limit int) ([]Message, error)
	// MarkRead marks an account's messages up to a time as read.
	MarkRead(ctx context.Context, account string, until time.Time) error
}

// Cursor is a place in the list of messages. The zero value is its start.
type Cursor struct {
	At time.Time
	ID uuid.UUID
}

// Announcer pushes a stored message to open browsers, on whichever replica they are.
type Announcer interface {
	Announce(ctx context.Context, m Message) error
}

// Inbox takes notices in.
type Inbox struct {
	Store     Store
	Announcer Announcer
}

// Receive stores a message and shows it. A message that was stored before is shown again rather
// than lost: the process may have died between the two. Nobody reads what is for a deleted account.
func (i Inbox) Receive(ctx context.Context, m Message) error {
	if identity.IsTombstone(m.Account) {
		return nil
	}
	if _, err := i.Store.Add(ctx, m, Mailed(m.Kind)); err != nil {
		return err
	}
	if AboutAccount(m.Kind) {
		return nil
	}
	return i.Announcer.Announce(ctx, m)
}
