package postgres_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABookingCanBeAnonymised(t *testing.T) {
	s, ctx := open(t), t.Context()
	b := confirmed(t, s, newBooking(uuid.New(), "A-1", "A-2"))
	create(t, s, newBooking(uuid.New(), "B-1"))
	open, upcoming, err := s.Pending(ctx, "buyer", now)
	require.NoError(t, err)
	assert.Equal(t, 1, open)
	assert.Equal(t, 2, upcoming)
	_, upcoming, err = s.Pending(ctx, "buyer", b.Occasion.EndsAt)
	require.NoError(t, err)
	assert.Zero(t, upcoming, "the event is over")

	kept, err := s.Kept(ctx, "buyer", uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, kept, 2)
	assert.Len(t, kept[1].Tickets, 2)
	rest, err := s.Kept(ctx, "buyer", kept[0].Booking.ID, 10)
	require.NoError(t, err)
	require.Len(t, rest, 1)

	require.NoError(t, s.Anonymise(ctx, []uuid.UUID{kept[0].Booking.ID, kept[1].Booking.ID}, "deleted-1"))
	require.NoError(t, s.AnonymiseRest(ctx, "buyer", "deleted-1"))
	require.NoError(t, s.AnonymiseRest(ctx, "merchant", "deleted-2"))
	after, err := s.Get(ctx, b.ID)
	require.NoError(t, err)
	assert.Equal(t, "deleted-1", after.Account)
	assert.Equal(t, "deleted-2", after.Occasion.Merchant)
	assert.Empty(t, after.Payment.ClientSecret)
	assert.Equal(t, b.Total, after.Total)
	var left int
	require.NoError(t, s.Pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM bookings r WHERE r::text ~ 'buyer|"merchant": "merchant"|,merchant,')
		+ (SELECT count(*) FROM outbox r WHERE r::text ~ 'buyer')`).Scan(&left))
	assert.Zero(t, left)
	kept, err = s.Kept(ctx, "buyer", uuid.Nil, 10)
	require.NoError(t, err)
	assert.Empty(t, kept)
}
