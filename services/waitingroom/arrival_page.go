package waitingroom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// PageSize is the number of arrivals on a page.
const PageSize = 256

// Page is a run of a line's arrivals: their accounts in the order of arrival. Accounts that left before
// their admission are marked.
type Page struct {
	Number   int64 // arrival a is on page (a-1)/PageSize
	Accounts []string
}

func pageOf(arrival int64) (number int64, index int) {
	return (arrival - 1) / PageSize, int((arrival - 1) % PageSize)
}

// Prefixes of an entry.
const (
	leftMark   = "!" // the account left
	erasedMark = "#" // the account was erased; its published hash, in hexadecimal
)

// at returns the account of an entry; "" when it left or was erased.
func (p Page) at(index int) string {
	if account := p.came(index); index < len(p.Accounts) && p.Accounts[index] == account {
		return account
	}
	return ""
}

// came returns the account that arrived, whether or not it left; "" when it was erased.
func (p Page) came(index int) string {
	if index >= len(p.Accounts) || strings.HasPrefix(p.Accounts[index], erasedMark) {
		return ""
	}
	return strings.TrimPrefix(p.Accounts[index], leftMark)
}

// hash returns the published hash of an entry. It outlives the account, so that a draw can always be
// verified.
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

// names reports whether an account arrived on the page.
func (p Page) names(account string) bool {
	return slices.ContainsFunc(p.Accounts, func(s string) bool { return strings.TrimPrefix(s, leftMark) == account })
}

// arrivals lists an account's arrivals on the page.
func (p Page) arrivals(account string) (found []Arrival) {
	for i := range p.Accounts {
		if p.came(i) == account {
			found = append(found, Arrival{Number: p.Number*PageSize + int64(i) + 1, Left: p.at(i) == ""})
		}
	}
	return found
}

// without replaces an account's entries by its published hash.
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

// put sets an entry in place: the page must not be shared.
func (p Page) put(index int, account string) Page {
	for len(p.Accounts) <= index {
		p.Accounts = append(p.Accounts, "")
	}
	p.Accounts[index] = account
	return p
}
