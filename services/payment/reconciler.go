package payment

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// ErrReconciling refuses a second reconciliation while one is running.
var ErrReconciling = fault.New(fault.Conflict, "reconciliation_running", "A reconciliation is already running.").After(10 * time.Second)

// ErrReconciliationNotFound says that no such reconciliation ran.
var ErrReconciliationNotFound = fault.New(fault.NotFound, "reconciliation_not_found", "The reconciliation does not exist.")

// Statement reads the provider's records of a period.
type Statement interface {
	Intents(ctx context.Context, from, to time.Time) ([]Intent, error)
	Refunds(ctx context.Context, from, to time.Time) ([]ProviderRefund, error)
}

// BookingReader reads what the bookings of a period record about their money.
type BookingReader interface {
	Money(ctx context.Context, from, to time.Time) ([]BookingMoney, error)
}

// ReconciliationStore reads our books of a period, and stores reports.
type ReconciliationStore interface {
	Books(ctx context.Context, from, to time.Time) (Books, error)
	// Payments and RefundsNamed return what exists of the named, whenever it was made.
	Payments(ctx context.Context, named Keys) ([]Payment, error)
	RefundsNamed(ctx context.Context, ids []uuid.UUID, provider []string) ([]Refund, error)
	SaveReport(ctx context.Context, r Reconciliation) error
	// RunExclusive runs f unless another replica runs one: ErrReconciling.
	RunExclusive(ctx context.Context, f func(context.Context) error) error
}

// Keys are what payments are looked up by: any of the three.
type Keys struct {
	Intents  []string
	IDs      []uuid.UUID
	Bookings []uuid.UUID
}

// Reconciliation is the report of one comparison.
type Reconciliation struct {
	ID         uuid.UUID
	Trigger    string // schedule or an admin's request
	From, To   time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	Intents    int
	Payments   int
	Refunds    int
	Bookings   int
	Findings   []Finding
	Failure    string // code of the error when a side could not be read
	NotQueried int    // refunds from before the period that were not looked up at the provider
}

// Reconciler compares the provider's books with ours and the bookings', repairs what is safe to repair, and
// reports the rest.
type Reconciler struct {
	Statement Statement
	Bookings  BookingReader
	Store     ReconciliationStore
	Poller    Poller
	Now       func() time.Time
}

// Period is how far back a reconciliation looks by default. It overlaps the last run's, which leaves out
// what was still in progress.
const Period = 48 * time.Hour

// Bounds of one run.
const (
	runTimeout       = 100 * time.Second
	bookingLead      = time.Hour // a booking is older than its payment
	maxHealed        = 500       // repairs of one run; the next run does the rest
	maxRefundQueries = 100       // payments whose refunds are read one by one; the next run may read others
	refundQueries    = 8         // of them at once
)

// Run reconciles a period.
func (r Reconciler) Run(ctx context.Context, trigger string, from, to time.Time) (Reconciliation, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	id, err := uuid.NewV7()
	if err != nil {
		return Reconciliation{}, err
	}
	report := Reconciliation{ID: id, Trigger: trigger, From: from, To: to, StartedAt: r.Now()}
	err = r.Store.RunExclusive(ctx, func(ctx context.Context) error {
		books, err := r.read(ctx, from, to)
		if err != nil {
			report.Failure = fault.CodeOf(err)
			report.FinishedAt = r.Now()
			slog.ErrorContext(ctx, "reconciliation failed", "error", err)
			if kerr := r.Store.SaveReport(ctx, report); kerr != nil {
				return kerr
			}
			return err
		}
		report.Intents, report.Payments, report.Refunds, report.Bookings = len(books.Intents), len(books.Payments), len(books.Refunds), len(books.Bookings)
		report.NotQueried = len(books.NotQueried)
		report.Findings = books.Compare(r.Now())
		r.heal(ctx, report.Findings)
		report.FinishedAt = r.Now()
		return r.Store.SaveReport(ctx, report)
	})
	return report, err
}

func (r Reconciler) read(ctx context.Context, from, to time.Time) (Books, error) {
	intents, err := r.Statement.Intents(ctx, from, to)
	if err != nil {
		return Books{}, err
	}
	returned, err := r.Statement.Refunds(ctx, from, to)
	if err != nil {
		return Books{}, err
	}
	// Ours are read last: what the others know, we should.
	bookings, err := r.Bookings.Money(ctx, from.Add(-bookingLead), to)
	if err != nil {
		return Books{}, err
	}
	books, err := r.Store.Books(ctx, from, to)
	if err != nil {
		return Books{}, err
	}
	books.Intents, books.ProviderRefunds, books.Bookings = intents, returned, bookings
	if err := r.complete(ctx, &books); err != nil {
		return Books{}, err
	}
	return books, nil
}

