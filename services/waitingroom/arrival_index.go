package waitingroom

import (
	"context"
	"crypto/sha256"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// index finds an account's arrival. It is made of the pages and kept in memory where a room's
// turns are had; so the fence of the line, which the pages share, also keeps an account from
// having two places, and a join needs no key of its own.
type index struct {
	arrivals map[digest]int64
	upTo     int64 // arrivals up to here are in it
	marks    int64 // the line's when it was made
}

// digest stands for an account: a third of the memory that its id takes.
type digest [16]byte

func digestOf(account string) digest {
	sum := sha256.Sum256([]byte(account))
	return digest(sum[:])
}

func (x *index) arrival(account string) int64 { return x.arrivals[digestOf(account)] }

func (x *index) put(account string, arrival int64) { x.arrivals[digestOf(account)] = arrival }

func (x *index) drop(account string) { delete(x.arrivals, digestOf(account)) }

const indexChunk = 64 // pages read at once

// learn makes the index fit a line: it reads what it lacks, and all of it when others marked
// pages that it has read already.
func (r *Room) learn(ctx context.Context, l Line) error {
	if r.index == nil || r.index.marks != l.Marks || r.index.upTo > l.Taken {
		r.index = &index{arrivals: map[digest]int64{}, marks: l.Marks}
	}
	x := r.index
	for x.upTo < l.Taken {
		first := x.upTo / PageSize
		last := min((l.Taken-1)/PageSize, first+indexChunk-1)
		numbers := make([]int64, 0, indexChunk)
		for n := first; n <= last; n++ {
			numbers = append(numbers, n)
		}
		pages, err := r.ledger.Pages(ctx, r.event, numbers)
		if err != nil {
			return fault.Away("line", err)
		}
		for _, p := range pages {
			for i := range p.Accounts {
				switch arrival := p.Number*PageSize + int64(i) + 1; {
				case arrival <= x.upTo || arrival > l.Taken:
				case p.at(i) != "":
					x.put(p.at(i), arrival)
				default:
					x.drop(p.came(i))
				}
			}
		}
		x.upTo = min(l.Taken, (last+1)*PageSize)
	}
	return nil
}
