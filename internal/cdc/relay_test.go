package cdc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/cdc"
	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// broker is a publisher that remembers, and that can be away.
type broker struct {
	mu       sync.Mutex
	messages []daprclient.Message
	bulks    int
	away     bool
	partly   bool   // takes only the first of a bulk
	poison   string // in a payload, which then is never taken
}

func (b *broker) PublishBulk(_ context.Context, _, _ string, messages []daprclient.Message) ([]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bulks++
	if b.away {
		failed := make([]int, len(messages))
		for i := range failed {
			failed[i] = i
		}
		return failed, errors.New("away")
	}
	for i, m := range messages {
		if b.poison != "" && strings.Contains(string(m.Payload), b.poison) {
			b.messages = append(append(b.messages, messages[:i]...), messages[i+1:]...)
			return []int{i}, errors.New("not this one")
		}
	}
	if b.partly && len(messages) > 1 {
		b.messages = append(b.messages, messages[0])
		failed := make([]int, len(messages)-1)
		for i := range failed {
			failed[i] = i + 1
		}
		return failed, errors.New("partly")
	}
	b.messages = append(b.messages, messages...)
	return nil, nil
}

func (b *broker) set(away, partly bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away, b.partly = away, partly
}

type row struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
	Op   cdc.Op `json:"op"`
	LSN  uint64 `json:"lsn"`
}

func (b *broker) rows(t testing.TB) []row {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]row, len(b.messages))
	for i, m := range b.messages {
		require.NoError(t, json.Unmarshal(m.Payload, &rows[i]))
	}
	return rows
}

// last gives the newest text of each id.
func (b *broker) last(t testing.TB) map[int]string {
	t.Helper()
	last, lsn := map[int]string{}, map[int]uint64{}
	for _, r := range b.rows(t) {
		if r.LSN >= lsn[r.ID] {
			last[r.ID], lsn[r.ID] = r.Text, r.LSN
		}
	}
	return last
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// relayTables gives what each service that relays has in its migrations: the same.
func relayTables(t testing.TB) (up string) {
	t.Helper()
	files, err := filepath.Glob("../../services/*/postgres/migrations/*_relay.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		text, _, _ := strings.Cut(string(raw), "-- +goose Down")
		require.Contains(t, []string{"", text}, up, file)
		up = text
	}
	return up
}

// notes makes a database with a table notes(id, text) and a relay of it.
func notes(t testing.TB) (url string, conn *pgx.Conn) {
	t.Helper()
	url = harness.Postgres(t)
	conn = connect(t, url)
	exec(t, conn, `CREATE TABLE notes (id int PRIMARY KEY, text text, big text)`)
	exec(t, conn, relayTables(t))
	return url, conn
}

func relay(url string, to cdc.Publisher) *cdc.Relay {
	return &cdc.Relay{
		DatabaseURL: url, Name: "notes", Tables: []string{"notes"}, Publisher: to,
		Map: func(_ context.Context, c cdc.Change) ([]cdc.Message, error) {
			id, err := strconv.Atoi(c.Row["id"])
			if err != nil {
				return nil, err
			}
			payload, err := json.Marshal(row{ID: id, Text: c.Row["text"], Op: c.Op, LSN: c.LSN})
			return []cdc.Message{{Topic: "notes", Key: c.Row["id"], Payload: payload}}, err
		},
	}
}

// run runs a relay until the returned function or the test's end stops it.
func run(t testing.TB, r *cdc.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, what, check)
}

func has(b *broker, t testing.TB, want map[int]string) func() error {
	return func() error {
		have := b.last(t)
		for id, text := range want {
			if have[id] != text {
				return fmt.Errorf("row %d is %q, want %q", id, have[id], text)
			}
		}
		return nil
	}
}

