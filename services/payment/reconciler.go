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

// ErrReconciling refuses a second reconciliation beside one under way.
var ErrReconciling = fault.New(fault.Conflict, "reconciliation_running", "A reconciliation is already running.").After(10 * time.Second)

// ErrReconciliationNotFound says that no such reconciliation ran.
var ErrReconciliationNotFound = fault.New(fault.NotFound, "reconciliation_not_found", "The reconciliation does not exist.")

// Statement is the provider's account of a period.
type Statement interface {
	Intents(ctx context.Context, from, to time.Time) ([]Intent, error)
	Refunds(ctx context.Context, from, to time.Time) ([]ProviderRefund, error)
}

// BookingReader tells what the bookings of a period believe.
type BookingReader interface {
	Money(ctx context.Context, from, to time.Time) ([]BookingMoney, error)
}

// Ledger gives our books of a period, and keeps reports.
type Ledger interface {
	Books(ctx context.Context, from, to time.Time) (Books, error)
	// Payments and RefundsNamed give what there is of what is named, whenever it was made.
	Payments(ctx context.Context, named Named) ([]Payment, error)
	RefundsNamed(ctx context.Context, ids []uuid.UUID, provider []string) ([]Refund, error)
	KeepReport(ctx context.Context, r Reconciliation) error
	// Alone runs f unless another replica is in it: ErrReconciling.
	Alone(ctx context.Context, f func(context.Context) error) error
}

// Named is what payments are looked up by: any of the three.
type Named struct {
	Intents  []string
	IDs      []uuid.UUID
	Bookings []uuid.UUID
}

// Reconciliation is one comparison and what came of it.
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
	Failure    string // a side that could not be read, as a code; empty when all were
	NotAsked   int    // refunds from before the period that the provider was not asked for: they may be there
}

// Reconciler compares the provider's books with ours and the bookings', heals what is safe, and
// reports the rest.
type Reconciler struct {
	Statement Statement
	Bookings  BookingReader
	Ledger    Ledger
	Poller    Poller
	Now       func() time.Time
}

// Period is how far back a reconciliation looks unless told otherwise: what the daily run could
// miss because it was not yet at rest, the next one sees.
const Period = 48 * time.Hour

// Bounds of one run.
const (
	runLimit  = 100 * time.Second
	lead      = time.Hour // a booking is older than its payment
	maxHealed = 500       // the next run does the rest
	maxAsked  = 100       // payments whose refunds the provider is asked for one by one; others may be in the next run
	asking    = 8         // at a time
)

// Run reconciles a period.
func (r Reconciler) Run(ctx context.Context, trigger string, from, to time.Time) (Reconciliation, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	id, err := uuid.NewV7()
	if err != nil {
		return Reconciliation{}, err
	}
	report := Reconciliation{ID: id, Trigger: trigger, From: from, To: to, StartedAt: r.Now()}
	err = r.Ledger.Alone(ctx, func(ctx context.Context) error {
		books, err := r.read(ctx, from, to)
		if err != nil {
			report.Failure = fault.CodeOf(err)
			report.FinishedAt = r.Now()
			slog.ErrorContext(ctx, "reconciliation failed", "error", err)
			if kerr := r.Ledger.KeepReport(ctx, report); kerr != nil {
				return kerr
			}
			return err
		}
		report.Intents, report.Payments, report.Refunds, report.Bookings = len(books.Intents), len(books.Payments), len(books.Refunds), len(books.Bookings)
		report.NotAsked = len(books.NotAsked)
		report.Findings = books.Compare(r.Now())
		r.heal(ctx, report.Findings)
		report.FinishedAt = r.Now()
		return r.Ledger.KeepReport(ctx, report)
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
	// Ours last: what they know, we should.
	bookings, err := r.Bookings.Money(ctx, from.Add(-lead), to)
	if err != nil {
		return Books{}, err
	}
	books, err := r.Ledger.Books(ctx, from, to)
	if err != nil {
		return Books{}, err
	}
	books.Intents, books.Returned, books.Bookings = intents, returned, bookings
	if err := r.complete(ctx, &books); err != nil {
		return Books{}, err
	}
	return books, nil
}

// complete adds what belongs to the period's books and is not of the period. Each side dates the same
// thing by its own clock, a payment is older than its intent and its refunds, and a booking that moves
// may have been paid long ago: that something is missing is only said once it was looked up by name.
func (r Reconciler) complete(ctx context.Context, books *Books) error {
	payments, err := r.Ledger.Payments(ctx, books.missing())
	if err != nil {
		return err
	}
	have := map[uuid.UUID]bool{}
	for _, p := range slices.Concat(books.Payments, books.Others) {
		have[p.ID] = true
	}
	for _, p := range payments {
		if !have[p.ID] {
			have[p.ID] = true
			books.Others = append(books.Others, p)
		}
	}
	ids, provider := books.unknownRefunds()
	refunds, err := r.Ledger.RefundsNamed(ctx, ids, provider)
	if err != nil {
		return err
	}
	books.Refunds = append(books.Refunds, refunds...)
	return r.earlierRefunds(ctx, books)
}

// earlierRefunds asks the provider for the refunds that moved here and that it made before the period.
// When there are more than one run asks for, those come first that the provider may never have heard of,
// and chance picks among the rest: no run leaves out the same ones as the last.
func (r Reconciler) earlierRefunds(ctx context.Context, books *Books) error {
	unseen := books.unseenRefunds(r.Now())
	intents := slices.Collect(maps.Keys(unseen))
	rand.Shuffle(len(intents), func(i, j int) { intents[i], intents[j] = intents[j], intents[i] })
	slices.SortStableFunc(intents, func(a, b string) int { return rank(unseen[a]) - rank(unseen[b]) })
	found := make([][]ProviderRefund, min(len(intents), maxAsked))
	books.NotAsked = map[uuid.UUID]bool{}
	for _, intent := range intents[len(found):] {
		for _, refund := range unseen[intent] {
			books.NotAsked[refund.ID] = true
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(asking)
	for i := range found {
		group.Go(func() error {
			all, err := r.Poller.Reader.RefundsOf(ctx, intents[i])
			if fault.KindOf(err) == fault.NotFound {
				return nil
			}
			for _, s := range all {
				if slices.ContainsFunc(unseen[intents[i]], s.about) {
					found[i] = append(found[i], s)
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	books.Returned = slices.Concat(append(found, books.Returned)...)
	return nil
}

// rank is 0 for refunds of which one was never answered, 1 for others.
func rank(refunds []Refund) int {
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
		err = r.Poller.Attend(ctx, p)
	case Apply:
		if p.Intent == "" {
			p.Intent = f.Intent
		}
		err = r.Poller.refresh(ctx, p, f.Refund != nil)
	}
	return err
}
