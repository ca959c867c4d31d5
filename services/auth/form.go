package auth

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/keycloak"
)

// Registration is a new account's form.
type Registration struct {
	Email, Password, Name, Locale string

	Job string // the job that creates the account, which is noted in the account
}

// Check puts the fields into their canonical form and refuses what breaks a rule. It looks at the
// form alone, so that an answer tells nothing about which accounts there are.
func (r *Registration) Check() (err error) {
	if r.Email, err = CheckEmail(r.Email); err != nil {
		return err
	}
	if r.Name, err = CheckName(r.Name); err != nil {
		return err
	}
	r.Password, err = CheckPassword(r.Password, r.Email, r.Name)
	return err
}

// violation is how problems name a field and the rule that it breaks.
type violation struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}

func invalid(code, field, rule, detail string) error {
	return fault.New(fault.Invalid, code, detail).With("violations", []violation{{field, rule}})
}

// localPart is the dot-atom of RFC 5322: what mail servers on the way take without surprises.
var localPart = regexp.MustCompile("^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// hosts refuses what does not resolve as a host name, and maps the letters of all scripts.
var hosts = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.ValidateLabels(true), idna.VerifyDNSLength(true), idna.BidiRule())

// CheckEmail gives an address in lower case, its domain in ASCII (RFC 5891).
func CheckEmail(email string) (string, error) {
	refused := invalid("invalid_email", "email", "format", "The email address is not valid.")
	email = strings.ToLower(strings.TrimSpace(email))
	local, domain, ok := strings.Cut(email, "@")
	if !ok || len(local) > 64 || !localPart.MatchString(local) || breaksText(domain) {
		return "", refused
	}
	ascii, err := hosts.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") || len(local)+1+len(ascii) > maxEmail {
		return "", refused
	}
	return local + "@" + ascii, nil
}

// Limits of the fields, in characters.
const (
	maxEmail    = 254
	maxName     = 100
	minPassword = 10
	maxPassword = 128
)

// CheckName gives a name in Unicode's normal form C.
func CheckName(name string) (string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", invalid("invalid_name", "name", "required", "The name is missing.")
	case utf8.RuneCountInString(name) > maxName:
		return "", invalid("invalid_name", "name", "maxLength", "The name is too long.")
	case breaksText(name), strings.ContainsAny(name, "<>"), strings.Contains(name, "://"):
		return "", invalid("invalid_name", "name", "characters", "The name contains characters that are not allowed.")
	}
	return name, nil
}

// breaksText tells whether s breaks the rule for text of one line, or has the character that stands for
// one that could not be read.
func breaksText(s string) bool {
	return text.Check(s, false) != "" || strings.ContainsRune(s, unicode.ReplacementChar)
}

var common = sync.OnceValue(func() map[string]struct{} {
	set := map[string]struct{}{}
	for line := range strings.Lines(keycloak.CommonPasswords) {
		set[strings.TrimSpace(line)] = struct{}{}
	}
	return set
})

// CheckPassword refuses what is guessed first: what is short, common, or made of what everybody
// knows about the person and about us. There are no rules about kinds of characters; they make
// passwords worse (NIST SP 800-63B). It refuses all that the realm's own policy refuses.
func CheckPassword(password, email, name string) (string, error) {
	password = norm.NFC.String(password)
	lower := strings.ToLower(password)
	weak := func(rule, detail string) (string, error) {
		return "", invalid("weak_password", "password", rule, detail)
	}
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return weak("minLength", "The password must have at least 10 characters.")
	case len(utf16.Encode([]rune(password))) > maxPassword: // as Keycloak counts, to whom an emoji is two
		return weak("maxLength", "The password must have at most 128 characters.")
	case !utf8.ValidString(password), strings.ContainsFunc(password, unicode.IsControl):
		return weak("characters", "The password must not contain control characters.")
	}
	if _, ok := common()[lower]; ok {
		return weak("common", "This password is too common. Please choose another one.")
	}
	if guessable(lower, email, name) {
		return weak("personal", "The password is too similar to your email address, your name or the name Foyer. Please choose another one.")
	}
	return password, nil
}

// ownRest is how much of a password has to be left without the parts that anybody would try.
const ownRest = 6

func guessable(password, email, name string) bool {
	email = strings.ToLower(email)
	local, domain, _ := strings.Cut(email, "@")
	if strings.Contains(password, email) {
		return true
	}
	parts := append(strings.FieldsFunc(strings.ToLower(name)+" "+local+" "+domain, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), "foyer", "tickets", "ticket")
	rest := password
	for _, part := range parts {
		if utf8.RuneCountInString(part) >= 3 {
			rest = strings.ReplaceAll(rest, part, "")
		}
	}
	return rest != password && utf8.RuneCountInString(rest) < ownRest
}
