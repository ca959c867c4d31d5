package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/text"
)

// Plan is a seating plan in the JSON form that pretix's editor exports
// (https://github.com/pretix/pretix, seating plan schema). Coordinates are in the plan's own unit,
// a seat's position relative to its row, a row's to its zone.
type Plan struct {
	Name       string         `json:"name"`
	Size       Size           `json:"size"`
	Categories []PlanCategory `json:"categories"`
	Zones      []Zone         `json:"zones"`
}

// Size of a plan.
type Size struct {
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Position of something on the plan.
type Position struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// PlanCategory is a kind of seat, sold by one ticket type.
type PlanCategory struct {
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Zone is a part of the venue.
type Zone struct {
	Name     string          `json:"name"`
	ZoneID   string          `json:"zone_id,omitempty"`
	Position Position        `json:"position"`
	Rows     []Row           `json:"rows"`
	Areas    json.RawMessage `json:"areas,omitempty"` // drawn, not sold: stage, bar, standing room
}

// Row is a row of seats.
type Row struct {
	RowNumber string   `json:"row_number"`
	RowLabel  string   `json:"row_label,omitempty"`
	Position  Position `json:"position"`
	Seats     []Seat   `json:"seats"`
}

// Seat is one seat. Kind and Note are ours, and left out where they say nothing.
type Seat struct {
	GUID     string   `json:"seat_guid"`
	Number   string   `json:"seat_number"`
	Position Position `json:"position"`
	Category string   `json:"category"`
	Kind     string   `json:"kind,omitempty"` // "", wheelchair, companion
	Note     string   `json:"note,omitempty"` // such as "restricted view"
}

// Limits of a plan, far above the largest stadium.
const (
	maxSeats = 100_000
	maxGUID  = 40
)

// ReadPlan reads a plan that was kept, whatever the rules were then: what is sold on it stays sold. What
// no number on a page can be is put at the origin.
func ReadPlan(raw []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fault.New(fault.Malformed, "malformed_plan", "The seating plan could not be read.").Because(err)
	}
	for z := range p.Zones {
		zone := &p.Zones[z]
		zone.Position.bound()
		zone.Name = form(zone.Name)
		for r := range zone.Rows {
			row := &zone.Rows[r]
			row.Position.bound()
			row.RowNumber = form(row.RowNumber)
			for s := range row.Seats {
				seat := &row.Seats[s]
				seat.Position.bound()
				seat.Number, seat.Note = form(seat.Number), form(seat.Note)
			}
		}
	}
	if p.Size.Width <= 0 || p.Size.Height <= 0 || !drawable(p.Size.Width) || !drawable(p.Size.Height) { // pretix lets it away
		p.Size = p.extent()
	}
	return &p, nil
}

// form is how two texts are compared and shown.
func form(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// drawable tells whether a coordinate is one that a page can show.
func drawable(n float64) bool { return math.Abs(n) <= maxCoordinate } // false for NaN

func (p *Position) bound() {
	if !drawable(p.X) || !drawable(p.Y) {
		*p = Position{}
	}
}

func (p Position) drawable() bool { return drawable(p.X) && drawable(p.Y) }

// nul is an escaped NUL character in JSON: an odd number of backslashes before it.
var nul = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u0000`)

// ParsePlan reads and checks a new plan: every seat has an id of its own and a known category, labels
// can be printed, and all of it can be drawn. Members that are not ours are passed over; names are
// case-sensitive and none comes twice.
func ParsePlan(raw []byte) (*Plan, error) {
	var p Plan
	if err := jsonv2.Unmarshal(raw, &p); err != nil {
		return nil, fault.New(fault.Malformed, "malformed_plan", "The seating plan could not be read.").Because(err)
	}
	if nul.Match(raw) { // in what we do not read, too: no database takes it
		return nil, planFault("The texts of a seating plan must be UTF-8 without NUL characters.")
	}
	if p.Name == "" || len(p.Zones) == 0 || p.Size.Width < 0 || p.Size.Height < 0 {
		return nil, planFault("A seating plan must have a name and zones, and either no size or a positive one.")
	}
	if !drawable(p.Size.Width) || !drawable(p.Size.Height) {
		return nil, planFault("The size of a seating plan must not exceed a million.")
	}
	if p.crowded() {
		return nil, planFault(fmt.Sprintf("A plan has at most %d categories and %d zones, a zone %d rows, a row %d seats.", maxPlanCategories, maxZones, maxInPlan, maxInPlan))
	}
	if err := p.clean(); err != nil {
		return nil, err
	}
	if p.Size == (Size{}) { // pretix lets it away
		p.Size = p.extent()
	}
	known := map[string]bool{}
	for _, c := range p.Categories {
		known[c.Name] = true
	}
	seen := map[string]bool{}
	for i, z := range p.Zones {
		if !objects(z.Areas) {
			return nil, planFault(fmt.Sprintf("The areas of a zone are a list of at most %d objects.", maxInPlan)).With("field", fmt.Sprintf("zones.%d.areas", i))
		}
		for _, r := range z.Rows {
			for _, s := range r.Seats {
				switch {
				case s.GUID == "" || len(s.GUID) > maxGUID:
					return nil, planFault(fmt.Sprintf("A seat in row %q has no id, or one of over %d characters.", r.RowNumber, maxGUID))
				case !plainID(s.GUID):
					return nil, planFault("Seat ids may contain only letters, digits, dots, dashes and underscores.").With("seat", s.GUID)
				case seen[s.GUID]:
					return nil, planFault("Two seats have the same id.").With("seat", s.GUID)
				case !known[s.Category]:
					return nil, planFault("A seat has a category that is not in the plan's list.").With("seat", s.GUID)
				case s.Kind != "" && s.Kind != "wheelchair" && s.Kind != "companion":
					return nil, planFault("A seat's kind must be wheelchair, companion or empty.").With("seat", s.GUID)
				}
				seen[s.GUID] = true
			}
		}
	}
	if len(seen) > maxSeats {
		return nil, planFault(fmt.Sprintf("A plan has at most %d seats.", maxSeats))
	}
	return &p, nil
}

// objects tells whether raw is missing or a list of objects, whatever these hold.
func objects(raw json.RawMessage) bool {
	var list []map[string]json.RawMessage
	return len(raw) == 0 || json.Unmarshal(raw, &list) == nil && len(list) <= maxInPlan
}

// crowded tells whether a list of the plan has more entries than the contract allows.
func (p *Plan) crowded() bool {
	return len(p.Categories) > maxPlanCategories || len(p.Zones) > maxZones || slices.ContainsFunc(p.Zones, func(z Zone) bool {
		return len(z.Rows) > maxInPlan || slices.ContainsFunc(z.Rows, func(r Row) bool { return len(r.Seats) > maxInPlan })
	})
}

// clean checks what is printed of a plan and where it is drawn.
func (p *Plan) clean() error {
	fields := []text.Field{{Name: "name", Value: &p.Name, Max: maxName, Required: true}}
	for i := range p.Categories {
		fields = append(fields,
			text.Field{Name: fmt.Sprintf("categories.%d.name", i), Value: &p.Categories[i].Name, Max: maxTypeName, Required: true},
			text.Field{Name: fmt.Sprintf("categories.%d.color", i), Value: &p.Categories[i].Color, Max: maxColor})
	}
	far := planFault("A coordinate of the seating plan is more than a million from its origin.")
	for z := range p.Zones {
		zone := &p.Zones[z]
		if !zone.Position.drawable() {
			return far.With("field", fmt.Sprintf("zones.%d.position", z))
		}
		fields = append(fields,
			text.Field{Name: fmt.Sprintf("zones.%d.name", z), Value: &zone.Name, Max: maxTypeName},
			text.Field{Name: fmt.Sprintf("zones.%d.zone_id", z), Value: &zone.ZoneID, Max: maxTypeName})
		for r := range zone.Rows {
			row := &zone.Rows[r]
			if !row.Position.drawable() {
				return far.With("field", fmt.Sprintf("zones.%d.rows.%d.position", z, r))
			}
			fields = append(fields,
				text.Field{Name: fmt.Sprintf("zones.%d.rows.%d.row_number", z, r), Value: &row.RowNumber, Max: maxSeatLabel},
				text.Field{Name: fmt.Sprintf("zones.%d.rows.%d.row_label", z, r), Value: &row.RowLabel, Max: maxSeatLabel})
		}
	}
	if err := text.Clean(fields...); err != nil {
		return err
	}
	for z := range p.Zones {
		for r := range p.Zones[z].Rows {
			seats := p.Zones[z].Rows[r].Seats
			for s := range seats {
				if !seats[s].Position.drawable() {
					return far.With("field", fmt.Sprintf("zones.%d.rows.%d.seats.%d.position", z, r, s))
				}
				err := text.Clean(
					text.Field{Name: "seat_number", Value: &seats[s].Number, Max: maxSeatLabel},
					text.Field{Name: "category", Value: &seats[s].Category, Max: maxTypeName},
					text.Field{Name: "note", Value: &seats[s].Note, Max: maxNote},
				)
				if err != nil {
					return planFault("A seat's number, category or note is too long or contains a character that cannot be printed.").
						With("field", fmt.Sprintf("zones.%d.rows.%d.seats.%d", z, r, s)).Because(err)
				}
			}
		}
	}
	return nil
}

// extent is room for all seats, with a margin of two around them.
func (p *Plan) extent() Size {
	const margin = 40
	size := Size{Width: margin, Height: margin}
	p.eachSeat(func(z Zone, r Row, s Seat) {
		size.Width = max(size.Width, z.Position.X+r.Position.X+s.Position.X+margin)
		size.Height = max(size.Height, z.Position.Y+r.Position.Y+s.Position.Y+margin)
	})
	return size
}

func planFault(why string) *fault.Error { return fault.New(fault.Invalid, "invalid_plan", why) }

// plainID keeps unit ids safe as keys, in URLs and in file names.
func plainID(id string) bool {
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// CountCategories counts the seats of the categories.
func (p *Plan) CountCategories(categories []string) int {
	wanted := map[string]bool{}
	for _, c := range categories {
		wanted[form(c)] = true
	}
	n := 0
	p.eachSeat(func(_ Zone, _ Row, s Seat) {
		if wanted[form(s.Category)] {
			n++
		}
	})
	return n
}

func (p *Plan) eachSeat(visit func(Zone, Row, Seat)) {
	for _, z := range p.Zones {
		for _, r := range z.Rows {
			for _, s := range r.Seats {
				visit(z, r, s)
			}
		}
	}
}

// Unit is one thing that can be sold once: a seat, or one place of general admission.
type Unit struct {
	ID         string
	TicketType uuid.UUID
	Label      string
	Zone       string
	Row        string
	Number     string
	X          float64
	Y          float64
	Note       string
	Kind       string // seat, wheelchair, companion, standing
}

// Units lists everything that is sold for these ticket types, in an order that never changes for
// a published event: seats as the plan has them, then general admission by type and number.
func Units(plan *Plan, types []TicketType) []Unit {
	units := Seats(plan, types)
	for _, t := range types {
		if t.Seated {
			continue
		}
		for n := 1; n <= t.Capacity; n++ {
			units = append(units, Unit{
				ID: t.ID.String() + "-" + strconv.Itoa(n), TicketType: t.ID,
				Label: t.Name, Number: strconv.Itoa(n), Kind: "standing",
			})
		}
	}
	return units
}

// Seats lists the plan's seats that these ticket types sell, in the plan's order.
func Seats(plan *Plan, types []TicketType) []Unit {
	if plan == nil {
		return nil
	}
	byCategory := map[string]uuid.UUID{}
	for _, t := range types {
		for _, c := range t.Categories {
			if t.Seated {
				byCategory[form(c)] = t.ID
			}
		}
	}
	var units []Unit
	plan.eachSeat(func(z Zone, r Row, s Seat) {
		id, sold := byCategory[form(s.Category)]
		if !sold {
			return
		}
		kind := s.Kind
		if kind == "" {
			kind = "seat"
		}
		units = append(units, Unit{
			ID: s.GUID, TicketType: id, Label: seatLabel(z, r, s), Zone: z.Name, Row: r.RowNumber, Number: s.Number, Note: s.Note, Kind: kind,
			X: z.Position.X + r.Position.X + s.Position.X, Y: z.Position.Y + r.Position.Y + s.Position.Y,
		})
	})
	return units
}

func seatLabel(z Zone, r Row, s Seat) string {
	label := z.Name + ", " + r.RowNumber + "-" + s.Number
	if s.Note != "" {
		label += " (" + s.Note + ")"
	}
	return label
}
