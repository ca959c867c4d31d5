// Package text defines the rule for all text from outside: names, labels, descriptions.
// Text is UTF-8 in Unicode normalization form C, without control characters, invisible characters and
// characters that change the direction of other text. Such text can be printed, compared,
// logged and stored anywhere.
//
// golang.org/x/text/secure/precis has a similar rule (RFC 8264), but it rejects emoji of more than one
// code point, which are common in event names.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/foyer-tickets/foyer/internal/fault"
)

// Rule is the rule that a text violates. The names are part of the public API.
type Rule string

// The rules.
const (
	UTF8      Rule = "utf8"              // not UTF-8
	Control   Rule = "control_character" // a control character, a line break where there is one line only
	Bidi      Rule = "bidi_control"      // an embedding, override or isolate of direction (UAX #9)
	Invisible Rule = "invisible_character"
	MinLength Rule = "minLength"
	MaxLength Rule = "maxLength"
	Repeated  Rule = "uniqueItems"
	MaxItems  Rule = "maxItems"
	Format    Rule = "format"
	Minimum   Rule = "minimum"
	Maximum   Rule = "maximum"
)

// says has the English explanation of each rule.
var says = map[Rule]string{
	UTF8:      "is not valid UTF-8",
	Control:   "contains a control character or a line break",
	Bidi:      "contains a character that changes the text direction",
	Invisible: "contains an invisible character",
	MinLength: "is empty",
	MaxLength: "is too long",
	Repeated:  "contains a duplicate",
	MaxItems:  "has too many entries",
	Format:    "has an invalid format",
	Minimum:   "is too small",
	Maximum:   "is too large",
}

// Violation is one error in a form. It has the field and the rule but never the value, since mistyped values
// are often secrets or names.
type Violation struct {
	Field string `json:"field"`
	Rule  Rule   `json:"rule"`
}

// Invalid returns the fault for a form with one invalid field.
func Invalid(field string, rule Rule) error {
	code := "invalid_request"
	if rule == UTF8 || rule == Control || rule == Bidi || rule == Invisible {
		code = "invalid_text"
	}
	return fault.New(fault.Invalid, code, "The field "+field+" "+says[rule]+".").
		With("violations", []Violation{{Field: field, Rule: rule}})
}

// Check returns the rule that s violates, or "" for none. lines allows line breaks and tabs.
func Check(s string, lines bool) Rule {
	if !utf8.ValidString(s) {
		return UTF8
	}
	before, rest := rune(-1), s
	for len(rest) > 0 {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		if rule := check(before, r, rest, lines); rule != "" {
			return rule
		}
		before = r
	}
	return ""
}

const (
	zwnj, zwj = '\u200c', '\u200d'
	blackFlag = '\U0001f3f4'

	softHyphen   = '\u00ad'
	brailleBlank = '\u2800'
)

func check(before, r rune, rest string, lines bool) Rule {
	if r < utf8.RuneSelf && r >= ' ' && r != 0x7f { // nearly always
		return ""
	}
	switch {
	case lines && (r == '\n' || r == '\t' || r == '\r' && strings.HasPrefix(rest, "\n")):
		return ""
	case unicode.Is(unicode.Cc, r), r == '\u2028', r == '\u2029':
		return Control
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return Bidi
	case r == zwnj, r == zwj: // within a word or an emoji, where scripts need them
		after, _ := utf8.DecodeRuneInString(rest)
		if !joins(before) || !joins(after) {
			return Invisible
		}
	case isTag(r): // flags of regions, as Scotland's
		if before != blackFlag && !isTag(before) {
			return Invisible
		}
	case r == '\u200b', r == '\ufeff', r == '\u180e', r >= '\u2060' && r <= '\u2065', r >= '\u206a' && r <= '\u206f',
		r >= '\ufff9' && r <= '\ufffb', r >= '\U000e0000' && r <= '\U000e0fff' && !unicode.Is(unicode.Variation_Selector, r):
		return Invisible
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == brailleBlank: // fillers, such as Hangul's U+3164
		return Invisible
	case r == softHyphen && !lines: // in a long text it says where a word may break; in a name it only makes it another
		return Invisible
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return Control
	}
	return ""
}

func isTag(r rune) bool { return r >= '\U000e0020' && r <= '\U000e007f' }

func joins(r rune) bool {
	return r > 0 && r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.S)
}

// Printable converts text that was stored before these rules to a single valid line: control characters become
// spaces, invisible and direction-changing characters are removed.
func Printable(s string) string {
	if Check(s, false) == "" {
		return s
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	var b strings.Builder
	before, rest := rune(-1), s
	for len(rest) > 0 {
		r, n := utf8.DecodeRuneInString(rest)
		rest = rest[n:]
		switch check(before, r, rest, false) {
		case "":
			b.WriteRune(r)
			before = r
		case Control:
			b.WriteByte(' ')
			before = ' '
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Field is one text field of a form.
type Field struct {
	Name     string
	Value    *string
	Max      int // characters
	Lines    bool
	Required bool
}

// Clean trims and normalizes the fields in place and returns a fault for the first invalid one.
func Clean(fields ...Field) error {
	for _, f := range fields {
		if rule := Check(*f.Value, f.Lines); rule != "" {
			return Invalid(f.Name, rule)
		}
		*f.Value = norm.NFC.String(strings.TrimSpace(*f.Value))
		switch {
		case f.Required && *f.Value == "":
			return Invalid(f.Name, MinLength)
		case utf8.RuneCountInString(*f.Value) > f.Max:
			return Invalid(f.Name, MaxLength)
		}
	}
	return nil
}

// Each returns a field for each text of a list with at most most entries.
func Each(name string, list []string, limit int) []Field {
	fields := make([]Field, len(list))
	for i := range list {
		fields[i] = Field{Name: name + "." + strconv.Itoa(i), Value: &list[i], Max: limit, Required: true}
	}
	return fields
}
