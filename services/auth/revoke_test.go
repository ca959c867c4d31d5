package auth_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/services/auth"
)

// issuer has sessions, and a clock of its own.
type issuer struct{ ahead time.Duration }

func (issuer) SignIns(context.Context, string) ([]auth.SignIn, error) {
	return []auth.SignIn{{Session: "kc-1"}, {Session: "kc-2"}}, nil
}
func (issuer) EndSessions(context.Context, string) error                  { return nil }
func (issuer) EndSessionsBefore(context.Context, string, time.Time) error { return nil }
func (i issuer) Ahead() time.Duration                                     { return i.ahead }

// What was issued until EndAll returns is over and what comes then is good, by the clock of whoever
// issues tokens; and those of the sessions that were there are over by name.
func TestSessionsEndByTheIssuersClock(t *testing.T) {
	for _, ahead := range []time.Duration{0, 20 * time.Second, -20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(300 * time.Millisecond)
			list, i := &revoked{}, issuer{ahead}
			issued := time.Now().Add(ahead)
			require.NoError(t, auth.Ender{Directory: i, Revoker: list, Now: time.Now}.EndAll(t.Context(), "anna"))
			var before int64
			var sessions []string
			for _, r := range list.list {
				if r.Account == "anna" {
					before = r.Before
				}
				if r.Session != "" {
					sessions = append(sessions, r.Session)
				}
				assert.Greater(t, r.Until, time.Now().Add(identity.MaxTokenAge).Unix())
			}
			assert.Less(t, issued.Unix(), before, "%s ahead: a token of before is over", ahead)
			assert.GreaterOrEqual(t, time.Now().Add(ahead).Unix(), before, "%s ahead: a token of now is good", ahead)
			assert.Equal(t, []string{"kc-1", "kc-2"}, sessions)
		})
	}
}
