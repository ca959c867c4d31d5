package cdc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/foyer-tickets/foyer/internal/telemetry"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Timing and limits of a relay.
const (
	standbyWait    = time.Second // between tries to become the leader
	statusInterval = 2 * time.Second
	lagInterval    = 10 * time.Second
	notLeading     = -1        // instead of a lag
	lagAlarm       = 256 << 20 // bytes of WAL that the slot holds back
	receiveWait    = time.Second
	hangUpTime     = 200 * time.Millisecond
	silence        = 15 * time.Second // without a message, each side considers the other dead
)

// Run publishes changes until ctx ends. It recovers from failures of the database and the broker, and waits
// while another replica leads.
func (r *Relay) Run(ctx context.Context) error {
	r.lag.Store(notLeading)
	rejected.Add(ctx, 0, r.Name) // so that it is there before the first one
	defer telemetry.Observe(func(_ context.Context, reading telemetry.Reading) error {
		if n := r.lag.Load(); n != notLeading {
			reading.Set(lag, float64(n), r.Name)
		}
		return nil
	}, lag)()
	wait := worker.Backoff(100*time.Millisecond, 5*time.Second, 0.5)
	for {
		began := time.Now()
		err := r.lead(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(began) > time.Minute {
			wait.Reset()
		}
		pause := wait.NextBackOff()
		if errors.Is(err, errStandby) {
			pause = standbyWait
			wait.Reset()
		} else {
			slog.WarnContext(ctx, "relay interrupted", "slot", r.Name, "retry", pause.String(), "error", err)
		}
		if err := worker.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// errStandby means that another replica has the slot.
var errStandby = errors.New("another replica relays")

// slotName makes the slot's name unique in the cluster by including the database's name.
func (r *Relay) slotName(database string) string { return "foyer_" + database + "_" + r.Name }

// lead acquires the slot and follows it until an error occurs.
func (r *Relay) lead(ctx context.Context) error {
	cfg, err := pgx.ParseConfig(r.DatabaseURL)
	if err != nil {
		return err
	}
	cfg.ConnectTimeout = 5 * time.Second
	db, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer hangUp(ctx, db)
	r.db = db

	repl := cfg.Config.Copy()
	repl.RuntimeParams["replication"] = "database"
	repl.RuntimeParams["wal_sender_timeout"] = strconv.FormatInt(silence.Milliseconds(), 10)
	stream, err := pgconn.ConnectConfig(ctx, repl)
	if err != nil {
		return err
	}
	defer hangUp(ctx, stream)

	slot := r.slotName(cfg.Database)
	// A slot that is being created, or whose snapshot is being read, is not yet held by a stream, hence the
	// lock.
	ours, err := tryLock(ctx, db, slot)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if !ours {
		return errStandby
	}
	if err := r.prepare(ctx, db); err != nil {
		return err
	}
	start, err := r.position(ctx, db, stream, slot)
	if err != nil {
		return err
	}
	err = pglogrepl.StartReplication(ctx, stream, slot, start, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + r.publication() + "'"},
	})
	if err != nil {
		return standby(err)
	}
	// The stream holds the slot from here on, also when this process freezes and only the database notices.
	if err := unlock(ctx, db, slot); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	slog.InfoContext(ctx, "relay streaming", "slot", slot, "from", start.String())
	telemetry.Leads.Add(ctx, 1, "relay of "+r.Name)
	defer r.lag.Store(notLeading)
	f := &follower{relay: r, stream: stream, db: db, slot: slot, done: start, relations: map[uint32]*pglogrepl.RelationMessage{}}
	return f.follow(ctx)
}

func tryLock(ctx context.Context, db *pgx.Conn, slot string) (ours bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	err = db.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, slot).Scan(&ours)
	return ours, err
}

func unlock(ctx context.Context, db *pgx.Conn, slot string) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, err := db.Exec(ctx, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, slot)
	return err
}

// hangUp closes a connection with a short timeout, even after ctx has ended. The session's locks and slot are
// released with it.
func hangUp(ctx context.Context, conn interface {
	Close(ctx context.Context) error
}) {
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTime)
	defer cancel()
	_ = conn.Close(soon)
}

func (r *Relay) publication() string { return "foyer_" + r.Name }

// standby reports whether the error only says that the slot is active for another process.
func standby(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "55006" { // object_in_use
		return errStandby
	}
	return err
}

