package devstack

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Secrets are the secrets of one stack. They are generated once and kept with its data directory. The
// sidecars' secret store `secrets` reads the file, so its keys are the names used by components and services.
type Secrets struct {
	TicketSigningKey    string `json:"ticket-signing-key"`    // Ed25519 seed, base64
	AdmissionSigningKey string `json:"admission-signing-key"` // Ed25519 seed, base64
	RedisPassword       string `json:"redis-password"`

	DaprDatabaseURL         string `json:"dapr-database-url"`
	AuthDatabaseURL         string `json:"auth-database-url"`
	CatalogDatabaseURL      string `json:"catalog-database-url"`
	BookingDatabaseURL      string `json:"booking-database-url"`
	PaymentDatabaseURL      string `json:"payment-database-url"`
	NotificationDatabaseURL string `json:"notification-database-url"`

	TokenKey            string `json:"token-key"` // what the tokens between each service and its sidecar are made from
	KeycloakAdminClient string `json:"keycloak-admin-client-secret"`
	KeycloakWebClient   string `json:"keycloak-web-client-secret"`
	SessionKey          string `json:"session-key"` // 32 bytes, base64
	StripeSecretKey     string `json:"stripe-secret-key"`
	StripeWebhookSecret string `json:"stripe-webhook-secret"`
}

// DaprAPIToken returns the token with which a service authenticates to its sidecar. Each app has its own, in
// both directions.
func (s *Secrets) DaprAPIToken(app string) string { return s.tokenOf("dapr-api-token", app) }

// AppAPIToken returns the token with which a sidecar authenticates to its service.
func (s *Secrets) AppAPIToken(app string) string { return s.tokenOf("app-api-token", app) }

func (s *Secrets) tokenOf(use, app string) string {
	token, err := hkdf.Key(sha256.New, []byte(s.TokenKey), nil, use+" "+app, sha256.Size)
	if err != nil {
		panic(err) // only for a length that SHA-256 cannot give
	}
	return base64.RawURLEncoding.EncodeToString(token)
}

func secretsFile(cfg *Config) string { return cfg.path("secrets.json") }

// ReadSecrets reads the secrets of a stack that has been started before.
func ReadSecrets(cfg Config) (*Secrets, error) {
	raw, err := os.ReadFile(secretsFile(&cfg))
	if err != nil {
		return nil, err
	}
	s := &Secrets{}
	return s, json.Unmarshal(raw, s)
}

// loadSecrets reads the secrets and generates the missing ones.
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
	for _, key := range []*string{&s.TicketSigningKey, &s.AdmissionSigningKey, &s.TokenKey, &s.SessionKey} {
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
	s.AuthDatabaseURL = cfg.DatabaseURL("auth")
	s.DaprDatabaseURL, s.CatalogDatabaseURL = cfg.DatabaseURL("dapr"), cfg.DatabaseURL("catalog")
	s.BookingDatabaseURL, s.PaymentDatabaseURL, s.NotificationDatabaseURL = cfg.DatabaseURL("booking"), cfg.DatabaseURL("payment"), cfg.DatabaseURL("notification")
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
