// Package leased implements work queues with leases: a replica takes a row for a limited time, and if it
// does not finish, the row becomes available to every replica again.
//
// An item whose lease expires before it is finished is processed twice. So a queue leases no more items
// than it has free workers, every item has a deadline, and its lease outlasts that deadline.
package leased

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// Queue is a queue and how it is worked off. Whatever happens to one item, the others go on: an
// error of Do is logged, and it is for Do to say when the item is due again, which otherwise is
// when its lease ends.
type Queue[T any] struct {
	Name    string
	Workers int           // items at a time
	Every   time.Duration // between looks at a queue that had nothing
	Timeout time.Duration // of one item

	// Take leases up to limit items that are due.
	Take func(ctx context.Context, lease time.Duration, limit int) ([]T, error)
	Do   func(ctx context.Context, item T) error
}

// margin is how much longer than an item's deadline its lease is: for the way from and to the database.
const margin = 10 * time.Second

// Lease is how long an item is taken for.
func (q Queue[T]) Lease() time.Duration { return q.Timeout + margin }

// Run works until ctx ends, and lets the items in hand finish.
func (q Queue[T]) Run(ctx context.Context) error {
	// Items are not torn off when the process leaves: what was sent half is sent again.
	items, abandon := worker.Grace(ctx, worker.InHand)
	defer abandon()

	free := make(chan struct{}, q.Workers)
	for range q.Workers {
		free <- struct{}{}
	}
	var group sync.WaitGroup
	defer group.Wait()
	tick := time.NewTicker(q.Every)
	defer tick.Stop()
	for {
		limit, err := reserve(ctx, free)
		if err != nil {
			return err
		}
		taken, err := q.Take(ctx, q.Lease(), limit)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "queue not read", "queue", q.Name, "error", err)
		}
		for range limit - len(taken) {
			free <- struct{}{}
		}
		for _, item := range taken {
			group.Go(func() {
				defer func() { free <- struct{}{} }()
				q.do(items, item)
			})
		}
		if len(taken) == limit {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// reserve waits for a free worker, and takes all that are free.
func reserve(ctx context.Context, free chan struct{}) (n int, err error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-free:
	}
	for n = 1; ; n++ {
		select {
		case <-free:
		default:
			return n, nil
		}
	}
}

func (q Queue[T]) do(ctx context.Context, item T) {
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "queue item panicked", "queue", q.Name, "panic", p)
		}
	}()
	if err := q.Do(ctx, item); err != nil {
		slog.WarnContext(ctx, "queue item failed", "queue", q.Name, "error", err)
	}
}

// Step takes and works off what is due now, as far as the workers go at once, and tells how many
// items that were. For tests, and whoever has a rhythm of their own.
func (q Queue[T]) Step(ctx context.Context) (int, error) {
	taken, err := q.Take(ctx, q.Lease(), q.Workers)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	for _, item := range taken {
		group.Go(func() { q.do(ctx, item) })
	}
	group.Wait()
	return len(taken), nil
}

// Pause is how long an item waits before its next try: first, twice as long for each try that failed
// before, and at most most.
func Pause(first, most time.Duration, failed int) time.Duration {
	return worker.Pause(first, most, failed)
}
