package daprclient

import (
	"context"
)

// BulkReader reads keys of a state store.
type BulkReader interface {
	Get(ctx context.Context, key string) (Item, error)
	GetBulk(ctx context.Context, keys []string) (map[string]Item, error)
}

// VerifiedReader is a store for somebody who takes it for true that none of the keys is there. A bulk read of
// state.postgresql does not look whether its rows ended in an error (components-contrib 1.18): when
// the database dies in between, all keys are missing. Where a write follows, its ETags guard
// against that; here each key is asked for by itself, which is rare.
type VerifiedReader struct{ BulkReader }

func (s VerifiedReader) GetBulk(ctx context.Context, keys []string) (map[string]Item, error) {
	items, err := s.BulkReader.GetBulk(ctx, keys)
	if err != nil || len(items) > 0 {
		return items, err
	}
	items = map[string]Item{}
	for _, k := range keys {
		it, err := s.Get(ctx, k)
		if err != nil {
			return nil, err
		}
		if it.Found {
			items[k] = it
		}
	}
	return items, nil
}
