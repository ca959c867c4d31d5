// Package dapr connects notification to Dapr: the topics it listens to, the mail binding,
// and the services that know people and bookings.
package dapr

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/notification"
)

// Adapter implements the domain's ports.
type Adapter struct {
	Client *daprclient.Client
	From   string // sender's address

	people *otter.Cache[string, notification.Recipient]
	turn   chan struct{} // held during a call of the SMTP binding
}

// A buyer gets several mails within minutes, and Keycloak is slow to answer. A new
// address counts a moment later.
const (
	rememberFor = 2 * time.Minute
	rememberMax = 10_000
)

// NewAdapter returns an adapter that sends mail as from.
func NewAdapter(client *daprclient.Client, from string) Adapter {
	return Adapter{Client: client, From: from, people: otter.Must(&otter.Options[string, notification.Recipient]{
		MaximumSize: rememberMax, ExpiryCalculator: otter.ExpiryCreating[string, notification.Recipient](rememberFor),
	}), turn: make(chan struct{}, 1)}
}

var (
	_ notification.Directory = Adapter{}
	_ notification.Orders    = Adapter{}
	_ notification.Sender    = Adapter{}
	_ notification.Announcer = Adapter{}
)

// Recipient asks auth, which asks Keycloak, and remembers the answer in memory for two minutes.
func (a Adapter) Recipient(ctx context.Context, account string) (notification.Recipient, error) {
	return a.people.Get(ctx, account, otter.LoaderFunc[string, notification.Recipient](func(ctx context.Context, account string) (r notification.Recipient, err error) {
		var answer struct {
			Email  string `json:"email"`
			Name   string `json:"name"`
			Locale string `json:"locale"`
		}
		err = a.Client.Invoke(ctx, messages.Auth, http.MethodGet, "/internal/accounts/"+account, nil, &answer)
		return notification.Recipient{Email: answer.Email, Name: answer.Name, Locale: answer.Locale}, err
	}))
}

// Link asks auth for the link of a mail.
func (a Adapter) Link(ctx context.Context, account, kind string) (string, error) {
	var link struct {
		URL string `json:"url"`
	}
	err := a.Client.Invoke(ctx, messages.Auth, http.MethodPost, "/internal/account-links", map[string]string{"account": account, "kind": kind}, &link)
	return link.URL, err
}

// Order asks booking.
func (a Adapter) Order(ctx context.Context, booking uuid.UUID) (notification.Order, error) {
	var answer order
	err := a.Client.Invoke(ctx, messages.Booking, http.MethodGet, fmt.Sprintf("/internal/bookings/%s/mail", booking), nil, &answer)
	return answer.read(), err
}

// order is booking's answer about a booking.
type order struct {
	Booking uuid.UUID   `json:"booking"`
	Total   money.Money `json:"total"`
	Event   struct {
		ID       uuid.UUID `json:"id"`
		Name     string    `json:"name"`
		StartsAt time.Time `json:"startsAt"`
		TimeZone string    `json:"timeZone"`
		Venue    struct {
			Name string `json:"name"`
			City string `json:"city"`
		} `json:"venue"`
	} `json:"event"`
	Tickets []struct {
		ID    uuid.UUID  `json:"id"`
		Unit  string     `json:"unit"`
		Label string     `json:"label"`
		Place seat.Place `json:"place"`
	} `json:"tickets"`
}

func (o order) read() notification.Order {
	read := notification.Order{Booking: o.Booking, Total: o.Total}
	read.Event.ID, read.Event.Name, read.Event.StartsAt, read.Event.TimeZone = o.Event.ID, o.Event.Name, o.Event.StartsAt, o.Event.TimeZone
	read.Event.Venue.Name, read.Event.Venue.City = o.Event.Venue.Name, o.Event.Venue.City
	for _, t := range o.Tickets {
		read.Tickets = append(read.Tickets, notification.Ticket(t))
	}
	return read
}

// Send hands a mail to the SMTP binding, one at a time: Dapr 1.18 writes the recipient and the
// subject of a request into the component's own settings, so that of two requests at once one mail
// may go to the other's recipient (docs/decisions/0117). The binding cannot be canceled: a mail
// whose time was over may go out all the same.
func (a Adapter) Send(ctx context.Context, m notification.Mail) error {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return fmt.Errorf("waiting for the mail binding: %w", context.Cause(ctx))
	}
	err := a.Client.Bind(ctx, messages.Email, "create", []byte(m.HTML), map[string]string{
		"emailFrom": a.From, "emailTo": m.To, "subject": m.Subject,
	})
	if err != nil && unanswered(err) {
		return notification.ErrUnanswered.Because(err)
	}
	return err
}

// unanswered tells a deadline, ours or the sidecar's, from a mail server's refusal.
func unanswered(err error) bool {
	switch status.Code(err) {
	case codes.DeadlineExceeded, codes.Canceled:
		return true
	}
	return strings.Contains(err.Error(), context.DeadlineExceeded.Error()) // the sidecar has no code of its own for its timeout
}

// Announce tells every replica; the one with the account's browser shows it.
func (a Adapter) Announce(ctx context.Context, m notification.Message) error {
	return a.Client.Publish(ctx, messages.Broadcast, messages.Messages, m.Account, m.Notice())
}

// Subscriptions of the service: what happened to bookings, notices of the other services, and
// stored messages on their way to browsers.
func Subscriptions(inbox notification.Inbox, show func(notification.Message)) []daprclient.Subscription {
	return []daprclient.Subscription{
		daprclient.SideBySide(messages.BookingEvents, func(b messages.BookingChanged) uuid.UUID { return b.Booking }, func(ctx context.Context, b messages.BookingChanged) error {
			m, ok := notification.FromBooking(b)
			if !ok {
				return nil
			}
			return inbox.Receive(ctx, m)
		}),
		daprclient.SideBySide(messages.Notices, func(n messages.Notice) string { return n.Account }, func(ctx context.Context, n messages.Notice) error {
			return inbox.Receive(ctx, notification.FromNotice(n))
		}),
		daprclient.On(messages.Broadcast, messages.Messages, func(_ context.Context, n messages.Notice) error {
			show(notification.FromNotice(n))
			return nil
		}),
	}
}
