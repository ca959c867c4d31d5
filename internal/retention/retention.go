// Package retention deletes rows that services no longer need, after configurable periods. Config has all
// periods; docs/operations.md documents them.
package retention

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Config is read from the environment.
type Config struct {
	Messages     time.Duration `env:"FOYER_KEEP_MESSAGES" envDefault:"8760h"`      // in-app messages and their mails: a year
	Webhooks     time.Duration `env:"FOYER_KEEP_WEBHOOKS" envDefault:"720h"`       // receipts of webhooks that had their effect: the provider repeats one for days
	WebhookCases time.Duration `env:"FOYER_KEEP_WEBHOOK_CASES" envDefault:"9600h"` // receipts that people may have to look at: a year and a month
	Secrets      time.Duration `env:"FOYER_KEEP_CLIENT_SECRETS" envDefault:"24h"`  // of payments that nobody made, should their end not have been noticed
	Deadlines    time.Duration `env:"FOYER_KEEP_HOLD_DEADLINES" envDefault:"24h"`  // of holds nobody could be told of
	Outbox       time.Duration `env:"FOYER_KEEP_OUTBOX" envDefault:"720h"`         // rows that the relay left; it removes what it carried after an hour
	Rejected     time.Duration `env:"FOYER_KEEP_REJECTED" envDefault:"720h"`       // messages that the broker did not take
	SignIns      time.Duration `env:"FOYER_KEEP_SIGN_INS" envDefault:"2160h"`      // in the audit trail, with network addresses: 90 days
	Audit        time.Duration `env:"FOYER_KEEP_AUDIT" envDefault:"9600h"`         // the rest of the trail: 400 days
}

// Rule deletes rows, or clears columns, that are older than Keep. Statement gets the cutoff time and the
// maximum number of rows as $1 and $2, and affects at most that many.
type Rule struct {
	Name      string
	Keep      time.Duration
	Statement string
}

// outbox: rows that were not published for so long are useless. A relay that lags behind for hours raises an
// alarm (cdc_lag_bytes).
func (c Config) outbox() Rule {
	return Rule{"outbox", c.Outbox, `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 ORDER BY created_at LIMIT $2)`}
}

// rejected: messages that the relay set aside, for inspection.
func (c Config) rejected() Rule {
	return Rule{"rejected", c.Rejected, `DELETE FROM cdc_rejected WHERE ctid = ANY (ARRAY(SELECT ctid FROM cdc_rejected WHERE at < $1 ORDER BY at LIMIT $2))`}
}

// Catalog returns the rules of the database catalog.
func (c Config) Catalog() []Rule { return []Rule{c.rejected()} }

// Booking returns the rules of the database booking.
func (c Config) Booking() []Rule {
	return []Rule{
		c.outbox(), c.rejected(),
		{"client_secrets", c.Secrets, `UPDATE bookings SET client_secret = NULL WHERE id IN (
			SELECT id FROM bookings WHERE client_secret <> '' AND updated_at < $1 LIMIT $2)`},
		{"hold_deadlines", c.Deadlines, `DELETE FROM hold_deadlines WHERE hold_id IN (SELECT hold_id FROM hold_deadlines WHERE due < $1 ORDER BY due LIMIT $2)`},
		{"troubles", 0, `DELETE FROM troubles WHERE booking_id IN (
			SELECT t.booking_id FROM troubles t JOIN bookings b ON b.id = t.booking_id WHERE b.version <> t.version AND t.next_try < $1 LIMIT $2)`},
	}
}

