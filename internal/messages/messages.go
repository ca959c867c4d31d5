// Package messages defines the names of components and topics, and the messages that services publish
// on them, with their size limits. Messages contain ids and numbers, never personal data; a consumer that
// needs more calls the service that owns the data. A unit test compares the names with the YAML in components/.
package messages

import (
	"time"

	"github.com/google/uuid"
)

// Component names, the same in every environment.
const (
	Seats     = "seats"     // state: seats, holds, caps
	Line      = "line"      // state: waiting-room sequencer and actor state
	Cache     = "cache"     // state: sessions, queue entries, read cache
	PubSub    = "pubsub"    // every topic that must arrive
	Broadcast = "broadcast" // fan-out to every replica; newest only
	Email     = "email"     // output binding: email
	Secrets   = "secrets"   // every secret
)

// App-ids of the Dapr sidecars.
const (
	Auth               = "auth"
	Catalog            = "catalog"
	Search             = "search"
	Booking            = "booking"
	BookingConsumer    = "booking-consumer"
	HighDemandConsumer = "highdemand-consumer"
	WaitingRoom        = "waitingroom"
	Payment            = "payment"
	Notification       = "notification"
)

// Topics on PubSub. Each has a dead-letter topic of the same name with the suffix Dead.
const (
	CatalogChanges          = "catalog.changes"
	AvailabilityChanges     = "availability.changes"
	BookingRequests         = "booking.requests"
	BookingRequestsPriority = "booking.requests.priority"
	BookingEvents           = "booking.events"
	PaymentEvents           = "payment.events"
	HoldRequests            = "hold.requests"
	InventorySummary        = "inventory.summary"
	Notices                 = "notices"

	Dead = ".dead"
)

// Topics on Broadcast.
const (
	SeatChanges  = "seat.changes"
	HoldOutcomes = "hold.outcomes"
	LineTicks    = "line.ticks"
	Messages     = "messages" // stored notifications, for open browsers
)

// Topics lists every topic on PubSub.
func Topics() []string {
	return []string{CatalogChanges, AvailabilityChanges, BookingRequests, BookingRequestsPriority, BookingEvents, PaymentEvents, HoldRequests, InventorySummary, Notices}
}

// BroadcastTopics lists every topic on Broadcast.
func BroadcastTopics() []string { return []string{SeatChanges, HoldOutcomes, LineTicks, Messages} }

// CatalogChanged reports that an event, its ticket types, its venue or its seating plan has changed. Key:
// event. LSN is a Postgres log sequence number, which orders the changes of an event. On AvailabilityChanges
// it reports that only the event's availability has changed. Snapshot marks events that a relay found in its
// snapshot; they may not have changed.
type CatalogChanged struct {
	Event   uuid.UUID `json:"event"`
	Deleted bool      `json:"deleted,omitempty"`
	LSN     uint64    `json:"lsn,string"`

	Snapshot bool `json:"snapshot,omitempty"`
}

// BookingRequested asks the booking-consumer to process a booking. Key: booking.
type BookingRequested struct {
	Booking uuid.UUID `json:"booking"`
	Event   uuid.UUID `json:"event"`
}

// BookingChanged reports the outcome of a booking (confirmed, expired, failed, cancelled, refunded) or of a
// refund (partly_refunded, refund_delayed, refund_refused, refund_failed). Key: booking. Version increases.
// Units are the booking's current units.
type BookingChanged struct {
	Booking uuid.UUID `json:"booking"`
	Event   uuid.UUID `json:"event"`
	Account string    `json:"account"` // opaque id
	Status  string    `json:"status"`
	Version int64     `json:"version"`
	Units   []string  `json:"units"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`

	Refund *BookingRefund `json:"refund,omitempty"` // the refund reported; nil in older messages
}

// Values of BookingChanged.Status that report refunds.
const (
	BookingRefunded       = "refunded"        // of all units
	BookingPartlyRefunded = "partly_refunded" // of some units; the booking keeps the others
	BookingRefundDelayed  = "refund_delayed"  // it failed, and is tried again
	BookingRefundRefused  = "refund_refused"  // it failed; the tickets stay good
	BookingRefundFailed   = "refund_failed"   // it failed for good, and the money is owed
)

