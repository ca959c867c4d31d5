package auth

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// AuditKind is what happened.
type AuditKind string

// The kinds of audit entries. The first group comes from Keycloak, the second is our own.
const (
	AuditSignIn            AuditKind = "sign_in"
	AuditSignInFailed      AuditKind = "sign_in_failed"
	AuditSignOut           AuditKind = "sign_out"
	AuditLockedOut         AuditKind = "locked_out" // for a while, after too many wrong passwords
	AuditCredentialChanged AuditKind = "credential_changed"
	AuditTokenRefused      AuditKind = "token_refused"
	AuditConsole           AuditKind = "console" // in Keycloak's administration

	AuditRegistered       AuditKind = "registered"
	AuditEmailConfirmed   AuditKind = "email_confirmed"
	AuditResetRequested   AuditKind = "password_reset_requested"
	AuditPasswordReset    AuditKind = "password_reset"
	AuditAccountLocked    AuditKind = "account_locked"
	AuditAccountUnlocked  AuditKind = "account_unlocked"
	AuditRolesChanged     AuditKind = "roles_changed"
	AuditAccountDeleted   AuditKind = "account_deleted"
	AuditDataExported     AuditKind = "data_exported"
	AuditRegisteredBefore AuditKind = "registered_again" // with an address that has an account
)

// Entry is one line of the audit trail. It names accounts by id.
type Entry struct {
	ID      uuid.UUID
	At      time.Time
	Kind    AuditKind
	Account string          // whom it is about; "" where nobody is known
	Actor   string          // who did it, when it was somebody else
	Address string          // IP address, where one is known
	Detail  json.RawMessage // facts of the kind; no personal data
}

// AuditQuery asks for entries, newest first.
type AuditQuery struct {
	Account  string
	Kind     AuditKind
	From, To time.Time
	Before   AuditCursor
	Limit    int
}

// AuditCursor is a place in the trail. The zero value is its start.
type AuditCursor struct {
	At time.Time
	ID uuid.UUID
}

// Audit is the trail: added to and read, never changed.
type Audit interface {
	Record(ctx context.Context, entries ...Entry) error
	Find(ctx context.Context, q AuditQuery) ([]Entry, error)
}

// entry makes an entry of our own.
func entry(now time.Time, kind AuditKind, account, actor string, detail map[string]any) Entry {
	e := Entry{ID: uuid.Must(uuid.NewV7()), At: now, Kind: kind, Account: account, Detail: json.RawMessage("{}")}
	if actor != account {
		e.Actor = actor
	}
	if len(detail) > 0 {
		e.Detail, _ = json.Marshal(detail) // strings and lists of them
	}
	return e
}
