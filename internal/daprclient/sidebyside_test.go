package daprclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
)

func TestMessagesOfOneKeyKeepTheirOrderSideBySide(t *testing.T) {
	type step struct {
		Key string
		N   int
	}
	var (
		mu   sync.Mutex
		seen = map[string][]int{}
	)
	refused := errors.New("not now")
	s := daprclient.SideBySide("steps", func(s step) string { return s.Key }, func(_ context.Context, s step) error {
		mu.Lock()
		defer mu.Unlock()
		seen[s.Key] = append(seen[s.Key], s.N)
		if s.N == 13 {
			return refused
		}
		return nil
	})
	var batch []daprclient.Delivery
	for n := range 60 {
		batch = append(batch, daprclient.Delivery{Data: json.RawMessage(fmt.Sprintf(`{"Key":"%d","N":%d}`, n%7, n))})
	}
	batch = append(batch, daprclient.Delivery{Data: json.RawMessage(`{"N":"many"}`)})
	errs := s.HandleBulk(t.Context(), batch)
	for key, steps := range seen {
		assert.IsIncreasing(t, steps, key)
	}
	assert.Len(t, seen, 7)
	for i, err := range errs[:60] {
		if i == 13 {
			assert.ErrorIs(t, err, refused, "its own answer")
		} else {
			assert.NoError(t, err)
		}
	}
	assert.Equal(t, fault.Malformed, fault.KindOf(errs[60]), "cannot be read, now or later")
}
