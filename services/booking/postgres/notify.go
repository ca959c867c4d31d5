package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/foyer-tickets/foyer/internal/database"
)

// channel on which steps of bookings are notified, with the booking's id.
const channel = "booking_steps"

// Bounds of the notifications. Those that do not fit are dropped: waiting requests poll as well.
const (
	notifyQueue   = 4096
	notifyTimeout = 2 * time.Second
)

// StepNotifier notifies all processes of the steps of bookings, for requests that wait for them. It does so after
// the commit, as NOTIFY within transactions serialises their commits. Steps that come while a notification is
// sent are sent together with the next one.
type StepNotifier struct {
	pool  *pgxpool.Pool
	steps chan uuid.UUID
}

// NewStepNotifier returns a notifier; Run sends what it is told.
func NewStepNotifier(pool *pgxpool.Pool) *StepNotifier {
	return &StepNotifier{pool: pool, steps: make(chan uuid.UUID, notifyQueue)}
}

// Notify queues the step of a booking. It never blocks.
func (n *StepNotifier) Notify(id uuid.UUID) {
	select {
	case n.steps <- id:
	default:
	}
}

// Run sends notifications until ctx ends.
func (n *StepNotifier) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case id := <-n.steps:
			n.send(ctx, n.gather(id))
		}
	}
}

// Flush sends what is queued.
func (n *StepNotifier) Flush(ctx context.Context) error {
	select {
	case id := <-n.steps:
		n.send(ctx, n.gather(id))
	default:
	}
	return nil
}

func (n *StepNotifier) gather(first uuid.UUID) []string {
	ids := []string{first.String()}
	for len(ids) < notifyQueue {
		select {
		case id := <-n.steps:
			ids = append(ids, id.String())
		default:
			return ids
		}
	}
	return ids
}

func (n *StepNotifier) send(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	if _, err := n.pool.Exec(ctx, `SELECT pg_notify($1, id) FROM unnest($2::text[]) AS id`, channel, ids); err != nil {
		slog.DebugContext(ctx, "steps not notified", "bookings", len(ids), "error", err)
	}
}

// Listen calls f with the id of each booking that made a step, until ctx ends or the connection does.
func (s Store) Listen(ctx context.Context, f func(uuid.UUID)) error {
	conn, err := s.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer database.Restore(ctx, conn, `UNLISTEN *`)
	for {
		var n *pgconn.Notification
		if n, err = conn.Conn().WaitForNotification(ctx); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if id, err := uuid.Parse(n.Payload); err == nil {
			f(id)
		}
	}
}
