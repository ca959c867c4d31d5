// Package dapr is what of payment speaks Dapr: the client of the booking service, and the scheduled job
// that reconciles every day.
package dapr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	dapr "github.com/dapr/go-sdk/client"
	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/payment"
)

// The job. The scheduler keeps it, so that one replica is called however many there are.
const (
	jobName    = "reconcile"
	jobRetry   = 15 * time.Second
	jobTimeout = 5 * time.Second
)

// ReconciliationJob has Dapr's scheduler call for a reconciliation.
type ReconciliationJob struct {
	Client     *daprclient.Client
	Reconciler payment.Reconciler
	Schedule   string // systemd cron with seconds, or @daily and the like

	Background func(task func(context.Context)) // runs a task that ends with the process
}

// Run registers the job, which replaces one of the same name. It repeats until it is heard.
func (j ReconciliationJob) Run(ctx context.Context) error {
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
		if err := worker.Sleep(ctx, jobRetry); err != nil {
			return err
		}
	}
}

func (j ReconciliationJob) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
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
func (j ReconciliationJob) Mount(guarded *mux.Router) {
	guarded.HandleFunc("/job/"+jobName, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK) // taken; the report says what came of it
		j.Background(j.reconcile)
	})
}

func (j ReconciliationJob) reconcile(ctx context.Context) {
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
