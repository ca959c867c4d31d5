package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/payment"
)

// The bytes of the column `findings` in databases that are in use.
func TestStoredFindings(t *testing.T) {
	id := uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	for stored, findings := range map[string][]payment.Finding{
		`[]`: {},
		`[{"kind":"stuck","payment":"01890a5d-ac96-774b-bcce-b302099a8057","booking":"01890a5d-ac96-774b-bcce-b302099a8057",` +
			`"refund":"01890a5d-ac96-774b-bcce-b302099a8057","intent":"pi_1","expected":500,"actual":400,"currency":"EUR","detail":"d","remedy":"apply","healed":true,"failure":"internal"},` +
			`{"kind":"orphan_intent","expected":0,"actual":0,"detail":"","healed":false}]`: {
			{
				Kind: payment.Stuck, Payment: &id, Booking: &id, Refund: &id, Intent: "pi_1", Expected: 500, Actual: 400, Currency: "EUR",
				Detail: "d", Remedy: payment.Apply, Healed: true, Failure: "internal",
			},
			{Kind: payment.OrphanIntent},
		},
	} {
		raw, err := encodeFindings(findings)
		require.NoError(t, err)
		require.Equal(t, stored, string(raw))
		read, err := decodeFindings([]byte(stored))
		require.NoError(t, err)
		require.Equal(t, findings, read)
	}
	raw, err := encodeFindings(nil)
	require.NoError(t, err)
	require.Equal(t, `[]`, string(raw), "none, not null")
}
