package rest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/httpapi"
	"github.com/foyer-tickets/foyer/internal/worker"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Steps wakes requests that wait for a step of a booking. The zero value is ready to use.
type Steps struct {
	mu      sync.Mutex
	waiting map[uuid.UUID]map[chan struct{}]struct{}
}

// Watch gives a channel that receives after a step, once for several that come together.
func (s *Steps) Watch(id uuid.UUID) (steps <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = map[uuid.UUID]map[chan struct{}]struct{}{}
	}
	if s.waiting[id] == nil {
		s.waiting[id] = map[chan struct{}]struct{}{}
	}
	s.waiting[id][c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting[id], c)
		if len(s.waiting[id]) == 0 {
			delete(s.waiting, id)
		}
	}
}

// Wake signals a step.
func (s *Steps) Wake(id uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.waiting[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Run keeps listening for steps until ctx ends.
func (s *Steps) Run(ctx context.Context, listen func(context.Context, func(uuid.UUID)) error) error {
	for {
		err := listen(ctx, s.Wake)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		slog.WarnContext(ctx, "not listening for bookings' steps", "error", err)
		if err := worker.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// StreamBooking implements GET /api/v1/bookings/{booking}/stream.
func (s Server) StreamBooking(w http.ResponseWriter, r *http.Request, id BookingId) error {
	steps, leave := s.Steps.Watch(id) // before the first read, so that no step is missed
	defer leave()
	account, b, err := s.find(r, id)
	if err != nil {
		return err
	}
	stream, err := httpapi.NewStream(w)
	if err != nil {
		return err
	}
	beat := time.NewTicker(httpapi.Heartbeat)
	defer beat.Stop()
	poll := time.NewTicker(3 * time.Second) // notifications may be lost
	defer poll.Stop()
	var sent int64
	for {
		if b.Version != sent {
			view, err := s.view(r.Context(), account, b)
			if err != nil {
				return nil
			}
			raw, err := json.Marshal(view)
			if err != nil || stream.Send("booking", strconv.FormatInt(b.Version, 10), raw) != nil {
				return nil
			}
			sent = b.Version
		}
		if finished(b) {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			if stream.Comment() != nil {
				return nil
			}
		case <-steps:
		case <-poll.C:
		}
		if b, err = s.Service.Booking(r.Context(), account, id); err != nil {
			return nil // it comes back
		}
	}
}

// finished tells whether the booking makes no further step by itself.
func finished(b booking.Booking) bool {
	return b.Status == booking.Confirmed || b.Status == booking.Refunded || b.Status.Ended()
}
