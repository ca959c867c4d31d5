package auth

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
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
	RecordEvents(ctx context.Context, entries ...Entry) error
	Purge(ctx context.Context, now time.Time) error
}

// EventReader copies Keycloak's events into the audit trail and acts on those that end sessions:
// passwords changed on Keycloak's own pages, and what admins do in its console.
type EventReader struct {
	Events Events
	Log    EventLog
	Ender  Ender
	Now    func() time.Time
}

// How often events are read; eventOverlap is how much later than its time an event may show up.
const (
	eventInterval = 2 * time.Second
	eventOverlap  = 30 * time.Second
	purgeInterval = time.Hour
	eventTimeout  = 20 * time.Second
)

// Run reads until ctx ends.
func (r EventReader) Run(ctx context.Context) error {
	tick := time.NewTicker(eventInterval)
	defer tick.Stop()
	var purged time.Time
	failing := false
	for {
		err := r.read(ctx)
		if err != nil && !failing && ctx.Err() == nil { // once for each time that Keycloak is away
			slog.WarnContext(ctx, "events not read", "error", err)
		}
		failing = err != nil
		if now := r.Now(); now.Sub(purged) > purgeInterval {
			purged = now
			if err := r.Log.Purge(ctx, now); err != nil {
				slog.WarnContext(ctx, "old entries not removed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (r EventReader) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	last, err := r.Log.LastEvent(ctx)
	if err != nil {
		return err
	}
	events, err := r.Events.Events(ctx, last.Add(-eventOverlap))
	if err != nil || len(events) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	unknown, err := r.Log.Unknown(ctx, ids)
	if err != nil {
		return err
	}
	var fresh []Entry
	for _, e := range events {
		if !unknown[e.ID] {
			continue
		}
		// First what it means, then that it is known: whoever dies in between leaves it to be done again.
		switch {
		case e.EndsAll:
			err = r.Ender.EndAll(ctx, e.Account)
		case e.EndsBefore:
			err = r.Ender.EndBefore(ctx, e.Account, e.At)
		}
		if err != nil {
			slog.ErrorContext(ctx, "sessions not ended", "kind", e.Kind, "error", err)
			break
		}
		fresh = append(fresh, e.Entry)
	}
	if recorded := r.Log.RecordEvents(ctx, fresh...); recorded != nil {
		return recorded
	}
	return err
}
