// Package seating generates seating plans for venues that exist only here. The plans are ordinary
// ones in pretix's form; the web app's editor can open them.
package seating

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/foyer-tickets/foyer/services/catalog"
)

// pitch is the distance of two seats, in the plan's unit.
const pitch = 20.0

var palette = []string{"#8c2f1b", "#c98a2b", "#3d6b5c", "#2f4a73", "#6b3d66", "#8a7f70"}

type house struct {
	plan  catalog.Plan
	names map[string]bool
}

func newHouse(name string, width, height float64) *house {
	return &house{plan: catalog.Plan{Name: name, Size: catalog.Size{Width: width, Height: height}}, names: map[string]bool{}}
}

func (h *house) category(name string) string {
	if !h.names[name] {
		h.names[name] = true
		h.plan.Categories = append(h.plan.Categories, catalog.PlanCategory{Name: name, Color: palette[len(h.plan.Categories)%len(palette)]})
	}
	return name
}

// rowName counts A, B, … Z, AA, AB, …
func rowName(n int) string {
	if n < 26 {
		return string(rune('A' + n))
	}
	return rowName(n/26-1) + string(rune('A'+n%26))
}

// block adds straight rows of seats, centred on x, the first row at y.
func (h *house) block(zone, code, category string, x, y float64, rows, perRow int, change func(row, seat int, s *catalog.Seat)) {
	z := catalog.Zone{Name: zone, ZoneID: code, Position: catalog.Position{X: math.Round(x - float64(perRow-1)*pitch/2), Y: math.Round(y)}}
	for r := range rows {
		row := catalog.Row{RowNumber: rowName(r), Position: catalog.Position{Y: float64(r) * pitch * 1.2}}
		for n := range perRow {
			s := catalog.Seat{
				GUID: code + "-" + rowName(r) + "-" + strconv.Itoa(n+1), Number: strconv.Itoa(n + 1),
				Position: catalog.Position{X: float64(n) * pitch}, Category: h.category(category),
			}
			if change != nil {
				change(r, n, &s)
			}
			row.Seats = append(row.Seats, s)
		}
		z.Rows = append(z.Rows, row)
	}
	h.plan.Zones = append(h.plan.Zones, z)
}

// area draws something that is not sold, centred on x and y.
func (h *house) area(shape, kind, text string, x, y, width, height float64) {
	a := map[string]any{"shape": shape, "position": catalog.Position{X: x - width/2, Y: y - height/2}}
	if shape == "ellipse" {
		a["position"], a["ellipse"] = catalog.Position{X: x, Y: y}, map[string]any{"radius": catalog.Position{X: width / 2, Y: height / 2}}
	} else {
		a["rectangle"] = catalog.Size{Width: width, Height: height}
	}
	if text != "" {
		a["text"] = map[string]any{"text": text, "position": catalog.Position{X: width / 2, Y: height / 2}}
	}
	if kind != "" {
		a["kind"] = kind
	}
	raw, err := json.Marshal([]any{a})
	if err != nil {
		panic(err) // numbers and texts of this file
	}
	h.plan.Zones = append(h.plan.Zones, catalog.Zone{Name: text, Rows: []catalog.Row{}, Areas: raw})
}

// Club is a small venue of 80 seats at tables of rows, for 120 more standing: 200 in all.
func Club() *catalog.Plan {
	h := newHouse("Kellerbühne", 700, 520)
	h.block("Balcony left", "BL", "Balcony", 110, 120, 5, 4, nil)
	h.block("Balcony right", "BR", "Balcony", 590, 120, 5, 4, nil)
	h.block("Gallery", "G", "Gallery", 350, 400, 4, 10, func(row, seat int, s *catalog.Seat) {
		if row == 0 && seat < 2 {
			s.Kind = []string{"wheelchair", "companion"}[seat]
		}
	})
	h.area("rectangle", "stage", "Bühne", 350, 70, 300, 70)
	h.area("rectangle", "", "Standing", 350, 235, 300, 190)
	h.area("rectangle", "", "Bar", 590, 345, 120, 50)
	return &h.plan
}

// arc is a block of curved rows around a point, the first row nearest to it. Angles are in
// radians, clockwise from the right as the plan is looked at.
type arc struct {
	zone, code, category string
	x, y                 float64 // of the point
	inner, angle         float64 // of the first row, of the block's middle
	rows, perRow         int
	wide, high           float64 // stretch of the circle
	reverse              bool    // numbered against the angle
}

