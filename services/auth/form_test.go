package auth_test

import (
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
