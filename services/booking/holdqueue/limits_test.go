package holdqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/internal/seat"
	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/wire"
)

// longest is a request whose names are as long as the catalogue lets them be. JSON writes each of
// their characters with six bytes.
func longest(units int) booking.QueuedHold {
	wide := func(n int) string { return strings.Repeat("<", n) }
	h := booking.Hold{Event: uuid.Max, Account: uuid.Max.String(), Until: time.UnixMilli(1 << 42), Status: booking.HoldOpen, Booking: uuid.Max, Version: 1 << 40}
	for i := range units {
		place := seat.Place{Zone: wide(200), Row: wide(50), Number: wide(50), Note: wide(200)}
		h.Units = append(h.Units, booking.HeldUnit{
			ID: fmt.Sprintf("%s-%06d", uuid.Max, i), TicketType: uuid.Max.String(), TypeName: wide(100), Place: place,
			Label: place.Zone + ", " + place.Row + "-" + place.Number + " (" + place.Note + ")", Price: money.Money{Amount: 1 << 50, Currency: "EUR"},
		})
	}
	return booking.QueuedHold{Hold: h, Limit: 200, Admitted: time.UnixMilli(1 << 42)}
}

// TestTheLongestRequestsFit: of one unit, of the usual most and of the most that an order may have,
// a record is as long as a message may be and no longer, and nobody is refused.
func TestTheLongestRequestsFit(t *testing.T) {
	for _, units := range []int{1, 3, 8, 50} {
		l := NewQueue(nil, nil)
		total := 0
		for range 300 {
			_, err := l.enqueue(longest(units))
			require.NoError(t, err)
		}
		for batch := l.nextRecords(); len(batch) > 0; batch = l.nextRecords() {
			for _, r := range batch {
				require.LessOrEqual(t, len(wire.MustEncode(recordValue{r.requests})), messages.MaxPayload(messages.HoldRequests, true))
				require.Len(t, r.ids, len(r.requests))
				total += len(r.requests)
			}
		}
		require.Equal(t, 300, total)
	}
	_, err := NewQueue(nil, nil).enqueue(longest(200))
	require.ErrorIs(t, err, errTooLong)
}

func TestPortions(t *testing.T) {
	list := []json.RawMessage{json.RawMessage("11"), json.RawMessage("22"), json.RawMessage("333333333"), json.RawMessage("4")}
	require.Equal(t, [][]json.RawMessage{list[:2], list[2:3], list[3:]}, splitBySize(list, 6))
	require.Empty(t, splitBySize(nil, 6))
}

// pickyDecider refuses to decide anything together with one account's request, as a record that breaks
// the decider would have it.
type pickyDecider struct{ Decider }

func (g pickyDecider) Decide(_ context.Context, requests []booking.QueuedHold) ([]Verdict, error) {
	verdicts := make([]Verdict, len(requests))
	for i, r := range requests {
		if r.Hold.Account == "poison" {
			return nil, errors.New("cannot be decided")
		}
		verdicts[i] = Verdict{Hold: r.Hold.ID, Refusal: booking.ErrHoldExpired}
	}
	return verdicts, nil
}

// TestAPoisonRecordSparesItsNeighbours: those are decided, and it alone is not.
func TestAPoisonRecordSparesItsNeighbours(t *testing.T) {
	client, err := daprclient.New(daprclient.Config{Host: "127.0.0.1", HTTPPort: 1, GRPCPort: 1})
	require.NoError(t, err)
	defer client.Close()
	record := func(account string) daprclient.Delivery {
		r := booking.QueuedHold{Hold: booking.Hold{Event: uuid.New(), Account: account}}
		return daprclient.Delivery{Bytes: wire.MustEncode(recordValue{[]json.RawMessage{encodeRequest(r, uuid.New())}})}
	}
	errs := Consumer{pickyDecider{}, client, func(uuid.UUID, []booking.Change) {}}.handle(t.Context(),
		[]daprclient.Delivery{record("a"), record("poison"), {Bytes: []byte("?")}, record("b")})
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "cannot be decided")
	require.Equal(t, fault.Malformed, fault.KindOf(errs[2]))
	require.NoError(t, errs[3])
}