// dropSlot lets go of a slot, so that tests sharing a server do not use them up.
func dropSlot(t testing.TB, url string) {
	t.Helper()
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			return
		}
		defer conn.Close(context.Background())
		for range 50 {
			_, err = conn.Exec(context.Background(), `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`)
			if err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestSnapshotThenStreamWithoutGap(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	exec(t, conn, `INSERT INTO notes SELECT i, 'old' FROM generate_series(1, 2000) i`)
	b := &broker{}
	stop := run(t, relay(url, b))
	// Rows change while the snapshot is read and after.
	want := map[int]string{}
	for i := 1; i <= 600; i++ {
		id, text := i*3, fmt.Sprint("new ", i)
		exec(t, conn, `INSERT INTO notes VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET text = $2`, id, text)
		want[id] = text
	}
	for i := 1; i <= 2000; i++ {
		if _, ok := want[i]; !ok {
			want[i] = "old"
		}
	}
	eventually(t, "everything is relayed", has(b, t, want))
	exec(t, conn, `DELETE FROM notes WHERE id = 3`)
	eventually(t, "the deletion is relayed", func() error {
		if !slices.ContainsFunc(b.rows(t), func(r row) bool { return r.ID == 3 && r.Op == cdc.Delete && r.Text == "" }) {
			return errors.New("not yet")
		}
		return nil
	})
	stop()

	// What changes while nobody relays is relayed later, and no second snapshot is made.
	exec(t, conn, `UPDATE notes SET text = 'while away' WHERE id = 6`)
	before := len(b.rows(t))
	run(t, relay(url, b))
	eventually(t, "the change is relayed", has(b, t, map[int]string{6: "while away"}))
	require.Less(t, len(b.rows(t)), before+1000, "no second snapshot")
}

func TestOrderPerKey(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{partly: true}
	run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, '0'), (2, '0')`)
	for i := 1; i <= 200; i++ {
		exec(t, conn, `UPDATE notes SET text = $1`, strconv.Itoa(i))
	}
	eventually(t, "all arrived", has(b, t, map[int]string{1: "200", 2: "200"}))
	seen := map[int]int{}
	for _, r := range b.rows(t) {
		n, err := strconv.Atoi(r.Text)
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, seen[r.ID], "row %d went back", r.ID)
		seen[r.ID] = n
	}
}

func TestLargeTransactionGoesInParts(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes SELECT i, 'x' FROM generate_series(1, 5000) i`)
	eventually(t, "all arrived", func() error {
		if n := len(b.last(t)); n != 5000 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	require.GreaterOrEqual(t, b.bulks, 10)
}

func TestLatestOfAKey(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	r := relay(url, b)
	r.Latest = true
	run(t, r)
	exec(t, conn, `INSERT INTO notes VALUES (0, 'there')`)
	eventually(t, "it streams", has(b, t, map[int]string{0: "there"}))
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO notes VALUES (1, 'a'), (2, 'a')`)
	require.NoError(t, err)
	for i := range 20 {
		_, err = tx.Exec(t.Context(), `UPDATE notes SET text = $1 WHERE id = 1`, fmt.Sprint(i))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit(t.Context()))
	eventually(t, "all arrived", has(b, t, map[int]string{1: "19", 2: "a"}))
	require.Len(t, b.rows(t), 3)
}

func TestConnectionKilled(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	run(t, relay(url, b))
	want := map[int]string{}
	for i := 1; i <= 400; i++ {
		exec(t, conn, `INSERT INTO notes VALUES ($1, 'x')`, i)
		want[i] = "x"
		if i%100 == 0 {
			exec(t, conn, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database() AND active_pid IS NOT NULL`)
		}
	}
	eventually(t, "nothing is lost", has(b, t, want))
}

func TestBrokerAway(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, 'x')`)
	eventually(t, "it streams", has(b, t, map[int]string{1: "x"}))
	b.set(true, false)
	for i := 2; i <= 50; i++ {
		exec(t, conn, `INSERT INTO notes VALUES ($1, 'x')`, i)
	}
	eventually(t, "it tries", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.bulks < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	require.Len(t, b.rows(t), 1)
	var behind bool
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT confirmed_flush_lsn < pg_current_wal_lsn() FROM pg_replication_slots WHERE database = current_database()`).Scan(&behind))
	require.True(t, behind, "what the broker does not have is not acknowledged")
	b.set(false, false)
	eventually(t, "the rest arrives", has(b, t, map[int]string{2: "x", 50: "x"}))
}

// A message that the broker never takes is set aside, and those after it go on.
func TestPoisonIsSetAside(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{poison: "poison"}
	run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, 'a'), (2, 'poison'), (3, 'c')`)
	exec(t, conn, `INSERT INTO notes VALUES (4, 'd')`)
	harness.Eventually(t, 90*time.Second, "the others arrive", has(b, t, map[int]string{1: "a", 3: "c", 4: "d"}))
	harness.Eventually(t, 90*time.Second, "it is kept for people to look at, and the slot moves on", func() error {
		var n int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM cdc_rejected WHERE payload ->> 'text' = 'poison'`).Scan(&n); err != nil || n != 1 {
			return fmt.Errorf("%d, %w", n, errors.Join(err, errors.New("not yet")))
		}
		return nil
	})
	exec(t, conn, `INSERT INTO notes VALUES (5, 'e')`)
	eventually(t, "it streams", has(b, t, map[int]string{1: "a", 3: "c", 4: "d", 5: "e"}))
}

