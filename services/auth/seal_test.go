package auth_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/auth"
)

// Sessions that earlier releases stored are still open, and theirs can read ours.
func TestStoredSessions(t *testing.T) {
	sealer, err := auth.NewSealer(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	const id = "session"
	for stored, tokens := range map[string]auth.Tokens{
		`{"access":"a","refresh":"r","expires":"2026-11-01T12:00:00Z","sessionExpiry":"2026-11-01T13:00:00Z","session":"s"}`:                                    {Access: "a", Refresh: "r", Expires: at, SessionExpiry: at.Add(time.Hour), Session: "s"},
		`{"access":"a","refresh":"r","expires":"2026-11-01T12:00:00Z","sessionExpiry":"2026-11-01T13:00:00Z","session":"s","confirmed":"2026-11-01T12:01:00Z"}`: {Access: "a", Refresh: "r", Expires: at, SessionExpiry: at.Add(time.Hour), Session: "s", Confirmed: at.Add(time.Minute)},
	} {
		sealed, err := sealer.Seal(id, tokens)
		require.NoError(t, err)
		aead, err := sealer.AEAD("foyer session " + id)
		require.NoError(t, err)
		raw, err := aead.Open(nil, nil, sealed, []byte(auth.SessionKey(id)))
		require.NoError(t, err)
		require.Equal(t, stored, string(raw))
		read, err := sealer.Open(id, aead.Seal(nil, nil, []byte(stored), []byte(auth.SessionKey(id))))
		require.NoError(t, err)
		require.Equal(t, tokens, read)
	}
}
