package stack

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Secrets of one stack. They are made once and live as long as its data directory; the file is
// what the sidecars' secret store `secrets` reads, so its keys are the names that components
// and services ask for.
type Secrets struct {
	TicketSigningKey    string `json:"ticket-signing-key"`    // Ed25519 seed, base64
	AdmissionSigningKey string `json:"admission-signing-key"` // Ed25519 seed, base64
	DaprDatabaseURL     string `json:"dapr-database-url"`
	RedisPassword       string `json:"redis-password"`

	DaprAPIToken        string `json:"dapr-api-token"` // service to sidecar
	AppAPIToken         string `json:"app-api-token"`  // sidecar to service
	KeycloakAdminClient string `json:"keycloak-admin-client-secret"`
	KeycloakWebClient   string `json:"keycloak-web-client-secret"`
	SessionKey          string `json:"session-key"` // 32 bytes, base64
	StripeSecretKey     string `json:"stripe-secret-key"`
	StripeWebhookSecret string `json:"stripe-webhook-secret"`
}

func secretsFile(cfg *Config) string { return cfg.path("secrets.json") }

// ReadSecrets reads what a stack that has been started uses.
func ReadSecrets(cfg Config) (*Secrets, error) {
	raw, err := os.ReadFile(secretsFile(&cfg))
	if err != nil {
		return nil, err
	}
	s := &Secrets{}
	return s, json.Unmarshal(raw, s)
}

// loadSecrets reads the secrets, making those that are missing.
func loadSecrets(cfg *Config) (*Secrets, error) {
	path := secretsFile(cfg)
	s := &Secrets{}
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, s); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, key := range []*string{&s.TicketSigningKey, &s.AdmissionSigningKey, &s.DaprAPIToken, &s.AppAPIToken, &s.SessionKey} {
		if *key == "" {
			seed := make([]byte, 32)
			rand.Read(seed)
			*key = base64.StdEncoding.EncodeToString(seed)
		}
	}
	// Letters and digits: in an Authorization header Keycloak reads + as a space, as RFC 6749 has
	// it, and not every client library writes it so.
	for _, key := range []*string{&s.KeycloakAdminClient, &s.KeycloakWebClient} {
		if *key == "" {
			*key = rand.Text() + rand.Text()
		}
	}
	if s.StripeWebhookSecret == "" {
		s.StripeWebhookSecret = "whsec_" + rand.Text()
	}
	// These follow the configuration.
	s.DaprDatabaseURL = cfg.DatabaseURL("dapr")
	s.RedisPassword = cfg.RedisPassword
	s.StripeSecretKey = simulatedKey
	if !cfg.Simulated() {
		s.StripeSecretKey, s.StripeWebhookSecret = cfg.StripeSecretKey, cfg.StripeWebhookSecret
	}
	raw, err = json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(path, append(raw, '\n'), 0o600)
}
