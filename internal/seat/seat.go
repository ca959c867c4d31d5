// Package seat formats the location of a seat (zone, row, number) in the languages of the platform.
package seat

import (
	"strings"

	"golang.org/x/text/language"
)

// Place is the location of a seat in its venue. General admission has none.
type Place struct {
	Zone   string `json:"zone,omitempty"`
	Row    string `json:"row,omitempty"`
	Number string `json:"number,omitempty"`
	Note   string `json:"note,omitempty"` // the merchant's own words: "restricted view"
}

// phrases are templates with %z for the zone, %r for the row and %s for the seat; the first is the fallback.
// The web application's catalogues (seats.place) have the same texts.
var phrases = []struct {
	tag  language.Tag
	text string
}{
	{language.English, "%z, row %r, seat %s"},
	{language.German, "%z, Reihe %r, Platz %s"},
	{language.Spanish, "%z, fila %r, asiento %s"},
	{language.French, "%z, rang %r, place %s"},
	{language.Vietnamese, "%z, hàng %r, ghế %s"},
	{language.Japanese, "%z %r列 %s番"},
	{language.Arabic, "%z، الصف %r، المقعد %s"},
}

var matcher = func() language.Matcher {
	tags := make([]language.Tag, len(phrases))
	for i, p := range phrases {
		tags[i] = p.tag
	}
	return language.NewMatcher(tags)
}()

// In formats the place in the first supported language of an Accept-Language header (RFC 9110, section
// 12.5.4). A place without a row is named by its label.
func (p Place) In(acceptLanguage, label string) string {
	if p.Row == "" {
		return label
	}
	_, i := language.MatchStrings(matcher, acceptLanguage)
	name := strings.NewReplacer("%z", p.Zone, "%r", p.Row, "%s", p.Number).Replace(phrases[i].text)
	if p.Note != "" {
		name += " (" + p.Note + ")"
	}
	return name
}
