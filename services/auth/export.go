package auth

import (
	"context"
	"encoding/json"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/personaldata"
)

// Export is everything that is kept about an account, by section.
type Export struct {
	Account  string           `json:"account"`
	At       time.Time        `json:"exportedAt"`
	Profile  any              `json:"profile"`
	Sections map[string][]any `json:"data"`
}

// Bounds of an export.
const (
	exportBytes = 64 << 20
	exportPages = 2000
)

// Collect asks every service for what it keeps. Without the answer of one there is no export: a
// copy that lacks something would pass for all there is.
func Collect(ctx context.Context, holders map[string]personaldata.Holder, account string) (map[string][]any, error) {
	found := make(chan map[string][]any)
	sections := map[string][]any{}
	merged := make(chan struct{})
	go func() {
		defer close(merged)
		for page := range found {
			for name, items := range page {
				if sections[name] == nil {
					sections[name] = []any{} // nothing is told as nothing
				}
				sections[name] = append(sections[name], items...)
			}
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	for service, holder := range holders {
		group.Go(func() error { return collect(ctx, service, holder, account, found) })
	}
	err := group.Wait()
	close(found)
	<-merged
	return sections, err
}

func collect(ctx context.Context, service string, holder personaldata.Holder, account string, found chan<- map[string][]any) error {
	size := 0
	cursor := ""
	for range exportPages {
		page, err := holder.Export(ctx, account, cursor)
		if err != nil {
			return fault.Away(service, err)
		}
		raw, err := json.Marshal(page.Sections)
		if err != nil {
			return err
		}
		if size += len(raw); size > exportBytes {
			return ErrExportTooLarge
		}
		found <- page.Sections
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
	return ErrExportTooLarge
}
