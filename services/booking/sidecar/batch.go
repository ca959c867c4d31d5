package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/sidecar"
	"github.com/foyer-tickets/foyer/services/booking"
)

// VerdictKey is where the refusal of a request is stored. A granted one is a hold.
func VerdictKey(hold uuid.UUID) string { return "verdict:" + hold.String() }

// verdictKept is how long a request's refusal can be asked for, and is repeated if the request is.
const verdictKept = 15 * time.Minute

type verdictValue struct {
	Account string         `json:"account"`
	Pending bool           `json:"pending,omitempty"`
	Kind    fault.Kind     `json:"kind,omitempty"`
	Code    string         `json:"code,omitempty"`
	Message string         `json:"message,omitempty"`
	Fields  map[string]any `json:"fields,omitempty"`
}

func verdictOf(account string, refusal error) verdictValue {
	f, ok := errors.AsType[*fault.Error](refusal)
	if !ok {
		f = fault.New(fault.Internal, "internal", "Something went wrong on our side.")
	}
	return verdictValue{Account: account, Kind: f.Kind, Code: f.Code, Message: f.Message, Fields: f.Fields}
}

// refusal rebuilds the fault, with the field types that it had.
func (v verdictValue) refusal() error {
	f := fault.New(v.Kind, v.Code, v.Message)
	for name, value := range v.Fields {
		switch name {
		case "units":
			f = f.With(name, texts(value))
		case "hold":
			if id, err := uuid.Parse(text(value)); err == nil {
				f = f.With(name, id)
			}
		default:
			f = f.With(name, value)
		}
	}
	return f
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		already, _ := v.([]string)
		return already
	}
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = text(item)
	}
	return out
}

// capKept keeps a cap beyond its last hold, so that a pass whose hold ran out is known as used.
const capKept = 10 * time.Minute

// Decide implements booking.Decider: one look at everything the batch is about, decisions in
// memory, one transaction. When something outside interferes, the requests are decided one by
// one, in their order.
func (s *Seats) Decide(ctx context.Context, requests []booking.HoldRequest) ([]booking.Verdict, error) {
	verdicts, done, err := s.decide(ctx, requests)
	if err != nil || done {
		return verdicts, err
	}
	for i := range requests {
		one := requests[i : i+1]
		for try := 0; ; try++ {
			v, done, err := s.decide(ctx, one)
			if err != nil {
				return nil, err
			}
			if done {
				verdicts[i] = v[0]
				break
			}
			if try == tries {
				return nil, ErrBusy
			}
			if err := rest(ctx, try); err != nil {
				return nil, err
			}
		}
	}
	return verdicts, nil
}

// decide makes one attempt. done false: somebody interfered.
func (s *Seats) decide(ctx context.Context, requests []booking.HoldRequest) (verdicts []booking.Verdict, done bool, err error) {
	var keys []string
	asked := map[string]bool{}
	ask := func(key string) {
		if !asked[key] {
			asked[key] = true
			keys = append(keys, key)
		}
	}
	for _, r := range requests {
		ask(HoldKey(r.Hold.ID))
		ask(VerdictKey(r.Hold.ID))
		ask(CapKey(r.Hold.Event, r.Hold.Account))
		for _, u := range r.Hold.UnitIDs() {
			ask(SeatKey(r.Hold.Event, u))
		}
	}
	items, err := s.store.GetBulk(ctx, keys)
	if err != nil {
		return nil, false, fault.Away("seats", err)
	}
	floor, err := read(requests, items)
	if err != nil {
		return nil, false, err
	}
	v, now := view{items: items}, s.now()
	verdicts = make([]booking.Verdict, len(requests))
	ops := map[string]sidecar.Op{}
	put := func(op sidecar.Op) { ops[op.Key] = op }
	for i, r := range requests {
		h := r.Hold
		verdicts[i].Hold = h.ID
		if _, held := items[HoldKey(h.ID)]; held {
			continue // decided before, and the answer got lost
		}
		if _, twice := ops[HoldKey(h.ID)]; twice {
			continue
		}
		if item, ok := items[VerdictKey(h.ID)]; ok {
			var before verdictValue
			if err := json.Unmarshal(item.Value, &before); err != nil {
				return nil, false, err
			}
			if !before.Pending {
				verdicts[i].Refusal = before.refusal()
				continue
			}
		}
		if refusal := floor.Decide(r, now); refusal != nil {
			verdicts[i].Refusal = refusal
			put(sidecar.Op{Key: VerdictKey(h.ID), Value: mustEncode(verdictOf(h.Account, refusal)), TTL: verdictKept, Unconditional: true})
			continue
		}
		put(sidecar.Op{Key: HoldKey(h.ID), Value: EncodeHold(h), TTL: h.Until.Sub(now) + holdKept})
		c := floor.Caps[h.Event][h.Account]
		put(v.put(CapKey(h.Event, h.Account), EncodeCap(c), CapTTL(c, now)))
		for _, u := range h.UnitIDs() {
			put(v.put(SeatKey(h.Event, u), EncodeSeat(floor.Seats[h.Event][u]), ceilSecond(h.Until.Sub(now))))
		}
	}
	if len(ops) == 0 {
		return verdicts, true, nil
	}
	steps := make([]sidecar.Op, 0, len(ops))
	for _, op := range ops {
		steps = append(steps, op)
	}
	return verdicts, s.transact(ctx, steps) == nil, nil
}

// read puts what the store has on the floor.
func read(requests []booking.HoldRequest, items map[string]sidecar.Item) (*booking.Floor, error) {
	floor := booking.NewFloor()
	for _, r := range requests {
		h := r.Hold
		c, err := DecodeCap(items[CapKey(h.Event, h.Account)].Value)
		if err != nil {
			return nil, err
		}
		floor.PutCap(h.Event, h.Account, c)
		for _, u := range h.UnitIDs() {
			item, ok := items[SeatKey(h.Event, u)]
			if !ok {
				continue
			}
			seat, err := DecodeSeat(item.Value)
			if err != nil {
				return nil, err
			}
			floor.PutSeat(h.Event, u, seat)
		}
	}
	return floor, nil
}