// Payment returns the rules of the database payment.
func (c Config) Payment() []Rule {
	return []Rule{
		c.outbox(), c.rejected(),
		{"webhooks", c.Webhooks, `DELETE FROM inbox WHERE id IN (
			SELECT id FROM inbox WHERE at < $1 AND outcome IN ('applied', 'ignored') ORDER BY at LIMIT $2)`},
		{"webhook_cases", c.WebhookCases, `DELETE FROM inbox WHERE id IN (
			SELECT id FROM inbox WHERE at < $1 AND outcome IN ('refused', 'noted') ORDER BY at LIMIT $2)`},
		{"client_secrets", c.Secrets, `UPDATE payments SET client_secret = '' WHERE id IN (
			SELECT id FROM payments WHERE client_secret <> '' AND updated_at < $1 LIMIT $2)`},
	}
}

// Notification returns the rules of the database notification. Deleting a notification deletes its email too.
func (c Config) Notification() []Rule {
	return []Rule{
		{"messages", c.Messages, `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE at < $1 ORDER BY at LIMIT $2)`},
		{"farewells", c.Messages, `DELETE FROM farewells WHERE id IN (SELECT id FROM farewells WHERE at < $1 ORDER BY at LIMIT $2)`},
	}
}

// Auth returns the rules of the database auth. Its audit trail rejects deletions of entries of the last 80
// days.
func (c Config) Auth() []Rule {
	return []Rule{
		{"links", 0, `DELETE FROM links WHERE (account, kind) IN (SELECT account, kind FROM links WHERE expires < $1 ORDER BY expires LIMIT $2)`},
		{"jobs", jobsKept, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE created_at < $1 AND kind <> 'end_sessions' ORDER BY created_at LIMIT $2)`},
		{"session_end_jobs", endsKept, `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE created_at < $1 ORDER BY created_at LIMIT $2)`},
		{"mail_counts", countsKept, `DELETE FROM counts WHERE ctid = ANY (ARRAY(SELECT ctid FROM counts WHERE at < $1 ORDER BY at LIMIT $2))`},
		{"sign_ins", c.SignIns, `DELETE FROM audit WHERE id IN (SELECT id FROM audit
			WHERE at < $1 AND kind IN ('sign_in', 'sign_in_failed', 'sign_out', 'locked_out', 'token_refused') ORDER BY at LIMIT $2)`},
		{"audit", c.Audit, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)`},
	}
}

// countsKept is longer than the hour over which emails are counted.
const countsKept = 24 * time.Hour

// The queue gives jobs up after so long; the rules are for those that it does not come to. A form holds
// a password.
const (
	jobsKept = 24 * time.Hour
	endsKept = 7 * 24 * time.Hour
)

var removed = telemetry.NewCounter("retention.rows", "{row}", "Rows that were removed, or had columns emptied, because their time was over.", "rule")

// Janitor applies rules periodically, in batches that lock few rows for a short time. Several replicas may run
// it at once.
type Janitor struct {
	Pool  *pgxpool.Pool
	Rules []Rule
}

// Limits of one run; the next run continues.
const (
	every    = 10 * time.Minute
	step     = 1000
	maxSteps = 100
	patience = 10 * time.Second // of one step
)

// Run applies the rules until ctx ends.
func (j Janitor) Run(ctx context.Context) error {
	return worker.Every(ctx, every, func(ctx context.Context) {
		for name, n := range j.Apply(ctx, time.Now()) {
			removed.Add(ctx, n, name)
		}
	})
}

// Apply applies all rules once and returns the number of rows that each affected. A failed rule does not stop
// the others.
func (j Janitor) Apply(ctx context.Context, now time.Time) map[string]int64 {
	affected := map[string]int64{}
	for _, rule := range j.Rules {
		for range maxSteps {
			n, err := j.step(ctx, rule, now)
			affected[rule.Name] += n
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "retention", "rule", rule.Name, "error", err)
			}
			if err != nil || n < step {
				break
			}
		}
	}
	return affected
}

func (j Janitor) step(ctx context.Context, rule Rule, now time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tag, err := j.Pool.Exec(ctx, rule.Statement, now.Add(-rule.Keep), step)
	if err != nil {
		return 0, fmt.Errorf("retention of %s: %w", rule.Name, err)
	}
	return tag.RowsAffected(), nil
}
