package daprstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/daprclient"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// Strategy is how units are decided on a store.
type Strategy string

// The strategies. PerSeat is never the default: a crash while a group is held can leave some of its units held
// until the hold expires.
const (
	Transactional Strategy = "transaction"
	PerSeat       Strategy = "per-seat"
)

// Guarantee is a property that a store needs.
type Guarantee string

// The guarantees that Probe tests.
const (
	CreateIfAbsent Guarantee = "create if absent"
	StaleETag      Guarantee = "refuse a stale ETag"
	AllOrNothing   Guarantee = "all-or-nothing transaction"
	TTLReset       Guarantee = "write without TTL clears the TTL"
)

// Unfit is the error for a store that lacks guarantees.
type Unfit struct {
	Missing []Guarantee
	PerSeat bool // it has those of the per-seat strategy
}

func (u *Unfit) Error() string {
	hint := "use a store such as state.postgresql v2"
	if u.PerSeat {
		hint += fmt.Sprintf(", or choose FOYER_SEATS_STRATEGY=%s", PerSeat)
	}
	return fmt.Sprintf("the state store `seats` cannot keep seats from being sold twice: it lacks %q; %s", u.Missing, hint)
}

// Probe tests a store for what the strategy relies on. It writes a few keys and deletes them again. It returns
// *Unfit when the store lacks a guarantee, and another error when the test could not be run.
func Probe(ctx context.Context, store *daprclient.Store, strategy Strategy) error {
	p := prober{ctx: ctx, store: store, prefix: "probe:" + uuid.NewString() + ":"}
	checks := []struct {
		what  Guarantee
		check func() (bool, error)
		need  bool
	}{
		{CreateIfAbsent, p.createIfAbsent, true},
		{StaleETag, p.staleETag, true},
		{AllOrNothing, p.allOrNothing, strategy == Transactional},
		{TTLReset, func() (bool, error) { return p.ttlReset(strategy) }, true},
	}
	unfit := &Unfit{}
	for _, c := range checks {
		if !c.need {
			continue
		}
		ok, err := c.check()
		if err != nil {
			return fmt.Errorf("probe %q: %w", c.what, err)
		}
		if !ok {
			unfit.Missing = append(unfit.Missing, c.what)
		}
	}
	p.clean(context.WithoutCancel(ctx))
	if len(unfit.Missing) == 0 {
		return nil
	}
	unfit.PerSeat = strategy == Transactional && Probe(ctx, store, PerSeat) == nil
	return unfit
}

type prober struct {
	ctx    context.Context
	store  *daprclient.Store
	prefix string
	used   []string
}

func (p *prober) key(name string) string {
	k := p.prefix + name
	p.used = append(p.used, k)
	return k
}

func (p *prober) clean(ctx context.Context) {
	for _, k := range p.used {
		_ = p.store.Delete(ctx, k) // a leftover has a TTL
	}
}

const probeTTL = time.Minute

var one, two = []byte(`"1"`), []byte(`"2"`)

func (p *prober) value(key string) (string, string, error) {
	it, err := p.store.Get(p.ctx, key)
	return string(it.Value), it.ETag, err
}

func (p *prober) createIfAbsent() (bool, error) {
	k := p.key("create")
	if err := p.store.PutIf(p.ctx, k, one, "", probeTTL); err != nil {
		return false, err
	}
	refused := p.store.PutIf(p.ctx, k, two, "", probeTTL)
	v, _, err := p.value(k)
	return refused != nil && v == string(one), err
}

func (p *prober) staleETag() (bool, error) {
	k := p.key("etag")
	if err := p.store.PutIf(p.ctx, k, one, "", probeTTL); err != nil {
		return false, err
	}
	_, etag, err := p.value(k)
	if err != nil {
		return false, err
	}
	if err := p.store.PutIf(p.ctx, k, two, etag, probeTTL); err != nil {
		return false, err
	}
	refusedPut := p.store.PutIf(p.ctx, k, one, etag, probeTTL)
	refusedDelete := p.store.DeleteIf(p.ctx, k, etag)
	v, _, err := p.value(k)
	return refusedPut != nil && refusedDelete != nil && v == string(two), err
}

func (p *prober) allOrNothing() (bool, error) {
	before, taken, after := p.key("group-1"), p.key("group-2"), p.key("group-3")
	if err := p.store.PutIf(p.ctx, taken, one, "", probeTTL); err != nil {
		return false, err
	}
	refused := p.store.Transact(p.ctx, []daprclient.Op{
		{Key: before, Value: two, TTL: probeTTL}, {Key: taken, Value: two, TTL: probeTTL}, {Key: after, Value: two, TTL: probeTTL},
	})
	items, err := p.store.GetBulk(p.ctx, []string{before, taken, after})
	if err != nil {
		return false, err
	}
	partial := items[before].Found || items[after].Found || string(items[taken].Value) != string(one)
	return refused != nil && !partial, nil
}

// ttlReset tests that a booked seat outlives its hold.
func (p *prober) ttlReset(strategy Strategy) (bool, error) {
	k := p.key("ttl")
	if err := p.store.PutIf(p.ctx, k, one, "", time.Second); err != nil {
		return false, err
	}
	_, etag, err := p.value(k)
	if err != nil {
		return false, err
	}
	if strategy == PerSeat {
		err = p.store.PutIf(p.ctx, k, two, etag, Forever)
	} else {
		err = p.store.Transact(p.ctx, []daprclient.Op{{Key: k, Value: two, ETag: etag}})
	}
	if err != nil {
		return false, nil //nolint:nilerr // refused: the store lacks it
	}
	if err := worker.Sleep(p.ctx, 1500*time.Millisecond); err != nil {
		return false, err
	}
	v, _, err := p.value(k)
	return v == string(two), err
}

// Await probes until the store answers, as the process and its sidecar start in any order.
func Await(ctx context.Context, store *daprclient.Store, strategy Strategy, within time.Duration) error {
	if strategy != Transactional && strategy != PerSeat {
		return fmt.Errorf("FOYER_SEATS_STRATEGY is %q or %q, not %q", Transactional, PerSeat, strategy)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := Probe(ctx, store, strategy)
		if unfit, ok := errors.AsType[*Unfit](err); ok || err == nil {
			if ok {
				return unfit
			}
			return nil
		}
		if worker.Sleep(ctx, 500*time.Millisecond) != nil {
			return err
		}
	}
}
