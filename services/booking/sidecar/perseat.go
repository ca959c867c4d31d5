package sidecar

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/sidecar"
)

// oneByOne is the strategy for stores whose transactions are not atomic (Redis): the steps as
// single conditional writes in the order of their keys, undone in reverse when one is refused.
// The cap comes last, so that a refused unit never leaves a count behind.
//
// What a crash in between leaves behind is bounded by the TTL of holds; the database's unique
// index still keeps a unit out of two bookings. A step that frees a unit is never undone: the
// others follow on the next try.
func (s *Seats) oneByOne(ctx context.Context, ops []sidecar.Op) error {
	slices.SortStableFunc(ops, func(a, b sidecar.Op) int { return order(a) - order(b) })
	for i, op := range ops {
		if err := s.single(ctx, op); err != nil {
			return errors.Join(err, s.undo(context.WithoutCancel(ctx), ops[:i]))
		}
	}
	return nil
}

func order(op sidecar.Op) int {
	if strings.HasPrefix(op.Key, "cap:") {
		return 1
	}
	return 0
}

func (s *Seats) single(ctx context.Context, op sidecar.Op) error {
	if op.Value == nil {
		return s.store.DeleteIf(ctx, op.Key, op.ETag)
	}
	ttl := op.TTL
	if ttl == 0 {
		ttl = Forever
	}
	return s.store.PutIf(ctx, op.Key, op.Value, op.ETag, ttl)
}

// Forever clears a TTL on stores that otherwise keep the old one.
const Forever time.Duration = -1

// undo takes back the units, holds and counts that this change created.
func (s *Seats) undo(ctx context.Context, done []sidecar.Op) error {
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
