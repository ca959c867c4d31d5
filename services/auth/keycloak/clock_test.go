package keycloak

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAhead: what a second's fraction and the way explain is no difference of clocks; what is more
// counts as a little more rather than less, so that no token outlives its account's sessions.
func TestAhead(t *testing.T) {
	asked := time.Date(2026, 11, 28, 12, 0, 0, 900e6, time.UTC)
	answered := asked.Add(300 * time.Millisecond)
	for skew, want := range map[time.Duration]time.Duration{
		0: 0, 200 * time.Millisecond: 0,
		20 * time.Second: 20*time.Second + 100*time.Millisecond, -20 * time.Second: -19900 * time.Millisecond,
	} {
		claims := jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(asked.Add(skew).Truncate(time.Second))}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("any"))
		require.NoError(t, err)
		assert.Equal(t, want, ahead(token, asked, answered), "%s", skew)
	}
	assert.Zero(t, ahead("not a token", asked, answered))
}
