package dapr

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/services/auth"
)

// Holders are the services that keep something about accounts.
func Holders(client *daprclient.Client) map[string]personaldata.Holder {
	return map[string]personaldata.Holder{
		messages.Booking:      personaldata.NewRemote(messages.Booking, client),
		messages.Payment:      personaldata.NewRemote(messages.Payment, client),
		messages.Notification: personaldata.NewRemote(messages.Notification, client),
		messages.WaitingRoom:  personaldata.NewRemote(messages.WaitingRoom, client),
		messages.Catalog:      personaldata.NewRemote(messages.Catalog, client),
	}
}

// DeletionMails has the notification service send the last mail.
type DeletionMails struct{ Client *daprclient.Client }

var _ auth.DeletionMails = DeletionMails{}

// SendDeletionMail implements auth.DeletionMails.
func (f DeletionMails) SendDeletionMail(ctx context.Context, tombstone string, to auth.Person) error {
	return f.Client.Invoke(ctx, messages.Notification, http.MethodPost, "/internal/mails/account-deleted", map[string]any{"tombstone": tombstone, "to": map[string]string{"email": to.Email, "name": to.Name, "locale": to.Locale}}, nil)
}

// Lease is auth.Lease on a state store.
type Lease struct{ Store *daprclient.Store }

var _ auth.Lease = Lease{}

func leaseKey(name string) string { return "lease:" + name }

// Acquire implements auth.Lease: whose write is the first has it.
func (l Lease) Acquire(ctx context.Context, name string, ttl time.Duration) (string, error) {
	owner, err := claim(ctx, l.Store, leaseKey(name), ttl)
	if err != nil {
		return "", fault.Away("cache", err)
	}
	return owner, nil
}

// claim writes a key that nobody has, for as long as ttl. It gives what was written, "" when somebody
// else has the key.
func claim(ctx context.Context, store *daprclient.Store, key string, ttl time.Duration) (owner string, err error) {
	owner = rand.Text()
	err = store.PutIf(ctx, key, leaseValue(owner), "", ttl)
	if err == nil {
		return owner, nil
	}
	if errors.Is(err, daprclient.ErrConflict) {
		return "", nil
	}
	// First-write refusals look like other errors, and an answer may be lost: what is there tells.
	item, readErr := store.Get(ctx, key)
	if readErr != nil || !item.Found {
		return "", errors.Join(err, readErr)
	}
	if !bytes.Equal(item.Value, leaseValue(owner)) {
		return "", nil
	}
	return owner, nil
}

// Release implements auth.Lease. One that ran out may be another's by now.
func (l Lease) Release(ctx context.Context, name, owner string) error {
	item, err := l.Store.Get(ctx, leaseKey(name))
	if err != nil || !bytes.Equal(item.Value, leaseValue(owner)) {
		return err
	}
	return l.Store.DeleteIf(ctx, leaseKey(name), item.ETag)
}

// leaseValue is JSON, as all values are.
func leaseValue(owner string) []byte { return []byte(`"` + owner + `"`) }
