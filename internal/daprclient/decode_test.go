package daprclient_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/internal/daprclient"
)

func TestMessagesAreReadToTheLetter(t *testing.T) {
	type message struct {
		Unit string `json:"unit"`
	}
	for body, good := range map[string]bool{
		`{"unit":"a"}`:            true,
		`{"unit":"a","newer":1}`:  true,
		`{"unit":"a","UNIT":"b"}`: true,
		`{"unit":"a","unit":"b"}`: false,
		`{"unit":1}`:              false,
		`{"unit":"a"} {}`:         false,
	} {
		v, err := daprclient.Decode[message](daprclient.Delivery{Data: json.RawMessage(body)})
		assert.Equal(t, good, err == nil, "%s: %v", body, err)
		if good {
			assert.Equal(t, "a", v.Unit, body)
		}
	}
}