// BookingRefund is a refund of some or all units of a booking, in minor units of the currency. Failures is the
// number of failed attempts.
type BookingRefund struct {
	ID       uuid.UUID `json:"id"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Units    []string  `json:"units"`
	Failures int       `json:"failures,omitempty"`
}

// PaymentKind is what happened to a payment.
type PaymentKind string

// The kinds of PaymentChanged.
const (
	PaymentAuthorized          PaymentKind = "authorized"
	PaymentAuthorizationFailed PaymentKind = "authorization_failed"
	PaymentVoided              PaymentKind = "voided"
	PaymentRefunded            PaymentKind = "refunded"
	PaymentRefundDelayed       PaymentKind = "refund_delayed" // it failed, and is tried again
	PaymentRefundFailed        PaymentKind = "refund_failed"  // for good
)

// PaymentChanged reports a change of a booking's payment to the booking-consumer. Key: booking.
type PaymentChanged struct {
	Payment  uuid.UUID   `json:"payment"`
	Booking  uuid.UUID   `json:"booking"`
	Intent   string      `json:"intent"`
	Kind     PaymentKind `json:"kind"`
	Amount   int64       `json:"amount"`
	Currency string      `json:"currency"`
	Refund   *uuid.UUID  `json:"refund,omitempty"`
	Attempt  int         `json:"attempt,omitempty"` // of the refund; counts from one
	Reason   string      `json:"reason,omitempty"`
	At       time.Time   `json:"at"`
}

// Inventory is the availability of an event. Key: event; published at most once per event and second.
type Inventory struct {
	Event     uuid.UUID `json:"event"`
	Available int       `json:"available"`
	Held      int       `json:"held"`
	Booked    int       `json:"booked"`
	Total     int       `json:"total"`
	Version   int64     `json:"version"`
	At        time.Time `json:"at"`
}

// SeatsChanged reports changed units to every booking replica. Key: event. A message without changes reports
// that the event itself has changed.
type SeatsChanged struct {
	Event   uuid.UUID    `json:"event"`
	Changes []SeatChange `json:"changes"`
}

// SeatChange is the new state of one unit: a available, h held, b booked, x blocked. Until is when a hold
// ends, in milliseconds of Unix time, or 0 if nothing ends. Hold is the hold that caused the change, and
// Version counts the changes of that hold, which orders them without a clock.
type SeatChange struct {
	Unit    string    `json:"unit"`
	State   string    `json:"state"`
	Until   int64     `json:"until,omitempty"`
	Hold    uuid.UUID `json:"hold"`
	Version int64     `json:"v,omitempty"`
}

// LineTick is the current state of an event's queue. Key: event.
type LineTick struct {
	Event   uuid.UUID `json:"event"`
	Served  int64     `json:"served"`
	Rate    float64   `json:"rate"` // admissions per second, measured
	State   string    `json:"state"`
	At      time.Time `json:"at"`
	Lapsed  int64     `json:"lapsed"`  // places up to here had their turn
	Taken   int64     `json:"taken"`   // people who came so far
	Pace    float64   `json:"pace"`    // admissions per second, allowed
	OpensAt time.Time `json:"opensAt"` // when people are first let in
	Drawn   int64     `json:"drawn,omitempty"`
}

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of Notice.
const (
	NoticeBookingConfirmed NoticeKind = "booking_confirmed"
	NoticeBookingExpired   NoticeKind = "booking_expired"
	NoticeBookingFailed    NoticeKind = "booking_failed"
	NoticeBookingCancelled NoticeKind = "booking_cancelled"
	NoticeBookingRefunded  NoticeKind = "booking_refunded"
	NoticePartlyRefunded   NoticeKind = "booking_partly_refunded"
	NoticeRefundDelayed    NoticeKind = "booking_refund_delayed"
	NoticeRefundRefused    NoticeKind = "booking_refund_refused"
	NoticeRefundFailed     NoticeKind = "booking_refund_failed"
	NoticeHoldExpired      NoticeKind = "hold_expired"
	NoticeYourTurn         NoticeKind = "your_turn"

	// About the account itself: these go out by mail alone.
	NoticeConfirmEmail    NoticeKind = "confirm_email"
	NoticeAccountExists   NoticeKind = "account_exists"
	NoticePasswordReset   NoticeKind = "password_reset"
	NoticePasswordChanged NoticeKind = "password_changed"
)

// Notice asks the notification service to notify one account in the app and, if it cannot wait, by email. Key:
// account. The text is rendered in the reader's language. A repeated notice has the same id.
type Notice struct {
	ID      uuid.UUID  `json:"id"`
	Account string     `json:"account"`
	Kind    NoticeKind `json:"kind"`
	Event   *uuid.UUID `json:"event,omitempty"`
	Booking *uuid.UUID `json:"booking,omitempty"`
	Hold    *uuid.UUID `json:"hold,omitempty"`
	At      time.Time  `json:"at"`

	Refund *BookingRefund `json:"refund,omitempty"`
}
