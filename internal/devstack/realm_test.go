package devstack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	account "github.com/foyer-tickets/foyer/internal/identity"
)

func realmFile(t *testing.T, parts ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "keycloak"}, parts...)...))
	require.NoError(t, err)
	return raw
}

type realm struct {
	Lifespan      int    `json:"accessTokenLifespan"`
	Revoke        bool   `json:"revokeRefreshToken"`
	Reuse         int    `json:"refreshTokenMaxReuse"`
	Registration  bool   `json:"registrationAllowed"`
	Reset         bool   `json:"resetPasswordAllowed"`
	Events        bool   `json:"eventsEnabled"`
	Keep          int    `json:"eventsExpiration"`
	AdminEvents   bool   `json:"adminEventsEnabled"`
	BruteForce    bool   `json:"bruteForceProtected"`
	BrowserFlow   string `json:"browserFlow"`
	Users         []struct{ Username string }
	Clients       []realmClient
	Flows         []realmFlow `json:"authenticationFlows"`
	ScopeMappings []struct {
		Client string
		Roles  []string
	}
}

type realmClient struct {
	ID        string   `json:"clientId"`
	Password  bool     `json:"directAccessGrantsEnabled"`
	FullScope *bool    `json:"fullScopeAllowed"`
	Optional  []string `json:"optionalClientScopes"`
}

type realmFlow struct {
	Alias      string
	Executions []struct {
		Authenticator string
		Requirement   string
		Config        string `json:"authenticatorConfig"`
	} `json:"authenticationExecutions"`
}

// The realm by itself is fit for anywhere: what is for a local stack alone stands in the overlay, and
// nothing else does.
func TestTheRealmByItselfHasNothingLocal(t *testing.T) {
	base, overlay := realmFile(t, "realm", "foyer-realm.json"), realmFile(t, "local", "foyer-realm.json")
	files, err := os.ReadDir(filepath.Join("..", "..", "keycloak", "realm"))
	require.NoError(t, err)
	require.Len(t, files, 2, "ours and that of the console's admins, no users")
	merged, err := MergeRealm(base, overlay)
	require.NoError(t, err)

	var r, local realm
	require.NoError(t, json.Unmarshal(base, &r))
	require.NoError(t, json.Unmarshal(merged, &local))
	require.Len(t, r.Users, 1, "the service account")
	for _, c := range r.Clients {
		assert.False(t, c.Password, "%s takes passwords", c.ID)
		require.NotNil(t, c.FullScope, c.ID)
		assert.False(t, *c.FullScope, "%s carries every role", c.ID)
		assert.NotContains(t, c.Optional, "offline_access", c.ID)
	}
	for _, c := range local.Clients {
		assert.Equal(t, c.ID == "foyer-cli", c.Password, c.ID)
	}
	assert.Equal(t, account.MaxTokenAge, time.Duration(r.Lifespan)*time.Second)
	assert.True(t, r.Revoke && r.Reuse == 0, "refresh tokens work once")
	assert.False(t, r.Registration || r.Reset, "forms of Keycloak's that would tell who has an account")
	assert.True(t, r.Events && r.AdminEvents && r.BruteForce)
	assert.Positive(t, r.Keep)

	// The overlay adds one condition to the second factor and takes nothing away.
	assert.Equal(t, "foyer browser", local.BrowserFlow)
	steps := func(flows []realmFlow, alias string) (all []string) {
		for _, f := range flows {
			if f.Alias == alias {
				for _, e := range f.Executions {
					all = append(all, e.Authenticator+" "+e.Requirement+" "+e.Config)
				}
			}
		}
		return all
	}
	for _, alias := range []string{"foyer security key", "foyer code"} {
		have := steps(r.Flows, alias)
		require.NotEmpty(t, have)
		assert.Equal(t, "conditional-user-role REQUIRED admins", have[0])
		assert.ElementsMatch(t, append(have, "conditional-user-role REQUIRED not the seeded admin"), steps(local.Flows, alias))
	}
	require.Len(t, local.Flows, len(r.Flows))

	var over map[string]any
	require.NoError(t, json.Unmarshal(overlay, &over))
	for key := range over {
		assert.Contains(t, []string{"clients", "roles", "authenticationFlows", "authenticatorConfig"}, key)
	}
}

// The console's admins sign in where the console is, and their accounts are locked by guessing too.
func TestTheConsolesRealmStaysInside(t *testing.T) {
	var master struct {
		Realm      string
		BruteForce bool `json:"bruteForceProtected"`
		Users      []struct{}
		Attributes map[string]string
	}
	require.NoError(t, json.Unmarshal(realmFile(t, "realm", "master-realm.json"), &master))
	assert.Equal(t, "master", master.Realm)
	assert.True(t, master.BruteForce)
	assert.Empty(t, master.Users)
	assert.Equal(t, "${FOYER_KEYCLOAK_ADMIN_URL}", master.Attributes["frontendUrl"])
}

func TestMergeRealm(t *testing.T) {
	got, err := MergeRealm(
		[]byte(`{"a": 1, "list": [1, 2], "clients": [{"clientId": "x", "on": false, "keep": true}, {"clientId": "y"}]}`),
		[]byte(`{"a": 2, "list": [3], "clients": [{"clientId": "x", "on": true}, {"clientId": "z"}]}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"a": 2, "list": [3], "clients": [{"clientId": "x", "on": true, "keep": true}, {"clientId": "y"}, {"clientId": "z"}]}`, string(got))
	for _, bad := range []string{"", "[]", "{"} {
		_, err := MergeRealm([]byte(bad), []byte("{}"))
		assert.Error(t, err, "%q", bad)
	}
}
