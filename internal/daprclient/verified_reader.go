package daprclient

import (
	"context"
)

// BulkReader reads keys of a state store.
type BulkReader interface {
	Get(ctx context.Context, key string) (Item, error)
	GetBulk(ctx context.Context, keys []string) (map[string]Item, error)
}

// VerifiedReader re-reads keys one by one if a bulk read returns none of them. A bulk read of state.postgresql
// does not check whether reading its rows failed (components-contrib 1.18): if the database connection is lost
// in between, all keys seem to be missing. Before a write, the ETags guard against that; use this reader where
// no write follows. The re-read is rare.
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
