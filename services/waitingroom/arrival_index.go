package waitingroom

import (
	"context"
	"crypto/sha256"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// index maps an account to its arrival. It is built from the pages and kept in memory by the activation
// that updates the room. Pages are stored under the line's version, so the same check keeps an account
// from getting two places, and a join needs no key of its own.
type index struct {
	arrivals map[accountHash]int64
	readUpTo int64 // arrivals up to here are in the index
	removals int64 // the line's, when the index was built
}

// accountHash stands for an account. It takes a third of the memory of its id.
type accountHash [16]byte

func hashAccount(account string) accountHash {
	sum := sha256.Sum256([]byte(account))
	return accountHash(sum[:])
}

func (x *index) arrival(account string) int64 { return x.arrivals[hashAccount(account)] }

func (x *index) set(account string, arrival int64) { x.arrivals[hashAccount(account)] = arrival }

func (x *index) remove(account string) { delete(x.arrivals, hashAccount(account)) }

const indexChunk = 64 // pages read at once

// updateIndex brings the index up to a line: it reads the arrivals that it lacks, or all of them when
// another activation took an account off a page.
func (r *Room) updateIndex(ctx context.Context, l Line) error {
	if r.index == nil || r.index.removals != l.Removals || r.index.readUpTo > l.Arrivals {
		r.index = &index{arrivals: map[accountHash]int64{}, removals: l.Removals}
	}
	x := r.index
	for x.readUpTo < l.Arrivals {
		first := x.readUpTo / PageSize
		last := min((l.Arrivals-1)/PageSize, first+indexChunk-1)
		numbers := make([]int64, 0, indexChunk)
		for n := first; n <= last; n++ {
			numbers = append(numbers, n)
		}
		pages, err := r.store.Pages(ctx, r.event, numbers)
		if err != nil {
			return fault.Away("line", err)
		}
		for _, p := range pages {
			for i := range p.Accounts {
				switch arrival := p.Number*PageSize + int64(i) + 1; {
				case arrival <= x.readUpTo || arrival > l.Arrivals:
				case p.at(i) != "":
					x.set(p.at(i), arrival)
				default:
					x.remove(p.came(i))
				}
			}
		}
		x.readUpTo = min(l.Arrivals, (last+1)*PageSize)
	}
	return nil
}