// prepare creates or updates the publication.
func (r *Relay) prepare(ctx context.Context, db *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var have []string
	err := db.QueryRow(ctx, `SELECT coalesce(array_agg(tablename::text), '{}') FROM pg_publication_tables WHERE pubname = $1`, r.publication()).Scan(&have)
	if err != nil {
		return fmt.Errorf("relay: publication: %w", err)
	}
	want := slices.Clone(r.Tables)
	sort.Strings(want)
	sort.Strings(have)
	if slices.Equal(want, have) {
		return nil
	}
	names := make([]string, len(r.Tables))
	for i, t := range r.Tables {
		names[i] = pgx.Identifier{t}.Sanitize()
	}
	tables := strings.Join(names, ", ")
	if len(have) > 0 {
		_, err = db.Exec(ctx, "ALTER PUBLICATION "+r.publication()+" SET TABLE "+tables)
	} else {
		options := ""
		if r.Inserts {
			options = " WITH (publish = 'insert')"
		}
		_, err = db.Exec(ctx, "CREATE PUBLICATION "+r.publication()+" FOR TABLE "+tables+options)
	}
	if err != nil && !isDuplicate(err) {
		return fmt.Errorf("relay: publication: %w", err)
	}
	return nil
}

// isDuplicate means that another replica has just created the object.
func isDuplicate(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "42710" || pg.Code == "23505" || pg.Code == "42P07")
}

// position returns the log position to continue from. If necessary it creates the slot and publishes the
// snapshot.
func (r *Relay) position(ctx context.Context, db *pgx.Conn, stream *pgconn.PgConn, slot string) (pglogrepl.LSN, error) {
	var (
		confirmed string
		active    bool
		lost      bool
		finished  bool
	)
	err := db.QueryRow(ctx, `
		SELECT coalesce(confirmed_flush_lsn::text, '0/0'), active, coalesce(wal_status = 'lost', false),
			EXISTS (SELECT FROM cdc_snapshots c WHERE c.slot = slot_name::text)
		FROM pg_replication_slots WHERE slot_name = $1`, slot).Scan(&confirmed, &active, &lost, &finished)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return r.snapshot(ctx, db, stream, slot)
	case err != nil:
		return 0, fmt.Errorf("relay: slot: %w", err)
	case active:
		return 0, errStandby
	case finished && !lost:
		return pglogrepl.ParseLSN(confirmed)
	}
	slog.WarnContext(ctx, "relay restarts with a snapshot", "slot", slot, "lost", lost)
	if err := pglogrepl.DropReplicationSlot(ctx, stream, slot, pglogrepl.DropReplicationSlotOptions{}); err != nil {
		return 0, standby(err)
	}
	return r.snapshot(ctx, db, stream, slot)
}

// snapshot creates the slot and publishes every row that existed at that moment. A slot whose snapshot is not
// recorded as finished is not used.
func (r *Relay) snapshot(ctx context.Context, db *pgx.Conn, stream *pgconn.PgConn, slot string) (pglogrepl.LSN, error) {
	if _, err := db.Exec(ctx, `DELETE FROM cdc_snapshots WHERE slot = $1`, slot); err != nil {
		return 0, fmt.Errorf("relay: snapshot: %w", err)
	}
	made, err := pglogrepl.CreateReplicationSlot(ctx, stream, slot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{SnapshotAction: "EXPORT_SNAPSHOT"})
	if err != nil {
		if isDuplicate(err) {
			return 0, errStandby
		}
		return 0, fmt.Errorf("relay: slot: %w", err)
	}
	lsn, err := pglogrepl.ParseLSN(made.ConsistentPoint)
	if err != nil {
		return 0, err
	}
	if err := r.relaySnapshot(ctx, db, made.SnapshotName, uint64(lsn)); err != nil {
		return 0, err
	}
	_, err = db.Exec(ctx, `INSERT INTO cdc_snapshots (slot, finished_at) VALUES ($1, now()) ON CONFLICT (slot) DO UPDATE SET finished_at = now()`, slot)
	if err != nil {
		return 0, fmt.Errorf("relay: snapshot: %w", err)
	}
	return lsn, nil
}

func (r *Relay) relaySnapshot(ctx context.Context, db *pgx.Conn, name string, lsn uint64) error {
	// The rows are read on a separate connection: Map may query, and reading pauses while the broker is slow.
	cfg := db.Config().Copy()
	reader, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer hangUp(ctx, reader)
	tx, err := reader.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	// It only reads, and ends with its connection.
	if _, err := tx.Exec(ctx, "SET TRANSACTION SNAPSHOT '"+name+"'"); err != nil {
		return fmt.Errorf("relay: snapshot: %w", err)
	}
	for _, table := range r.Tables {
		if err := r.relayTable(ctx, tx, table, lsn); err != nil {
			return err
		}
	}
	return nil
}

