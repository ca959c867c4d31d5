package text_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
)

func TestWhatTextMayHold(t *testing.T) {
	for s, want := range map[string]text.Rule{
		"":                "",
		"Die Zauberflöte": "",
		"Sân khấu":        "",
		"می\u200cخواهم":   "", // ZWNJ within a Persian word
		"क्\u200dष":       "", // ZWJ after a virama
		"👩\u200d🚀 night":  "",
		"❤️\u200d🔥 live":  "",
		"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f": "",
		"葛\U000e0100":          "", // an ideograph's variant
		"עברית\u200f":          "",
		"a\x00b":               text.Control,
		"a\nb":                 text.Control,
		"a\tb":                 text.Control,
		"a\u0085b":             text.Control,
		"a\u2028b":             text.Control,
		"a\uffffb":             text.Control,
		"\xff":                 text.UTF8,
		"abc\u202egnp.exe":     text.Bidi,
		"\u2066a\u2069":        text.Bidi,
		"a\u200bb":             text.Invisible,
		"\ufeffa":              text.Invisible,
		"a\u2060b":             text.Invisible,
		"a\u3164b":             text.Invisible, // Hangul filler
		"\u115f\u1160":         text.Invisible,
		"\uffa0":               text.Invisible,
		"\u2800":               text.Invisible, // a Braille pattern without dots
		"a\u034fb":             text.Invisible,
		"Fo\u00adyer":          text.Invisible,
		"a \u200d":             text.Invisible,
		"\u200ca":              text.Invisible,
		"a\U000e0041":          text.Invisible,
		"a\U000e0001":          text.Invisible,
		strings.Repeat("a", 9): "",
	} {
		assert.Equal(t, want, text.Check(s, false), "%q", s)
	}
	assert.Empty(t, text.Check("one\r\n\ttwo\nthree", true))
	assert.Equal(t, text.Control, text.Check("one\rtwo", true), "a bare carriage return overwrites the line in a terminal")
	assert.Equal(t, text.Bidi, text.Check("one\n\u202etwo", true))
}

func TestFieldsAreTrimmedNormalizedAndNamed(t *testing.T) {
	name, about, none := "  Cafe\u0301 ", "one\ntwo", ""
	require.NoError(t, text.Clean(text.Field{Name: "name", Value: &name, Max: 4, Required: true}, text.Field{Name: "about", Value: &about, Max: 20, Lines: true}))
	assert.Equal(t, "Caf\u00e9", name)
	assert.Equal(t, "one\ntwo", about)

	for rule, f := range map[text.Rule]text.Field{
		text.MinLength: {Name: "x", Value: &none, Max: 4, Required: true},
		text.MaxLength: {Name: "x", Value: &about, Max: 4, Lines: true},
		text.Control:   {Name: "x", Value: &about, Max: 20},
	} {
		err := text.Clean(f)
		assert.Equal(t, fault.Invalid, fault.KindOf(err))
		assert.ErrorContains(t, err, "x")
		refusal := err.(*fault.Error) //nolint:errorlint // it is not wrapped
		assert.Equal(t, []text.Violation{{Field: "x", Rule: rule}}, refusal.Fields["violations"])
	}
	err := text.Clean(text.Each("topics", []string{"ok", "no\x00"}, 10)...)
	assert.ErrorContains(t, err, "topics.1")
}

func TestWhatWasKeptCanBePrinted(t *testing.T) {
	for s, want := range map[string]string{
		"Konzert":                "Konzert",
		"one\r\ntwo\u2028three":  "one two three",
		"\u202eevil\u202c\u200b": "evil",
		"a\u200d\x00\u200db":     "a b",
		"\xff":                   "\ufffd",
		"می\u200cخواهم":          "می\u200cخواهم",
	} {
		assert.Equal(t, want, text.Printable(s), "%q", s)
	}
}

func FuzzCleanIsStable(f *testing.F) {
	f.Add("Cafe\u0301", false)
	f.Add("a\u200d\u0301", true)
	f.Add("a\u200d\u202e\u200db\U0001f3f4\u200b\U000e0067", true)
	f.Fuzz(func(t *testing.T, s string, lines bool) {
		v := s
		if p := text.Printable(s); text.Check(p, false) != "" {
			t.Errorf("%q is not printable", p)
		}
		if text.Clean(text.Field{Name: "x", Value: &v, Max: 1 << 20, Lines: lines}) != nil {
			return
		}
		again := v
		require.NoError(t, text.Clean(text.Field{Name: "x", Value: &again, Max: 1 << 20, Lines: lines}))
		assert.Equal(t, v, again)
	})
}
