package fault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// TestKindsKeepTheirNumbers: they stand in stores and messages.
func TestKindsKeepTheirNumbers(t *testing.T) {
	for n, kind := range []fault.Kind{
		fault.Internal, fault.Malformed, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Gone,
		fault.PreconditionFailed, fault.TooLarge, fault.Unsupported, fault.Invalid, fault.TooEarly, fault.PreconditionRequired,
		fault.TooMany, fault.Unavailable, fault.NotAllowed,
	} {
		assert.Equal(t, n, int(kind))
	}
}

// TestFaultsOnTheWire: these bytes were written before; they are read, and written again.
func TestFaultsOnTheWire(t *testing.T) {
	for old, want := range map[string]*fault.Error{
		`{"kind":5,"code":"units_unavailable","message":"Taken.","fields":{"units":["A-1","A-2"]}}`: fault.New(fault.Conflict, "units_unavailable", "Taken.").With("units", []string{"A-1", "A-2"}),
		`{"kind":13,"code":"hold_cooldown","message":"Wait.","after":16000000000}`:                  fault.New(fault.TooMany, "hold_cooldown", "Wait.").After(16 * time.Second),
		`{"code":"internal","message":"Something went wrong on our side."}`:                         fault.New(fault.Internal, "internal", "Something went wrong on our side."),
		`{"kind":10,"code":"x","message":"y","fields":{"limit":4,"mixed":["a",1],"none":[]}}`:       fault.New(fault.Invalid, "x", "y").With("limit", 4.0).With("mixed", []any{"a", 1.0}).With("none", []string{}),
	} {
		var w fault.Wire
		require.NoError(t, json.Unmarshal([]byte(old), &w))
		assert.Equal(t, want, w.Fault())
		raw, err := json.Marshal(fault.ToWire(fmt.Errorf("hold: %w", want.Because(errors.New("unseen")))))
		require.NoError(t, err)
		assert.Equal(t, old, string(raw))
	}
	assert.Equal(t, fault.New(fault.Internal, "internal", "Something went wrong on our side."), fault.ToWire(errors.New("secret")).Fault())
}
