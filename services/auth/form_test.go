package auth_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/services/auth"
)

func TestPasswordsThatAreGuessedFirstAreRefused(t *testing.T) {
	for password, good := range map[string]bool{
		"a long way to the foyer": true, "entirely-fresh-words": true, "日本語のパスワードですよ": true, "quiet lamp orbit": true,
		"nine-lett": false, "": false, strings.Repeat("x", 129): false, "tab\tin the middle": false,
		"1234567890": false, "password123": false, "PASSWORD123": false, "foyer-local": false, "Foyer2026!": false, "qwertyuiop": false, "aaaaaaaaaaaa": false,
		"anna.kern@foyer.test": false, "ANNA.KERN@FOYER.TEST!": false, "annakern12": false, "Kern-Anna-1": false, "foyertickets": false,
	} {
		_, err := auth.CheckPassword(password, "anna.kern@foyer.test", "Anna Kern")
		assert.Equal(t, good, err == nil, "%q", password)
		if err != nil {
			assert.Equal(t, "weak_password", fault.CodeOf(err), "%q", password)
		}
	}
}

// What the realm's own policy says, for Keycloak's pages, the accounts service refuses too: a form that it
// has accepted is not refused later, when nobody waits for the answer.
func TestTheRealmAndTheServiceRefuseTheSamePasswords(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "keycloak", "realm", "foyer-realm.json"))
	require.NoError(t, err)
	var realm struct{ PasswordPolicy string }
	require.NoError(t, json.Unmarshal(raw, &realm))
	policy := map[string]string{}
	for rule := range strings.SplitSeq(realm.PasswordPolicy, " and ") {
		name, value, _ := strings.Cut(strings.TrimSuffix(rule, ")"), "(")
		policy[name] = value
	}
	number := func(rule string) int {
		n, err := strconv.Atoi(policy[rule])
		require.NoError(t, err, rule)
		return n
	}
	refused := func(password string) bool {
		_, err := auth.CheckPassword(password, "anna.kern@foyer.test", "Anna Kern")
		return err != nil
	}
	// Of a letter that nobody's list begins with.
	words := func(length int) string { return strings.Repeat("ŵ", length) }
	assert.True(t, refused(words(number("length")-1)))
	assert.False(t, refused(words(number("length"))))
	assert.False(t, refused(words(number("maxLength"))))
	assert.True(t, refused(words(number("maxLength")+1)))
	// Keycloak counts as UTF-16 does.
	assert.False(t, refused(strings.Repeat("🎭", number("maxLength")/2)))
	assert.True(t, refused(strings.Repeat("🎭", number("maxLength")/2+1)))

	for _, rule := range []string{"notUsername", "notEmail"} { // an account's name is its address
		assert.Contains(t, policy, rule)
	}
	assert.True(t, refused("anna.kern@foyer.test") && refused("ANNA.KERN@foyer.test"))

	list, err := os.ReadFile(filepath.Join("..", "..", "keycloak", "password-blacklists", policy["passwordBlacklist"]))
	require.NoError(t, err)
	lines := 0
	for line := range strings.Lines(string(list)) {
		password := strings.TrimSuffix(line, "\n")
		require.Equal(t, strings.ToLower(password), password, "Keycloak compares in lower case")
		if !refused(password) || !refused(strings.ToUpper(password)) {
			t.Errorf("%q is on the realm's list", password)
		}
		lines++
	}
	assert.Greater(t, lines, 20_000)
	// Only setting a password anew can break this one, and Keycloak's answer is given.
	assert.Positive(t, number("passwordHistory"))
	assert.Len(t, policy, 6, "a rule of the realm that nobody compares with ours: %s", realm.PasswordPolicy)
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		" Anna@Foyer.Test ": "anna@foyer.test", "o'brien+tickets@example.co.uk": "o'brien+tickets@example.co.uk",
		"anna@bücher.example": "anna@xn--bcher-kva.example",
		"anna":                "", "anna@": "", "@foyer.test": "", "anna@localhost": "", "a b@foyer.test": "", "anna@foyer..test": "", "anna@foyer.test.": "",
		"an\u200bna@foyer.test": "", "anna@fo\u200byer.test": "", "anna@foyer.test\u0000": "", "anna\n@foyer.test": "", "änna@foyer.test": "",
		"<x>@foyer.test": "", "anna@foyer.test,b@foyer.test": "", ".anna@foyer.test": "", "anna@-foyer.test": "",
		strings.Repeat("a", 65) + "@foyer.test": "", "a@" + strings.Repeat("b.", 127) + "test": "",
	} {
		got, err := auth.CheckEmail(address)
		assert.Equal(t, want, got, "%q", address)
		assert.Equal(t, want == "", err != nil, "%q", address)
		if err != nil {
			assert.Equal(t, "invalid_email", fault.CodeOf(err), "%q", address)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		" Anna Kern ": "Anna Kern", "O'Brien-Smith (DJ)": "O'Brien-Smith (DJ)", "Nguyễn Văn A": "Nguyễn Văn A", "Nguye\u0302\u0303n": "Nguyễn", "山田太郎": "山田太郎", "محمد": "محمد",
		"": "", "   ": "", "<x>": "", "Anna\u202eKern": "", "An\u200bna": "", "Anna\nKern": "", "\u0000": "", "win at http://evil.example": "", strings.Repeat("n", 101): "",
	} {
		got, err := auth.CheckName(name)
		assert.Equal(t, want, got, "%q", name)
		assert.Equal(t, want == "", err != nil, "%q", name)
		if err != nil {
			assert.Equal(t, "invalid_name", fault.CodeOf(err), "%q", name)
		}
	}
}

// A form is judged by itself, in one order: what is refused does not depend on who has an account.
func TestARegistrationNamesItsFirstWrongField(t *testing.T) {
	good := auth.Registration{Email: "Anna@Foyer.Test", Password: "quiet lamp orbit", Name: " Anna ", Locale: "de"}
	r := good
	require.NoError(t, r.Check())
	assert.Equal(t, "anna@foyer.test", r.Email)
	assert.Equal(t, "Anna", r.Name)
	for code, change := range map[string]func(*auth.Registration){
		"invalid_email": func(r *auth.Registration) { r.Email = "anna" },
		"invalid_name":  func(r *auth.Registration) { r.Name = "<x>" },
		"weak_password": func(r *auth.Registration) { r.Password = "1234567890" },
	} {
		r := good
		change(&r)
		assert.Equal(t, code, fault.CodeOf(r.Check()))
	}
}
