package devstack

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"gopkg.in/yaml.v3"
)

// SPIFFE trust domains and the namespace of every part. Sentry puts sidecars into the trust domain
// "public" unless they ask for another, which daprd outside of Kubernetes cannot. The policies in
// dapr/access name the same values.
const (
	controlPlaneDomain = "localhost"
	appDomain          = "public"
	namespace          = "default"
)

// identity issues the tokens with which the parts of Dapr authenticate to Sentry, which signs no certificate
// without one. The key is never written to disk; each supervisor creates its own and restarts all parts.
type identity struct {
	key    ed25519.PrivateKey
	signer jose.Signer
	dir    string
}

func newIdentity(cfg *Config) (*identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	return &identity{key: key, signer: signer, dir: cfg.path("sentry")}, err
}

const keyID = "stack"

// configure writes Sentry's configuration with the public key for these tokens.
func (i *identity) configure() error {
	if err := os.MkdirAll(filepath.Join(i.dir, "tokens"), 0o700); err != nil {
		return err
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Algorithm: string(jose.EdDSA), Use: "sig"}}})
	if err != nil {
		return err
	}
	config, err := yaml.Marshal(map[string]any{
		"apiVersion": "dapr.io/v1alpha1", "kind": "Configuration", "metadata": map[string]any{"name": "sentry"},
		"spec": map[string]any{"mtls": map[string]any{"tokenValidators": []any{
			map[string]any{"name": "jwks", "options": map[string]any{"source": base64.StdEncoding.EncodeToString(keys)}},
		}}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(i.config(), config, 0o600)
}

func (i *identity) config() string  { return filepath.Join(i.dir, "sentry.yaml") }
func (i *identity) issuer() string  { return filepath.Join(i.dir, "issuer") }
func (i *identity) anchors() string { return filepath.Join(i.issuer(), "ca.crt") }

// token writes the token of a part to a file and returns its path.
func (i *identity) token(domain, id string) (string, error) {
	text, err := jwt.Signed(i.signer).Claims(jwt.Claims{
		Subject:  fmt.Sprintf("spiffe://%s/ns/%s/%s", domain, namespace, id),
		Audience: jwt.Audience{fmt.Sprintf("spiffe://%s/ns/%s/dapr-sentry", controlPlaneDomain, namespace)},
	}).Serialize()
	if err != nil {
		return "", err
	}
	path := filepath.Join(i.dir, "tokens", id)
	if have, err := os.ReadFile(path); err == nil && string(have) == text {
		return path, nil // another sidecar of the app may be reading it
	}
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// env returns the variables that a part of Dapr needs to get its certificate.
func (i *identity) env(domain, id string) (map[string]string, error) {
	token, err := i.token(domain, id)
	if err != nil {
		return nil, err
	}
	anchors, err := os.ReadFile(i.anchors())
	if err != nil {
		return nil, err
	}
	return map[string]string{"NAMESPACE": namespace, "DAPR_SENTRY_TOKEN_FILE": token, "DAPR_TRUST_ANCHORS": string(anchors)}, nil
}

// controlPlaneTLS returns the flags of placement and scheduler.
func (s *Stack) controlPlaneTLS() []string {
	return []string{"--tls-enabled", "--trust-domain", controlPlaneDomain, "--trust-anchors-file", s.identity.anchors(), "--sentry-address", s.sentryAddress()}
}

func (s *Stack) sentryAddress() string { return fmt.Sprintf("%s:%d", host, s.Config.Ports.Sentry) }

// identified adds an identity token to a program of the Dapr control plane.
func (s *Stack) identified(id string, cmd *exec.Cmd) (*exec.Cmd, error) {
	env, err := s.identity.env(controlPlaneDomain, id)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Env, pairs(env)...)
	return cmd, nil
}

// sentry runs the certificate authority of the sidecars, placement and scheduler. It creates its root and
// issuer at the first start.
func (s *Stack) sentry() Part {
	cfg := &s.Config
	p := cfg.Ports
	return Part{
		Name: "sentry", Tier: Platform, After: []string{"dapr"}, Ports: []int{p.Sentry, p.SentryHealth},
		Prepare: func(context.Context, func(Step)) error {
			if err := os.MkdirAll(s.identity.issuer(), 0o700); err != nil {
				return err
			}
			return s.identity.configure()
		},
		Command: func() (*exec.Cmd, error) {
			cmd := lean(cfg, exec.Command(s.dapr.Load().path("sentry"),
				"--config", s.identity.config(), "--issuer-credentials", s.identity.issuer(), "--trust-domain", controlPlaneDomain,
				"--listen-address", host, "--port", strconv.Itoa(p.Sentry),
				"--healthz-listen-address", host, "--healthz-port", strconv.Itoa(p.SentryHealth), "--enable-metrics=false"))
			cmd.Env = append(cmd.Env, "NAMESPACE="+namespace)
			return cmd, nil
		},
		Ready: answers(fmt.Sprintf("http://%s:%d/healthz", host, p.SentryHealth)),
	}
}
