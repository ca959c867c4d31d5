// Package daprstore keeps the waiting room's data in Dapr's state components: lines, their pages and
// their logs of admissions in `line`, the passes of those who came in in `cache`. The JSON of both is
// declared here and is what replicas of the last version read and write.
package daprstore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/services/waitingroom"
)

// LineStore stores lines, their pages and their admission logs in the component `line`. A commit is one
// transaction that fails unless the line's ETag is still the one it was read with, so pages need no
// check of their own.
type LineStore struct {
	Store *daprclient.Store

	// registered are the events that are known to be in a register.
	registered *sync.Map
}

// NewLineStore returns the line store of a state component.
func NewLineStore(store *daprclient.Store) LineStore { return LineStore{store, &sync.Map{}} }

var _ waitingroom.LineStore = LineStore{}

// LineKey is the key of an event's line.
func LineKey(event uuid.UUID) string { return "line:" + event.String() }

// PageKey is the key of a page of a line.
func PageKey(event uuid.UUID, number int64) string {
	return fmt.Sprintf("page:%s:%06d", event, number)
}

// LogKey is the key of a page of a line's admission log.
func LogKey(event uuid.UUID, number int64) string { return fmt.Sprintf("log:%s:%06d", event, number) }

// Load implements waitingroom.LineStore.
func (l LineStore) Load(ctx context.Context, event uuid.UUID) (waitingroom.Line, string, error) {
	item, err := l.Store.Get(ctx, LineKey(event))
	if err != nil {
		return waitingroom.Line{}, "", err
	}
	if !item.Found {
		return waitingroom.NewLine(event), "", nil
	}
	line, err := DecodeLine(event, item.Value)
	return line, item.ETag, err
}

// Pages implements waitingroom.LineStore.
func (l LineStore) Pages(ctx context.Context, event uuid.UUID, numbers []int64) ([]waitingroom.Page, error) {
	keys := make([]string, len(numbers))
	for i, n := range numbers {
		keys[i] = PageKey(event, n)
	}
	items, err := l.Store.GetBulk(ctx, keys)
	if err != nil {
		return nil, err
	}
	pages := make([]waitingroom.Page, len(numbers))
	for i, n := range numbers {
		pages[i].Number = n
		if item, ok := items[keys[i]]; ok {
			if err := json.Unmarshal(item.Value, &pages[i].Accounts); err != nil {
				return nil, fmt.Errorf("page: %w", err)
			}
		}
	}
	return pages, nil
}

// Log implements waitingroom.LineStore.
func (l LineStore) Log(ctx context.Context, event uuid.UUID, number int64) (waitingroom.LogPage, error) {
	page := waitingroom.LogPage{Number: number}
	item, err := l.Store.Get(ctx, LogKey(event, number))
	if err != nil || !item.Found {
		return page, err
	}
	page.Entries, err = DecodeLog(item.Value)
	return page, err
}

// Commit implements waitingroom.LineStore.
func (l LineStore) Commit(ctx context.Context, event uuid.UUID, c waitingroom.Change) error {
	if err := l.ensureRegistered(ctx, event); err != nil {
		return err
	}
	line, err := EncodeLine(c.Line)
	if err != nil {
		return err
	}
	// There is no time to live: an expired line would start again with arrival 1.
	ops := []daprclient.Op{{Key: LineKey(event), Value: line, ETag: c.Version}}
	for _, p := range c.Pages {
		raw, err := json.Marshal(p.Accounts)
		if err != nil {
			return err
		}
		ops = append(ops, daprclient.Op{Key: PageKey(event, p.Number), Value: raw, Unconditional: true})
	}
	if c.Log != nil {
		raw, err := encodeLog(c.Log.Entries)
		if err != nil {
			return err
		}
		ops = append(ops, daprclient.Op{Key: LogKey(event, c.Log.Number), Value: raw, Unconditional: true})
	}
	slices.SortFunc(ops, func(a, b daprclient.Op) int { return cmp.Compare(a.Key, b.Key) })
	return l.Store.Transact(ctx, ops)
}

// The events that have a line are listed in a few keys, the registers: a state component cannot list its
// keys, and an account's export and erasure search every line.
const registers = 16

func registerKey(n byte) string { return fmt.Sprintf("lines:%02d", n) }

const registerTries = 20

