package notification

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/foyer-tickets/foyer/internal/leased"
)

// Farewell writes the last mail to somebody whose account is being deleted. It is not about a
// message: those are gone by then.
func (c *Composer) Farewell(to Recipient) (Mail, error) {
	locale := c.locale(to.Locale)
	texts := c.texts[locale]
	subject, body, footer := texts["account_deleted.subject"], texts["account_deleted.body"], texts["account_deleted.footer"]
	if subject == "" || body == "" || footer == "" {
		return Mail{}, fmt.Errorf("no farewell in %s", locale)
	}
	var html bytes.Buffer
	err := c.layout.Execute(&html, map[string]any{
		"Locale": locale, "Direction": direction(locale), "Greeting": fmt.Sprintf(texts["greeting"], to.Name), "Body": body, "Footer": footer,
	})
	if err != nil {
		return Mail{}, fmt.Errorf("mail: %w", err)
	}
	return Mail{To: to.Email, Subject: subject, HTML: html.String()}, nil
}

// FarewellStore keeps the last mails that are to be sent, each with its recipient until then.
type FarewellStore interface {
	// AddFarewell queues one. Where one of that id was queued before it does nothing.
	AddFarewell(ctx context.Context, id string, to Recipient, now time.Time) error
	// DueFarewells leases up to limit of them until the lease ends.
	DueFarewells(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]DueFarewell, error)
	// EndFarewell forgets the recipient of one that was sent or given up.
	EndFarewell(ctx context.Context, id string) error
	// RetryFarewell sets when the next try is due.
	RetryFarewell(ctx context.Context, id string, next time.Time) error
}

// DueFarewell is a last mail to send. Try counts from one.
type DueFarewell struct {
	ID       string
	To       Recipient
	Try      int
	QueuedAt time.Time
}

// farewellFor bounds how long the address of a deleted account is kept that no mail gets through to.
const (
	farewellFor   = time.Hour
	farewellPause = 5 * time.Minute
)

// Farewells queues and sends them.
type Farewells struct {
	Store    FarewellStore
	Composer *Composer
	Postman  Postman
	Now      func() time.Time
	GivenUp  func(context.Context) // told of each mail that was tried for the last time; may be nil
}

// Send queues the last mail of the account with that tombstone.
func (f Farewells) Send(ctx context.Context, tombstone string, to Recipient) error {
	return f.Store.AddFarewell(ctx, tombstone, to, f.Now())
}

// Run sends what is due until ctx ends.
func (f Farewells) Run(ctx context.Context) error { return f.queue().Run(ctx) }

// Step sends what is due now, for tests.
func (f Farewells) Step(ctx context.Context) (int, error) { return f.queue().Step(ctx) }

func (f Farewells) queue() leased.Queue[DueFarewell] {
	return leased.Queue[DueFarewell]{
		Name: "farewells", Workers: 1, Every: mailInterval, Timeout: MailTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]DueFarewell, error) {
			return f.Store.DueFarewells(ctx, f.Now(), lease, limit)
		},
		Do: f.deliver,
	}
}

// deliver sends one, and notes what came of it even when its time is over.
func (f Farewells) deliver(ctx context.Context, d DueFarewell) error {
	mail, err := f.Composer.Farewell(d.To)
	if err == nil {
		err = f.Postman.Send(ctx, mail)
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err == nil {
		return f.Store.EndFarewell(note, d.ID)
	}
	next := nextTry(f.Now(), d.Try, farewellPause, err)
	if next.After(d.QueuedAt.Add(farewellFor)) {
		slog.ErrorContext(ctx, "last mail given up", "tries", d.Try, "error", err)
		if f.GivenUp != nil {
			f.GivenUp(ctx)
		}
		return errors.Join(err, f.Store.EndFarewell(note, d.ID))
	}
	return errors.Join(err, f.Store.RetryFarewell(note, d.ID, next))
}
