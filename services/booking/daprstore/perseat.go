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

// writeOneByOne is the strategy for stores whose transactions are not atomic (Redis): one conditional write for
// each operation, undone in reverse order when one is refused. Units are taken first and freed last, so that
// a hold never lists a unit that it did not have. The cap is written before the hold, as the next try
// corrects it.
//
// What a crash leaves behind ends with the TTL of holds, and the unique index of the database still keeps a
// unit out of two bookings.
func (s *Seats) writeOneByOne(ctx context.Context, ops []daprclient.Op) error {
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

// seatLinger is how long the key of a seat outlives its hold. Redis counts the versions of a key from one
// again after it was deleted, so that an old ETag would match the value of a new hold: the key must not be
// created anew while a process may still have the old ETag.
const seatLinger = time.Hour

var freeSeat = EncodeSeat(booking.Seat{State: booking.Available})

func (s *Seats) single(ctx context.Context, op daprclient.Op) error {
	if op.Value == nil {
		return s.store.PutIf(ctx, op.Key, freeSeat, op.ETag, seatLinger)
	}
	ttl := op.TTL
	switch {
	case ttl == 0:
		ttl = Forever
	case strings.HasPrefix(op.Key, "seat:"):
		ttl += seatLinger
	}
	return s.store.PutIf(ctx, op.Key, op.Value, op.ETag, ttl)
}

// done tells whether a write that failed took place all the same.
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

// Forever is a TTL that clears the one a key has, on stores that otherwise keep it.
const Forever time.Duration = -1

// undo deletes the keys that these operations created.
func (s *Seats) undo(ctx context.Context, done []daprclient.Op) error {
	var errs []error
	for i := len(done) - 1; i >= 0; i-- {
		op := done[i]
		if op.Value == nil || op.ETag != "" {
			continue // replaced, not created: the next try starts from the new value
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
