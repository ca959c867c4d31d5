package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LeasedQueue defines a queue and how its items are processed: a replica takes a row for a limited time, and
// if it does not finish, the row becomes available to every replica again.
//
// An item whose lease expires before it is finished is processed twice. So a queue leases no more items
// than it has free workers, every item has a deadline, and its lease outlasts that deadline.
//
// An error of one item is logged and does not affect
// others. Do itself sets when a failed item is due again; otherwise it is due when its lease expires.
type LeasedQueue[T any] struct {
	Name    string
	Workers int           // items at a time
	Every   time.Duration // between looks at a queue that had nothing
	Timeout time.Duration // of one item

	// Take leases up to limit items that are due.
	Take func(ctx context.Context, lease time.Duration, limit int) ([]T, error)
	Do   func(ctx context.Context, item T) error
}

// margin is how much longer than its deadline an item is leased, for round trips to the database.
const margin = 10 * time.Second

// Lease returns the duration of an item's lease.
func (q LeasedQueue[T]) Lease() time.Duration { return q.Timeout + margin }

// Run processes items until ctx ends, and lets running items finish.
func (q LeasedQueue[T]) Run(ctx context.Context) error {
	// Running items are not cancelled when the process stops, because an item that was half sent would be sent
	// again.
	items, abandon := Grace(ctx, InHand)
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

// reserve waits for a free worker, and reserves all that are free.
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

func (q LeasedQueue[T]) do(ctx context.Context, item T) {
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

// Step leases and processes the items that are due now, as many as there are workers, and returns their
// number. It is for tests and for callers with their own schedule.
func (q LeasedQueue[T]) Step(ctx context.Context) (int, error) {
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
