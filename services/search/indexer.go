package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Change says that an event, or what is left of it, changed at a place of the database's log, or
// only that it was there when the log was first read.
type Change struct {
	Event    uuid.UUID
	LSN      uint64
	Snapshot bool
}

// EventVersions is an event's id with the versions that the catalog, or the index, has of it.
type EventVersions struct {
	ID uuid.UUID
	Versions
	Written uint64 // version of the write; in the index only
}

// Summary tells two copies of the published events apart.
type Summary struct {
	Count    int64
	Checksum int64 // sum of the Checksum of each event
}

// CatalogSummary is a Summary of the catalog's events.
type CatalogSummary struct {
	Summary
	// Position is where the log of the catalog's database ended before the events were read: above the
	// version of every change until then.
	Position uint64
}

// Catalog is where events come from.
type Catalog interface {
	// Documents reads events as they are now; those that are gone are left out.
	Documents(ctx context.Context, ids []uuid.UUID) ([]Event, error)
	// Published lists a page of the published events, by id, the youngest first.
	Published(ctx context.Context, before uuid.UUID) ([]EventVersions, error)
	// Versions gives those of the events that are published.
	Versions(ctx context.Context, ids []uuid.UUID) ([]EventVersions, error)
	// Summary sums up the published events.
	Summary(ctx context.Context) (CatalogSummary, error)
}

// Write puts an event into the index, or takes it out when Event is nil. It has no effect
// where something of a higher version is, or was deleted.
type Write struct {
	ID      uuid.UUID
	Version uint64
	Event   *Event
}

// Target is where writes go.
type Target int

// The targets. What people search is written always, what is being built whenever it is there.
const (
	Live Target = iota
	Building
)

// Writer writes. The errors are those of each write, nil for what is done or superseded.
type Writer interface {
	Write(ctx context.Context, to Target, writes []Write) []error
	IsBuilding(ctx context.Context) (bool, error)
	// Show has people find what was written sooner than the index would by itself. It does not wait.
	Show(ctx context.Context)
	// Ready tells whether the index answers at all.
	Ready(ctx context.Context) error
	// Written gives the versions of those events that are in the live index, as people see it.
	Written(ctx context.Context, ids []uuid.UUID) ([]EventVersions, error)
}

// Indexer brings changes into the index.
type Indexer struct {
	Catalog Catalog
	Writer  Writer
}

// fetchAtMost is how many documents are asked for at once.
const fetchAtMost = 250

// Apply brings a batch of changes into the index and gives an error for each that failed. While the
// index is away it waits, for as long as it is given: a change that is tried in vain again and again
// becomes a dead letter, and there is nothing wrong with it.
func (i Indexer) Apply(ctx context.Context, changes []Change) []error {
	for {
		errs := i.apply(ctx, changes)
		failed := slices.IndexFunc(errs, func(err error) bool { return refused([]error{err}) != nil })
		if failed < 0 || i.there(ctx) {
			return errs
		}
		slog.WarnContext(ctx, "index away, changes wait", "changes", len(changes), "error", errs[failed])
		for !i.there(ctx) {
			if worker.Sleep(ctx, awayPause) != nil {
				return errs
			}
		}
	}
}

// How an index that is away is looked after.
const (
	awayPause    = time.Second
	awayPatience = 2 * time.Second
)

func (i Indexer) there(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, awayPatience)
	defer cancel()
	return i.Writer.Ready(ctx) == nil
}

// apply fetches the events as they are now, which is at least as new as the change: so repeats and
// wrong order do no harm.
func (i Indexer) apply(ctx context.Context, changes []Change) []error {
	newest := map[uuid.UUID]uint64{}
	ids := make([]uuid.UUID, 0, len(changes))
	snapshot := true
	for _, c := range changes {
		snapshot = snapshot && c.Snapshot
		if lsn, ok := newest[c.Event]; !ok {
			ids = append(ids, c.Event)
			newest[c.Event] = c.LSN
		} else if c.LSN > lsn {
			newest[c.Event] = c.LSN
		}
	}
	failed := map[uuid.UUID]error{}
	var err error
	if snapshot { // a relay that begins anew lists everything, and most is there
		ids, err = i.differing(ctx, ids)
	}
	if err == nil {
		err = i.write(ctx, ids, func(id uuid.UUID) uint64 { return newest[id] }, func(id uuid.UUID, err error) { failed[id] = err })
	}
	if err == nil && !snapshot { // nobody waits for what a snapshot lists, and it is much
		i.Writer.Show(ctx)
	}
	errs := make([]error, len(changes))
	for n, c := range changes {
		if errs[n] = err; err == nil {
			errs[n] = failed[c.Event]
		}
	}
	return errs
}

