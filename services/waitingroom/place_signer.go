package waitingroom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/google/uuid"
)

// PlaceSigner signs place tokens. A token proves an arrival number for one account and one event; the
// account cannot be read from it.
type PlaceSigner struct{ key []byte }

// NewPlaceSigner derives the key from a secret.
func NewPlaceSigner(secret []byte) PlaceSigner {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("foyer waiting room place"))
	return PlaceSigner{mac.Sum(nil)}
}

const placeBytes = 8 + sha256.Size

// Sign returns the token of an arrival.
func (s PlaceSigner) Sign(event uuid.UUID, account string, arrival int64) string {
	raw := make([]byte, 8, placeBytes)
	binary.BigEndian.PutUint64(raw, uint64(arrival))
	return base64.RawURLEncoding.EncodeToString(append(raw, s.mac(event, account, raw)...))
}

// Open reads a token. ErrPlaceInvalid when it was not signed for that account and event.
func (s PlaceSigner) Open(event uuid.UUID, account, place string) (arrival int64, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(place)
	if err != nil || len(raw) != placeBytes || !hmac.Equal(raw[8:], s.mac(event, account, raw[:8])) {
		return 0, ErrPlaceInvalid
	}
	return int64(binary.BigEndian.Uint64(raw)), nil
}

func (s PlaceSigner) mac(event uuid.UUID, account string, arrival []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(event[:])
	mac.Write(arrival)
	mac.Write([]byte(account))
	return mac.Sum(nil)
}
