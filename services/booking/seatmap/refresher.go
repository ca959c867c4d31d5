package seatmap

import (
	"context"
	"log/slog"
)

// queue asks for a refresh, unless too many are queued. e.mu is held.
func (c *Cache) queue(e *entry) {
	if e.busy {
		return
	}
	select {
	case c.stale <- e:
		e.busy = true
	default: // the next tick asks again
	}
}

// refresh refreshes one seat map after the other, so that a thousand of them do not read the store at once.
func (c *Cache) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-c.stale:
			e.mu.Lock()
			e.busy = false
			e.mu.Unlock()
			if err := c.renew(ctx, e); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "seat map not refreshed", "event", e.event, "error", err)
			}
		}
	}
}

// renew reads the sale and all seats of a map again.
func (c *Cache) renew(ctx context.Context, e *entry) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	sale, err := c.sales.Sale(ctx, e.event)
	if err != nil {
		return err
	}
	if !e.Renew(sale) {
		c.drop(e) // the units differ: the next request loads it again
		return nil
	}
	now := c.now()
	e.mu.Lock()
	e.renewed, e.reread = now, now
	e.mu.Unlock()
	return c.reread(ctx, e)
}

// reread corrects all units of a map by what the store says.
func (c *Cache) reread(ctx context.Context, e *entry) error {
	sale := e.Sale()
	units := make([]string, len(sale.Units))
	for i, u := range sale.Units {
		units[i] = u.ID
	}
	return c.read(ctx, e, units)
}

// read corrects units of a map by what the store says. Units that change while they are read are read again,
// maxReads times in all; then the next refresh corrects them.
func (c *Cache) read(ctx context.Context, e *entry, units []string) error {
	for range maxReads {
		since := e.Clock()
		seats, err := c.seats.Read(ctx, e.event, units)
		if err != nil {
			return err
		}
		if units = e.Correct(units, seats, since, c.now()); len(units) == 0 {
			return nil
		}
	}
	return nil
}
