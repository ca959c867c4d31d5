package identity

import (
	"strings"

	"github.com/google/uuid"
)

// tombstonePrefix distinguishes tombstones from account ids.
const tombstonePrefix = "deleted-"

// NewTombstone returns a random name that replaces the id of a deleted account in financial records. After the
// deletion nothing links it to the account.
func NewTombstone() string { return tombstonePrefix + uuid.NewString() }

// IsTombstone reports whether an account field contains a tombstone.
func IsTombstone(account string) bool { return strings.HasPrefix(account, tombstonePrefix) }
