package daprclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/foyer-tickets/foyer/internal/httpapi"
)

// ErrConflict is a first-write or ETag conflict that the store reported as such. Some stores report conflicts
// as internal errors, so callers that must know read the key back.
var ErrConflict = errors.New("state: somebody else wrote first")

// Store is a client of one state component.
type Store struct {
	client *Client
	name   string
}

// Store returns the state component of that name.
func (c *Client) Store(name string) *Store { return &Store{client: c, name: name} }

// Item is a stored value. ETag is empty and Found false when there is none.
type Item struct {
	Value []byte
	ETag  string
	Found bool
}

// Get reads one key.
func (s *Store) Get(ctx context.Context, key string) (Item, error) {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	it, err := s.client.dapr.GetStateWithConsistency(ctx, s.name, key, nil, dapr.StateConsistencyStrong)
	if err != nil {
		return Item{}, fmt.Errorf("state %s: get: %w", s.name, err)
	}
	return Item{Value: it.Value, ETag: it.Etag, Found: len(it.Value) > 0}, nil
}

// GetBulk reads several keys at once. Missing keys are absent from the result.
func (s *Store) GetBulk(ctx context.Context, keys []string) (map[string]Item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	got, err := s.client.dapr.GetBulkState(ctx, s.name, keys, nil, 16)
	if err != nil {
		return nil, fmt.Errorf("state %s: get %d keys: %w", s.name, len(keys), err)
	}
	items := make(map[string]Item, len(got))
	for _, g := range got {
		if g.Error != "" {
			return nil, fmt.Errorf("state %s: get: %s", s.name, g.Error)
		}
		if len(g.Value) > 0 {
			items[g.Key] = Item{Value: g.Value, ETag: g.Etag, Found: true}
		}
	}
	return items, nil
}

// Put writes unconditionally. A ttl of 0 means no expiry.
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	if err := s.client.dapr.SaveState(ctx, s.name, key, value, ttlMeta(ttl)); err != nil {
		return fmt.Errorf("state %s: put: %w", s.name, err)
	}
	return nil
}

// PutIf writes if the key still has the given ETag or, with an empty ETag, if the key does not exist. It
// returns ErrConflict if the store reports a conflict; any other error may be a conflict too.
func (s *Store) PutIf(ctx context.Context, key string, value []byte, etag string, ttl time.Duration) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	err := s.client.dapr.SaveStateWithETag(ctx, s.name, key, value, etag, ttlMeta(ttl), dapr.WithConcurrency(dapr.StateConcurrencyFirstWrite))
	return s.conflict("put", err)
}

// Delete removes a key; a missing key is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	if err := s.client.dapr.DeleteState(ctx, s.name, key, nil); err != nil {
		return fmt.Errorf("state %s: delete: %w", s.name, err)
	}
	return nil
}

// DeleteIf removes a key if it still has the given ETag.
func (s *Store) DeleteIf(ctx context.Context, key, etag string) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	err := s.client.dapr.DeleteStateWithETag(ctx, s.name, key, &dapr.ETag{Value: etag}, nil,
		&dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite})
	return s.conflict("delete", err)
}

func (s *Store) conflict(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case status.Code(err) == codes.Aborted:
		return ErrConflict
	default:
		return fmt.Errorf("state %s: %s: %w", s.name, what, err)
	}
}

// Op is one operation of a transaction: a first-write upsert, or a delete if Value is nil. An upsert with an
// empty ETag creates the key and is rejected if the key exists. Unconditional skips the check.
type Op struct {
	Key           string
	Value         []byte
	ETag          string
	TTL           time.Duration
	Unconditional bool
}

// Transact applies all operations or none, on stores that support it (see booking's probe). Order the
// operations by key, so that two transactions cannot deadlock. The error does not tell the cause: read back
// and compare.
func (s *Store) Transact(ctx context.Context, ops []Op) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	steps := make([]*dapr.StateOperation, len(ops))
	for i, op := range ops {
		item := &dapr.SetStateItem{Key: op.Key, Value: op.Value, Metadata: ttlMeta(op.TTL)}
		if !op.Unconditional {
			item.Options = &dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite}
		}
		if op.ETag != "" {
			item.Etag = &dapr.ETag{Value: op.ETag}
		}
		kind := dapr.StateOperationTypeUpsert
		if op.Value == nil {
			kind = dapr.StateOperationTypeDelete
		}
		steps[i] = &dapr.StateOperation{Type: kind, Item: item}
	}
	if err := s.client.dapr.ExecuteStateTransaction(ctx, s.name, nil, steps); err != nil {
		return fmt.Errorf("state %s: transaction of %d: %w", s.name, len(ops), err)
	}
	return nil
}

// CreateEach creates each missing key independently: after an error some may have been written. It is one call
// to the sidecar but not a transaction, which on Redis would overwrite.
func (s *Store) CreateEach(ctx context.Context, ops []Op) error {
	ctx, cancel := within(ctx, s.name)
	defer cancel()
	items := make([]*dapr.SetStateItem, len(ops))
	for i, op := range ops {
		items[i] = &dapr.SetStateItem{
			Key: op.Key, Value: op.Value, Metadata: ttlMeta(op.TTL),
			Options: &dapr.StateOptions{Concurrency: dapr.StateConcurrencyFirstWrite},
		}
	}
	if err := s.client.dapr.SaveBulkState(ctx, s.name, items...); err != nil {
		return fmt.Errorf("state %s: create %d keys: %w", s.name, len(ops), err)
	}
	return nil
}

func ttlMeta(ttl time.Duration) map[string]string {
	if ttl == 0 {
		return nil
	}
	if ttl < 0 { // clears the TTL on stores that otherwise keep the old one
		return map[string]string{"ttlInSeconds": "-1"}
	}
	return map[string]string{"ttlInSeconds": strconv.FormatInt(max(1, int64(ttl/time.Second)), 10)}
}

// Idempotency stores the responses of idempotent requests in a state component.
type Idempotency struct{ Store *Store }

var _ httpapi.IdempotencyStore = Idempotency{}

// Claim implements httpapi.IdempotencyStore.
func (i Idempotency) Claim(ctx context.Context, key string, a httpapi.Answer, ttl time.Duration) (*httpapi.Answer, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	refusal := i.Store.PutIf(ctx, idempotencyKey(key), raw, "", ttl)
	if refusal == nil {
		return nil, nil
	}
	present, err := i.Store.Get(ctx, idempotencyKey(key))
	if err != nil || !present.Found {
		return nil, errors.Join(refusal, err)
	}
	var answer httpapi.Answer
	if err := json.Unmarshal(present.Value, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// Complete implements httpapi.IdempotencyStore. It replaces by ETag: after a last-write of the response, Redis
// would no longer reject a second first-write.
func (i Idempotency) Complete(ctx context.Context, key string, a httpapi.Answer, ttl time.Duration) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	present, err := i.Store.Get(ctx, idempotencyKey(key))
	if err != nil {
		return err
	}
	return i.Store.PutIf(ctx, idempotencyKey(key), raw, present.ETag, ttl)
}

// Release implements httpapi.IdempotencyStore.
func (i Idempotency) Release(ctx context.Context, key string) error {
	return i.Store.Delete(ctx, idempotencyKey(key))
}

func idempotencyKey(key string) string { return "idempotency:" + key }