// differing leaves out those events that the live index has as the database has them. While another
// is being built all are needed there.
func (i Indexer) differing(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	building, err := i.Writer.IsBuilding(ctx)
	if err != nil || building {
		return ids, err
	}
	want, err := i.Catalog.Versions(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("versions: %w", err)
	}
	have, err := i.Writer.Written(ctx, ids)
	if err != nil {
		return nil, err
	}
	versions := func(list []EventVersions) map[uuid.UUID]Versions {
		all := make(map[uuid.UUID]Versions, len(list))
		for _, s := range list {
			all[s.ID] = s.Versions
		}
		return all
	}
	there, here := versions(want), versions(have)
	return slices.DeleteFunc(ids, func(id uuid.UUID) bool {
		t, published := there[id]
		h, indexed := here[id]
		return published == indexed && t == h
	}), nil
}

// write copies the named events from the catalog to wherever writes go.
func (i Indexer) write(ctx context.Context, ids []uuid.UUID, version func(uuid.UUID) uint64, fail func(uuid.UUID, error)) error {
	// Asked when the changes are committed: what is built later reads them.
	var (
		building bool
		writes   []Write
	)
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		building, err = i.Writer.IsBuilding(both)
		return err
	})
	group.Go(func() (err error) {
		writes, err = i.fetch(both, ids, version)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	targets := []Target{Live}
	if building {
		targets = append(targets, Building)
	}
	for _, target := range targets {
		for n, err := range i.Writer.Write(ctx, target, writes) {
			if err != nil {
				fail(writes[n].ID, err)
			}
		}
	}
	return nil
}

func (i Indexer) fetch(ctx context.Context, ids []uuid.UUID, version func(uuid.UUID) uint64) ([]Write, error) {
	writes := make([]Write, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for from := 0; from < len(ids); from += fetchAtMost {
		part := ids[from:min(from+fetchAtMost, len(ids))]
		group.Go(func() error {
			events, err := i.Catalog.Documents(ctx, part)
			if err != nil {
				return fmt.Errorf("documents: %w", err)
			}
			byID := make(map[uuid.UUID]*Event, len(events))
			for n := range events {
				if events[n].Published() {
					byID[events[n].ID] = &events[n]
				}
			}
			for n, id := range part {
				writes[from+n] = Write{ID: id, Version: version(id), Event: byID[id]}
			}
			return nil
		})
	}
	return writes, group.Wait()
}

// IndexAdmin is the index as a whole: whether it is there, and equal to the database.
type IndexAdmin interface {
	// Ensure makes the index where there is none. current is false when the one that people
	// search was made by other rules than ours.
	Ensure(ctx context.Context) (current bool, err error)
	// Build makes a new, empty index beside the live one; Swap makes it the live one.
	Build(ctx context.Context) error
	Swap(ctx context.Context) error
	// Refresh makes all writes visible.
	Refresh(ctx context.Context) error
	Summary(ctx context.Context) (Summary, error)
	// Indexed lists a page of what is in the index, by id, the youngest first.
	Indexed(ctx context.Context, before uuid.UUID) ([]EventVersions, error)
}

// Lock lets one replica at a time maintain the index.
type Lock interface {
	// WithLock runs f while this replica has the lock; ErrBusy when another one has it. The context of
	// f ends when the lock is lost.
	WithLock(ctx context.Context, f func(context.Context) error) error
}

// Maintainer creates the index, compares it with the catalog and repairs it.
type Maintainer struct {
	Indexer
	Index IndexAdmin
	Lock  Lock
	Asked chan struct{} // requests of a rebuild, of size one; nil: none can be made
	Grace time.Duration // for changes on their way, before a difference counts
}

// Ask has Run build the index anew. It does not wait, and asking twice is asking once.
func (m Maintainer) Ask() {
	select {
	case m.Asked <- struct{}{}:
	default:
	}
}

// firstVersion is below every place in the log: a copied event never overwrites a change.
const firstVersion = 1

// Check makes sure that the index is there, made by today's rules, and equal to the database.
// It returns how many events it repaired.
func (m Maintainer) Check(ctx context.Context) (repaired int, err error) {
	err = m.Lock.WithLock(ctx, func(ctx context.Context) error {
		current, err := m.Index.Ensure(ctx)
		if err != nil {
			return err
		}
		if !current {
			slog.InfoContext(ctx, "the index was made by other rules, building anew")
			return m.rebuild(ctx)
		}
		repaired, err = m.repair(ctx)
		return err
	})
	return repaired, err
}

// Rebuild makes a new index while the old one answers, and swaps them.
func (m Maintainer) Rebuild(ctx context.Context) error {
	return m.Lock.WithLock(ctx, func(ctx context.Context) error {
		if _, err := m.Index.Ensure(ctx); err != nil {
			return err
		}
		return m.rebuild(ctx)
	})
}

func (m Maintainer) rebuild(ctx context.Context) error {
	if err := m.Index.Build(ctx); err != nil {
		return err
	}
	// From here on changes go to both. Copies of what was there before have the lowest version.
	count := 0
	for before := uuid.Max; ; {
		page, err := m.Catalog.Published(ctx, before)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		before = page[len(page)-1].ID
		if err := m.copyInto(ctx, page); err != nil {
			return err
		}
		count += len(page)
	}
	if err := m.Index.Swap(ctx); err != nil {
		return err
	}
	slog.InfoContext(ctx, "index built anew", "events", count)
	return nil
}

func (m Maintainer) copyInto(ctx context.Context, page []EventVersions) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for from := 0; from < len(page); from += fetchAtMost {
		part := page[from:min(from+fetchAtMost, len(page))]
		group.Go(func() error {
			ids := make([]uuid.UUID, len(part))
			for n, s := range part {
				ids[n] = s.ID
			}
			writes, err := m.fetch(ctx, ids, func(uuid.UUID) uint64 { return firstVersion })
			if err != nil {
				return err
			}
			return refused(m.Writer.Write(ctx, Building, writes))
		})
	}
	return group.Wait()
}

// refused gives the errors that are worth stopping for: one malformed event must not keep the
// others out of the index.
func refused(errs []error) error {
	var all []error
	for _, err := range errs {
		if err != nil && fault.KindOf(err) != fault.Invalid {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// repair compares sums, and events only where these differ.
func (m Maintainer) repair(ctx context.Context) (int, error) {
	// The position is older than the lists below: a copy replaces what is in the index, a wrong deletion
	// too, and yields to any later change.
	equal, position, err := m.equal(ctx)
	if err != nil || equal {
		return 0, err
	}
	there, here := listing{list: m.Catalog.Published, last: uuid.Max}, listing{list: m.Index.Indexed, last: uuid.Max}
	repaired := 0
	var wrong []uuid.UUID
	written := map[uuid.UUID]uint64{}
	flush := func() error {
		defer func() { wrong = wrong[:0] }()
		if len(wrong) == 0 {
			return nil
		}
		var failed error
		// Since the lists were read, a relay's snapshot may have brought it; which comes from the other end.
		wrong, err := m.differing(ctx, wrong)
		if err != nil {
			return err
		}
		err = m.write(ctx, wrong, func(id uuid.UUID) uint64 { return max(written[id], position) }, func(id uuid.UUID, err error) {
			if fault.KindOf(err) != fault.Invalid {
				failed = err
			}
			slog.ErrorContext(ctx, "event not repaired in the index", "event", id, "error", err)
		})
		repaired += len(wrong)
		clear(written)
		return errors.Join(err, failed)
	}
	for {
		t, err := there.peek(ctx)
		if err != nil {
			return repaired, err
		}
		h, err := here.peek(ctx)
		if err != nil {
			return repaired, err
		}
		if t == nil && h == nil {
			break
		}
		switch order := compare(t, h); {
		case order < 0: // only in the database
			wrong = append(wrong, t.ID)
			there.next()
		case order > 0: // only in the index
			wrong, written[h.ID] = append(wrong, h.ID), h.Written
			here.next()
		default:
			if t.Versions != h.Versions {
				wrong, written[h.ID] = append(wrong, h.ID), h.Written
			}
			there.next()
			here.next()
		}
		if len(wrong) >= 2*fetchAtMost {
			if err := flush(); err != nil {
				return repaired, err
			}
		}
	}
	if err := flush(); err != nil {
		return repaired, err
	}
	if repaired > 0 {
		slog.WarnContext(ctx, "index repaired", "events", repaired)
	}
	return repaired, nil
}

// equal compares sums. Changes may be on their way: sums that differ are compared again after a while.
// position is that of the last comparison.
func (m Maintainer) equal(ctx context.Context) (equal bool, position uint64, err error) {
	for try := 0; ; try++ {
		if err := m.Index.Refresh(ctx); err != nil {
			return false, 0, err
		}
		in, err := m.Index.Summary(ctx)
		if err != nil {
			return false, 0, err
		}
		want, err := m.Catalog.Summary(ctx)
		if err != nil {
			return false, 0, err
		}
		if in == want.Summary {
			return true, want.Position, nil
		}
		if try == 2 || in.Count == 0 {
			slog.WarnContext(ctx, "index differs from the database", "indexed", in.Count, "published", want.Count)
			return false, want.Position, nil
		}
		if err := worker.Sleep(ctx, m.Grace); err != nil {
			return false, 0, err
		}
	}
}

// listing reads a list page by page.
type listing struct {
	list func(context.Context, uuid.UUID) ([]EventVersions, error)
	page []EventVersions
	last uuid.UUID
	end  bool
}

func (s *listing) peek(ctx context.Context) (*EventVersions, error) {
	if len(s.page) == 0 && !s.end {
		page, err := s.list(ctx, s.last)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			s.end = true
			return nil, nil
		}
		s.page, s.last = page, page[len(page)-1].ID
	}
	if s.end {
		return nil, nil
	}
	return &s.page[0], nil
}

func (s *listing) next() { s.page = s.page[1:] }

func compare(t, h *EventVersions) int {
	switch {
	case h == nil:
		return -1
	case t == nil:
		return 1
	}
	for n := range t.ID {
		if t.ID[n] != h.ID[n] {
			return int(h.ID[n]) - int(t.ID[n]) // the youngest comes first
		}
	}
	return 0
}
