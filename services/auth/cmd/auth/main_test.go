package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// Mails are limited by network wherever nobody says otherwise. A local stack does, and it alone: all its
// people have the same address.
func TestMailsAreLimitedByDefault(t *testing.T) {
	required := map[string]string{}
	params, err := env.GetFieldParamsWithOptions(&config{}, env.Options{})
	require.NoError(t, err)
	for _, p := range params {
		if p.Required {
			required[p.Key] = "1"
		}
	}
	cfg, err := env.ParseAsWithOptions[config](env.Options{Environment: required})
	require.NoError(t, err)
	assert.Equal(t, 30, cfg.MailsPerIP)

	const name = "FOYER_MAILS_PER_IP"
	required[name] = "0"
	cfg, err = env.ParseAsWithOptions[config](env.Options{Environment: required})
	require.NoError(t, err)
	assert.Zero(t, cfg.MailsPerIP)

	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "dapr", "dapr.yaml"))
	require.NoError(t, err)
	var local struct {
		Apps []struct {
			ID  string            `yaml:"appID"`
			Env map[string]string `yaml:"env"`
		} `yaml:"apps"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &local))
	for _, app := range local.Apps {
		assert.Equal(t, app.ID == "auth", app.Env[name] == "0", app.ID)
	}
}
