package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/identity"
)

const issuer = "https://id.foyer.test/realms/foyer"

// realm publishes keys as Keycloak does, and counts how often it is asked.
type realm struct {
	*httptest.Server
	asked atomic.Int64
	down  atomic.Bool
	keys  atomic.Pointer[jose.JSONWebKeySet]
}

func newRealm(t *testing.T, keys ...jose.JSONWebKey) *realm {
	r := &realm{}
	r.publish(keys...)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.asked.Add(1)
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(r.keys.Load())
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *realm) publish(keys ...jose.JSONWebKey) {
	set := &jose.JSONWebKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.Public())
	}
	r.keys.Store(set)
}

func rsaKey(t *testing.T, id string) jose.JSONWebKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"}
}

func sign(t *testing.T, key jose.JSONWebKey, alg jose.SignatureAlgorithm, change map[string]any) string {
	return signWith(t, key, alg, nil, change)
}

func signWith(t *testing.T, key jose.JSONWebKey, alg jose.SignatureAlgorithm, header map[jose.HeaderKey]any, change map[string]any) string {
	options := (&jose.SignerOptions{ExtraHeaders: header}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	require.NoError(t, err)
	claims := map[string]any{
		"iss": issuer, "aud": []string{"foyer", "account"}, "sub": "a1", "typ": "Bearer", "sid": "s1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"email": "a@foyer.test", "name": "Ada", "realm_access": map[string]any{"roles": []string{"customer", "merchant"}},
	}
	maps.Copy(claims, change)
	raw, err := json.Marshal(claims)
	require.NoError(t, err)
	jws, err := signer.Sign(raw)
	require.NoError(t, err)
	token, err := jws.CompactSerialize()
	require.NoError(t, err)
	return token
}

func verifier(r *realm, store identity.Store) *identity.Verifier {
	return identity.NewVerifier(identity.Config{Issuer: issuer, JWKSURL: r.URL}, store)
}

func TestAGoodTokenNamesItsAccount(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rs, es := rsaKey(t, "r"), jose.JSONWebKey{Key: ec, KeyID: "e", Algorithm: "ES256", Use: "sig"}
	v := verifier(newRealm(t, rs, es), nil)
	for _, token := range []string{sign(t, rs, jose.RS256, nil), sign(t, es, jose.ES256, nil)} {
		a, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, "a1", a.ID)
		assert.True(t, a.Has(identity.Merchant))
		assert.False(t, a.Has(identity.Admin))
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	good, stranger := rsaKey(t, "k"), rsaKey(t, "k")
	r := newRealm(t, good)
	evil := newRealm(t, stranger)
	v := verifier(r, nil)

	public, err := x509.MarshalPKIXPublicKey(good.Key.(*rsa.PrivateKey).Public())
	require.NoError(t, err)
	asSecret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})

	parts := strings.Split(sign(t, good, jose.RS256, nil), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k"}`)) + "." + parts[1] + "."

	for name, token := range map[string]string{
		"alg none":            none,
		"HS256 of public key": sign(t, jose.JSONWebKey{Key: asSecret, KeyID: "k"}, jose.HS256, nil),
		"another's signature": sign(t, stranger, jose.RS256, nil),
		"unknown kid":         sign(t, jose.JSONWebKey{Key: good.Key, KeyID: "zz"}, jose.RS256, nil),
		"jku":                 signWith(t, jose.JSONWebKey{Key: stranger.Key, KeyID: "zz"}, jose.RS256, map[jose.HeaderKey]any{"jku": evil.URL}, nil),
		"embedded jwk":        signWith(t, jose.JSONWebKey{Key: stranger.Key, KeyID: "zz"}, jose.RS256, map[jose.HeaderKey]any{"jwk": stranger.Public()}, nil),
		"expired":             sign(t, good, jose.RS256, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"not yet":             sign(t, good, jose.RS256, map[string]any{"nbf": time.Now().Add(2 * time.Minute).Unix()}),
		"wrong issuer":        sign(t, good, jose.RS256, map[string]any{"iss": "https://elsewhere"}),
		"wrong audience":      sign(t, good, jose.RS256, map[string]any{"aud": "account"}),
		"ID token":            sign(t, good, jose.RS256, map[string]any{"typ": "ID"}),
		"refresh token":       sign(t, good, jose.RS256, map[string]any{"typ": "Refresh"}),
		"nobody":              sign(t, good, jose.RS256, map[string]any{"sub": ""}),
		"edited":              parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"admin"}`)) + "." + parts[2],
		"not a token":         "abc",
	} {
		_, err := v.Verify(t.Context(), token)
		assert.ErrorIs(t, err, identity.ErrInvalidToken, name)
	}
	assert.Zero(t, evil.asked.Load(), "a token's own address for keys is never visited")
	assert.LessOrEqual(t, r.asked.Load(), int64(2), "made-up key ids do not become requests")
}

func TestARotatedKeyIsFound(t *testing.T) {
	old, young := rsaKey(t, "old"), rsaKey(t, "young")
	r := newRealm(t, old)
	v := verifier(r, nil)
	r.publish(old, young) // before the first token: what is fetched first has both
	_, err := v.Verify(t.Context(), sign(t, young, jose.RS256, nil))
	assert.NoError(t, err)
}

type shelf struct {
	keys    []byte
	revoked atomic.Pointer[identity.Revocations]
}

func (s *shelf) Revocations(context.Context) ([]byte, error) {
	if list := s.revoked.Load(); list != nil {
		return list.Encode()
	}
	return nil, nil
}

func (s *shelf) Load(context.Context) ([]byte, error) { return s.keys, nil }
func (s *shelf) Save(_ context.Context, k []byte) error {
	s.keys = k
	return nil
}

func TestKeycloakAwayLeavesTokensWorking(t *testing.T) {
	key := rsaKey(t, "k")
	r, stored := newRealm(t, key), &shelf{}
	token := sign(t, key, jose.RS256, nil)
	v := verifier(r, stored)
	_, err := v.Verify(t.Context(), token)
	require.NoError(t, err)

	r.down.Store(true)
	_, err = v.Verify(t.Context(), token)
	assert.NoError(t, err, "the same process knows the keys")
	_, err = verifier(r, stored).Verify(t.Context(), token)
	assert.NoError(t, err, "a restarted one finds them stored")
	_, err = verifier(r, nil).Verify(t.Context(), token)
	assert.Error(t, err, "without either, nobody is let in")
}

// TestATokenIsKnownAgain: verified once, it needs no key; and it is over when it is over.
func TestATokenIsKnownAgain(t *testing.T) {
	key := rsaKey(t, "k")
	r := newRealm(t, key)
	keys := &counted{KeySet: oidc.NewRemoteKeySet(t.Context(), r.URL)}
	v := identity.NewVerifierWithKeys(issuer, keys)
	expiry := time.Now().Add(2 * time.Second).Truncate(time.Second)
	token := sign(t, key, jose.RS256, map[string]any{"exp": expiry.Unix()})
	for range 3 {
		a, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
		assert.Equal(t, "a1", a.ID)
	}
	assert.EqualValues(t, 1, keys.asked.Load())
	another := sign(t, key, jose.RS256, map[string]any{"sub": "a2"})
	a, err := v.Verify(t.Context(), another)
	require.NoError(t, err)
	assert.Equal(t, "a2", a.ID)
	require.Eventually(t, func() bool { return time.Now().After(expiry) }, 5*time.Second, 10*time.Millisecond)
	_, err = v.Verify(t.Context(), token)
	assert.ErrorIs(t, err, identity.ErrInvalidToken)
}

// TestARevokedTokenIsRefused: by its session, or by its account when it is older than the revocation,
// also when it was known as good before.
func TestARevokedTokenIsRefused(t *testing.T) {
	key, now := rsaKey(t, "k"), time.Now()
	stored := &shelf{}
	v := verifier(newRealm(t, key), stored)
	token := func(account, session string, issued time.Time) string {
		return sign(t, key, jose.RS256, map[string]any{"sub": account, "sid": session, "iat": issued.Unix()})
	}
	old, other, fresh := token("a1", "s1", now.Add(-time.Minute)), token("a2", "s2", now.Add(-time.Minute)), token("a1", "s3", now)
	signedOut := token("a3", "s4", now)
	for _, raw := range []string{old, other, fresh, signedOut} {
		_, err := v.Verify(t.Context(), raw)
		require.NoError(t, err)
	}
	list := identity.Revocations{}.With(now, identity.RevokeAccount(now, "a1", now), identity.RevokeSession(now, "s4"))
	stored.revoked.Store(&list)
	v.Reread()
	for raw, ended := range map[string]bool{old: true, signedOut: true, other: false, fresh: false} {
		_, err := v.Verify(t.Context(), raw)
		assert.Equal(t, ended, errors.Is(err, identity.ErrSessionEnded), "%v", err)
	}
}

// TestWatchEndsWithTheSession: what goes on after a request was let in, such as a stream.
func TestWatchEndsWithTheSession(t *testing.T) {
	key, now := rsaKey(t, "k"), time.Now()
	stored := &shelf{}
	v := verifier(newRealm(t, key), stored)
	watch := func(session string, life time.Duration) (identity.Account, context.Context) {
		a, err := v.Verify(t.Context(), sign(t, key, jose.RS256, map[string]any{"sid": session, "iat": now.Unix(), "exp": now.Add(life).Unix()}))
		require.NoError(t, err)
		ctx, stop := v.Watch(t.Context(), a)
		t.Cleanup(stop)
		return a, ctx
	}
	_, out := watch("s1", time.Hour)
	_, stays := watch("s2", time.Hour)
	account, expires := watch("s3", 3*time.Second)
	list := identity.Revocations{}.With(now, identity.RevokeSession(now, "s1"))
	stored.revoked.Store(&list)
	for _, ctx := range []context.Context{out, expires} {
		select {
		case <-ctx.Done():
			assert.ErrorIs(t, context.Cause(ctx), identity.ErrSessionEnded)
		case <-time.After(20 * time.Second):
			t.Fatal("goes on")
		}
	}
	assert.NoError(t, stays.Err())
	assert.False(t, time.Now().Before(account.Expires))
}

func TestRevocationsAreKeptAsLongAsTokensLive(t *testing.T) {
	now := time.Now()
	list := identity.Revocations{}.With(now, identity.RevokeSession(now, "s"), identity.RevokeAccount(now, "a", now))
	assert.Len(t, list.With(now.Add(identity.MaxTokenAge)), 2, "a token of the last moment may still be around")
	assert.Empty(t, list.With(now.Add(2*identity.MaxTokenAge)))
	many := make([]identity.Revocation, 25_000)
	for i := range many {
		many[i] = identity.RevokeSession(now, fmt.Sprint(i))
	}
	list = list.With(now, many...)
	assert.Len(t, list, 20_000)
	assert.True(t, slices.ContainsFunc(list, func(r identity.Revocation) bool { return r.Account == "a" }), "accounts come first")
}

type counted struct {
	oidc.KeySet
	asked atomic.Int64
}

func (c *counted) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	c.asked.Add(1)
	return c.KeySet.VerifySignature(ctx, token)
}

func TestRequire(t *testing.T) {
	_, err := identity.Require(t.Context())
	assert.ErrorIs(t, err, identity.ErrUnauthenticated)
	ctx := identity.With(t.Context(), identity.Account{ID: "a", Roles: []identity.Role{identity.Customer}})
	_, err = identity.Require(ctx, identity.Merchant, identity.Admin)
	assert.ErrorIs(t, err, identity.ErrForbidden)
	a, err := identity.Require(ctx)
	assert.NoError(t, err)
	assert.Equal(t, "a", a.ID)
}
