package identity

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// Store stores what verifiers of all processes share: the last valid key set, so that a process that starts
// while Keycloak is down still has keys, and the revoked tokens. It may be nil; then nothing is shared.
type Store interface {
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, keys []byte) error
	Revocations(ctx context.Context) ([]byte, error)
}

// Keys are fetched again if a token names an unknown one, but not more often than refetch, so that forged key
// ids cannot cause many requests to Keycloak; and at the latest after maxAge, so that a retired key is no
// longer accepted.
const (
	refetch = 10 * time.Second
	maxAge  = time.Hour
)

// keySet verifies signatures with Keycloak's published keys (RFC 7517).
type keySet struct {
	url    string
	client *http.Client
	store  Store
	fetch  singleflight.Group

	mu      sync.RWMutex
	keys    []jose.JSONWebKey
	tried   time.Time // last fetch, good or not
	fetched time.Time // last good one
}

var _ oidc.KeySet = (*keySet)(nil)

var errUnknownKey = errors.New("the token's key is not one of the issuer's")

// VerifySignature implements oidc.KeySet. It selects the key by its id from the issuer's own keys and ignores
// key information in the token's header (jwk, jku, x5u).
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return nil, err
	}
	if len(jws.Signatures) != 1 {
		return nil, errors.New("not exactly one signature")
	}
	id := jws.Signatures[0].Header.KeyID
	key, fresh := k.find(id)
	if key == nil || !fresh {
		k.refresh(ctx)
		if key, _ = k.find(id); key == nil {
			return nil, errUnknownKey
		}
	}
	public, ok := key.Key.(crypto.PublicKey)
	if !ok || !key.IsPublic() {
		return nil, errUnknownKey
	}
	return jws.Verify(public)
}

func (k *keySet) find(id string) (key *jose.JSONWebKey, fresh bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for i := range k.keys {
		if k.keys[i].KeyID == id && id != "" {
			return &k.keys[i], time.Since(k.fetched) < maxAge
		}
	}
	return nil, false
}

// refresh fetches the keys once for all concurrent callers. If Keycloak is down, it uses the stored keys, or
// keeps the current ones.
func (k *keySet) refresh(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // others wait for the same answer
	_, _, _ = k.fetch.Do("keys", func() (any, error) {
		k.mu.RLock()
		recent, have := time.Since(k.tried) < refetch, len(k.keys) > 0
		k.mu.RUnlock()
		if recent && have {
			return nil, nil
		}
		raw, err := k.download(ctx)
		if err == nil {
			err = k.take(raw, true)
		}
		if err == nil {
			if k.store != nil {
				if err := k.store.Save(ctx, raw); err != nil {
					slog.WarnContext(ctx, "keys not stored", "error", err)
				}
			}
			return nil, nil
		}
		slog.WarnContext(ctx, "keys not fetched", "error", err)
		if !have && k.store != nil {
			if raw, err := k.store.Load(ctx); err == nil && len(raw) > 0 {
				err = k.take(raw, false)
				slog.InfoContext(ctx, "using stored keys", "error", err)
			}
		}
		return nil, nil
	})
}

func (k *keySet) download(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(req)
	k.mu.Lock()
	k.tried = time.Now()
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("key set: answered %d", res.StatusCode)
	}
	return io.ReadAll(http.MaxBytesReader(nil, res.Body, 1<<20))
}

func (k *keySet) take(raw []byte, fresh bool) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		return fmt.Errorf("key set: %w", err)
	}
	if len(set.Keys) == 0 {
		return errors.New("key set: empty")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = set.Keys
	if fresh {
		k.fetched = time.Now()
	}
	return nil
}
