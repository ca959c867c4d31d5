package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/auth"
)

// happened is what a fake Keycloak tells, and what is known of it.
type happened struct {
	mu       sync.Mutex
	events   []auth.Event
	recorded map[uuid.UUID]bool
	queue    map[string]auth.SessionEnd
	due      map[string]time.Time
}

func (h *happened) Events(context.Context, time.Time) ([]auth.Event, error) {
	return append([]auth.Event{}, h.events...), nil
}

func (h *happened) LastEvent(context.Context) (time.Time, error) { return time.Time{}, nil }

func (h *happened) Unknown(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	unknown := map[uuid.UUID]bool{}
	for _, id := range ids {
		unknown[id] = !h.recorded[id]
	}
	return unknown, nil
}

func (h *happened) RecordEvents(ctx context.Context, now time.Time, events ...auth.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		h.recorded[e.ID] = true
		if e.EndsAll || e.EndsBefore {
			h.queue[e.Account] = auth.SessionEnd{
				Account: e.Account, Everything: e.EndsAll || h.queue[e.Account].Everything, Before: e.At, Since: now,
			}
			h.due[e.Account] = now
		}
	}
	return ctx.Err()
}

func (h *happened) TakeEnds(_ context.Context, now time.Time, lease time.Duration, limit int) (taken []auth.SessionEnd, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for account, e := range h.queue {
		if len(taken) < limit && !h.due[account].After(now) {
			h.due[account] = now.Add(lease)
			taken = append(taken, e)
		}
	}
	return taken, nil
}

func (h *happened) EndDone(_ context.Context, e auth.SessionEnd) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.queue, e.Account)
	return nil
}

func (h *happened) PutOff(_ context.Context, e auth.SessionEnd, until time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.Tries++
	h.queue[e.Account], h.due[e.Account] = e, until
	return nil
}

// endings counts how often an account's sessions were ended; those of "stuck" never can be.
type endings struct {
	mu    sync.Mutex
	ended map[string]int
}

func (e *endings) EndAll(_ context.Context, account string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended[account]++
	if account == "stuck" {
		return errors.New("no")
	}
	return nil
}

func (e *endings) EndBefore(ctx context.Context, account string, _ time.Time) error {
	return e.EndAll(ctx, account)
}

// However many events end sessions, and whatever becomes of one of them, all are recorded, and every
// account's sessions end, once.
func TestOneEventHoldsUpNoOther(t *testing.T) {
	clock := now
	h := &happened{recorded: map[uuid.UUID]bool{}, queue: map[string]auth.SessionEnd{}, due: map[string]time.Time{}}
	add := func(account string, all bool) {
		h.events = append(h.events, auth.Event{Entry: auth.Entry{ID: uuid.Must(uuid.NewV7()), At: clock, Account: account}, EndsAll: all, EndsBefore: !all})
	}
	add("stuck", true)
	for range 300 {
		add("anna", true)
	}
	add("ben", false)
	ended := &endings{ended: map[string]int{}}
	reader := auth.EventReader{Events: h, Log: h, Now: func() time.Time { return clock }}
	closer := auth.SessionCloser{Queue: h, Ender: ended, Now: reader.Now}
	require.NoError(t, reader.Read(t.Context()))
	assert.Len(t, h.recorded, len(h.events))
	for range 3 {
		_, err := closer.Step(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, map[string]int{"stuck": 1, "anna": 1, "ben": 1}, ended.ended, "the one that failed waits for its next try")
	assert.Len(t, h.queue, 1)

	require.NoError(t, reader.Read(t.Context()), "all are known")
	clock = clock.Add(time.Minute)
	_, err := closer.Step(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, ended.ended["stuck"])
	clock = clock.Add(8 * 24 * time.Hour)
	_, err = closer.Step(t.Context())
	require.NoError(t, err)
	assert.Empty(t, h.queue, "given up in the end")
}
