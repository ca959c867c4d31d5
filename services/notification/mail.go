package notification

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/language"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Recipient is whom a mail goes to. It is asked for when the mail is sent, and not stored; only that of an
// account's last mail is, until the mail is out (DeletionMails).
type Recipient struct {
	Email  string
	Name   string
	Locale string
	Link   string // of this one mail
}

// Order is what a mail about a booking shows.
type Order struct {
	Booking uuid.UUID
	Total   money.Money
	Event   struct {
		ID       uuid.UUID
		Name     string
		StartsAt time.Time
		TimeZone string
		Venue    struct {
			Name string
			City string
		}
	}
	Tickets []Ticket
}

// Ticket is one line of a booking. ID is zero before tickets were issued.
type Ticket struct {
	ID    uuid.UUID
	Unit  string
	Label string
	Place seat.Place
}

// Mail is ready to be sent.
type Mail struct {
	To, Subject, HTML string
}

//go:embed locales/*.json mail.html.tmpl
var files embed.FS

// Locales we write in; the first is for everyone else.
var locales = []language.Tag{
	language.English, language.German, language.Spanish, language.French,
	language.Vietnamese, language.Japanese, language.Arabic,
}

// Composer writes mails.
type Composer struct {
	publicURL string
	texts     map[string]map[string]string // locale -> key -> text
	layout    *template.Template
	match     language.Matcher
}

// NewComposer reads the texts. publicURL is where the links in mails lead.
func NewComposer(publicURL string) (*Composer, error) {
	c := &Composer{publicURL: publicURL, texts: map[string]map[string]string{}, match: language.NewMatcher(locales)}
	for _, tag := range locales {
		raw, err := files.ReadFile("locales/" + tag.String() + ".json")
		if err != nil {
			return nil, fmt.Errorf("texts: %w", err)
		}
		var texts map[string]string
		if err := json.Unmarshal(raw, &texts); err != nil {
			return nil, fmt.Errorf("texts of %s: %w", tag, err)
		}
		c.texts[tag.String()] = texts
	}
	layout, err := template.ParseFS(files, "mail.html.tmpl")
	if err != nil {
		return nil, fmt.Errorf("mail layout: %w", err)
	}
	c.layout = layout
	return c, nil
}

// locale picks the best of ours for what a person asked for.
func (c *Composer) locale(asked string) string {
	_, i, _ := c.match.Match(language.Make(asked))
	return locales[i].String()
}

// Compose writes the mail for a message. order is nil for messages that are not about a booking.
func (c *Composer) Compose(m Message, to Recipient, order *Order) (Mail, error) {
	locale := c.locale(to.Locale)
	texts := c.texts[locale]
	say := func(part string) string {
		if order.free(m) { // a free order shows no amounts
			if t := texts[string(m.Kind)+"."+part+".free"]; t != "" {
				return t
			}
		}
		return texts[string(m.Kind)+"."+part]
	}
	subject, body := say("subject"), say("body")
	if subject == "" || body == "" {
		return Mail{}, fmt.Errorf("no text for %s in %s", m.Kind, locale)
	}
	type ticketView struct{ Label, PDF, Calendar string }
	view := struct {
		Locale, Direction, Greeting, Body, Action, ActionURL, Footer string
		EventName, When, Where, Total                                string
		TotalLabel, TicketsLabel, PDFLabel, CalendarLabel            string
		Tickets                                                      []ticketView
	}{
		Locale: locale, Direction: direction(locale),
		Greeting: fmt.Sprintf(texts["greeting"], to.Name), Body: body,
		Action: say("action"), ActionURL: c.actionURL(m), Footer: texts["footer"],
		TotalLabel: texts["total"], TicketsLabel: texts["tickets"], PDFLabel: texts["pdf"], CalendarLabel: texts["calendar"],
	}
	if AboutAccount(m.Kind) {
		// No name: somebody else may have typed both it and this address.
		view.Greeting, view.Footer = "", texts["footer_account"]
		if to.Link != "" {
			view.ActionURL = to.Link
		}
	}
	if order != nil {
		view.EventName = order.Event.Name
		if !order.free(m) {
			view.Total = order.Total.String()
		}
		if m.Refund != nil {
			view.TicketsLabel, view.TotalLabel = texts["returned_tickets"], texts["refund"]
			if !order.free(m) {
				view.TicketsLabel, view.Total = texts["refunded_tickets"], m.Refund.Amount.String()
			}
			if m.Kind != messages.NoticeBookingRefunded && m.Kind != messages.NoticePartlyRefunded {
				view.TicketsLabel = texts["tickets"]
			}
		}
		view.When = when(order.Event.StartsAt, order.Event.TimeZone)
		view.Where = order.Event.Venue.Name
		if city := order.Event.Venue.City; city != "" && city != view.Where {
			view.Where += ", " + city
		}
		for _, t := range order.Tickets {
			if m.Refund != nil && !slices.Contains(m.Refund.Units, t.Unit) {
				continue
			}
			tv := ticketView{Label: t.Place.In(locale, t.Label)}
			if m.Kind == messages.NoticeBookingConfirmed && t.ID != uuid.Nil {
				tv.PDF = c.publicURL + "/api/v1/tickets/" + t.ID.String() + ".pdf"
				tv.Calendar = c.publicURL + "/api/v1/tickets/" + t.ID.String() + ".ics"
			}
			view.Tickets = append(view.Tickets, tv)
		}
		subject = fmt.Sprintf("%s: %s", subject, order.Event.Name)
	}
	var html bytes.Buffer
	if err := c.layout.Execute(&html, view); err != nil {
		return Mail{}, fmt.Errorf("mail: %w", err)
	}
	return Mail{To: to.Email, Subject: text.Printable(subject), HTML: html.String()}, nil
}

