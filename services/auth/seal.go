package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Sealer encrypts what is stored about sessions and carried by browsers. Each session has a key of
// its own, derived from the server's key and the session's id (RFC 5869): neither the store's
// content alone nor that with the server's key opens anything, since the id is only with the browser.
type Sealer struct{ secret []byte }

// NewSealer takes the server's key: 32 bytes in base64. Another key ends all sessions.
func NewSealer(key string) (Sealer, error) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != sha256.Size {
		return Sealer{}, errors.New("session-key: 32 bytes in base64 expected")
	}
	return Sealer{raw}, nil
}

// AEAD gives a cipher of its own for a purpose, with a random nonce for each message.
func (s Sealer) AEAD(purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.secret, nil, purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Mac gives a key of its own for hashing what should not be stored in the clear.
func (s Sealer) Mac(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, s.secret, nil, purpose, 32)
}

func (s Sealer) session(id string) (cipher.AEAD, error) { return s.AEAD("foyer session " + id) }

// sealedTokens are Tokens as they are stored, under encryption.
type sealedTokens struct {
	Access        string    `json:"access"`
	Refresh       string    `json:"refresh"`
	Expires       time.Time `json:"expires"`
	SessionExpiry time.Time `json:"sessionExpiry"`
	Session       string    `json:"session"`
	Confirmed     time.Time `json:"confirmed,omitzero"`
}

// Seal encrypts a session's tokens.
func (s Sealer) Seal(id string, t Tokens) ([]byte, error) {
	aead, err := s.session(id)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(sealedTokens(t))
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, raw, []byte(SessionKey(id))), nil
}

// Open decrypts what Seal made for the same id.
func (s Sealer) Open(id string, sealed []byte) (t Tokens, err error) {
	aead, err := s.session(id)
	if err != nil {
		return t, err
	}
	raw, err := aead.Open(nil, nil, sealed, []byte(SessionKey(id)))
	if err != nil {
		return t, fmt.Errorf("session: %w", err)
	}
	var form sealedTokens
	err = json.Unmarshal(raw, &form)
	return Tokens(form), err
}
