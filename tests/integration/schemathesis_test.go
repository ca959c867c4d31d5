package integration

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/tests/harness"
)

// TestContract comes after the tests of accounts, by its file's name: it uses up the mails that one network may cause in an hour.
//
// It has schemathesis ask every service, through the gateway, whether it keeps to its OpenAPI
// file: no error of ours, no status, type or body that is not declared, nothing accepted that breaks the
// schema, whatever is sent. As an admin who is a merchant too, so that few answers are a mere 403.
func TestContract(t *testing.T) {
	p := harness.Everything(t)
	token := contractAccount(t)
	owner := as(t, nobody)
	owner.token = token
	var venue, draft, event struct{ ID string }
	owner.call(http.MethodPost, "/api/v1/venues", map[string]any{"name": "Contract", "timeZone": "Europe/Berlin"}).as(201, &venue)
	form := map[string]any{
		"name": "Contract", "venue": venue.ID, "startsAt": time.Now().AddDate(0, 1, 0), "endsAt": time.Now().AddDate(0, 1, 1), "highDemand": true,
		"ticketTypes": []map[string]any{{"name": "Standing", "capacity": 100, "price": map[string]any{"amount": 1000, "currency": "EUR"}}},
	}
	owner.call(http.MethodPost, "/api/v1/events", form).as(201, &draft)
	owner.call(http.MethodPost, "/api/v1/events", form).as(201, &event)
	owner.call(http.MethodPost, "/api/v1/events/"+event.ID+"/publish", nil).as(200, nil)
	for _, service := range []string{"catalog", "booking", "search", "waitingroom", "payment", "notification", "auth"} {
		t.Run(service, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, "../contract/run", service)
			run.Env = append(os.Environ(), "FOYER_URL="+p.URL(), "CONTRACT_TOKEN="+token,
				"CONTRACT_VENUE="+venue.ID, "CONTRACT_DRAFT="+draft.ID, "CONTRACT_EVENT="+event.ID)
			out, err := run.CombinedOutput()
			if err != nil {
				for line := range bytes.Lines(out) { // one may be very long
					t.Logf("%.500s", bytes.TrimSpace(line))
				}
			}
			require.NoError(t, err)
		})
	}
}

// contractAccount is one of its own: what is tried may change it.
func contractAccount(t *testing.T) string {
	t.Helper()
	p := harness.Everything(t)
	secret := uuid.NewString()
	email := "contract-" + uuid.NewString()[:8] + "@foyer.test"
	as(t, nobody).call(http.MethodPost, "/api/v1/accounts", map[string]any{"email": email, "password": secret, "name": "Contract"})
	var found struct{ Items []struct{ Account string } }
	harness.Eventually(t, 20*time.Second, "the account is there", func() error {
		as(t, admin).call(http.MethodGet, "/api/v1/admin/users?q="+email, nil).as(200, &found)
		if len(found.Items) == 0 {
			return os.ErrNotExist
		}
		return nil
	})
	as(t, admin).call(http.MethodPatch, "/api/v1/admin/users/"+found.Items[0].Account, map[string]any{"roles": []string{"customer", "merchant", "admin"}}).as(200, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	token, err := p.Config.Token(ctx, email, secret)
	require.NoError(t, err)
	return token
}
