package identity

import (
	"strings"

	"github.com/google/uuid"
)

// tombstonePrefix makes a tombstone no account's id.
const tombstonePrefix = "deleted-"

// NewTombstone makes the random name that a deleted account's entries in the books go under.
// Nothing connects it with the account once the deletion is over.
func NewTombstone() string { return tombstonePrefix + uuid.NewString() }

// IsTombstone tells whether an account field names nobody any more.
func IsTombstone(account string) bool { return strings.HasPrefix(account, tombstonePrefix) }