func (h *house) arc(a arc, change func(row, seat int, s *catalog.Seat)) {
	const depth = 1.25 * pitch
	at := func(radius, angle float64) catalog.Position {
		return catalog.Position{
			X: math.Round((a.x+a.wide*radius*math.Cos(angle))*10) / 10,
			Y: math.Round((a.y+a.high*radius*math.Sin(angle))*10) / 10,
		}
	}
	z := catalog.Zone{Name: a.zone, ZoneID: a.code}
	for r := range a.rows {
		radius := a.inner + float64(r)*depth
		row := catalog.Row{RowNumber: rowName(r)}
		for n := range a.perRow {
			step := (float64(n) - float64(a.perRow-1)/2) * pitch / radius
			if a.reverse {
				step = -step
			}
			s := catalog.Seat{
				GUID: a.code + "-" + rowName(r) + "-" + strconv.Itoa(n+1), Number: strconv.Itoa(n + 1),
				Position: at(radius, a.angle+step), Category: h.category(a.category),
			}
			if change != nil {
				change(r, n, &s)
			}
			row.Seats = append(row.Seats, s)
		}
		z.Rows = append(z.Rows, row)
	}
	h.plan.Zones = append(h.plan.Zones, z)
}

// Theatre has 1,200 seats: stalls, a dress circle and a balcony, with places for wheelchairs and
// companions in the stalls and a restricted view at the ends of the balcony. All rows bend around
// the stage.
func Theatre() *catalog.Plan {
	h := newHouse("Grand théâtre", 1100, 1480)
	accessible := func(row, seat int, s *catalog.Seat) {
		if row == 19 && (seat < 4 || seat >= 26) {
			s.Kind = []string{"wheelchair", "companion"}[seat%2]
		}
	}
	tier := arc{x: 550, y: -330, angle: math.Pi / 2, wide: 1, high: 1, reverse: true}
	stalls, circle, balcony := tier, tier, tier
	stalls.zone, stalls.code, stalls.category, stalls.inner, stalls.rows, stalls.perRow = "Stalls", "S", "Stalls", 500, 20, 30
	circle.zone, circle.code, circle.category, circle.inner, circle.rows, circle.perRow = "Dress circle", "D", "Circle", 1080, 10, 36
	balcony.zone, balcony.code, balcony.category, balcony.inner, balcony.rows, balcony.perRow = "Balcony", "B", "Balcony", 1410, 8, 30
	h.arc(stalls, accessible)
	h.arc(circle, nil)
	h.arc(balcony, func(_, seat int, s *catalog.Seat) {
		if seat < 2 || seat >= 28 {
			s.Category, s.Note = h.category("Restricted view"), "restricted view"
		}
	})
	h.area("rectangle", "stage", "Scène", 550, 50, 420, 80)
	return &h.plan
}

// arena's rings: blocks around the floor, by how far out they are.
var rings = []struct {
	name, code   string
	blocks       int
	rows, seats  int
	inner        float64
	category     string
	accessibleAt int // row with wheelchair places, -1: none
}{
	{"Lower", "1", 24, 16, 15, 1300, "Lower ring", 15},
	{"Middle", "2", 28, 14, 15, 1790, "Middle ring", -1},
	{"Upper", "3", 32, 8, 15, 2230, "Upper ring", -1},
}

// Arena has 15,480 seats in three rings around a floor, which is sold as 4,520 standing places:
// 20,000 in all.
func Arena() *catalog.Plan {
	h := newHouse("Nordlicht Arena", 5600, 4800)
	for _, ring := range rings {
		for b := range ring.blocks {
			code := ring.code + fmt.Sprintf("%02d", b+1)
			h.arc(arc{
				zone: "Block " + code, code: code, category: ring.category, x: 2800, y: 2400,
				inner: ring.inner, angle: 2*math.Pi*float64(b)/float64(ring.blocks) - math.Pi/2,
				rows: ring.rows, perRow: ring.seats, wide: 1.12, high: 0.96,
			}, func(row, seat int, s *catalog.Seat) {
				if row == ring.accessibleAt && seat < 2 && b%6 == 0 {
					s.Kind = []string{"wheelchair", "companion"}[seat]
				}
			})
		}
	}
	h.area("ellipse", "", "", 2800, 2400, 2680, 2260)
	h.area("rectangle", "stage", "Stage", 2800, 2400, 620, 340)
	return &h.plan
}

// FloorCapacity is the standing room that makes the arena's 20,000, and the club's 200.
func FloorCapacity(p *catalog.Plan, total int) int {
	var all []string
	for _, c := range p.Categories {
		all = append(all, c.Name)
	}
	return total - p.CountCategories(all)
}
