package sidecar

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However many lines there are, a step ends in time, and all steps together see each line once.
func TestManyLinesAreLookedThroughInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make([]uuid.UUID, 1001)
		for i := range events {
			events[i] = uuid.Must(uuid.NewV7())
		}
		var mu sync.Mutex
		seen := map[uuid.UUID]int{}
		rest, steps := events, 0
		for {
			began := time.Now()
			next, err := inSteps(t.Context(), rest, stepTime, func(_ context.Context, event uuid.UUID) error {
				time.Sleep(300 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				seen[event]++
				return nil
			})
			require.NoError(t, err)
			require.Less(t, time.Since(began), 3*time.Second, "what the sidecar gives a call")
			steps++
			if next == "" {
				break
			}
			for i, event := range rest {
				if event.String() == next {
					rest = rest[i+1:]
					break
				}
			}
		}
		assert.Len(t, seen, len(events))
		for _, n := range seen {
			assert.Equal(t, 1, n)
		}
		assert.Greater(t, steps, 1)
	})
}
