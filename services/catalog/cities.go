package catalog

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"github.com/foyer-tickets/foyer/data"
)

// Place is where a city is and what is paid with there.
type Place struct {
	Country  string
	Currency string
	TimeZone string
	Location *Location // nil when only the country is known
}

type cityKey struct{ city, country, state string }

type gazetteer struct {
	countries map[string]string // folded name -> ISO code
	currency  map[string]string
	zone      map[string]string
	cities    map[cityKey]Place
}

var atlas = sync.OnceValue(func() *gazetteer {
	g := &gazetteer{
		countries: map[string]string{}, currency: map[string]string{}, zone: map[string]string{},
		cities: map[cityKey]Place{},
	}
	for f := range rows(data.Countries) {
		for name := range strings.SplitSeq(f[1], "|") {
			g.countries[fold(name)] = f[0]
		}
		g.countries[fold(f[0])], g.currency[f[0]], g.zone[f[0]] = f[0], f[2], f[3]
	}
	for f := range rows(data.Gazetteer) {
		lat, errLat := strconv.ParseFloat(f[3], 64)
		lon, errLon := strconv.ParseFloat(f[4], 64)
		if errLat != nil || errLon != nil {
			continue
		}
		p := Place{Country: f[1], Currency: g.currency[f[1]], TimeZone: f[5], Location: &Location{Lat: lat, Lon: lon}}
		g.cities[cityKey{f[0], f[1], f[2]}] = p
		if _, taken := g.cities[cityKey{f[0], f[1], ""}]; !taken {
			g.cities[cityKey{f[0], f[1], ""}] = p
		}
	}
	return g
})

func rows(tsv string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(tsv) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			if !yield(strings.Split(strings.TrimRight(line, "\n"), "\t")) {
				return
			}
		}
	}
}

// Locate finds a city, written as people write it: "Köln", "Portland, OR", in "Germany", "U.S.A.".
// false when not even the country is known.
func Locate(city, country string) (Place, bool) {
	g := atlas()
	code, ok := g.countries[fold(country)]
	if !ok {
		return Place{}, false
	}
	name, state, _ := strings.Cut(city, ",")
	state = strings.ToUpper(strings.TrimSpace(state))
	for _, key := range []cityKey{{fold(name), code, state}, {fold(name), code, ""}} {
		if p, ok := g.cities[key]; ok {
			return p, true
		}
	}
	return Place{Country: code, Currency: g.currency[code], TimeZone: g.zone[code]}, true
}

// letters that do not decompose into a base letter and a mark.
var special = strings.NewReplacer("ł", "l", "Ł", "l", "ø", "o", "Ø", "o", "ß", "ss", "đ", "d", "Đ", "d", "æ", "ae", "œ", "oe")

// fold brings a name to lower-case letters and digits without accents.
func fold(s string) string {
	t := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)))
	folded, _, err := transform.String(t, special.Replace(s))
	if err != nil {
		folded = s
	}
	return strings.Join(strings.FieldsFunc(strings.ToLower(folded), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
}
