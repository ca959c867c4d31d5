package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// disk keeps the state's objects in one file. Changes are queued in the order they were made and
// written in groups: one fsync serves all who wait.
type disk struct {
	db   *bolt.DB
	mu   sync.Mutex
	next group
	wake chan struct{}
	done chan struct{}
	idle chan struct{}
}

type group struct {
	puts map[[2]string][]byte // the last state of each object
	safe chan struct{}
}

func newGroup() group { return group{puts: map[[2]string][]byte{}, safe: make(chan struct{})} }

func openDisk(path string) (*disk, *state, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 5 * time.Second, FreelistType: bolt.FreelistMapType, NoFreelistSync: true})
	if err != nil {
		return nil, nil, err
	}
	st, err := load(db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	d := &disk{db: db, next: newGroup(), wake: make(chan struct{}, 1), done: make(chan struct{}), idle: make(chan struct{})}
	go d.run()
	return d, st, nil
}

func load(db *bolt.DB) (*state, error) {
	st := newState()
	fresh := map[string]func() record{
		"intents": func() record { return new(Intent) }, "charges": func() record { return new(Charge) },
		"refunds": func() record { return new(Refund) }, "transactions": func() record { return new(Transaction) },
		"disputes": func() record { return new(Dispute) }, "customers": func() record { return new(Customer) },
		"methods": func() record { return new(Method) }, "events": func() record { return new(Event) },
		"answers": func() record { return new(Answer) },
	}
	err := db.Update(func(tx *bolt.Tx) error {
		for kind, blank := range fresh {
			bucket, err := tx.CreateBucketIfNotExists([]byte(kind))
			if err != nil {
				return err
			}
			err = bucket.ForEach(func(id, raw []byte) error {
				r := blank()
				if err := json.Unmarshal(raw, r); err != nil {
					return fmt.Errorf("%s %s: %w", kind, id, err)
				}
				st.add(r)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	st.sort()
	return st, err
}

// write queues changed objects as they are now. The caller holds the state's lock, so the order
// of calls is the order of changes. Without changes it still says when all before are safe.
func (d *disk) write(changed map[record]bool) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	for r := range changed {
		kind, id := r.place()
		raw, err := json.Marshal(r)
		if err != nil {
			panic(fmt.Sprintf("stripesim: %s %s: %v", kind, id, err)) // all fields are plain
		}
		d.next.puts[[2]string{kind, id}] = raw
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return d.next.safe
}

func (d *disk) run() {
	defer close(d.idle)
	for {
		select {
		case <-d.wake:
		case <-d.done:
			d.flush()
			return
		}
		d.flush()
	}
}

func (d *disk) flush() {
	d.mu.Lock()
	g := d.next
	d.next = newGroup()
	d.mu.Unlock()
	if len(g.puts) == 0 {
		close(g.safe)
		return
	}
	err := d.db.Update(func(tx *bolt.Tx) error {
		for at, raw := range g.puts {
			if err := tx.Bucket([]byte(at[0])).Put([]byte(at[1]), raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		// A provider that forgets what it promised is worse than one that is away.
		slog.Error("state not written", "error", err)
		os.Exit(1)
	}
	close(g.safe)
}

func (d *disk) close() {
	close(d.done)
	<-d.idle
	if err := d.db.Close(); err != nil {
		slog.Warn("state not closed", "error", err)
	}
}
