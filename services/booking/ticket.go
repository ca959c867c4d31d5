package booking

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// ErrForgedTicket is what a code that we did not sign gets, whatever is wrong with it.
var ErrForgedTicket = fault.New(fault.Invalid, "ticket_invalid", "The ticket code is not valid.")

// Ticket lets one person in. Code is what the QR shows.
type Ticket struct {
	ID       uuid.UUID
	Booking  uuid.UUID
	Event    uuid.UUID
	Unit     string
	Code     string
	IssuedAt time.Time
	Void     bool
}

// ticketPrefix names the format, so that a scanner knows what it reads; the signature covers it.
const ticketPrefix = "FOYER1."

// IssueTicket signs a ticket. The code says which ticket of which event admits to which place,
// and nothing about the person.
func IssueTicket(key ed25519.PrivateKey, id uuid.UUID, b Booking, unit string, now time.Time) Ticket {
	payload := make([]byte, 0, 32+len(unit))
	payload = append(payload, id[:]...)
	payload = append(payload, b.Event[:]...)
	payload = append(payload, unit...)
	signature := ed25519.Sign(key, append([]byte(ticketPrefix), payload...))
	code := ticketPrefix + base64.RawURLEncoding.EncodeToString(append(signature, payload...))
	return Ticket{ID: id, Booking: b.ID, Event: b.Event, Unit: unit, Code: code, IssuedAt: now}
}

// VerifyTicket reads a code that was signed with the public key's counterpart. It needs nothing
// but the key, so that a door without a network can let people in; whether the ticket was
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
