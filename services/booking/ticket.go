package booking

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// ErrForgedTicket is for a code that was not signed with our key.
var ErrForgedTicket = fault.New(fault.Invalid, "ticket_invalid", "The ticket code is not valid.")

// Ticket admits one person. Code is the content of the QR code.
type Ticket struct {
	ID       uuid.UUID
	Booking  uuid.UUID
	Event    uuid.UUID
	Unit     string
	Code     string
	IssuedAt time.Time
	Void     bool
}

// ticketPrefix is the format of the code. The signature covers it.
const ticketPrefix = "FOYER1."

// IssueTicket signs a ticket. The code has the ids of ticket, event and unit, and no personal data.
func IssueTicket(key ed25519.PrivateKey, id uuid.UUID, b Booking, unit string, now time.Time) Ticket {
	payload := make([]byte, 0, 32+len(unit))
	payload = append(payload, id[:]...)
	payload = append(payload, b.Event[:]...)
	payload = append(payload, unit...)
	signature := ed25519.Sign(key, append([]byte(ticketPrefix), payload...))
	code := ticketPrefix + base64.RawURLEncoding.EncodeToString(append(signature, payload...))
	return Ticket{ID: id, Booking: b.ID, Event: b.Event, Unit: unit, Code: code, IssuedAt: now}
}

// VerifyTicket reads a code that was signed with the private key of key. It works offline: whether the ticket was
// refunded meanwhile only the database knows.
func VerifyTicket(key ed25519.PublicKey, code string) (Ticket, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(code), ticketPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize || len(raw) <= ed25519.SignatureSize+32 {
		return Ticket{}, ErrForgedTicket
	}
	signature, payload := raw[:ed25519.SignatureSize], raw[ed25519.SignatureSize:]
	if !ed25519.Verify(key, append([]byte(ticketPrefix), payload...), signature) {
		return Ticket{}, ErrForgedTicket
	}
	t := Ticket{Unit: string(payload[32:]), Code: code}
	copy(t.ID[:], payload[:16])
	copy(t.Event[:], payload[16:32])
	return t, nil
}

// SigningKey makes the key pair of a secret: a base64 seed of 32 bytes.
func SigningKey(seed string) (ed25519.PrivateKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(seed))
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fault.New(fault.Internal, "bad_signing_key", "The signing key must be 32 bytes in base64.")
	}
	return ed25519.NewKeyFromSeed(raw), nil
}
