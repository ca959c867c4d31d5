package waitingroom

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestPlaceSigner(t *testing.T) {
	signer, event := NewPlaceSigner([]byte("secret")), uuid.New()
	place := signer.Sign(event, "anna", 7)
	arrival, err := signer.Open(event, "anna", place)
	require.NoError(t, err)
	require.Equal(t, int64(7), arrival)
	edited := []byte(place)
	edited[10] ^= 1
	for name, try := range map[string]func() error{
		"another account": func() error { _, err := signer.Open(event, "ben", place); return err },
		"another event":   func() error { _, err := signer.Open(uuid.New(), "anna", place); return err },
		"edited":          func() error { _, err := signer.Open(event, "anna", string(edited)); return err },
		"cut":             func() error { _, err := signer.Open(event, "anna", place[:20]); return err },
		"empty":           func() error { _, err := signer.Open(event, "anna", ""); return err },
		"another key":     func() error { _, err := NewPlaceSigner([]byte("x")).Open(event, "anna", place); return err },
	} {
		require.ErrorIs(t, try(), ErrPlaceInvalid, name)
	}
}
