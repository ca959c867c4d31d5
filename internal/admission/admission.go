// Package admission signs and verifies admission passes. A pass is a JWT signed with EdDSA that lets one
// account hold units of one event for a limited time. The waiting room signs passes, booking verifies them.
package admission

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Pass has the claims of an admission pass.
type Pass struct {
	ID      uuid.UUID
	Account string
	Event   uuid.UUID
	From    time.Time
	Until   time.Time
}

// ErrPassInvalid means that a pass is forged, modified, expired, or issued to another account or event.
var ErrPassInvalid = fault.New(fault.Forbidden, "admission_required", "The admission pass is not valid. Join the queue again.")

const (
	issuer   = "foyer-waitingroom"
	audience = "foyer-booking"
	kind     = "admission+jwt" // keeps access tokens and passes apart (RFC 8725, 3.11)
	leeway   = 2 * time.Second
)

type claims struct {
	jwt.Claims
	Event uuid.UUID `json:"event"`
}

// Key decodes a base64 Ed25519 seed.
func Key(seed string) (ed25519.PrivateKey, error) {
	raw, err := base64.StdEncoding.DecodeString(seed)
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fmt.Errorf("admission key: not %d bytes in base64", ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(raw), nil
}

// Public returns the public key, which verifies passes.
func Public(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

// Signer signs passes.
type Signer struct{ signer jose.Signer }

// NewSigner returns a signer.
func NewSigner(key ed25519.PrivateKey) (Signer, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{}).WithType(kind))
	if err != nil {
		return Signer{}, fmt.Errorf("admission: %w", err)
	}
	return Signer{s}, nil
}

// Sign encodes and signs a pass. The same pass always has the same text.
func (s Signer) Sign(p Pass) (string, error) {
	raw, err := jwt.Signed(s.signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer: issuer, Audience: jwt.Audience{audience}, Subject: p.Account, ID: p.ID.String(),
			IssuedAt: jwt.NewNumericDate(p.From), Expiry: jwt.NewNumericDate(p.Until),
		},
		Event: p.Event,
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("admission: %w", err)
	}
	return raw, nil
}

// header is the encoded header of every pass. Any other header is rejected without parsing it, so that no
// other algorithm and no other kind of token is accepted.
var header = encoding.EncodeToString([]byte(`{"alg":"EdDSA","typ":"`+kind+`"}`)) + "."

var encoding = base64.RawURLEncoding.Strict()

// open verifies the signature and returns the payload. It does not parse the known header: during a rush,
// verifying passes is a good part of the cost of holds.
func open(key ed25519.PublicKey, raw string) (c claims, err error) {
	dot := strings.LastIndexByte(raw, '.')
	if dot < len(header) || raw[:len(header)] != header {
		return c, errors.New("not a pass")
	}
	signature, err := encoding.DecodeString(raw[dot+1:])
	if err != nil {
		return c, err
	}
	if !ed25519.Verify(key, []byte(raw[:dot]), signature) {
		return c, errors.New("not signed by us")
	}
	payload, err := encoding.DecodeString(raw[len(header):dot])
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(payload, &c)
}

// Verify returns the pass if it is valid for the account and the event at the given time.
func Verify(key ed25519.PublicKey, raw, account string, event uuid.UUID, now time.Time) (Pass, error) {
	c, err := open(key, raw)
	if err != nil {
		return Pass{}, ErrPassInvalid.Because(err)
	}
	if c.Expiry == nil || c.IssuedAt == nil {
		return Pass{}, ErrPassInvalid.Because(fmt.Errorf("no end"))
	}
	want := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Subject: account, Time: now}
	if err := c.ValidateWithLeeway(want, leeway); err != nil {
		return Pass{}, ErrPassInvalid.Because(err)
	}
	if c.Event != event || account == "" {
		return Pass{}, ErrPassInvalid.Because(fmt.Errorf("another event's"))
	}
	id, err := uuid.Parse(c.ID)
	if err != nil {
		return Pass{}, ErrPassInvalid.Because(err)
	}
	return Pass{ID: id, Account: account, Event: event, From: c.IssuedAt.Time(), Until: c.Expiry.Time()}, nil
}
