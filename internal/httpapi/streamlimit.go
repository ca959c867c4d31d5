package httpapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
)

// maxStreamsPerAccount limits the open event streams of one account in one process; it exceeds the number of
// tabs that people use. The gateway limits anonymous callers by address.
const maxStreamsPerAccount = 20

// ErrTooManyStreams means that the account has reached the limit of open streams.
var ErrTooManyStreams = fault.New(fault.TooMany, "too_many_streams", "Too many open streams.").After(10 * time.Second)

// StreamLimit counts the open streams of each account. The zero value is ready to use.
type StreamLimit struct {
	mu   sync.Mutex
	open map[string]int
}

// Enter counts a new stream or rejects it. leave must be called when the stream has ended.
func (l *StreamLimit) Enter(account string) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[account] >= maxStreamsPerAccount {
		return nil, ErrTooManyStreams
	}
	if l.open == nil {
		l.open = map[string]int{}
	}
	l.open[account]++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[account]--; l.open[account] <= 0 {
			delete(l.open, account)
		}
	}), nil
}

// limitStreams limits the open streams of each account, over all operations.
func (c *contract) limitStreams(limit *StreamLimit) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			account, signedIn := identity.From(r.Context())
			if _, _, op := c.operation(r); !signedIn || !stream(op) {
				next.ServeHTTP(w, r)
				return
			}
			leave, err := limit.Enter(account.ID)
			if err != nil {
				WriteProblem(w, r, err)
				return
			}
			defer leave()
			next.ServeHTTP(w, r)
		})
	}
}
