package devstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Token signs a local user in with the password grant, which only the local realm allows, and returns an
// access token. It uses Keycloak's own port, because the gateway limits sign-ins per address.
func (c *Config) Token(ctx context.Context, email, password string) (string, error) {
	form := url.Values{
		"grant_type": {"password"}, "client_id": {"foyer-cli"}, "scope": {"openid"},
		"username": {email}, "password": {password},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.KeycloakURL()+"/realms/foyer/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("token endpoint answered %s: %w", resp.Status, err)
	}
	if answer.AccessToken == "" {
		return "", fmt.Errorf("token endpoint answered %s: %s", resp.Status, answer.Error)
	}
	return answer.AccessToken, nil
}
