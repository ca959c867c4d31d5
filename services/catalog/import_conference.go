package catalog

import (
	"encoding/json"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// conference is a record of github.com/tech-conferences/conference-data.
type conference struct {
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	StartDate string   `json:"startDate"`
	EndDate   string   `json:"endDate"`
	City      string   `json:"city"`
	Country   string   `json:"country"`
	Online    bool     `json:"online"`
	Locales   string   `json:"locales"`
	Topics    []string `json:"topics"`
	SignCC    bool     `json:"offersSignLanguageOrCC"`
}

func parseConference(raw []byte) (Imported, error) {
	var c conference
	if err := json.Unmarshal(raw, &c); err != nil {
		return Imported{}, errWrongType.Because(err)
	}
	c.Name, c.City, c.Country = strings.TrimSpace(c.Name), strings.TrimSpace(c.City), strings.TrimSpace(c.Country)
	i := Imported{Source: "confs.tech", SourceID: key(c.Name, c.StartDate, c.City, c.URL), City: c.City, Country: c.Country}
	i.Event = Event{Name: c.Name, URL: c.URL, Topics: c.Topics, Category: "conference", Online: c.Online}
	i.Event.Description = c.text()
	return i.complete(span{start: c.StartDate, end: c.EndDate})
}

// subjects are the collection's topics as people write them; those that say nothing are left out.
var subjects = map[string]string{
	"accessibility": "accessibility", "android": "Android", "api": "APIs", "cfml": "CFML", "clojure": "Clojure", "cpp": "C++", "css": "CSS",
	"data": "data and AI", "devops": "DevOps", "dotnet": ".NET", "elixir": "Elixir", "golang": "Go", "graphql": "GraphQL", "haskell": "Haskell",
	"identity": "digital identity", "ios": "iOS", "iot": "the Internet of Things", "java": "Java", "javascript": "JavaScript", "kotlin": "Kotlin",
	"leadership": "leadership", "networking": "networking", "opensource": "open source", "performance": "performance", "php": "PHP",
	"product": "product management", "python": "Python", "ruby": "Ruby", "rust": "Rust", "scala": "Scala", "security": "security",
	"sre": "site reliability", "tech-comm": "technical communication", "testing": "testing", "typescript": "TypeScript", "ux": "user experience",
}

// text describes a conference from what its record says, and from nothing else.
func (c conference) text() string {
	var about []string
	for _, topic := range c.Topics {
		if s, ok := subjects[topic]; ok {
			about = append(about, s)
		}
	}
	var b strings.Builder
	b.WriteString(c.Name)
	switch {
	case c.City == "":
		b.WriteString(" is an online conference")
	case len(about) == 0:
		b.WriteString(" is a software conference")
	default:
		b.WriteString(" is a conference")
	}
	if len(about) > 0 {
		b.WriteString(" on " + enumerate(about))
	}
	if c.City != "" {
		b.WriteString(" in " + cityName(c.City))
		if place, ok := Locate(c.City, c.Country); ok {
			if name := countryName(place.Country); name != cityName(c.City) {
				b.WriteString(", " + name)
			}
		}
	}
	b.WriteString(".")
	if c.City != "" && c.Online {
		b.WriteString(" You can also take part online.")
	}
	if spoken := languages(c.Locales); len(spoken) > 0 {
		b.WriteString(" Talks are in " + enumerate(spoken) + ".")
	}
	if c.SignCC {
		b.WriteString(" Sign language interpretation or captions are offered.")
	}
	return b.String()
}

func enumerate(list []string) string {
	last := len(list) - 1
	if last < 1 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// languages reads a list such as "EN,DE".
func languages(locales string) []string {
	var names []string
	for code := range strings.SplitSeq(locales, ",") {
		tag, err := language.Parse(strings.ToLower(strings.TrimSpace(code)))
		if err != nil {
			continue
		}
		if name := display.English.Languages().Name(tag); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func countryName(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	return display.English.Regions().Name(region)
}

// cityName drops the state that American records carry.
func cityName(city string) string {
	name, _, _ := strings.Cut(city, ",")
	return strings.TrimSpace(name)
}
