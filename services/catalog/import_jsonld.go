package catalog

import (
	"encoding/json"
	"math/big"
	"net/url"
	"slices"
	"strings"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/money"
)

// errCalledOff refuses an event that will not take place: the merchant who sells it here decides.
var errCalledOff = fault.New(fault.Invalid, "event_cancelled", "The event was cancelled and is not imported.")

// schemaEvent is a schema.org Event (https://schema.org/Event), as pages embed it.
type schemaEvent struct {
	ID          string          `json:"@id"`
	Type        oneOrMany       `json:"@type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	URL         string          `json:"url"`
	StartDate   string          `json:"startDate"`
	EndDate     string          `json:"endDate"`
	Mode        string          `json:"eventAttendanceMode"`
	Status      string          `json:"eventStatus"`
	Image       json.RawMessage `json:"image"`
	Keywords    json.RawMessage `json:"keywords"`
	Performer   json.RawMessage `json:"performer"`
	Location    json.RawMessage `json:"location"`
	Offers      json.RawMessage `json:"offers"`
}

func parseJSONLD(raw []byte) (Imported, error) {
	var e schemaEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return Imported{}, errWrongType.Because(err)
	}
	i := Imported{Source: host(e.URL), SourceID: e.ID}
	i.Event = Event{
		Name: strings.TrimSpace(e.Name), Description: e.Description, URL: e.URL, Performers: names(e.Performer), Topics: keywords(e.Keywords),
		Category: schemaCategory(e.Type), Online: strings.Contains(e.Mode, "Online") || strings.Contains(e.Mode, "Mixed"),
	}
	if !slices.ContainsFunc(e.Type, func(t string) bool { return strings.HasSuffix(t, "Event") || strings.HasSuffix(t, "Festival") }) {
		return i, fault.New(fault.Invalid, "not_an_event", "The record's @type is not an Event.")
	}
	if strings.HasSuffix(e.Status, "EventCancelled") {
		return i, errCalledOff
	}
	if i.SourceID == "" {
		i.SourceID = key(e.Name, e.StartDate, e.URL)
	}
	if images := links(e.Image); len(images) > 0 && strings.HasPrefix(images[0], "https://") {
		i.Event.Image = images[0]
	}
	i.place(e.Location)
	var err error
	if i.Event.TicketTypes, err = offers(e.Offers); err != nil {
		return i, err
	}
	return i.complete(span{start: e.StartDate, end: e.EndDate})
}

// place reads a Place; a VirtualLocation has neither name nor address that we keep.
func (i *Imported) place(raw json.RawMessage) {
	var place struct {
		Name    string          `json:"name"`
		Address json.RawMessage `json:"address"`
		Geo     struct {
			Lat json.Number `json:"latitude"`
			Lon json.Number `json:"longitude"`
		} `json:"geo"`
	}
	for _, one := range all(raw) {
		if json.Unmarshal(one, &place) != nil {
			continue
		}
		var address struct {
			City    string          `json:"addressLocality"`
			Country json.RawMessage `json:"addressCountry"`
		}
		if json.Unmarshal(place.Address, &address) != nil || address.City == "" {
			continue
		}
		i.Event.Venue.Name, i.City = strings.TrimSpace(place.Name), strings.TrimSpace(address.City)
		if country := names(address.Country); len(country) > 0 {
			i.Country = country[0]
		}
		lat, errLat := place.Geo.Lat.Float64()
		lon, errLon := place.Geo.Lon.Float64()
		if errLat == nil && errLon == nil && lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 {
			i.Event.Venue.Location = &Location{Lat: lat, Lon: lon}
		}
		return
	}
}

// offers reads prices as the page states them; an event without any gets one of ours.
func offers(raw json.RawMessage) ([]TicketType, error) {
	var types []TicketType
	for _, one := range all(raw) {
		var o struct {
			Name     string          `json:"name"`
			Price    json.RawMessage `json:"price"`
			Low      json.RawMessage `json:"lowPrice"`
			Currency string          `json:"priceCurrency"`
		}
		if json.Unmarshal(one, &o) != nil {
			continue
		}
		price := strings.Trim(string(o.Price), `"`)
		if price == "" {
			price = strings.Trim(string(o.Low), `"`)
		}
		if price == "" || price == "null" {
			continue
		}
		amount, err := minorUnits(price, o.Currency)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSpace(o.Name)
		if name == "" {
			name = "Ticket"
		}
		types = append(types, TicketType{Name: name, Price: amount})
	}
	return types, nil
}

// minorUnits turns a decimal such as "45.50" into minor units, without a float.
func minorUnits(decimal, currency string) (money.Money, error) {
	refused := fault.New(fault.Invalid, "invalid_price", "A price must be a decimal number with a currency, with no more decimals than the currency has.")
	if len(decimal) > 20 || strings.ContainsAny(decimal, "eEpPxX/_") {
		return money.Money{}, refused
	}
	value, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return money.Money{}, refused
	}
	for range (money.Money{Currency: currency}).Digits() {
		value.Mul(value, big.NewRat(10, 1))
	}
	if !value.IsInt() || !value.Num().IsInt64() {
		return money.Money{}, refused
	}
	return money.New(value.Num().Int64(), currency)
}

func schemaCategory(types []string) string {
	for _, t := range types {
		switch t[strings.LastIndexAny(t, "/:")+1:] {
		case "MusicEvent", "Festival":
			return "music"
		case "TheaterEvent", "DanceEvent":
			return "theatre"
		case "ComedyEvent":
			return "comedy"
		case "SportsEvent":
			return "sports"
		case "ExhibitionEvent", "VisualArtsEvent":
			return "exhibition"
		case "BusinessEvent", "EducationEvent":
			return "conference"
		}
	}
	return "other"
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// oneOrMany reads a JSON string or a list of them.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(raw []byte) error {
	*o = names(raw)
	return nil
}

// names reads what schema.org allows for names: text, an object with a name, or a list of either.
func names(raw json.RawMessage) []string { return texts(raw, "name") }

// links is like names for addresses.
func links(raw json.RawMessage) []string { return texts(raw, "url") }

// keywords may also be one text with commas.
func keywords(raw json.RawMessage) []string {
	var list []string
	for _, text := range names(raw) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, word)
			}
		}
	}
	return list
}

func texts(raw json.RawMessage, field string) []string {
	var found []string
	for _, one := range all(raw) {
		var text string
		if json.Unmarshal(one, &text) != nil {
			var thing map[string]json.RawMessage
			if json.Unmarshal(one, &thing) == nil {
				_ = json.Unmarshal(thing[field], &text)
			}
		}
		if text != "" {
			found = append(found, text)
		}
	}
	return found
}

// all gives the elements of a list, or the one value that is no list.
func all(raw json.RawMessage) []json.RawMessage {
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	if len(raw) == 0 {
		return nil
	}
	return []json.RawMessage{raw}
}
