package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/services/booking"
)

// verify checks a code with the local platform's key.
func (c *cli) verify(code string) error {
	secrets, err := devstack.ReadSecrets(c.cfg)
	if err != nil {
		return err
	}
	key, err := booking.SigningKey(secrets.TicketSigningKey)
	if err != nil {
		return err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return verify(c.out, base64.StdEncoding.EncodeToString(public), code)
}

// verify prints what a valid ticket code admits to. It cannot know whether the ticket was refunded.
func verify(out io.Writer, key, code string) error {
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return fmt.Errorf("the key is not base64: %w", err)
	}
	t, err := booking.VerifyTicket(public, code)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "valid\nticket  %s\nevent   %s\nplace   %s\n", t.ID, t.Event, t.Unit)
	return err
}
