package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/internal/fault"
)

func TestFaultKeepsItsSentinelUnchanged(t *testing.T) {
	gone := fault.New(fault.Conflict, "units_unavailable", "Some seats are gone.")
	cause := errors.New("etag mismatch")
	got := gone.With("units", []string{"A-1"}).Because(cause)

	assert.Empty(t, gone.Fields, "the sentinel is shared; With must copy")
	assert.ErrorIs(t, got, gone)
	assert.ErrorIs(t, got, cause)
	assert.NotErrorIs(t, got, fault.New(fault.Conflict, "hold_exists", ""))
}

func TestKindAndCodeLookThroughWrapping(t *testing.T) {
	err := fmt.Errorf("hold: %w", fault.New(fault.Gone, "hold_expired", "x"))
	assert.Equal(t, fault.Gone, fault.KindOf(err))
	assert.Equal(t, "hold_expired", fault.CodeOf(err))
	assert.Equal(t, fault.Internal, fault.KindOf(errors.New("boom")))
	assert.Empty(t, fault.CodeOf(nil))
}
