package daprclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ErrLeased says that another process holds the lease.
var ErrLeased = errors.New("another process holds the lease")

// errLeaseLost ends the context of a holder that could not renew its lease.
var errLeaseLost = errors.New("the lease is lost")

// Lease lets one process at a time do something. It is a key of a state component, written with ETags:
// of many processes that want it, one gets it. The holder renews it; the lease of one that died ends
// by itself after TTL. A store that loses its keys lets a second holder in until the first one notices,
// after a third of TTL: what is done under a lease must bear that.
type Lease struct {
	Store *Store
	Key   string
	TTL   time.Duration
}

// leaseValue is what the key holds. Until covers a store that did not set its own TTL on the key.
type leaseValue struct {
	Holder uuid.UUID `json:"holder"`
	Until  time.Time `json:"until"`
}

// clockSkew is how far apart the clocks of two processes may be.
const clockSkew = time.Minute

// Do runs f while this process holds the lease; ErrLeased when another one does. The context of f ends
// when the lease could not be renewed in time, and Do then returns an error.
func (l Lease) Do(ctx context.Context, f func(context.Context) error) error {
	holder := uuid.New()
	began := time.Now()
	if err := l.acquire(ctx, holder); err != nil {
		return err
	}
	held, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		l.renew(held, holder, began, cancel)
	}()
	err := f(held)
	lost := errors.Is(context.Cause(held), errLeaseLost)
	cancel(nil)
	<-renewed
	if lost {
		return errors.Join(errLeaseLost, err)
	}
	l.release(ctx, holder)
	return err
}

func (l Lease) acquire(ctx context.Context, holder uuid.UUID) error {
	item, present, err := l.read(ctx)
	if err != nil {
		return err
	}
	if item.Found && time.Now().Before(present.Until.Add(clockSkew)) {
		return ErrLeased
	}
	refused := l.write(ctx, holder, item.ETag)
	if refused == nil {
		return nil
	}
	// An error may be a conflict or not, and the write may be done or not: what is there now decides.
	switch item, present, err = l.read(ctx); {
	case err != nil:
		return errors.Join(refused, err)
	case item.Found && present.Holder == holder:
		return nil
	case item.Found:
		return ErrLeased
	}
	return refused
}

// renew extends the lease until ctx ends. It cancels with errLeaseLost once the lease is another
// process's, or may be.
func (l Lease) renew(ctx context.Context, holder uuid.UUID, from time.Time, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(l.TTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(from.Add(l.TTL))):
			cancel(errLeaseLost)
			return
		case <-tick.C:
		}
		began := time.Now()
		soon, stop := context.WithDeadline(ctx, from.Add(l.TTL))
		item, present, err := l.read(soon)
		if err == nil && (!item.Found || present.Holder != holder) {
			stop()
			cancel(errLeaseLost)
			return
		}
		if err == nil {
			err = l.write(soon, holder, item.ETag)
		}
		stop()
		if err == nil {
			from = began
		}
	}
}

// releaseTimeout bounds giving a lease back, which is only for the next one's sake.
const releaseTimeout = time.Second

func (l Lease) release(ctx context.Context, holder uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if item, present, err := l.read(ctx); err == nil && item.Found && present.Holder == holder {
		_ = l.Store.DeleteIf(ctx, l.Key, item.ETag) // otherwise it ends by itself
	}
}

func (l Lease) read(ctx context.Context) (Item, leaseValue, error) {
	var v leaseValue
	item, err := l.Store.Get(ctx, l.Key)
	if err == nil && item.Found {
		err = json.Unmarshal(item.Value, &v)
	}
	if err != nil {
		return item, v, fmt.Errorf("lease %s: %w", l.Key, err)
	}
	return item, v, nil
}

func (l Lease) write(ctx context.Context, holder uuid.UUID, etag string) error {
	raw, err := json.Marshal(leaseValue{Holder: holder, Until: time.Now().Add(l.TTL)})
	if err == nil {
		err = l.Store.PutIf(ctx, l.Key, raw, etag, l.TTL)
	}
	if err != nil {
		return fmt.Errorf("lease %s: %w", l.Key, err)
	}
	return nil
}
