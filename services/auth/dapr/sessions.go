// Package dapr keeps sessions in the component `cache`, and hands mails to the notification service.
package dapr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/auth"
)

// Sessions is auth.Sessions on a state store.
type Sessions struct{ Store *daprclient.Store }

var _ auth.Sessions = Sessions{}

// record is a session, or what is left of one that ended. The store takes a conditional write to a
// key that is not there for a good one, so an ended session stays for as long as a renewal that
// began before may take to write.
type record struct {
	Sealed []byte `json:"sealed,omitempty"`
	Ended  bool   `json:"ended,omitempty"`
}

const tombstone = 5 * time.Minute

func sessionKey(key string) string { return "session:" + key }
func renewalKey(key string) string { return "session-renewal:" + key }

// Create implements auth.Sessions.
func (s Sessions) Create(ctx context.Context, key string, sealed []byte, ttl time.Duration) error {
	raw, err := json.Marshal(record{Sealed: sealed})
	if err != nil {
		return err
	}
	return s.Store.PutIf(ctx, sessionKey(key), raw, "", ttl)
}

func (s Sessions) get(ctx context.Context, key string) (r record, version string, err error) {
	item, err := s.Store.Get(ctx, sessionKey(key))
	if err != nil || !item.Found {
		return r, "", err
	}
	return r, item.ETag, json.Unmarshal(item.Value, &r)
}

// Load implements auth.Sessions.
func (s Sessions) Load(ctx context.Context, key string) (auth.Stored, bool, error) {
	r, version, err := s.get(ctx, key)
	if err != nil || version == "" || r.Ended {
		return auth.Stored{}, false, err
	}
	return auth.Stored{Sealed: r.Sealed, Version: version}, true, nil
}

// Replace implements auth.Sessions.
func (s Sessions) Replace(ctx context.Context, key string, sealed []byte, version string, ttl time.Duration) (bool, error) {
	raw, err := json.Marshal(record{Sealed: sealed})
	if err != nil {
		return false, err
	}
	err = s.Store.PutIf(ctx, sessionKey(key), raw, version, ttl)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, daprclient.ErrConflict) {
		return false, nil
	}
	// The store may call a conflict something else, and may have written without saying so.
	r, _, readErr := s.get(ctx, key)
	if readErr != nil {
		return false, errors.Join(err, readErr)
	}
	return !r.Ended && string(r.Sealed) == string(sealed), nil
}

// endTries bounds how often ending starts again because a renewal wrote in between.
const endTries = 10

// End implements auth.Sessions. The store refuses to overwrite unconditionally what was written
// conditionally, so it is read first.
func (s Sessions) End(ctx context.Context, key string) error {
	raw, err := json.Marshal(record{Ended: true})
	if err != nil {
		return err
	}
	var failures error
	for range endTries {
		r, version, err := s.get(ctx, key)
		if err != nil || r.Ended {
			return err
		}
		if failures = s.Store.PutIf(ctx, sessionKey(key), raw, version, tombstone); failures == nil {
			return nil
		}
	}
	return fmt.Errorf("end session: %w", failures)
}

// Claim implements auth.Sessions.
func (s Sessions) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	owner, err := claim(ctx, s.Store, renewalKey(key), ttl)
	return owner != "", err
}

// Release implements auth.Sessions.
func (s Sessions) Release(ctx context.Context, key string) error {
	return s.Store.Delete(ctx, renewalKey(key))
}

// Confirmations is auth.Confirmations on a state store.
type Confirmations struct{ Store *daprclient.Store }

var _ auth.Confirmations = Confirmations{}

// markLife outlasts every token from before a mark.
const markLife = identity.MaxTokenAge + time.Minute

func markKey(account string) string { return "email-confirmed:" + account }

// Mark implements auth.Confirmations.
func (c Confirmations) Mark(ctx context.Context, account string, at time.Time) error {
	raw, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return c.Store.Put(ctx, markKey(account), raw, markLife)
}

// Marked implements auth.Confirmations.
func (c Confirmations) Marked(ctx context.Context, account string) (at time.Time, err error) {
	item, err := c.Store.Get(ctx, markKey(account))
	if err != nil || !item.Found {
		return at, err
	}
	return at, json.Unmarshal(item.Value, &at)
}

// Notifier is auth.Notifier on the topic of notices.
type Notifier struct {
	Client *daprclient.Client
	Now    func() time.Time
}

var _ auth.Notifier = Notifier{}

// Notify implements auth.Notifier. The message names the account and nothing else: address, text and
// link are asked for when the mail is sent. One with an id that was there before is not sent again.
func (n Notifier) Notify(ctx context.Context, id uuid.UUID, account string, kind messages.NoticeKind) error {
	err := n.Client.Publish(ctx, messages.PubSub, messages.Notices, account, messages.Notice{
		ID: id, Account: account, Kind: kind, At: n.Now(),
	})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
