package daprstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// PassStore stores the entries that have a pass in the component `cache`, one key for each account and
// event. If an entry is evicted, its account can claim another pass while its turn is open.
type PassStore struct{ Store *daprclient.Store }

var _ waitingroom.PassStore = PassStore{}

func entryKey(event uuid.UUID, account string) string {
	return "queue:" + event.String() + ":" + account
}

type entryValue struct {
	Arrival  int64     `json:"n"`
	Until    int64     `json:"u,omitempty"` // milliseconds of Unix time
	Pass     uuid.UUID `json:"p,omitzero"`
	Finished bool      `json:"f,omitempty"`
}

func encodeEntry(e waitingroom.Entry) ([]byte, error) {
	v := entryValue{Arrival: e.Arrival, Pass: e.PassID, Finished: e.Finished}
	if !e.PassUntil.IsZero() {
		v.Until = e.PassUntil.UnixMilli()
	}
	return json.Marshal(v)
}

func decodeEntry(item daprclient.Item) (waitingroom.Entry, error) {
	var v entryValue
	if err := json.Unmarshal(item.Value, &v); err != nil {
		return waitingroom.Entry{}, fmt.Errorf("queue entry: %w", err)
	}
	e := waitingroom.Entry{Arrival: v.Arrival, PassID: v.Pass, Finished: v.Finished, Version: item.ETag}
	if v.Until != 0 {
		e.PassUntil = time.UnixMilli(v.Until)
	}
	return e, nil
}

// Find implements waitingroom.PassStore.
func (p PassStore) Find(ctx context.Context, event uuid.UUID, accounts []string) (map[string]waitingroom.Entry, error) {
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		keys[i] = entryKey(event, a)
	}
	items, err := p.Store.GetBulk(ctx, keys)
	if err != nil {
		return nil, fault.Away("cache", err)
	}
	found := make(map[string]waitingroom.Entry, len(items))
	for i, a := range accounts {
		item, ok := items[keys[i]]
		if !ok {
			continue
		}
		if found[a], err = decodeEntry(item); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Write implements waitingroom.PassStore.
func (p PassStore) Write(ctx context.Context, event uuid.UUID, account string, e waitingroom.Entry, keep time.Duration) error {
	raw, err := encodeEntry(e)
	if err != nil {
		return err
	}
	err = p.Store.PutIf(ctx, entryKey(event, account), raw, e.Version, keep)
	if err == nil {
		return nil
	}
	found, readErr := p.Find(ctx, event, []string{account})
	if readErr != nil {
		return readErr
	}
	now := found[account]
	now.Version = e.Version
	if now == e {
		return nil // the entry was written, and only the answer lost
	}
	return waitingroom.ErrStale.Because(err)
}

// Erase deletes an account's entry of an event.
func (p PassStore) Erase(ctx context.Context, event uuid.UUID, account string) error {
	return p.Store.Delete(ctx, entryKey(event, account))
}