func TestStandbyTakesOver(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	exec(t, conn, `INSERT INTO notes SELECT i, 'x' FROM generate_series(1, 3000) i`)
	first, second := &broker{}, &broker{}
	// Both start on a database without a slot: one makes it, the other waits, also during the snapshot.
	stopFirst, stopSecond := run(t, relay(url, first)), run(t, relay(url, second))
	eventually(t, "one relays", func() error {
		if len(first.rows(t))+len(second.rows(t)) < 3000 {
			return errors.New("not yet")
		}
		return nil
	})
	exec(t, conn, `INSERT INTO notes VALUES (0, 'streamed')`)
	var leader, other *broker
	var stopLeader func()
	eventually(t, "it streams", func() error {
		switch {
		case first.last(t)[0] != "":
			leader, other, stopLeader = first, second, stopFirst
		case second.last(t)[0] != "":
			leader, other, stopLeader = second, first, stopSecond
		default:
			return errors.New("not yet")
		}
		return nil
	})
	require.Len(t, leader.rows(t), 3001)
	require.Empty(t, other.rows(t), "one relays, one waits")
	stopLeader()
	exec(t, conn, `INSERT INTO notes VALUES (-1, 'taken over')`)
	eventually(t, "the other takes over", has(other, t, map[int]string{-1: "taken over"}))
	require.Less(t, len(other.rows(t)), 100, "without a snapshot")
}

func TestSlotLostMeansNewSnapshot(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	stop := run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, 'x')`)
	eventually(t, "it streams", has(b, t, map[int]string{1: "x"}))
	stop()
	exec(t, conn, `UPDATE notes SET text = 'y'`)
	eventually(t, "the slot is free", func() error {
		_, err := conn.Exec(t.Context(), `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`)
		return err
	})
	run(t, relay(url, b))
	eventually(t, "a snapshot says what was missed", has(b, t, map[int]string{1: "y"}))
	exec(t, conn, `UPDATE notes SET text = 'z'`)
	eventually(t, "and the stream goes on", has(b, t, map[int]string{1: "z"}))
}

// Postgres gives a slot up that holds back more than max_slot_wal_keep_size.
func TestSlotGivenUpByPostgres(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	stop := run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, 'x')`)
	eventually(t, "it streams", has(b, t, map[int]string{1: "x"}))
	stop()
	exec(t, conn, `ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`)
	exec(t, conn, `SELECT pg_reload_conf()`)
	defer func() {
		exec(t, conn, `ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'`) // the stack's
		exec(t, conn, `SELECT pg_reload_conf()`)
	}()
	exec(t, conn, `UPDATE notes SET text = 'y'`)
	eventually(t, "the slot is lost", func() error {
		// A segment of the log is over without being full: what follows costs a busy disk nothing.
		exec(t, conn, `SELECT pg_logical_emit_message(false, 'filler', ''), pg_switch_wal()`)
		exec(t, conn, `SELECT pg_logical_emit_message(false, 'filler', ''), pg_switch_wal()`)
		exec(t, conn, `CHECKPOINT`)
		var status string
		if err := conn.QueryRow(t.Context(), `SELECT coalesce(wal_status, '') FROM pg_replication_slots WHERE database = current_database()`).Scan(&status); err != nil {
			return err
		}
		if status != "lost" {
			return errors.New(status)
		}
		return nil
	})
	run(t, relay(url, b))
	eventually(t, "a snapshot says what was missed", has(b, t, map[int]string{1: "y"}))
}

func TestSchemaChangesAndLargeValues(t *testing.T) {
	url, conn := notes(t)
	dropSlot(t, url)
	b := &broker{}
	var mu sync.Mutex
	var seen []cdc.Change
	r := relay(url, b)
	plain := r.Map
	r.Map = func(ctx context.Context, c cdc.Change) ([]cdc.Message, error) {
		mu.Lock()
		seen = append(seen, c)
		mu.Unlock()
		return plain(ctx, c)
	}
	run(t, r)
	exec(t, conn, `ALTER TABLE notes ALTER COLUMN big SET STORAGE EXTERNAL`)
	exec(t, conn, `INSERT INTO notes VALUES (1, 'a', $1)`, strings.Repeat("big", 10_000))
	eventually(t, "inserted", has(b, t, map[int]string{1: "a"}))
	exec(t, conn, `UPDATE notes SET text = 'b'`)
	exec(t, conn, `ALTER TABLE notes ADD COLUMN extra text DEFAULT 'more'`)
	exec(t, conn, `UPDATE notes SET text = 'c'`)
	exec(t, conn, `ALTER TABLE notes DROP COLUMN big`)
	exec(t, conn, `UPDATE notes SET text = 'd'`)
	exec(t, conn, `CREATE TABLE others (id int)`)
	exec(t, conn, `INSERT INTO others VALUES (1)`)
	exec(t, conn, `UPDATE notes SET text = NULL`)
	exec(t, conn, `UPDATE notes SET text = 'e'`)
	eventually(t, "all arrived", has(b, t, map[int]string{1: "e"}))
	mu.Lock()
	defer mu.Unlock()
	for _, c := range seen[len(seen)-5:] {
		require.Equal(t, "notes", c.Table)
		require.Equal(t, cdc.Update, c.Op)
	}
	_, there := seen[len(seen)-5].Row["big"]
	require.False(t, there, "a large value that stayed as it was is left out")
	require.Equal(t, "more", seen[len(seen)-4].Row["extra"])
	_, there = seen[len(seen)-2].Row["text"]
	require.False(t, there, "null is left out")
}

