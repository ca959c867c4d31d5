package auth

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/personaldata"
)

// Bounds of exports. One is held in memory until it is known to be complete, and once more while it
// is written: as many at once as a process has room for.
const (
	exportBytes   = 32 << 20 // of all services together
	exportPages   = 2000     // of a service
	exportsAtOnce = 2
)

// Exports limits how many are made at once: few in a process, and one of an account.
type Exports struct {
	mu      sync.Mutex
	running map[string]bool
}

// Begin takes a place, which end gives back.
func (e *Exports) Begin(account string) (end func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running[account] || len(e.running) >= exportsAtOnce {
		return nil, ErrExportsBusy
	}
	if e.running == nil {
		e.running = map[string]bool{}
	}
	e.running[account] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.running, account)
	}, nil
}

// Exported is the entry of the trail that somebody took their data along.
func Exported(now time.Time, account, ip string) Entry {
	e := entry(now, AuditDataExported, account, "", nil)
	e.Address = ip
	return e
}

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
	var size atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for service, holder := range holders {
		group.Go(func() error { return collect(ctx, service, holder, account, &size, found) })
	}
	err := group.Wait()
	close(found)
	<-merged
	return sections, err
}

func collect(ctx context.Context, service string, holder personaldata.Holder, account string, size *atomic.Int64, found chan<- map[string][]any) error {
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
		if size.Add(int64(len(raw))) > exportBytes {
			return ErrExportTooLarge
		}
		found <- page.Sections
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
	return ErrExportTooLarge
}
