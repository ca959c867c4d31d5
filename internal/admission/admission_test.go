package admission

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
)

func TestPasses(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	signer, err := NewSigner(key)
	require.NoError(t, err)
	foreign, err := NewSigner(other)
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	p := Pass{ID: uuid.New(), Account: "anna", Event: uuid.New(), From: now, Until: now.Add(10 * time.Minute)}
	raw, err := signer.Sign(p)
	require.NoError(t, err)
	again, err := signer.Sign(p)
	require.NoError(t, err)
	require.Equal(t, raw, again)

	got, err := Verify(Public(key), raw, "anna", p.Event, now.Add(9*time.Minute))
	require.NoError(t, err)
	require.True(t, got.From.Equal(p.From) && got.Until.Equal(p.Until) && got.ID == p.ID)

	forged, err := foreign.Sign(p)
	require.NoError(t, err)
	part := strings.Split(raw, ".")
	claims, err := base64.RawURLEncoding.DecodeString(part[1])
	require.NoError(t, err)
	edited := base64.RawURLEncoding.EncodeToString(bytes.Replace(claims, []byte("anna"), []byte("benn"), 1))
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	confused := b64(`{"alg":"HS256","typ":"admission+jwt"}`) + "." + part[1]
	mac := hmac.New(sha256.New, Public(key))
	mac.Write([]byte(confused))
	for name, c := range map[string]struct {
		raw, account string
		event        uuid.UUID
		at           time.Time
	}{
		"another account":     {raw, "ben", p.Event, now},
		"nobody":              {raw, "", p.Event, now},
		"another event":       {raw, "anna", uuid.New(), now},
		"over":                {raw, "anna", p.Event, p.Until.Add(leeway + time.Second)},
		"not yet":             {raw, "anna", p.Event, now.Add(-time.Minute)},
		"forged":              {forged, "anna", p.Event, now},
		"edited":              {part[0] + "." + edited + "." + part[2], "benn", p.Event, now},
		"alg none":            {b64(`{"alg":"none","typ":"admission+jwt"}`) + "." + part[1] + ".", "anna", p.Event, now},
		"HMAC by public key":  {confused + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), "anna", p.Event, now},
		"without a signature": {part[0] + "." + part[1] + ".", "anna", p.Event, now},
		"another kind":        {signed(key, b64(`{"alg":"EdDSA","typ":"JWT"}`)+"."+part[1]), "anna", p.Event, now},
		"another algorithm":   {signed(key, b64(`{"alg":"none","typ":"admission+jwt"}`)+"."+part[1]), "anna", p.Event, now},
		"a part too many":     {signed(key, part[0]+"."+part[1]+"."), "anna", p.Event, now},
		"only a header":       {part[0] + ".", "anna", p.Event, now},
		"no claims":           {signed(key, part[0]+"."), "anna", p.Event, now},
		"nonsense":            {"x", "anna", p.Event, now},
		"empty":               {"", "anna", p.Event, now},
	} {
		_, err := Verify(Public(key), c.raw, c.account, c.event, c.at)
		require.Equal(t, fault.Forbidden, fault.KindOf(err), name)
	}
}

func signed(key ed25519.PrivateKey, text string) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}
