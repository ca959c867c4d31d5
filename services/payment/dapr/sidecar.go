// Package dapr connects payment to Dapr: what the bookings believe, and the job that
// reconciles every day.
package dapr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	dapr "github.com/dapr/go-sdk/client"
	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/payment"
)

// Bookings asks the booking service.
type Bookings struct{ Client *daprclient.Client }

var _ payment.BookingReader = Bookings{}

// Bounds of reading what bookings believe. A page is answered within one attempt of the sidecar.
const (
	moneyPage  = 2000
	moneyPages = 2500 // five million bookings
)

var errTooMany = fault.New(fault.Invalid, "period_too_long", "There are too many bookings in this period; please ask for a shorter one.")

// Money implements payment.BookingReader. A booking that moves while it is read comes more than once: the
// last one counts.
func (b Bookings) Money(ctx context.Context, from, to time.Time) ([]payment.BookingMoney, error) {
	query := url.Values{
		"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Add(time.Second).Format(time.RFC3339)}, "limit": {strconv.Itoa(moneyPage)},
	}
	var all []payment.BookingMoney
	at := map[uuid.UUID]int{}
	for range moneyPages {
		var page struct {
			Items []struct {
				Booking  uuid.UUID  `json:"booking"`
				Payment  *uuid.UUID `json:"payment"`
				Status   string     `json:"status"`
				Amount   int64      `json:"amount"`
				Refunded int64      `json:"refunded"`
				Currency string     `json:"currency"`
				At       time.Time  `json:"at"`
				Trouble  string     `json:"trouble"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := b.Client.Invoke(ctx, messages.Booking, http.MethodGet, "/internal/reconciliation/bookings?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, k := range page.Items {
			i, seen := at[k.Booking]
			if !seen {
				i = len(all)
				at[k.Booking], all = i, append(all, payment.BookingMoney{})
			}
			all[i] = payment.BookingMoney(k)
		}
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
	return nil, errTooMany
}

// The job. The scheduler keeps it, so that one replica is called however many there are.
const (
	jobName     = "reconcile"
	jobRetry    = 15 * time.Second
	jobPatience = 5 * time.Second
)

// Job has Dapr's scheduler call for a reconciliation.
type Job struct {
	Client     *daprclient.Client
	Reconciler payment.Reconciler
	Schedule   string // systemd cron with seconds, or @daily and the like

	Background func(task func(context.Context)) // runs a task that ends with the process
}

// Run registers the job, which replaces one of the same name. It repeats until it is heard.
func (j Job) Run(ctx context.Context) error {
	for warned := false; ; {
		err := j.register(ctx)
		if err == nil {
			slog.InfoContext(ctx, "reconciliation scheduled", "schedule", j.Schedule)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !warned {
			slog.WarnContext(ctx, "reconciliation not scheduled yet", "error", err)
			warned = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(jobRetry):
		}
	}
}

func (j Job) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jobPatience)
	defer cancel()
	job := dapr.NewJob(jobName, dapr.WithJobSchedule(j.Schedule))
	job.Overwrite = true // what is configured now
	if err := j.Client.Dapr().ScheduleJob(ctx, job); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return nil
}

// A scheduled run that fails is tried again: a day without one is long.
const (
	againAfter = time.Minute
	againFor   = time.Hour
)

// Mount adds the route that the sidecar calls when the time has come.
func (j Job) Mount(guarded *mux.Router) {
	guarded.HandleFunc("/job/"+jobName, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK) // taken; the report says what came of it
		j.Background(j.reconcile)
	})
}

func (j Job) reconcile(ctx context.Context) {
	_, err := backoff.Retry(ctx, func() (payment.Reconciliation, error) {
		now := j.Reconciler.Now()
		report, err := j.Reconciler.Run(ctx, "schedule", now.Add(-payment.Period), now)
		if errors.Is(err, payment.ErrReconciling) {
			return report, backoff.Permanent(err) // somebody is at it
		}
		return report, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(againAfter)), backoff.WithMaxElapsedTime(againFor))
	if err != nil {
		slog.ErrorContext(ctx, "scheduled reconciliation given up", "error", err)
	}
}
