package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
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
	url      string
	server   *http.Server
	signer   jose.Signer
	tokens   []string // of customers
	merchant string
}

func newIssuer(n int) (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &issuer{url: "http://" + listener.Addr().String(), tokens: make([]string, n)}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "bench", Algorithm: "RS256", Use: "sig"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(keys) })
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = i.server.Serve(listener) }()
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "bench"))
	if err != nil {
		return nil, err
	}
	if i.merchant, err = i.token("merchant", "merchant"); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	workers := runtime.NumCPU()
	for w := range workers {
		wg.Go(func() {
			for a := w; a < n; a += workers {
				token, signErr := i.token(account(a), "customer")
				if signErr != nil {
					mu.Lock()
					err = signErr
					mu.Unlock()
					return
				}
				i.tokens[a] = token
			}
		})
	}
	wg.Wait()
	return i, err
}

func account(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func (i *issuer) token(subject, role string) (string, error) {
	now := time.Now()
	return jwt.Signed(i.signer).Claims(jwt.Claims{
		Issuer: i.url, Subject: subject, Audience: jwt.Audience{identity.Audience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(2 * time.Hour)),
	}).Claims(map[string]any{"typ": "Bearer", "realm_access": map[string]any{"roles": []string{role}}}).Serialize()
}

func (i *issuer) close() { _ = i.server.Close() }
