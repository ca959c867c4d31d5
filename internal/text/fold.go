package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// undecomposed maps letters that Unicode does not decompose to the letters that people type instead.
var undecomposed = strings.NewReplacer("đ", "d", "Đ", "d", "ø", "o", "Ø", "o", "ł", "l", "Ł", "l", "ß", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe", "ı", "i")

// Fold returns a text without accents, in lower case and with single spaces, for comparing names.
func Fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(undecomposed.Replace(s)))
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}
