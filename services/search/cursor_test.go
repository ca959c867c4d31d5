package search_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/search"
)

// Clients hold cursors of earlier releases.
func TestCursorsStay(t *testing.T) {
	q := search.Query{Text: "x", Limit: 1}
	for want, c := range map[string]search.Cursor{
		"eyJuIjo0LCJxIjoiMTMyODIzMjA1NTUxNTAzNTA4MjIiLCJzIjpbMS41XSwicCI6InYiLCJtIjoxfQ": {Seen: 3, After: []json.RawMessage{[]byte("1.5")}, View: "v", Match: search.Fuzzy},
		"eyJuIjo0LCJxIjoiMTMyODIzMjA1NTUxNTAzNTA4MjIifQ":                                 {Seen: 3},
	} {
		got, err := q.Next(c, 1)
		require.NoError(t, err)
		require.Equal(t, want, got)
		q.Cursor = want
		place, err := q.Place()
		require.NoError(t, err)
		c.Seen, c.Question = 4, place.Question
		require.Equal(t, c, place)
	}
}
