package rest

import (
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/services/catalog"
)

// View is an event as clients and the search index see it.
func View(e catalog.Event) Event {
	v := Event{
		Id: e.ID, Slug: e.Slug, Name: e.Name, Description: e.Description, Category: e.Category,
		Performers: &e.Performers, Topics: &e.Topics, Online: &e.Online,
		StartsAt: e.StartsAt.UTC(), EndsAt: e.EndsAt.UTC(), TimeZone: e.TimeZone,
		Venue:      EventVenue{Id: e.Venue.ID, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country, Location: point(e.Venue.Location)},
		SalesStart: e.SalesStart.UTC(), SalesEnd: e.SalesEnd.UTC(),
		MaxPerOrder: e.MaxPerOrder, MaxPerAccount: e.MaxPerAccount, HighDemand: e.HighDemand,
		Status: EventStatus(e.Status), Version: e.Version, TicketTypes: make([]TicketType, 0, len(e.TicketTypes)),
		Availability: Availability{
			Available: e.Availability.Available, Held: e.Availability.Held, Booked: e.Availability.Booked,
			Status: AvailabilityStatus(e.Availability.Status()),
		},
	}
	for name, text := range map[**string]string{&v.Url: e.URL, &v.Image: e.Image, &v.Source: e.Source} {
		if text != "" {
			*name = &text
		}
	}
	if e.RefundableUntil != nil {
		until := e.RefundableUntil.UTC()
		v.RefundableUntil = &until
	}
	for _, t := range e.TicketTypes {
		tv := TicketType{Id: t.ID, Name: t.Name, Price: Money{Amount: t.Price.Amount, Currency: t.Price.Currency}, Capacity: t.Capacity, Seated: t.Seated}
		if t.Seated {
			tv.Categories = &t.Categories
		}
		v.TicketTypes = append(v.TicketTypes, tv)
	}
	return v
}

func venueView(v catalog.Venue) Venue {
	return Venue{
		Id: v.ID, Name: v.Name, City: v.City, Country: v.Country, TimeZone: v.TimeZone, HasPlan: v.HasPlan, Location: point(v.Location),
	}
}

func point(l *catalog.Location) *Location {
	if l == nil {
		return nil
	}
	return &Location{Lat: l.Lat, Lon: l.Lon}
}

// planView turns units into columns, with names as indices: a large venue stays small on the wire.
func planView(e catalog.Event, p *catalog.Plan) EventPlan {
	v := EventPlan{Version: e.Venue.Version, Zones: []string{}, TicketTypes: make([]uuid.UUID, 0, len(e.TicketTypes))}
	if p != nil {
		v.Width, v.Height = float32(p.Size.Width), float32(p.Size.Height)
		v.Areas = areaViews(p.Areas())
	}
	types, zones, kinds := map[uuid.UUID]int{}, map[string]int{}, map[string]int{}
	for i, t := range e.TicketTypes {
		types[t.ID] = i
		v.TicketTypes = append(v.TicketTypes, t.ID)
	}
	names := []string{}
	index := func(known map[string]int, list *[]string, name string) int {
		i, ok := known[name]
		if !ok {
			i = len(*list)
			known[name] = i
			*list = append(*list, name)
		}
		return i
	}
	units := catalog.Units(p, e.TicketTypes)
	c := &v.Units
	c.TicketType, c.Zone, c.Kind = make([]int, 0, len(units)), make([]int, 0, len(units)), make([]int, 0, len(units))
	c.Row, c.Number = make([]string, 0, len(units)), make([]string, 0, len(units))
	c.X, c.Y = make([]float32, 0, len(units)), make([]float32, 0, len(units))
	for _, u := range units {
		c.TicketType = append(c.TicketType, types[u.TicketType])
		c.Zone = append(c.Zone, index(zones, &v.Zones, u.Zone))
		c.Kind = append(c.Kind, index(kinds, &names, u.Kind))
		c.Row, c.Number = append(c.Row, u.Row), append(c.Number, u.Number)
		c.X, c.Y = append(c.X, float32(int(u.X*10))/10), append(c.Y, float32(int(u.Y*10))/10)
	}
	v.Kinds = &names
	return v
}

func areaViews(areas []catalog.Area) *[]PlanArea {
	views := make([]PlanArea, 0, len(areas))
	for _, a := range areas {
		view := PlanArea{
			Shape: PlanAreaShape(a.Shape), X: float32(a.X), Y: float32(a.Y), Width: float32(a.Width), Height: float32(a.Height),
		}
		if a.Text != "" {
			view.Text = &a.Text
		}
		if a.Stage {
			stage := Stage
			view.Kind = &stage
		}
		if len(a.Points) > 0 {
			points := make([]float32, 0, 2*len(a.Points))
			for _, p := range a.Points {
				points = append(points, float32(p.X), float32(p.Y))
			}
			view.Points = &points
		}
		views = append(views, view)
	}
	return &views
}
