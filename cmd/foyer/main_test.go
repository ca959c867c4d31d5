package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whatever is not understood is refused before anything is started, stopped or wiped.
func TestArgumentsAreCheckedFirst(t *testing.T) {
	for line, want := range map[string]struct {
		help bool
		err  string
	}{
		"":                          {help: true},
		"help":                      {help: true},
		"-h":                        {help: true},
		"--help":                    {help: true},
		"up --help":                 {help: true},
		"down --wipe -h":            {help: true},
		"up":                        {},
		"up catalog gateway":        {},
		"up --foreground redis":     {},
		"down --wipe":               {},
		"logs booking --tail":       {},
		"dlq replay booking.events": {},
		"up --wipe":                 {err: "foyer up does not accept --wipe"},
		"down --wpie":               {err: "foyer down does not accept --wpie"},
		"status -v":                 {err: "foyer status does not accept -v"},
		"start":                     {err: "unknown command start"},
	} {
		help, err := check(strings.Fields(line))
		assert.Equal(t, want.help, help, line)
		if want.err == "" {
			assert.NoError(t, err, line)
		} else {
			assert.ErrorContains(t, err, want.err, line)
		}
	}
}

// The usage names every command but those that the launcher and the Makefile call.
func TestUsageNamesEveryCommand(t *testing.T) {
	for name := range flags {
		if name != "supervise" && name != "release-sums" {
			assert.Contains(t, usage, "\n  foyer "+name, name)
		}
	}
}