const outboxTable = `CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), topic text NOT NULL, key text NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`

func TestOutboxIsPrunedOnceRelayed(t *testing.T) {
	url := harness.Postgres(t)
	dropSlot(t, url)
	conn := connect(t, url)
	exec(t, conn, outboxTable)
	exec(t, conn, relayTables(t))
	b := &broker{away: true}
	run(t, cdc.Outbox(url, b))
	exec(t, conn, `INSERT INTO outbox (topic, key, payload, created_at) VALUES ('t', 'k', '{"id": 1}', now() - interval '2 hours'), ('t', 'k', '{"id": 2}', now())`)
	eventually(t, "it tries", func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.bulks < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	var rows int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&rows))
	require.Equal(t, 2, rows, "nothing goes that the broker does not have")
	b.set(false, false)
	harness.Eventually(t, 60*time.Second, "the old row is pruned, the new one kept for a while", func() error {
		exec(t, conn, `INSERT INTO outbox (topic, key, payload) VALUES ('t', 'other', '{"id": 3}')`)
		var old, fresh int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE payload->>'id' = '1'), count(*) FILTER (WHERE payload->>'id' = '2') FROM outbox`).Scan(&old, &fresh); err != nil {
			return err
		}
		if old != 0 || fresh != 1 {
			return fmt.Errorf("%d old, %d fresh", old, fresh)
		}
		return nil
	})
	require.GreaterOrEqual(t, harness.Metric(t, "cdc_lag_bytes", "slot", "outbox"), 0.0)
	require.Positive(t, harness.Metric(t, "foyer_outbox_lag_seconds", "slot", "outbox"))
	require.Positive(t, harness.Metric(t, "foyer_leader_changes_total", "foyer_task", "relay of outbox"))
}

// Commit to delivery on the real broker, through two sidecars' worth of real parts.
func TestOutboxToKafka(t *testing.T) {
	url := harness.Postgres(t)
	dropSlot(t, url)
	conn := connect(t, url)
	exec(t, conn, outboxTable)
	exec(t, conn, relayTables(t))
	type message struct {
		N  int       `json:"n"`
		At time.Time `json:"at"`
	}
	got := make(chan time.Duration, 10_000)
	var mu sync.Mutex
	last := map[string]int{}
	harness.Sidecar(t, messages.Notification, func(cfg daprclient.Config) http.Handler {
		router := mux.NewRouter()
		daprclient.Mount(router, cfg.AppToken, daprclient.Subscription{
			Component: messages.PubSub, Topic: messages.BookingEvents,
			Handle: func(_ context.Context, d daprclient.Delivery) error {
				m, err := daprclient.Decode[struct {
					message
					Key string `json:"key"`
				}](d)
				if err != nil {
					return err
				}
				got <- time.Since(m.At)
				mu.Lock()
				defer mu.Unlock()
				if m.N < last[m.Key] {
					t.Errorf("key %s went back from %d to %d", m.Key, last[m.Key], m.N)
				}
				last[m.Key] = m.N
				return nil
			},
		})
		return router
	}, messages.PubSub)
	client, err := daprclient.New(harness.Sidecar(t, messages.BookingConsumer, nil, messages.PubSub))
	require.NoError(t, err)
	defer client.Close()
	timed := &stopwatch{Publisher: client}
	run(t, cdc.Outbox(url, timed))

	send := func(i int) {
		key := fmt.Sprint(i % 3)
		payload, err := json.Marshal(map[string]any{"n": i, "at": time.Now(), "key": key})
		require.NoError(t, err)
		exec(t, conn, `INSERT INTO outbox (id, topic, key, payload) VALUES ($1, $2, $3, $4)`, uuid.New(), messages.BookingEvents, key, payload)
	}
	receive := func() time.Duration {
		select {
		case took := <-got:
			return took
		case <-time.After(30 * time.Second):
			t.Fatal("messages are missing")
			return 0
		}
	}
	send(0) // the topic is made, the consumer joins
	receive()
	const alone, burst = 100, 300
	took := make([]time.Duration, 0, alone)
	for i := range alone {
		send(1 + i)
		took = append(took, receive())
	}
	for i := range burst {
		send(1 + alone + i)
	}
	for range burst {
		receive()
	}
	slices.Sort(took)
	t.Logf("commit to delivery: median %s, p99 %s; one bulk to the broker: median %s", took[alone/2], took[alone*99/100], timed.median())
}

type stopwatch struct {
	cdc.Publisher
	mu   sync.Mutex
	took []time.Duration
}

func (s *stopwatch) PublishBulk(ctx context.Context, component, topic string, messages []daprclient.Message) ([]int, error) {
	began := time.Now()
	failed, err := s.Publisher.PublishBulk(ctx, component, topic, messages)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, time.Since(began))
	return failed, err
}

func (s *stopwatch) median() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.took)
	return s.took[len(s.took)/2]
}

// reader is a broker whose consumers read the row as soon as they hear of it.
type reader struct {
	broker
	conn    *pgx.Conn
	missing []int
}

func (r *reader) PublishBulk(ctx context.Context, component, topic string, messages []daprclient.Message) ([]int, error) {
	for _, m := range messages {
		var told row
		if err := json.Unmarshal(m.Payload, &told); err != nil {
			return nil, err
		}
		var there bool
		if err := r.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM notes WHERE id = $1)`, told.ID).Scan(&there); err != nil {
			return nil, err
		}
		if !there {
			r.missing = append(r.missing, told.ID)
		}
	}
	return r.broker.PublishBulk(ctx, component, topic, messages)
}

