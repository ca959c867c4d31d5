package auth

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// Event is something that happened at Keycloak.
type Event struct {
	Entry
	EndsBefore bool // a credential was changed: what the account had before must end
	EndsAll    bool // rights may have changed: what the account has must end
}

// Events reads what happened at Keycloak since a moment, oldest first.
type Events interface {
	Events(ctx context.Context, since time.Time) ([]Event, error)
}

// EventLog is what is known of Keycloak's events already.
type EventLog interface {
	LastEvent(ctx context.Context) (time.Time, error)
	Unknown(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error)
	// RecordEvents adds events to the trail and, in the same transaction, what they end to the queue
	// of SessionEnds.
	RecordEvents(ctx context.Context, now time.Time, events ...Event) error
}

// EventReader copies Keycloak's events into the audit trail and queues what ends sessions: passwords
// changed on Keycloak's own pages, and what admins do in its console. It ends none itself, so that no
// account can hold up the events of the others.
type EventReader struct {
	Events Events
	Log    EventLog
	Now    func() time.Time
}

// How often events are read; eventOverlap is how much later than its time an event may show up.
const (
	eventInterval = 2 * time.Second
	eventOverlap  = 30 * time.Second
	eventTimeout  = 20 * time.Second // of reading
	eventBatch    = 200              // recorded at a time
	recordTimeout = 10 * time.Second // of each batch
)

// Run reads until ctx ends.
func (r EventReader) Run(ctx context.Context) error {
	return worker.Every(ctx, eventInterval, worker.LogFailures("events not read", r.Read))
}

// Read copies what is new.
func (r EventReader) Read(ctx context.Context) error {
	fresh, err := r.fresh(ctx)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(fresh, eventBatch) {
		if err := r.record(ctx, batch); err != nil {
			return err // in order: the next reading begins at the last one that is recorded
		}
	}
	return nil
}

func (r EventReader) fresh(ctx context.Context) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	last, err := r.Log.LastEvent(ctx)
	if err != nil {
		return nil, err
	}
	events, err := r.Events.Events(ctx, last.Add(-eventOverlap))
	if err != nil || len(events) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	unknown, err := r.Log.Unknown(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(e Event) bool { return !unknown[e.ID] }), nil
}

func (r EventReader) record(ctx context.Context, events []Event) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return r.Log.RecordEvents(ctx, r.Now(), events...)
}

// SessionEnd is an account whose sessions are still to be ended.
type SessionEnd struct {
	Account    string
	Everything bool      // all of them
	Before     time.Time // otherwise those from before
	Since      time.Time // when it was last asked for
	Version    int64
	Tries      int // failed ones
}

// SessionEnds is the queue of them, one for each account.
type SessionEnds interface {
	TakeEnds(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]SessionEnd, error)
	// EndDone removes one, unless it was asked for again since it was taken.
	EndDone(ctx context.Context, e SessionEnd) error
	// PutOff has one wait after a failed try.
	PutOff(ctx context.Context, e SessionEnd, until time.Time) error
}

// Bounds of the queue. What fails is tried again, less and less often, for as long as Keycloak keeps
// the event.
const (
	endsAtOnce  = 8
	endsEvery   = time.Second
	endTimeout  = 15 * time.Second // Keycloak's answer, the write, and the rest of a second
	endPauseMin = 2 * time.Second
	endPauseMax = 5 * time.Minute
	endsFor     = 7 * 24 * time.Hour
)

// SessionCloser ends the sessions of accounts in the queue, each by itself.
type SessionCloser struct {
	Queue SessionEnds
	Ender interface {
		EndAll(ctx context.Context, account string) error
		EndBefore(ctx context.Context, account string, moment time.Time) error
	}
	Now func() time.Time
}

func (c SessionCloser) queue() worker.LeasedQueue[SessionEnd] {
	return worker.LeasedQueue[SessionEnd]{
		Name: "sessions to end", Workers: endsAtOnce, Every: endsEvery, Timeout: endTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]SessionEnd, error) {
			return c.Queue.TakeEnds(ctx, c.Now(), lease, limit)
		},
		Do: c.end,
	}
}

// Run works until ctx ends.
func (c SessionCloser) Run(ctx context.Context) error { return c.queue().Run(ctx) }

// Step works off what is due, as far as the workers go at once.
func (c SessionCloser) Step(ctx context.Context) (int, error) { return c.queue().Step(ctx) }

func (c SessionCloser) end(ctx context.Context, e SessionEnd) error {
	var err error
	if e.Everything {
		err = c.Ender.EndAll(ctx, e.Account)
	} else {
		err = c.Ender.EndBefore(ctx, e.Account, e.Before)
	}
	// What became of it is noted even when ending it took all the time there was.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout/2)
	defer cancel()
	if err == nil {
		return c.Queue.EndDone(ctx, e)
	}
	if c.Now().Sub(e.Since) > endsFor {
		slog.ErrorContext(ctx, "sessions of an account not ended, given up", "account", e.Account, "error", err)
		return c.Queue.EndDone(ctx, e)
	}
	pause := worker.Pause(endPauseMin, endPauseMax, e.Tries)
	if noted := c.Queue.PutOff(ctx, e, c.Now().Add(pause)); noted != nil {
		return noted
	}
	return fmt.Errorf("sessions not ended, next try in %s: %w", pause, err)
}
