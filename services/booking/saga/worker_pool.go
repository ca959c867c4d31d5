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

// Bounds of a pool. A full queue makes the broker wait.
const (
	poolWorkers    = 32
	poolQueue      = 256
	poolTries      = 8
	poolFirstPause = 200 * time.Millisecond // before the second try; doubles
	poolMaxPause   = 4 * time.Second        // at most
)

// WorkerPool drives bookings beside the messages that ask for it: one that waits for the payment
// provider must not keep the others waiting. A message is done once its booking is in hand, since
// what is lost with the process the sweeper finds.
type WorkerPool struct {
	driver *Driver
	queue  chan task
}

type task struct {
	ctx     context.Context //nolint:containedctx // carries the trace of the message
	booking uuid.UUID
	known   *booking.Booking // as it was just seen; nil: it has to be looked at
	tries   int
}

// NewWorkerPool returns a pool; Run has it work.
func NewWorkerPool(d *Driver) *WorkerPool {
	return &WorkerPool{driver: d, queue: make(chan task, poolQueue)}
}

// Drive takes a booking in hand. It waits for room, and no longer than ctx.
func (c *WorkerPool) Drive(ctx context.Context, booking uuid.UUID) error {
	return c.take(ctx, task{booking: booking})
}

func (c *WorkerPool) take(ctx context.Context, t task) error {
	t.ctx = context.WithoutCancel(ctx)
	select {
	case c.queue <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Notice keeps what happened to the money, and has the booking driven on.
func (c *WorkerPool) Notice(ctx context.Context, n PaymentNotice) error {
	b, err := c.driver.Note(ctx, n)
	if err != nil {
		return err
	}
	return c.take(ctx, task{booking: b.ID, known: &b})
}

// Run works until ctx ends, and then for a moment on what is in hand and what waits: their messages
// are done, and the sweeper comes for the rest only later.
func (c *WorkerPool) Run(ctx context.Context) error {
	grace, cancel := worker.Grace(ctx, worker.InHand)
	defer cancel()
	var group errgroup.Group
	for range poolWorkers {
		group.Go(func() error {
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case t := <-c.queue:
					c.work(grace, t)
				}
			}
			for grace.Err() == nil {
				select {
				case t := <-c.queue:
					c.work(grace, t)
				default:
					return ctx.Err()
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// work drives one booking; it stops when running does.
func (c *WorkerPool) work(running context.Context, t task) {
	ctx, cancel := context.WithTimeout(t.ctx, DriveTimeout)
	defer cancel()
	defer context.AfterFunc(running, cancel)()
	var err error
	if t.known != nil {
		err = c.driver.driveOn(ctx, *t.known)
	} else {
		err = c.driver.Drive(ctx, t.booking)
	}
	t.known = nil // old by the next try
	if err == nil || errors.Is(err, booking.ErrBookingNotFound) {
		return
	}
	t.tries++
	slog.WarnContext(ctx, "booking not driven", "booking", t.booking, "try", t.tries, "error", err)
	if t.tries < poolTries {
		time.AfterFunc(min(poolFirstPause<<(t.tries-1), poolMaxPause), func() { c.again(t) })
	}
}

// again puts a booking back that could not be driven, unless there is enough to do: the sweeper
// finds it then, as it does after the last try.
func (c *WorkerPool) again(t task) {
	select {
	case c.queue <- t:
	default:
	}
}
