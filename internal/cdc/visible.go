package cdc

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// snapshot describes which transactions are visible to a reader, from pg_current_snapshot()
// (https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-SNAPSHOT).
type snapshot struct {
	xmin, xmax uint64   // all below xmin have ended; none from xmax on has
	running    []uint64 // those between that have not
}

// parseSnapshot reads "xmin:xmax:running,running,...".
func parseSnapshot(text string) (s snapshot, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return s, fmt.Errorf("relay: snapshot %q", text)
	}
	if s.xmin, err = strconv.ParseUint(parts[0], 10, 64); err != nil {
		return s, fmt.Errorf("relay: snapshot: %w", err)
	}
	if s.xmax, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return s, fmt.Errorf("relay: snapshot: %w", err)
	}
	for id := range strings.SplitSeq(parts[2], ",") {
		if id == "" {
			continue
		}
		running, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return s, fmt.Errorf("relay: snapshot: %w", err)
		}
		s.running = append(s.running, running)
	}
	return s, nil
}

// sees reports whether the transaction's changes are visible. The stream identifies transactions by the low 32
// of the snapshot's 64 bits; a transaction is never two billion away from the running ones.
func (s snapshot) sees(xid uint32) bool {
	full := s.xmax + uint64(int64(int32(xid-uint32(s.xmax)))) //nolint:gosec // the difference is meant to wrap
	return full < s.xmin || full < s.xmax && !slices.Contains(s.running, full)
}

// Pauses between checks of a transaction that is in the log but not yet visible.
const (
	firstLook = time.Millisecond
	lastLook  = 50 * time.Millisecond
)

// awaitVisible waits until the transaction's changes are visible to other sessions. Postgres streams a commit
// once it is in the log, which is milliseconds earlier on a busy machine, and longer with a synchronous
// standby. A consumer that receives the change and reads the row must not find the previous version.
func (f *follower) awaitVisible(ctx context.Context, xid uint32) error {
	for looks := worker.Backoff(firstLook, lastLook, 0); !f.seen.sees(xid); {
		text, err := f.readersSnapshot(ctx)
		if err != nil {
			return fmt.Errorf("relay: snapshot: %w", err)
		}
		if f.seen, err = parseSnapshot(text); err != nil || f.seen.sees(xid) {
			return err
		}
		if time.Now().After(f.nextStatus) {
			if err := f.status(ctx); err != nil {
				return err
			}
		}
		if err := worker.Sleep(ctx, looks.NextBackOff()); err != nil {
			return err
		}
		f.heard = time.Now() // we were not listening
	}
	return nil
}

func (f *follower) readersSnapshot(ctx context.Context) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	err = f.db.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text)
	return text, err
}
