package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/booking"
)

func TestVerifyNeedsTheKeyAndNothingElse(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	ticket := booking.IssueTicket(private, uuid.New(), booking.Booking{Event: uuid.New()}, "A-12", time.Now())
	key := base64.StdEncoding.EncodeToString(public)
	var out bytes.Buffer
	require.NoError(t, verify(&out, key, ticket.Code))
	assert.Contains(t, out.String(), ticket.ID.String())
	assert.Contains(t, out.String(), "A-12")

	other, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	for _, forged := range []string{"", "FOYER1.", ticket.Code + "A", ticket.Code[:40] + "x" + ticket.Code[41:], "hello"} {
		assert.ErrorIs(t, verify(&out, key, forged), booking.ErrForgedTicket, forged)
	}
	assert.ErrorIs(t, verify(&out, base64.StdEncoding.EncodeToString(other), ticket.Code), booking.ErrForgedTicket)
	assert.Error(t, verify(&out, "no key", ticket.Code))
}