// A commit is in the log before others can read it. A standby that does not answer makes that last.
func TestChangesCanBeReadWhenTheyAreTold(t *testing.T) {
	url, conn := notes(t)
	b := &reader{conn: connect(t, url)}
	run(t, relay(url, b))
	exec(t, conn, `INSERT INTO notes VALUES (1, 'one')`)
	harness.Eventually(t, 20*time.Second, "the first arrives", func() error { return b.has(t, 1) })

	admin := connect(t, url)
	exec(t, admin, `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	exec(t, admin, `SELECT pg_reload_conf()`)
	t.Cleanup(func() { // whatever went wrong, the server is everybody's
		admin, err := pgx.Connect(context.Background(), url)
		require.NoError(t, err)
		defer admin.Close(context.Background())
		_, _ = admin.Exec(context.Background(), `ALTER SYSTEM RESET synchronous_standby_names`)
		_, _ = admin.Exec(context.Background(), `SELECT pg_reload_conf()`)
	})
	harness.Eventually(t, 10*time.Second, "the setting counts", func() error {
		var names string
		if err := conn.QueryRow(t.Context(), `SHOW synchronous_standby_names`).Scan(&names); err != nil || names != "nobody" {
			return fmt.Errorf("%q %w", names, err)
		}
		return nil
	})
	writer := connect(t, url)
	written := make(chan error, 1)
	go func() {
		_, err := writer.Exec(context.Background(), `INSERT INTO notes VALUES (2, 'two')`)
		written <- err
	}()
	harness.Eventually(t, 10*time.Second, "the writer waits for the standby", func() error {
		var waits bool
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')`).Scan(&waits)
		if err == nil && !waits {
			err = errors.New("not yet")
		}
		return err
	})
	harness.Eventually(t, 10*time.Second, "the stream is past the commit", func() error {
		var past bool
		err := conn.QueryRow(t.Context(), `SELECT sent_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication`).Scan(&past)
		if err == nil && !past {
			err = errors.New("not yet")
		}
		return err
	})
	exec(t, admin, `ALTER SYSTEM RESET synchronous_standby_names`)
	exec(t, admin, `SELECT pg_reload_conf()`)
	require.NoError(t, <-written)
	harness.Eventually(t, 20*time.Second, "the second arrives", func() error { return b.has(t, 2) })
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.missing, "told before they could be read")
}

func (b *broker) has(t testing.TB, id int) error {
	if _, ok := b.last(t)[id]; !ok {
		return fmt.Errorf("%d has not arrived", id)
	}
	return nil
}
