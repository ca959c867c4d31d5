package waitingroom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// PageSize is how many arrivals stand on a page.
const PageSize = 256

// Page names who came, in order. Whoever left before their turn is marked.
type Page struct {
	Number   int64 // arrival a stands on page (a-1)/PageSize
	Accounts []string
}

func pageOf(arrival int64) (number int64, index int) {
	return (arrival - 1) / PageSize, int((arrival - 1) % PageSize)
}

// Marks in front of what stands in a place.
const (
	leftMark   = "!" // the account of somebody who left
	erasedMark = "#" // the published hash of somebody whose account is gone, in hexadecimal
)

// at gives who stands in a place, "" for nobody.
func (p Page) at(index int) string {
	if account := p.came(index); index < len(p.Accounts) && p.Accounts[index] == account {
		return account
	}
	return ""
}

// came gives who arrived, whether or not they left again; "" when that was erased.
func (p Page) came(index int) string {
	if index >= len(p.Accounts) || strings.HasPrefix(p.Accounts[index], erasedMark) {
		return ""
	}
	return strings.TrimPrefix(p.Accounts[index], leftMark)
}

// hash gives what is published of who arrived. It outlives their account, so that a draw can be
// checked for ever.
func (p Page) hash(event uuid.UUID, index int) (sum [sha256.Size]byte) {
	if index < len(p.Accounts) {
		if erased, ok := strings.CutPrefix(p.Accounts[index], erasedMark); ok {
			if n, err := hex.Decode(sum[:], []byte(erased)); err == nil && n == len(sum) {
				return sum
			}
		}
	}
	return EntryHash(event, p.came(index))
}

// names tells whether an account arrived on the page.
func (p Page) names(account string) bool {
	return slices.ContainsFunc(p.Accounts, func(s string) bool { return strings.TrimPrefix(s, leftMark) == account })
}

// arrivals lists where an account came on the page.
func (p Page) arrivals(account string) (found []Arrival) {
	for i := range p.Accounts {
		if p.came(i) == account {
			found = append(found, Arrival{Number: p.Number*PageSize + int64(i) + 1, Left: p.at(i) == ""})
		}
	}
	return found
}

// without puts the published hash in place of an account, wherever it arrived.
func (p Page) without(event uuid.UUID, account string) Page {
	p.Accounts = slices.Clone(p.Accounts)
	for i := range p.Accounts {
		if p.came(i) == account {
			hash := EntryHash(event, account)
			p.Accounts[i] = erasedMark + hex.EncodeToString(hash[:])
		}
	}
	return p
}

func (p Page) left(index int) Page {
	p.Accounts = slices.Clone(p.Accounts)
	return p.put(index, leftMark+p.came(index))
}

// put writes on a page that nobody else has.
func (p Page) put(index int, account string) Page {
	for len(p.Accounts) <= index {
		p.Accounts = append(p.Accounts, "")
	}
	p.Accounts[index] = account
	return p
}
