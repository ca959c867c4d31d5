package notification

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// DeletionMail writes the last mail to somebody whose account is being deleted. It is not about a
// message: those are gone by then.
func (c *Composer) DeletionMail(to Recipient) (Mail, error) {
	locale := c.locale(to.Locale)
	texts := c.texts[locale]
	subject, body, footer := texts["account_deleted.subject"], texts["account_deleted.body"], texts["account_deleted.footer"]
	if subject == "" || body == "" || footer == "" {
		return Mail{}, fmt.Errorf("no deletion mail in %s", locale)
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

// DeletionMailStore keeps the last mails that are to be sent, each with its recipient until then.
type DeletionMailStore interface {
	// AddDeletionMail queues one. Where one of that id was queued before it does nothing.
	AddDeletionMail(ctx context.Context, id string, to Recipient, now time.Time) error
	// DueDeletionMails leases up to limit of them until the lease ends.
	DueDeletionMails(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]DueDeletionMail, error)
	// EndDeletionMail forgets the recipient of one that was sent or given up.
	EndDeletionMail(ctx context.Context, id string) error
	// RetryDeletionMail sets when the next try is due.
	RetryDeletionMail(ctx context.Context, id string, next time.Time) error
}

// DueDeletionMail is a last mail to send. Try counts from one.
type DueDeletionMail struct {
	ID       string
	To       Recipient
	Try      int
	QueuedAt time.Time
}

// deletionMailFor bounds how long the address of a deleted account is kept that no mail gets through to.
const (
	deletionMailFor   = time.Hour
	deletionMailPause = 5 * time.Minute
)

// DeletionMails queues and sends them.
type DeletionMails struct {
	Store    DeletionMailStore
	Composer *Composer
	Sender   Sender
	Now      func() time.Time
	GivenUp  func(context.Context) // told of each mail that was tried for the last time; may be nil
}

// Send queues the last mail of the account with that tombstone.
func (f DeletionMails) Send(ctx context.Context, tombstone string, to Recipient) error {
	return f.Store.AddDeletionMail(ctx, tombstone, to, f.Now())
}

// Run sends what is due until ctx ends.
func (f DeletionMails) Run(ctx context.Context) error { return f.queue().Run(ctx) }

// Step sends what is due now, for tests.
func (f DeletionMails) Step(ctx context.Context) (int, error) { return f.queue().Step(ctx) }

func (f DeletionMails) queue() worker.LeasedQueue[DueDeletionMail] {
	return worker.LeasedQueue[DueDeletionMail]{
		Name: "farewells", Workers: 1, Every: mailInterval, Timeout: MailTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]DueDeletionMail, error) {
			return f.Store.DueDeletionMails(ctx, f.Now(), lease, limit)
		},
		Do: f.deliver,
	}
}

// deliver sends one, and notes what came of it even when its time is over.
func (f DeletionMails) deliver(ctx context.Context, d DueDeletionMail) error {
	mail, err := f.Composer.DeletionMail(d.To)
	if err == nil {
		err = f.Sender.Send(ctx, mail)
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err == nil {
		return f.Store.EndDeletionMail(note, d.ID)
	}
	next := nextTry(f.Now(), d.Try, deletionMailPause, err)
	if next.After(d.QueuedAt.Add(deletionMailFor)) {
		slog.ErrorContext(ctx, "last mail given up", "tries", d.Try, "error", err)
		if f.GivenUp != nil {
			f.GivenUp(ctx)
		}
		return errors.Join(err, f.Store.EndDeletionMail(note, d.ID))
	}
	return errors.Join(err, f.Store.RetryDeletionMail(note, d.ID, next))
}