// relayTable reads a table in the same text format as streaming.
func (r *Relay) relayTable(ctx context.Context, tx pgx.Tx, table string, lsn uint64) error {
	rows, err := tx.Query(ctx, "SELECT * FROM "+pgx.Identifier{table}.Sanitize(), pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return err
	}
	defer rows.Close()
	var pending []Message
	for rows.Next() {
		row := map[string]string{}
		for i, value := range rows.RawValues() {
			if value != nil {
				row[rows.FieldDescriptions()[i].Name] = string(value)
			}
		}
		messages, err := r.Map(ctx, Change{Table: table, Op: Insert, Row: row, LSN: lsn, Snapshot: true})
		if err != nil {
			return fmt.Errorf("relay: %s: %w", table, err)
		}
		if pending = append(pending, messages...); len(pending) >= maxBatch {
			if err := r.publish(ctx, pending, nil); err != nil {
				return err
			}
			pending = pending[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return r.publish(ctx, pending, nil)
}

// publish publishes messages until the broker has accepted all of them. If idle is set, it is called meanwhile
// to keep the replication connection alive.
func (r *Relay) publish(ctx context.Context, messages []Message, idle func() error) error {
	if r.Latest {
		messages = latest(messages)
	}
	for _, w := range waves(messages) {
		wait := worker.Backoff(100*time.Millisecond, publishRetry, 0.5)
		whole := len(w.messages)
		for began := time.Now(); ; {
			err := r.send(ctx, &w)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if time.Since(began) > publishGrace {
				if err = r.isolate(ctx, &w, whole-len(w.messages)); err == nil {
					break
				}
				return fmt.Errorf("relay: the broker is away: %w", err)
			}
			pause := wait.NextBackOff()
			slog.WarnContext(ctx, "broker unavailable, will retry", "slot", r.Name, "retry", pause.String(), "error", err)
			if idle != nil {
				if err := idle(); err != nil {
					return err
				}
			}
			if err := worker.Sleep(ctx, pause); err != nil {
				return err
			}
		}
	}
	return nil
}

// follower is the state of one run of the stream.
type follower struct {
	relay     *Relay
	stream    *pgconn.PgConn
	db        *pgx.Conn
	slot      string
	relations map[uint32]*pglogrepl.RelationMessage

	done    pglogrepl.LSN // everything before it is published
	pending []Message
	since   time.Time     // pending's first message came
	oldest  time.Time     // commit of the first transaction that is pending
	commit  pglogrepl.LSN // end of the last transaction that is pending as a whole
	lsn     uint64        // of the transaction being read, 0 between transactions
	seen    snapshot      // what readers saw when we last asked

	heard, nextStatus, nextLag time.Time
	mark                       mark
}

// mark is a place in the log and when it was the log's end.
type mark struct {
	lsn pglogrepl.LSN
	at  time.Time
}

func (f *follower) follow(ctx context.Context) error {
	f.heard = time.Now()
	defer func() { // the next leader need not repeat what was published
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUpTime)
		defer cancel()
		_ = f.status(last)
	}()
	for {
		now := time.Now()
		if now.After(f.nextStatus) {
			if err := f.status(ctx); err != nil {
				return err
			}
		}
		if now.After(f.nextLag) {
			f.watch(ctx)
		}
		wait := receiveWait
		if f.commit > f.done {
			wait = gatherTime
		}
		msg, err := f.receive(ctx, wait)
		if err != nil {
			return err
		}
		switch {
		case msg != nil:
			f.heard = time.Now()
			if err := f.take(ctx, msg); err != nil {
				return err
			}
		case time.Since(f.heard) > silence:
			return errors.New("relay: the database has fallen silent")
		}
		whole := f.commit > f.done && (msg == nil || time.Since(f.since) > gatherAtMost)
		if whole || len(f.pending) >= maxBatch {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// receive waits for the next message; it returns nil if none arrived in time.
func (f *follower) receive(ctx context.Context, wait time.Duration) (*pgproto3.CopyData, error) {
	deadline, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	raw, err := f.stream.ReceiveMessage(deadline)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case pgconn.Timeout(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch m := raw.(type) {
	case *pgproto3.CopyData:
		return m, nil
	case *pgproto3.ErrorResponse:
		return nil, pgconn.ErrorResponseToPgError(m)
	}
	return nil, nil
}

func (f *follower) take(ctx context.Context, msg *pgproto3.CopyData) error {
	switch msg.Data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		k, err := pglogrepl.ParsePrimaryKeepaliveMessage(msg.Data[1:])
		if err != nil {
			return err
		}
		// Nothing of ours is on its way: what others wrote need not be kept for us.
		if f.lsn == 0 && f.commit <= f.done && k.ServerWALEnd > f.done {
			f.done = k.ServerWALEnd
			f.commit = f.done
		}
		if k.ReplyRequested {
			return f.status(ctx)
		}
	case pglogrepl.XLogDataByteID:
		x, err := pglogrepl.ParseXLogData(msg.Data[1:])
		if err != nil {
			return err
		}
		logical, err := pglogrepl.Parse(x.WALData)
		if err != nil {
			return err
		}
		return f.apply(ctx, logical)
	}
	return nil
}

func (f *follower) apply(ctx context.Context, m pglogrepl.Message) error {
	switch m := m.(type) {
	case *pglogrepl.RelationMessage: // sent again whenever the table's shape changes
		f.relations[m.RelationID] = m
	case *pglogrepl.BeginMessage: // only what was committed is sent, with the commit's place ahead
		f.lsn = uint64(m.FinalLSN)
		return f.awaitVisible(ctx, m.Xid)
	case *pglogrepl.InsertMessage:
		return f.add(ctx, Insert, m.RelationID, m.Tuple)
	case *pglogrepl.UpdateMessage:
		return f.add(ctx, Update, m.RelationID, m.NewTuple)
	case *pglogrepl.DeleteMessage:
		return f.add(ctx, Delete, m.RelationID, m.OldTuple)
	case *pglogrepl.CommitMessage:
		f.lsn = 0
		f.commit = m.TransactionEndLSN
		if len(f.pending) > 0 && f.oldest.IsZero() {
			f.oldest = m.CommitTime
		}
	}
	return nil
}

func (f *follower) add(ctx context.Context, op Op, relation uint32, tuple *pglogrepl.TupleData) error {
	rel, ok := f.relations[relation]
	if !ok || tuple == nil {
		return nil
	}
	row := make(map[string]string, len(tuple.Columns))
	for i, c := range tuple.Columns {
		if c.DataType == pglogrepl.TupleDataTypeText && i < len(rel.Columns) {
			row[rel.Columns[i].Name] = string(c.Data)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, silence) // it may query
	defer cancel()
	messages, err := f.relay.Map(ctx, Change{Table: rel.RelationName, Op: op, Row: row, LSN: f.lsn})
	if err != nil {
		return fmt.Errorf("relay: %s: %w", rel.RelationName, err)
	}
	if len(f.pending) == 0 {
		f.since = time.Now()
	}
	f.pending = append(f.pending, messages...)
	return nil
}

// flush publishes the pending messages. A transaction too large for one batch is published in parts; only its
// end advances the slot.
func (f *follower) flush(ctx context.Context) error {
	if err := f.relay.publish(ctx, f.pending, func() error { return f.status(ctx) }); err != nil {
		return err
	}
	if !f.oldest.IsZero() {
		outboxLag.Record(ctx, max(0, time.Since(f.oldest)), f.relay.Name)
		f.oldest = time.Time{}
	}
	f.pending, f.done = f.pending[:0], max(f.done, f.commit)
	f.heard = time.Now() // we were not listening
	return nil
}

// status acknowledges the published position to Postgres, which may then discard the log before it, and
// requests a reply.
func (f *follower) status(ctx context.Context) error {
	f.nextStatus = time.Now().Add(statusInterval)
	return pglogrepl.SendStandbyStatusUpdate(ctx, f.stream, pglogrepl.StandbyStatusUpdate{WALWritePosition: f.done, ReplyRequested: true})
}

// watch measures how much log the slot retains, and deletes published rows.
func (f *follower) watch(ctx context.Context) {
	f.nextLag = time.Now().Add(lagInterval)
	ctx, cancel := context.WithTimeout(ctx, lagInterval)
	defer cancel()
	var (
		lag  int64
		end  string
		next mark
	)
	err := f.db.QueryRow(ctx, `
		SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::int8, pg_current_wal_lsn()::text, now()
		FROM pg_replication_slots WHERE slot_name = $1`, f.slot).Scan(&lag, &end, &next.at)
	if err == nil {
		next.lsn, err = pglogrepl.ParseLSN(end)
	}
	if err != nil {
		slog.WarnContext(ctx, "lag not measured", "slot", f.slot, "error", err)
		return
	}
	f.relay.lag.Store(lag)
	if lag > lagAlarm {
		slog.ErrorContext(ctx, "relay lag is high", "slot", f.slot, "bytes", lag)
	}
	if !f.mark.at.IsZero() && f.done < f.mark.lsn {
		return // not yet where the log ended when we last looked
	}
	relayed := f.mark.at
	f.mark = next
	if f.relay.Prune == "" || relayed.IsZero() {
		return
	}
	// A row that is gone could not be in another snapshot: only what has surely arrived goes.
	if _, err := f.db.Exec(ctx, f.relay.Prune, relayed.Add(-keptOutbox)); err != nil {
		slog.WarnContext(ctx, "outbox not pruned", "slot", f.slot, "error", err)
	}
}
