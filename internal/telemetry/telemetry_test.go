package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/internal/telemetry"
)

// What a log is given by mistake, in a text, an error or a group, is masked all the same.
func TestLoggerMasksAddresses(t *testing.T) {
	const canary = "kanari.vogel+x@foyer.test"
	var out bytes.Buffer
	log := telemetry.Logger(&out, "x", slog.LevelInfo)
	log.Info("mail to "+canary, "error", fmt.Errorf("refused: %w", errors.New("550 <"+canary+"> unknown")),
		"url", "http://127.0.0.1/users?email=kanari.vogel%2Bx%40foyer.test&max=1", slog.Group("g", "to", canary))
	log.With("to", canary).Warn("again")
	assert.NotContains(t, out.String(), "kanari")
	assert.Contains(t, out.String(), "550 <[address]> unknown")
	assert.Contains(t, out.String(), "&max=1")
}

func TestMaskLeavesOtherTextAlone(t *testing.T) {
	for _, text := range []string{"", "plain", "5 @ 3", "user@", "@handle", "100%40", "postgres: 3 rows"} {
		assert.Equal(t, text, telemetry.Mask(text))
	}
}

type fragile struct{}

func (fragile) String() string { panic("no name") }

// A log line costs nobody their request, whatever it is given.
func TestLoggerSurvivesItsValues(t *testing.T) {
	var out bytes.Buffer
	var missing *uuid.UUID
	telemetry.Logger(&out, "x", slog.LevelInfo).Info("found", "booking", missing, "other", fragile{}, "group", slog.GroupValue(slog.Any("booking", missing)))
	assert.Contains(t, out.String(), `"booking":"<nil>"`)
	assert.Contains(t, out.String(), "no name")
}