// complete adds what the period's books refer to outside the period. Each side dates the same thing by its
// own clock, a payment is older than its intent and its refunds, and a booking that changes may have been
// paid long ago: nothing is reported missing before it was looked up by its key.
func (r Reconciler) complete(ctx context.Context, books *Books) error {
	payments, err := r.Store.Payments(ctx, books.missingPayments())
	if err != nil {
		return err
	}
	have := map[uuid.UUID]bool{}
	for _, p := range slices.Concat(books.Payments, books.Related) {
		have[p.ID] = true
	}
	for _, p := range payments {
		if !have[p.ID] {
			have[p.ID] = true
			books.Related = append(books.Related, p)
		}
	}
	ids, provider := books.unknownRefunds()
	refunds, err := r.Store.RefundsNamed(ctx, ids, provider)
	if err != nil {
		return err
	}
	books.Refunds = append(books.Refunds, refunds...)
	return r.earlierRefunds(ctx, books)
}

// earlierRefunds reads from the provider the refunds that changed here and that it made before the period.
// If there are more than one run reads, those whose request was never answered come first and the rest is
// chosen at random, so that runs leave out different ones.
func (r Reconciler) earlierRefunds(ctx context.Context, books *Books) error {
	unseen := books.unseenRefunds(r.Now())
	intents := slices.Collect(maps.Keys(unseen))
	rand.Shuffle(len(intents), func(i, j int) { intents[i], intents[j] = intents[j], intents[i] })
	slices.SortStableFunc(intents, func(a, b string) int { return priority(unseen[a]) - priority(unseen[b]) })
	found := make([][]ProviderRefund, min(len(intents), maxRefundQueries))
	books.NotQueried = map[uuid.UUID]bool{}
	for _, intent := range intents[len(found):] {
		for _, refund := range unseen[intent] {
			books.NotQueried[refund.ID] = true
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(refundQueries)
	for i := range found {
		group.Go(func() error {
			all, err := r.Poller.Reader.RefundsOf(ctx, intents[i])
			if fault.KindOf(err) == fault.NotFound {
				return nil
			}
			for _, s := range all {
				if slices.ContainsFunc(unseen[intents[i]], s.isAttemptOf) {
					found[i] = append(found[i], s)
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	books.ProviderRefunds = slices.Concat(append(found, books.ProviderRefunds)...)
	return nil
}

// priority is 0 when the request of a refund was never answered, 1 otherwise.
func priority(refunds []Refund) int {
	if slices.ContainsFunc(refunds, func(r Refund) bool { return r.Status == RefundRequested }) {
		return 0
	}
	return 1
}

func (r Reconciler) heal(ctx context.Context, findings []Finding) {
	left := maxHealed
	for i := range findings {
		f := &findings[i]
		if f.Remedy == Report {
			slog.WarnContext(ctx, "reconciliation finding", "kind", f.Kind, "payment", f.Payment, "booking", f.Booking, "expected", f.Expected, "actual", f.Actual)
			continue
		}
		if left--; left < 0 {
			return
		}
		if err := r.remedy(ctx, *f); err != nil {
			f.Failure = fault.CodeOf(err)
			if f.Failure == "" {
				f.Failure = "internal"
			}
			slog.WarnContext(ctx, "reconciliation finding not healed", "kind", f.Kind, "payment", f.Payment, "remedy", f.Remedy, "error", err)
			continue
		}
		f.Healed = true
		slog.InfoContext(ctx, "reconciliation finding healed", "kind", f.Kind, "payment", f.Payment, "remedy", f.Remedy)
	}
}

func (r Reconciler) remedy(ctx context.Context, f Finding) error {
	service := r.Poller.Service
	if f.Payment == nil {
		_, err := service.Provider.CancelIntent(ctx, f.Intent)
		return err
	}
	p, err := service.Store.Get(ctx, *f.Payment)
	if err != nil {
		return err
	}
	switch f.Remedy {
	case Void:
		_, err = service.Void(ctx, p.ID)
	case RefundAgain:
		err = r.Poller.Poll(ctx, p)
	case Apply:
		if p.Intent == "" {
			p.Intent = f.Intent
		}
		err = r.Poller.refresh(ctx, p, f.Refund != nil)
	}
	return err
}
