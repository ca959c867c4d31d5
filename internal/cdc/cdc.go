// Package cdc publishes committed changes of a database to the broker: change data capture by
// Postgres logical replication (https://www.postgresql.org/docs/15/logical-replication.html).
//
// A Relay follows one publication through one replication slot. It starts with a snapshot that is
// consistent with the position at which the slot was created, then streams changes. A change is
// acknowledged to Postgres only after the broker has accepted it, so a crash repeats messages and loses
// none; consumers must compare versions.
//
// The slot also elects the leader: every replica of a service runs the relay, but Postgres lets only one
// use the slot, and the others wait for it. An advisory lock covers the time before streaming begins. If
// Postgres invalidates a slot that has fallen too far behind (max_slot_wal_keep_size), the relay creates
// it again with a new snapshot.
//
// A service whose messages are rows of an outbox table needs one line, and the tables cdc_snapshots and
// cdc_rejected (services/booking/postgres/migrations/0007_relay.sql), declared in its personaldata.yaml:
//
//	p.Go("relay", cdc.Outbox(cfg.DatabaseURL, client).Run)
package cdc

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// Op is the kind of change of a row.
type Op string

// The operations. Rows of a snapshot are inserts.
const (
	Insert Op = "insert"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is the change of one row. Row has the columns in Postgres's text format, without null columns; for a
// delete, only those of the primary key; for an update, without large values that did not change
// (https://www.postgresql.org/docs/15/storage-toast.html), which are not in the log. LSN is the log position
// of the commit; it orders the changes of a row.
type Change struct {
	Table    string
	Op       Op
	Row      map[string]string
	LSN      uint64
	Snapshot bool // read from the snapshot
}

// Message is a message for a topic of messages.PubSub. Messages with the same key keep their order.
type Message struct {
	Topic   string
	Key     string
	Payload json.RawMessage
	Trace   string // W3C trace parent of the cause, where it is known
}

// Publisher publishes messages to the broker.
type Publisher interface {
	PublishBulk(ctx context.Context, component, topic string, messages []daprclient.Message) (failed []int, err error)
}

// Relay publishes the changes of tables of one database.
type Relay struct {
	DatabaseURL string
	Name        string   // of publication and slot: letters and underscores
	Tables      []string // in schema public
	Inserts     bool     // only inserts matter
	Latest      bool     // of coalesce: per batch, publish only the newest message of each key

	// Map returns the messages that report a change; it may return none. An error stops the relay at this
	// change.
	Map func(ctx context.Context, c Change) ([]Message, error)

	Publisher Publisher
	Prune     string // statement that removes what was relayed; $1 is the time before which

	db  *pgx.Conn    // of the present lead
	lag atomic.Int64 // bytes, as last measured, or notLeading
}

// What relays measure. slot is the relay's name.
var (
	lag       = telemetry.NewGauge("cdc.lag", "By", "WAL that the relay's slot holds back, told by the replica that leads.", "slot")
	rejected  = telemetry.NewCounter("cdc.messages.rejected", "{message}", "Messages that the broker did not take and that were set aside.", "slot")
	outboxLag = telemetry.NewDuration("foyer.outbox.lag", "Time from a commit until the broker has its messages, of the oldest commit in each batch.", "slot")
)

// keptOutbox is how long published outbox rows are kept, for inspection.
const keptOutbox = time.Hour

// Outbox returns a Relay of a table outbox(id uuid, topic text, key text, payload jsonb, created_at
// timestamptz). An optional column trace text, set to telemetry.TraceParent, continues the trace in the
// consumer.
func Outbox(databaseURL string, publisher Publisher) *Relay {
	return &Relay{
		DatabaseURL: databaseURL, Name: "outbox", Tables: []string{"outbox"}, Inserts: true,
		Publisher: publisher, Prune: "DELETE FROM outbox WHERE created_at < $1",
		Map: func(_ context.Context, c Change) ([]Message, error) {
			return []Message{{Topic: c.Row["topic"], Key: c.Row["key"], Payload: json.RawMessage(c.Row["payload"]), Trace: c.Row["trace"]}}, nil
		},
	}
}

// Bounds of a batch. A batch is published when no further change arrives within gatherTime, to keep latency
// low; while a batch is being published, the next one is collected.
const (
	maxBatch     = 500
	gatherTime   = 3 * time.Millisecond
	gatherAtMost = 15 * time.Millisecond
	publishRetry = 5 * time.Second
	publishGrace = 30 * time.Second // then another replica may try with its sidecar
)

// latest keeps only the newest message of each topic and key, in the order in which the keys first appeared.
func latest(messages []Message) []Message {
	at := make(map[[2]string]int, len(messages))
	kept := messages[:0]
	for _, m := range messages {
		id := [2]string{m.Topic, m.Key}
		if i, ok := at[id]; ok {
			kept[i] = m
			continue
		}
		at[id] = len(kept)
		kept = append(kept, m)
	}
	return kept
}

// waves splits messages by topic, and so that no bulk has two messages with the same key, because the broker's
// order within a bulk is not guaranteed.
func waves(messages []Message) []batch {
	var all []batch
	type turn struct {
		topic string
		n     int
	}
	next := map[[2]string]int{} // topic and key -> first turn that may take it
	index := map[turn]int{}
	for _, m := range messages {
		id := [2]string{m.Topic, m.Key}
		at := turn{m.Topic, next[id]}
		next[id]++
		i, ok := index[at]
		if !ok {
			i = len(all)
			index[at] = i
			all = append(all, batch{topic: m.Topic})
		}
		all[i].messages = append(all[i].messages, daprclient.Message{Key: m.Key, Payload: m.Payload, Trace: m.Trace})
	}
	return all
}

type batch struct {
	topic    string
	messages []daprclient.Message
}

// send publishes one wave, and repeats the rejected messages as long as some are accepted. Messages that are
// left stay in the wave.
func (r *Relay) send(ctx context.Context, w *batch) error {
	for len(w.messages) > 0 {
		failed, err := r.Publisher.PublishBulk(ctx, messages.PubSub, w.topic, w.messages)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(failed) == 0 {
			return err
		}
		left := make([]daprclient.Message, 0, len(failed))
		for _, i := range failed {
			left = append(left, w.messages[i])
		}
		if len(left) == len(w.messages) {
			return err // nothing got through: let the caller wait
		}
		w.messages = left
	}
	return nil
}