// free tells whether a message is about something that costs nothing.
func (o *Order) free(m Message) bool {
	if m.Refund != nil {
		return m.Refund.Amount.Amount == 0
	}
	return o != nil && o.Total.Amount == 0
}

func (c *Composer) actionURL(m Message) string {
	switch {
	case m.Booking != nil:
		return c.publicURL + "/bookings/" + m.Booking.String()
	case m.Kind == messages.NoticePasswordChanged:
		return c.publicURL + "/password"
	case m.Kind == messages.NoticeYourTurn && m.Event != nil:
		return c.publicURL + "/events/" + m.Event.String() + "/queue"
	case m.Event != nil:
		return c.publicURL + "/events/" + m.Event.String()
	}
	return c.publicURL
}

// when writes a time in the venue's zone, in a form that reads the same in every language.
func when(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format("2006-01-02 15:04 MST")
}

func direction(locale string) string {
	if locale == "ar" {
		return "rtl"
	}
	return "ltr"
}

// Directory finds the person behind an account.
type Directory interface {
	Recipient(ctx context.Context, account string) (Recipient, error)
	// Link makes a link that the account may use once. The one made before ends.
	Link(ctx context.Context, account, kind string) (string, error)
}

// Orders finds what a mail about a booking shows.
type Orders interface {
	Order(ctx context.Context, booking uuid.UUID) (Order, error)
}

// Sender sends one mail.
type Sender interface {
	Send(ctx context.Context, m Mail) error
}

// Outbox is the queue of mails due. Each is leased to one replica at a time.
type Outbox interface {
	// Due leases up to limit mails until the lease ends.
	Due(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Due, error)
	Sent(ctx context.Context, id uuid.UUID, now time.Time) error
	// Failed counts the try and sets when the next one is due; no more tries when retry is zero.
	Failed(ctx context.Context, id uuid.UUID, retry time.Time) error
}

// Due is a mail to send. Try counts from one.
type Due struct {
	Message Message
	Try     int
}

// Mailer sends what is due.
type Mailer struct {
	Outbox    Outbox
	Directory Directory
	Orders    Orders
	Composer  *Composer
	Sender    Sender
	Now       func() time.Time
	GivenUp   func(context.Context) // told of each mail that was tried for the last time; may be nil
}

// How mails are retried: for about a day with growing pauses, then given up, counted and logged.
const (
	mailsAtOnce  = 1 // the binding takes one (docs/decisions/0117): others would spend their time and tries waiting
	mailTries    = 23
	mailInterval = time.Second
	mailPause    = 2 * time.Hour

	// MailTimeout is for one mail: whom it goes to, what is in it, and a mail server that takes its time, for
	// this mail and for one of the other queue that has the binding (DeletionMails).
	MailTimeout = 160 * time.Second

	// unknownPause is how long a mail waits whose sending was not answered: it may still go out.
	unknownPause = 15 * time.Minute
)

// ErrUnanswered is for a mail that the mail server did not answer for: it may have been sent.
var ErrUnanswered = fault.New(fault.Unavailable, "mail_unanswered", "The mail server did not answer in time.")

// Run sends mails until ctx ends.
func (m Mailer) Run(ctx context.Context) error { return m.queue().Run(ctx) }

func (m Mailer) queue() worker.LeasedQueue[Due] {
	return worker.LeasedQueue[Due]{
		Name: "mails", Workers: mailsAtOnce, Every: mailInterval, Timeout: MailTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]Due, error) {
			return m.Outbox.Due(ctx, m.Now(), lease, limit)
		},
		Do: m.deliver,
	}
}

// deliver sends one mail, and notes what came of it even when its time is over: what is not noted
// is sent again.
func (m Mailer) deliver(ctx context.Context, d Due) error {
	err := m.send(ctx, d.Message)
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err == nil {
		return m.Outbox.Sent(note, d.Message.ID, m.Now())
	}
	next := nextTry(m.Now(), d.Try, mailPause, err)
	if d.Try >= mailTries || fault.KindOf(err) == fault.NotFound { // an account that is gone gets no mail
		next = time.Time{}
		slog.ErrorContext(ctx, "mail given up", "message", d.Message.ID, "kind", d.Message.Kind, "tries", d.Try, "error", err)
		if m.GivenUp != nil {
			m.GivenUp(ctx)
		}
	}
	return errors.Join(err, m.Outbox.Failed(note, d.Message.ID, next))
}

const noteTimeout = 5 * time.Second

// nextTry doubles the pause from two seconds to at most most. A mail that may be on its way waits longer.
func nextTry(now time.Time, try int, most time.Duration, err error) time.Time {
	pause := worker.Pause(2*time.Second, most, try-1)
	if errors.Is(err, ErrUnanswered) {
		pause = max(pause, unknownPause)
	}
	return now.Add(pause)
}

func (m Mailer) send(ctx context.Context, msg Message) error {
	to, err := m.Directory.Recipient(ctx, msg.Account)
	if err != nil {
		return err
	}
	if kind := LinkOf(msg.Kind); kind != "" {
		if to.Link, err = m.Directory.Link(ctx, msg.Account, kind); err != nil {
			return err
		}
	}
	var order *Order
	if msg.Booking != nil {
		o, err := m.Orders.Order(ctx, *msg.Booking)
		if err != nil {
			return err
		}
		order = &o
	}
	mail, err := m.Composer.Compose(msg, to, order)
	if err != nil {
		return err
	}
	return m.Sender.Send(ctx, mail)
}
