package postgres

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/money"
	"github.com/foyer-tickets/foyer/services/notification"
)

// What is stored in JSON columns is as earlier releases stored it.
func TestStoredColumns(t *testing.T) {
	refund := notification.Refund{Amount: money.Money{Amount: 2500, Currency: "EUR"}, Units: []string{"A2"}}
	for want, column := range map[string]any{
		`{"amount":{"amount":2500,"currency":"EUR"},"units":["A2"]}`: (*refundColumn)(&refund),
		`{"email":"a@foyer.test","name":"Ada","locale":"en"}`:        recipientColumn{"a@foyer.test", "Ada", "en"},
		`null`: (*refundColumn)(nil),
	} {
		raw, err := json.Marshal(column)
		require.NoError(t, err)
		require.Equal(t, want, string(raw))
	}
}
