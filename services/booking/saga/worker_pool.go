package saga

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Bounds of a pool. While its queue is full, messages wait at the broker.
const (
	poolWorkers    = 32
	poolQueue      = 256
	poolTries      = 8
	poolFirstPause = 200 * time.Millisecond // before the second try; doubles
	poolMaxPause   = 4 * time.Second        // at most
)

// WorkerPool drives the bookings that messages ask for, several at once, so that one that waits for the payment
// provider does not block the others. A message is acknowledged once its booking is queued: what a crash
// loses, the sweeper finds.
type WorkerPool struct {
	driver *Driver
	queue  chan task
}

type task struct {
	ctx     context.Context //nolint:containedctx // carries the trace of the message
	booking uuid.UUID
	known   *booking.Booking // as it was just read; nil: read it
	tries   int
}

// NewWorkerPool returns a pool. Run starts its workers.
func NewWorkerPool(d *Driver) *WorkerPool {
	return &WorkerPool{driver: d, queue: make(chan task, poolQueue)}
}

// Drive queues a booking. It waits for room in the queue until ctx ends.
func (p *WorkerPool) Drive(ctx context.Context, booking uuid.UUID) error {
	return p.enqueue(ctx, task{booking: booking})
}

func (p *WorkerPool) enqueue(ctx context.Context, t task) error {
	t.ctx = context.WithoutCancel(ctx)
	select {
	case p.queue <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Notice stores what a notice changes and queues the booking.
func (p *WorkerPool) Notice(ctx context.Context, n PaymentNotice) error {
	b, err := p.driver.Note(ctx, n)
	if err != nil {
		return err
	}
	return p.enqueue(ctx, task{booking: b.ID, known: &b})
}

// Backlog is how many bookings wait for a worker.
func (p *WorkerPool) Backlog() int { return len(p.queue) }

// Run drives bookings until ctx ends, and then for a grace period those in the queue, as their messages are
// acknowledged and the sweeper would come to them only later.
func (p *WorkerPool) Run(ctx context.Context) error {
	grace, cancel := worker.Grace(ctx, worker.InHand)
	defer cancel()
	var group errgroup.Group
	for range poolWorkers {
		group.Go(func() error {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case t := <-p.queue:
					p.work(grace, t)
				}
			}
			for grace.Err() == nil {
				select {
				case t := <-p.queue:
					p.work(grace, t)
				default:
					return ctx.Err()
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// work drives one booking until it is done or running ends.
func (p *WorkerPool) work(running context.Context, t task) {
	ctx, cancel := context.WithTimeout(t.ctx, DriveTimeout)
	defer cancel()
	defer context.AfterFunc(running, cancel)()
	var err error
	if t.known != nil {
		err = p.driver.driveOn(ctx, *t.known)
	} else {
		err = p.driver.Drive(ctx, t.booking)
	}
	t.known = nil // outdated by the next try
	if err == nil || errors.Is(err, booking.ErrBookingNotFound) {
		return
	}
	t.tries++
	slog.WarnContext(ctx, "booking not driven", "booking", t.booking, "try", t.tries, "error", err)
	if t.tries < poolTries {
		time.AfterFunc(worker.Pause(poolFirstPause, poolMaxPause, t.tries-1), func() { p.requeue(t) })
	}
}

// requeue queues a booking again that could not be driven. When the queue is full, and after the last try, it is
// left to the sweeper.
func (p *WorkerPool) requeue(t task) {
	select {
	case p.queue <- t:
	default:
	}
}
