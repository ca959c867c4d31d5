package auth

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The form of a job that an earlier release queued is read, and theirs can read ours.
func TestStoredRegistrationForms(t *testing.T) {
	raw, err := json.Marshal(registrationForm{Email: "a@foyer.test", Password: "secret", Name: "Ada", Locale: "en"})
	require.NoError(t, err)
	require.Equal(t, `{"Email":"a@foyer.test","Password":"secret","Name":"Ada","Locale":"en"}`, string(raw))
}
