package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/foyer-tickets/foyer/internal/identity"
)

// people is how many accounts take part.
func people() int {
	if n, err := strconv.Atoi(os.Getenv("FOYER_BENCH_PEOPLE")); err == nil {
		return n
	}
	return 50_000
}

// issuer stands for Keycloak, which would not sign in so many people in good time. Its tokens
// are made before anything is measured; the services verify them as Keycloak's.
type issuer struct {
	url      string // of its keys
	server   *http.Server
	tokens   []string // of customers
	merchant string
}

// kept is what the next run finds: signing takes a core's minute.
type kept struct {
	Key      []byte
	Merchant string
	Tokens   []string
	Until    time.Time
}

const (
	issuerName = "http://issuer.bench"
	tokensLive = 72 * time.Hour
)

// newIssuer has tokens of n accounts, from the cache or new ones.
func newIssuer(n int, cache string) (*issuer, error) {
	var k kept
	path := filepath.Join(cache, "bench-issuer.json")
	if raw, err := os.ReadFile(path); err != nil || json.Unmarshal(raw, &k) != nil || len(k.Tokens) < n || time.Until(k.Until) < tokensLive/2 {
		if k, err = signTokens(n); err != nil {
			return nil, err
		}
		raw, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			return nil, err
		}
	}
	key, err := x509.ParsePKCS1PrivateKey(k.Key)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &issuer{url: "http://" + listener.Addr().String() + "/keys", tokens: k.Tokens[:n], merchant: k.Merchant}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "bench", Algorithm: "RS256", Use: "sig"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(keys) })
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = i.server.Serve(listener) }()
	return i, nil
}

func signTokens(n int) (k kept, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return k, err
	}
	k = kept{Key: x509.MarshalPKCS1PrivateKey(key), Tokens: make([]string, n), Until: time.Now().Add(tokensLive)}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "bench"))
	if err != nil {
		return k, err
	}
	if k.Merchant, err = token(signer, "merchant", "merchant"); err != nil {
		return k, err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	workers := runtime.NumCPU()
	for w := range workers {
		wg.Go(func() {
			for a := w; a < n; a += workers {
				signed, signErr := token(signer, account(a), "customer")
				if signErr != nil {
					mu.Lock()
					err = signErr
					mu.Unlock()
					return
				}
				k.Tokens[a] = signed
			}
		})
	}
	wg.Wait()
	return k, err
}

func account(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func token(signer jose.Signer, subject, role string) (string, error) {
	now := time.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: issuerName, Subject: subject, Audience: jwt.Audience{identity.Audience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokensLive)),
	}).Claims(map[string]any{"typ": "Bearer", "email_verified": true, "realm_access": map[string]any{"roles": []string{role}}}).Serialize()
}

func (i *issuer) close() { _ = i.server.Close() }
