package daprstore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/booking"
)

// oneByOne is the strategy for stores whose transactions are not atomic (Redis): the steps as
// single conditional writes, undone in reverse when one is refused. Units are taken first and
// given back last, so that whatever a cart says it has it did have; the count comes before the
// cart, since the next try sets it right.
//
// What a crash in between leaves behind is bounded by the TTL of holds; the database's unique
// index still keeps a unit out of two bookings.
func (s *Seats) oneByOne(ctx context.Context, ops []daprclient.Op) error {
	slices.SortStableFunc(ops, func(a, b daprclient.Op) int { return order(a) - order(b) })
	for i, op := range ops {
		err := s.single(ctx, op)
		if err != nil && !s.done(ctx, op) {
			return errors.Join(err, s.undo(context.WithoutCancel(ctx), ops[:i]))
		}
	}
	return nil
}

func order(op daprclient.Op) int {
	switch {
	case op.Value == nil:
		return 3
	case strings.HasPrefix(op.Key, "hold:"), strings.HasPrefix(op.Key, "page:"):
		return 2
	case strings.HasPrefix(op.Key, "cap:"):
		return 1
	}
	return 0
}

// linger is how long the key of a seat outlives its hold. Redis counts a key's versions from one
// again once it is gone, so that an old ETag would fit a new holder: keys that come and go must
// not come back while somebody may still remember them.
const linger = time.Hour

var freeSeat = EncodeSeat(booking.Seat{State: booking.Available})

func (s *Seats) single(ctx context.Context, op daprclient.Op) error {
	if op.Value == nil {
		return s.store.PutIf(ctx, op.Key, freeSeat, op.ETag, linger)
	}
	ttl := op.TTL
	switch {
	case ttl == 0:
		ttl = Forever
	case strings.HasPrefix(op.Key, "seat:"):
		ttl += linger
	}
	return s.store.PutIf(ctx, op.Key, op.Value, op.ETag, ttl)
}

// done tells whether a step that was refused was taken all the same, and only the answer lost.
func (s *Seats) done(ctx context.Context, op daprclient.Op) bool {
	items, err := s.store.GetBulk(ctx, []string{op.Key})
	if err != nil {
		return false
	}
	if op.Value == nil {
		return bytes.Equal(items[op.Key].Value, freeSeat)
	}
	return bytes.Equal(items[op.Key].Value, op.Value)
}

// Forever clears a TTL on stores that otherwise keep the old one.
const Forever time.Duration = -1

// undo takes back the units, holds and counts that this change created.
func (s *Seats) undo(ctx context.Context, done []daprclient.Op) error {
	var errs []error
	for i := len(done) - 1; i >= 0; i-- {
		op := done[i]
		if op.Value == nil || op.ETag != "" {
			continue // replaced, not created: the next try starts from what stands there
		}
		items, err := s.store.GetBulk(ctx, []string{op.Key})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if it, ok := items[op.Key]; ok && string(it.Value) == string(op.Value) {
			errs = append(errs, s.store.DeleteIf(ctx, op.Key, it.ETag))
		}
	}
	return errors.Join(errs...)
}
