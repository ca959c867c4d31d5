package devstack

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The backup that the documentation describes has every database.
func TestTheBackupNamesEveryDatabase(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	loop := regexp.MustCompile(`for db in (.*); do`).FindSubmatch(text)
	require.NotNil(t, loop)
	assert.ElementsMatch(t, databases, strings.Fields(string(loop[1])))
}
