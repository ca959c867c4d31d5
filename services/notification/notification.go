// Package notification tells people what happened to them: a message in the app at once, and a
// mail for what must not be missed. Text is made here, in the reader's language, from ids and
// facts that the other services send; topics carry no names and no addresses.
package notification

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
)

// Message is what one account sees in the app.
type Message struct {
	ID      uuid.UUID
	Account string
	Kind    event.NoticeKind
	Event   *uuid.UUID
	Booking *uuid.UUID
	Hold    *uuid.UUID
	At      time.Time
	Read    bool
}

// Mailed tells whether a kind also goes out by mail. What a person only needs while looking at
// the page does not.
func Mailed(kind event.NoticeKind) bool {
	switch kind {
	case event.NoticeBookingConfirmed, event.NoticeBookingRefunded, event.NoticeBookingCancelled,
		event.NoticeBookingFailed, event.NoticeYourTurn:
		return true
	}
	return false
}

// FromNotice makes the message of a notice.
func FromNotice(n event.Notice) Message {
	return Message{ID: n.ID, Account: n.Account, Kind: n.Kind, Event: n.Event, Booking: n.Booking, Hold: n.Hold, At: n.At}
}

// bookingKinds says which step of a booking is worth telling about.
var bookingKinds = map[string]event.NoticeKind{
	"confirmed": event.NoticeBookingConfirmed,
	"expired":   event.NoticeBookingExpired,
	"failed":    event.NoticeBookingFailed,
	"cancelled": event.NoticeBookingCancelled,
	"refunded":  event.NoticeBookingRefunded,
}

// namespace keeps ids made from a booking's step apart from all others.
var namespace = uuid.MustParse("0192f0c4-6a3e-7c1d-9a53-5b8f0e6f2d11")

// FromBooking makes the message of a booking's step; false when nobody needs to hear of it.
// The same step always gives the same id, so that a repeated delivery tells nothing twice.
func FromBooking(b event.BookingChanged) (Message, bool) {
	kind, ok := bookingKinds[b.Status]
	if !ok {
		return Message{}, false
	}
	id := uuid.NewSHA1(namespace, []byte(b.Booking.String()+b.Status))
	return Message{ID: id, Account: b.Account, Kind: kind, Event: &b.Event, Booking: &b.Booking, At: b.At}, true
}

// Store keeps messages and the mails still to be sent.
type Store interface {
	// Add stores a message and, when mailed is set, that a mail is due. false: it was there already.
	Add(ctx context.Context, m Message, mailed bool) (added bool, err error)
	// List gives an account's messages, newest first, from before the cursor on.
	List(ctx context.Context, account string, before Cursor, limit int) ([]Message, error)
	// MarkRead marks an account's messages up to a time as read.
	MarkRead(ctx context.Context, account string, until time.Time) error
}

// Cursor is a place in the list of messages. The zero value is its start.
type Cursor struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
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
// than lost: the process may have died between the two.
func (i Inbox) Receive(ctx context.Context, m Message) error {
	if _, err := i.Store.Add(ctx, m, Mailed(m.Kind)); err != nil {
		return err
	}
	return i.Announcer.Announce(ctx, m)
}
