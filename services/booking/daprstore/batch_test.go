package daprstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/foyer-tickets/foyer/services/booking"
	"github.com/foyer-tickets/foyer/services/booking/holdqueue"
)

// TestPartsKeepTogetherWhatBelongsTogether: requests about the same unit, account or block are written in the
// same transaction, also when only others connect them.
func TestPartsKeepTogetherWhatBelongsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event, record := uuid.New(), uuid.New()
		requests := make([]booking.QueuedHold, rapid.IntRange(1, 120).Draw(t, "requests"))
		for i := range requests {
			h := booking.Hold{ID: holdqueue.RequestID(record, rapid.IntRange(0, 200).Draw(t, "n"), time.Now()), Event: event, Account: fmt.Sprint(rapid.IntRange(0, 200).Draw(t, "account"))}
			for range rapid.IntRange(1, 3).Draw(t, "units") {
				h.Units = append(h.Units, booking.HeldUnit{ID: fmt.Sprint(rapid.IntRange(0, 400).Draw(t, "unit"))})
			}
			requests[i].Hold = h
		}
		part, count := parts(requests)
		of := map[string]int{}
		for i, r := range requests {
			require.Less(t, part[i], count)
			for _, key := range append(r.Hold.UnitIDs(), "account "+r.Hold.Account, holdqueue.BlockKey(r.Hold.ID)) {
				if p, ok := of[key]; ok && p != part[i] {
					t.Fatalf("%s is in parts %d and %d", key, p, part[i])
				}
				of[key] = part[i]
			}
		}
	})
}

func TestPartsShareABatchOut(t *testing.T) {
	requests := make([]booking.QueuedHold, 100)
	for i := range requests {
		requests[i].Hold = booking.Hold{ID: uuid.New(), Account: fmt.Sprint(i), Units: []booking.HeldUnit{{ID: fmt.Sprint(i)}}}
	}
	part, count := parts(requests)
	sizes := make([]int, count)
	for _, p := range part {
		sizes[p]++
	}
	require.Equal(t, []int{25, 25, 25, 25}, sizes)
}