// ensureRegistered registers each line once per process: also one that is older than the registers, with
// its next commit.
func (l LineStore) ensureRegistered(ctx context.Context, event uuid.UUID) error {
	if _, known := l.registered.Load(event); known {
		return nil
	}
	if err := l.register(ctx, event); err != nil {
		return err
	}
	l.registered.Store(event, struct{}{}) // 16 bytes for each line that this process updated
	return nil
}

// register adds an event to its register, before its line is stored.
func (l LineStore) register(ctx context.Context, event uuid.UUID) error {
	key := registerKey(event[15] % registers)
	var last error
	for range registerTries {
		item, err := l.Store.Get(ctx, key)
		if err != nil {
			return err
		}
		events, err := decodeRegister(item.Value)
		if err != nil || slices.Contains(events, event) {
			return err
		}
		raw, err := json.Marshal(append(events, event))
		if err != nil {
			return err
		}
		if last = l.Store.PutIf(ctx, key, raw, item.ETag, 0); last == nil {
			return nil
		}
	}
	return fmt.Errorf("register line: %w", last)
}

func decodeRegister(raw []byte) (events []uuid.UUID, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &events); err != nil {
		return nil, fmt.Errorf("register of lines: %w", err)
	}
	return events, nil
}

// Events lists the events that have a line, in the order of their ids.
func (l LineStore) Events(ctx context.Context) ([]uuid.UUID, error) {
	keys := make([]string, registers)
	for i := range keys {
		keys[i] = registerKey(byte(i)) //nolint:gosec // below registers
	}
	items, err := l.Store.GetBulk(ctx, keys)
	if err != nil {
		return nil, err
	}
	var all []uuid.UUID
	for _, item := range items {
		events, err := decodeRegister(item.Value)
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return all, nil
}

type termsValue struct {
	Merchant    string    `json:"merchant"`
	HighDemand  bool      `json:"highDemand"`
	Published   bool      `json:"published"`
	SalesStart  time.Time `json:"salesStart"`
	SalesEnd    time.Time `json:"salesEnd"`
	MaxPerOrder int       `json:"maxPerOrder"`
}

type settingsValue struct {
	Rate        float64           `json:"rate"`
	Concurrency int               `json:"concurrency"`
	Open        bool              `json:"open"`
	Paused      bool              `json:"paused,omitempty"`
	Order       waitingroom.Order `json:"order"`
	OpensAt     time.Time         `json:"opensAt,omitzero"`
	ClaimWindow time.Duration     `json:"claimWindow"`
}

type inventoryValue struct {
	Available int       `json:"available"`
	Held      int       `json:"held"`
	Booked    int       `json:"booked"`
	Total     int       `json:"total"`
	At        time.Time `json:"at"`
}

type drawValue struct {
	Commitment  []byte    `json:"commitment,omitempty"`
	CommittedAt time.Time `json:"committedAt,omitzero"`
	Seed        []byte    `json:"seed,omitempty"`
	Count       int64     `json:"count,omitempty"`
	Digest      []byte    `json:"digest,omitempty"`
	HeldAt      time.Time `json:"heldAt,omitzero"`
}

type batchValue struct {
	From        int64     `json:"from"`
	To          int64     `json:"to"`
	At          time.Time `json:"at"`
	People      int       `json:"people"`
	Settled     int       `json:"gone,omitempty"`
	SettledBits []byte    `json:"seen"`
}

type passesValue struct {
	Until time.Time `json:"until"`
	Count int       `json:"count"`
}

type conversionValue struct {
	Turns float64 `json:"turns"`
	Shown float64 `json:"shown"`
	Ended float64 `json:"ended"`
	Buys  float64 `json:"buys"`
	Units float64 `json:"units"`
}

type lineValue struct {
	Terms       termsValue      `json:"terms"`
	Settings    settingsValue   `json:"settings"`
	Inventory   inventoryValue  `json:"stock"`
	Draw        drawValue       `json:"draw,omitzero"`
	Arrivals    int64           `json:"taken"`
	Served      int64           `json:"served"`
	Expired     int64           `json:"lapsed"`
	Notified    int64           `json:"noticed"`
	Removals    int64           `json:"marks,omitempty"`
	Batches     []batchValue    `json:"waves,omitempty"`
	Passes      []passesValue   `json:"passes,omitempty"`
	WaitingList bool            `json:"list,omitempty"`
	Opened      time.Time       `json:"opened,omitzero"`
	Ticked      time.Time       `json:"ticked,omitzero"`
	Tokens      float64         `json:"tokens"`
	Flow        float64         `json:"flow"`
	Conversion  conversionValue `json:"habits"`
	Logged      int64           `json:"logged"`
	ChangeID    uuid.UUID       `json:"turn"`
}

// EncodeLine encodes a line for the store.
func EncodeLine(l waitingroom.Line) ([]byte, error) {
	v := lineValue{
		Terms: termsValue{
			Merchant: l.Terms.Merchant, HighDemand: l.Terms.HighDemand, Published: l.Terms.Published,
			SalesStart: l.Terms.SalesStart, SalesEnd: l.Terms.SalesEnd, MaxPerOrder: l.Terms.MaxPerOrder,
		},
		Settings: settingsValue(l.Settings), Inventory: inventoryValue(l.Inventory),
		Draw: drawValue{
			Commitment: l.Draw.Commitment, CommittedAt: l.Draw.CommittedAt, Seed: l.Draw.Seed,
			Count: l.Draw.Count, Digest: l.Draw.Digest, HeldAt: l.Draw.HeldAt,
		},
		Arrivals: l.Arrivals, Served: l.Served, Expired: l.Expired, Notified: l.Notified, Removals: l.Removals, WaitingList: l.WaitingList,
		Opened: l.Opened, Ticked: l.Ticked, Tokens: l.Tokens, Flow: l.Flow, Conversion: conversionValue(l.Conversion),
		Logged: l.Logged, ChangeID: l.ChangeID,
	}
	for _, w := range l.Batches {
		v.Batches = append(v.Batches, batchValue(w))
	}
	for _, p := range l.Passes {
		v.Passes = append(v.Passes, passesValue(p))
	}
	return json.Marshal(v)
}

// DecodeLine decodes a stored line.
func DecodeLine(event uuid.UUID, raw []byte) (waitingroom.Line, error) {
	var v lineValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return waitingroom.Line{}, fmt.Errorf("line value: %w", err)
	}
	l := waitingroom.Line{
		Event: event,
		Terms: waitingroom.SaleTerms{
			Event: event, Merchant: v.Terms.Merchant, HighDemand: v.Terms.HighDemand, Published: v.Terms.Published,
			SalesStart: v.Terms.SalesStart, SalesEnd: v.Terms.SalesEnd, MaxPerOrder: v.Terms.MaxPerOrder,
		},
		Settings: waitingroom.Settings(v.Settings), Inventory: waitingroom.Inventory(v.Inventory),
		Draw: waitingroom.Draw{
			Commitment: v.Draw.Commitment, CommittedAt: v.Draw.CommittedAt, Seed: v.Draw.Seed,
			Count: v.Draw.Count, Digest: v.Draw.Digest, HeldAt: v.Draw.HeldAt,
		},
		Arrivals: v.Arrivals, Served: v.Served, Expired: v.Expired, Notified: v.Notified, Removals: v.Removals, WaitingList: v.WaitingList,
		Opened: v.Opened, Ticked: v.Ticked, Tokens: v.Tokens, Flow: v.Flow, Conversion: waitingroom.ConversionStats(v.Conversion),
		Logged: v.Logged, ChangeID: v.ChangeID,
	}
	for _, w := range v.Batches {
		l.Batches = append(l.Batches, waitingroom.AdmissionBatch(w))
	}
	for _, p := range v.Passes {
		l.Passes = append(l.Passes, waitingroom.PassCount(p))
	}
	return l, nil
}

type logValue struct {
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	People int       `json:"people"`
	Rate   float64   `json:"rate"`
	At     time.Time `json:"at"`
}

func encodeLog(entries []waitingroom.LogEntry) ([]byte, error) {
	values := make([]logValue, len(entries))
	for i, e := range entries {
		values[i] = logValue(e)
	}
	return json.Marshal(values)
}

// DecodeLog decodes a stored page of the admission log.
func DecodeLog(raw []byte) ([]waitingroom.LogEntry, error) {
	var values []logValue
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, errors.Join(errors.New("log value"), err)
	}
	entries := make([]waitingroom.LogEntry, len(values))
	for i, v := range values {
		entries[i] = waitingroom.LogEntry(v)
	}
	return entries, nil
}
