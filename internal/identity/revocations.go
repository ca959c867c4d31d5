package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// MaxTokenAge is the maximum lifetime of an access token: accessTokenLifespan of the realm, which a test
// compares. A revocation is kept until the last token that it affects has expired.
const MaxTokenAge = 15 * time.Minute

// revocationAge is the maximum age of a process's copy of the revocation list when a token is checked. A
// revoked token stops working within this time.
const revocationAge = 2 * time.Second

// revocationWait is how long a request waits for a newer copy. While the store is down, tokens stay valid
// until they expire, which is at most MaxTokenAge, so that sales continue.
const revocationWait = 250 * time.Millisecond

// Revocation revokes access tokens before they expire: those of one Keycloak session, or all of an account
// that were issued before a Unix second.
type Revocation struct {
	Session string `json:"session,omitempty"`
	Account string `json:"account,omitempty"`
	Before  int64  `json:"before,omitempty"`
	Until   int64  `json:"until"` // Unix second from which on there is no such token
}

// Revocations is the list that all processes share. It covers only the last minutes, so it is small enough to
// be read completely.
type Revocations []Revocation

// maxRevocations limits the list. A full list drops sessions before accounts, since the tokens of a session
// that signed out never left our processes.
const maxRevocations = 20_000

// DecodeRevocations decodes a stored list; empty data is an empty list.
func DecodeRevocations(raw []byte) (Revocations, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var list Revocations
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	return list, nil
}

// Encode returns the stored form of the list.
func (l Revocations) Encode() ([]byte, error) { return json.Marshal(l) }

// With returns the list with more entries added and expired ones removed.
func (l Revocations) With(now time.Time, more ...Revocation) Revocations {
	kept := make(Revocations, 0, len(l)+len(more))
	sessions := 0
	for _, list := range []Revocations{l, more} {
		for _, r := range list {
			if r.Until > now.Unix() {
				kept = append(kept, r)
				if r.Session != "" {
					sessions++
				}
			}
		}
	}
	for drop := min(len(kept)-maxRevocations, sessions); drop > 0; {
		shorter := kept[:0]
		for _, r := range kept {
			if r.Session != "" && drop > 0 {
				drop--
				continue
			}
			shorter = append(shorter, r)
		}
		kept = shorter
	}
	return kept
}

// RevokeSession revokes the tokens of one Keycloak session.
func RevokeSession(now time.Time, session string) Revocation {
	return Revocation{Session: session, Until: now.Add(MaxTokenAge + clockSkew).Unix()}
}

// RevokeAccount revokes the tokens of an account that were issued before a time. Tokens have their time of
// issue in whole seconds; those of the same second stay valid.
func RevokeAccount(now time.Time, account string, before time.Time) Revocation {
	return Revocation{Account: account, Before: before.Unix(), Until: now.Add(MaxTokenAge + clockSkew).Unix()}
}

// revocations is a process's copy of the list, with the watchers of sessions.
type revocations struct {
	load    func(ctx context.Context) ([]byte, error)
	reading singleflight.Group

	mu       sync.RWMutex
	tried    time.Time
	sessions map[string]struct{}
	accounts map[string]int64
	watches  map[*watch]struct{}
	polling  bool
}

type watch struct {
	account Account
	end     context.CancelCauseFunc
}

// refresh reads the list if the copy is too old, and waits for it for a short time.
func (r *revocations) refresh(ctx context.Context) {
	r.mu.RLock()
	fresh := time.Since(r.tried) < revocationAge
	r.mu.RUnlock()
	if fresh {
		return
	}
	read := r.reading.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revocationAge)
		defer cancel()
		raw, err := r.load(ctx)
		var list Revocations
		if err == nil {
			list, err = DecodeRevocations(raw)
		}
		if err != nil {
			slog.WarnContext(ctx, "revocations not read", "error", err)
		}
		r.take(list, err == nil)
		return nil, nil
	})
	wait := time.NewTimer(revocationWait)
	defer wait.Stop()
	select {
	case <-read:
	case <-wait.C:
	case <-ctx.Done():
	}
}

func (r *revocations) take(list Revocations, good bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = time.Now()
	if !good {
		return
	}
	r.sessions, r.accounts = make(map[string]struct{}, len(list)), map[string]int64{}
	for _, rev := range list {
		if rev.Session != "" {
			r.sessions[rev.Session] = struct{}{}
		}
		if rev.Account != "" {
			r.accounts[rev.Account] = max(r.accounts[rev.Account], rev.Before)
		}
	}
	for w := range r.watches {
		if r.ended(w.account) {
			w.end(ErrSessionEnded)
			delete(r.watches, w)
		}
	}
}

// ended checks the copy. The lock must be held.
func (r *revocations) ended(a Account) bool {
	if _, ok := r.sessions[a.Session]; ok && a.Session != "" {
		return true
	}
	before, ok := r.accounts[a.ID]
	return ok && a.IssuedAt.Unix() < before
}

func (r *revocations) revoked(ctx context.Context, a Account) bool {
	r.refresh(ctx)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.ended(a)
}

// forget makes the next check read the list again.
func (r *revocations) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = time.Time{}
}

func (r *revocations) add(w *watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended(w.account) {
		w.end(ErrSessionEnded)
		return
	}
	if r.watches == nil {
		r.watches = map[*watch]struct{}{}
	}
	r.watches[w] = struct{}{}
	if !r.polling {
		r.polling = true
		go r.poll()
	}
}

func (r *revocations) remove(w *watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.watches, w)
}

// poll reads the list periodically while there are watchers.
func (r *revocations) poll() {
	tick := time.NewTicker(revocationAge)
	defer tick.Stop()
	for range tick.C {
		r.mu.Lock()
		if len(r.watches) == 0 {
			r.polling = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		r.refresh(context.Background())
	}
}
