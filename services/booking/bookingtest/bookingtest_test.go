package bookingtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/bookingtest"
)

func TestMemory(t *testing.T) { bookingtest.Run(t, bookingtest.NewMemory(time.Now)) }

// careless is a store without one of its guards.
type careless struct {
	*bookingtest.Memory
	take  func(m *bookingtest.Memory, ctx context.Context, h booking.Hold, limit int) error
	fence func(m *bookingtest.Memory, ctx context.Context, b booking.Booking) error
}

func (c careless) Take(ctx context.Context, h booking.Hold, limit int) error {
	if c.take != nil {
		return c.take(c.Memory, ctx, h, limit)
	}
	return c.Memory.Take(ctx, h, limit)
}

func (c careless) Fence(ctx context.Context, b booking.Booking) error {
	if c.fence != nil {
		return c.fence(c.Memory, ctx, b)
	}
	return c.Memory.Fence(ctx, b)
}

// TestScenariosNoticeAMissingGuard breaks one guard after the other.
func TestScenariosNoticeAMissingGuard(t *testing.T) {
	type memory = bookingtest.Memory
	for name, c := range map[string]struct {
		seats careless
		red   string
	}{
		"everyone gets the seat": {
			careless{take: func(m *memory, ctx context.Context, h booking.Hold, limit int) error {
				_ = m.Take(ctx, h, limit)
				return nil
			}},
			"one seat, many buyers, one winner",
		},
		"whatever is left of the group": {
			careless{take: func(m *memory, ctx context.Context, h booking.Hold, limit int) error {
				err := m.Take(ctx, h, limit)
				for i := range h.Units {
					part := h
					part.Units = h.Units[i : i+1]
					_ = m.Take(ctx, part, 0)
				}
				return err
			}},
			"groups get all their seats or none",
		},
		"no limit": {
			careless{take: func(m *memory, ctx context.Context, h booking.Hold, _ int) error { return m.Take(ctx, h, 0) }},
			"the limit per account holds",
		},
		"no count of what an account has": {
			careless{take: func(m *memory, ctx context.Context, h booking.Hold, limit int) error {
				h.Account += h.ID.String()
				return m.Take(ctx, h, limit)
			}},
			"an account has one hold of an event",
		},
		"a fence that looks at nothing": {
			careless{fence: func(m *memory, ctx context.Context, b booking.Booking) error {
				_ = m.Fence(ctx, b)
				return nil
			}},
			"a late payer does not get seats of others",
		},
		"a fence that forgets": {
			careless{fence: func(*memory, context.Context, booking.Booking) error { return nil }},
			"a fence is for good",
		},
		"a fence that counts each time": {
			careless{fence: func(m *memory, ctx context.Context, b booking.Booking) error {
				_ = m.Free(ctx, booking.Hold{ID: b.Hold, Event: b.Event, Account: b.Account + "?"}, b.UnitIDs(), false)
				return m.Fence(ctx, b)
			}},
			"many fences of one booking are one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.seats.Memory = bookingtest.NewMemory(time.Now)
			for _, sc := range bookingtest.Scenarios() {
				if sc.Name == c.red {
					assert.Error(t, sc.Run(t.Context(), c.seats))
					return
				}
			}
			t.Fatalf("no scenario is named %q", c.red)
		})
	}
}
