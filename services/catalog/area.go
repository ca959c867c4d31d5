package catalog

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/foyer-tickets/foyer/internal/text"
)

// Area is something that a plan shows and nobody buys: the stage, a bar, the floor.
type Area struct {
	Shape         AreaShape
	X, Y          float64 // on the plan: the corner of the box around it
	Width, Height float64
	Points        []Position // of a polygon, on the plan
	Text          string
	Stage         bool // where everyone looks
}

// AreaShape is how an area is drawn.
type AreaShape string

// The shapes there are. A text stands alone, without a box.
const (
	Rectangle AreaShape = "rectangle"
	Ellipse   AreaShape = "ellipse"
	Polygon   AreaShape = "polygon"
	Text      AreaShape = "text"
)

// Bounds of what is shown; a plan that has more is still sold, only drawn without the rest.
const (
	maxAreas  = 500
	maxPoints = 500
	maxText   = 80
)

// drawnArea is an area as pretix's editor writes it: the shapes of its newer versions, and the
// plain rectangle with a line of text of its older ones. Kind is ours.
type drawnArea struct {
	Shape     string                          `json:"shape"`
	Kind      string                          `json:"kind"`
	Position  Position                        `json:"position"`
	Width     float64                         `json:"width"`
	Height    float64                         `json:"height"`
	Rectangle struct{ Width, Height float64 } `json:"rectangle"`
	Circle    struct{ Radius float64 }        `json:"circle"`
	Ellipse   struct{ Radius Position }       `json:"ellipse"`
	Polygon   struct{ Points []Position }     `json:"polygon"`
	Text      json.RawMessage                 `json:"text"`
}

// Areas lists what the plan shows besides seats, on the plan's own ground. What cannot be read is
// left out: it is decoration.
func (p *Plan) Areas() []Area {
	var areas []Area
	for _, z := range p.Zones {
		var drawn []json.RawMessage
		if json.Unmarshal(z.Areas, &drawn) != nil {
			continue
		}
		for _, raw := range drawn {
			var d drawnArea
			if json.Unmarshal(raw, &d) != nil {
				continue
			}
			if a, ok := d.on(z.Position); ok && a.drawable() && len(areas) < maxAreas {
				areas = append(areas, a)
			}
		}
	}
	return areas
}

// drawable tells whether all of an area can be shown.
func (a Area) drawable() bool {
	for _, p := range a.Points {
		if !p.drawable() {
			return false
		}
	}
	return drawable(a.X) && drawable(a.Y) && drawable(a.Width) && drawable(a.Height)
}

func (d drawnArea) on(zone Position) (Area, bool) {
	x, y := zone.X+d.Position.X, zone.Y+d.Position.Y
	a := Area{X: x, Y: y, Text: d.text()}
	switch d.Shape {
	case "", "rectangle":
		a.Shape, a.Width, a.Height = Rectangle, max(d.Rectangle.Width, d.Width), max(d.Rectangle.Height, d.Height)
	case "circle":
		a.Shape = Ellipse
		a.X, a.Y, a.Width, a.Height = x-d.Circle.Radius, y-d.Circle.Radius, 2*d.Circle.Radius, 2*d.Circle.Radius
	case "ellipse":
		a.Shape = Ellipse
		a.X, a.Y, a.Width, a.Height = x-d.Ellipse.Radius.X, y-d.Ellipse.Radius.Y, 2*d.Ellipse.Radius.X, 2*d.Ellipse.Radius.Y
	case "polygon":
		a.polygon(x, y, d.Polygon.Points)
	case "text":
		a.Shape = Text
		return a, a.Text != ""
	}
	a.Stage = d.Kind == "stage" || d.Kind == "" && isStage(a.Text)
	return a, a.Width > 0 && a.Height > 0
}

func (a *Area) polygon(x, y float64, points []Position) {
	if len(points) < 3 || len(points) > maxPoints {
		return
	}
	a.Shape, a.X, a.Y = Polygon, math.Inf(1), math.Inf(1)
	right, bottom := math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		p.X, p.Y = p.X+x, p.Y+y
		a.Points = append(a.Points, p)
		a.X, a.Y = min(a.X, p.X), min(a.Y, p.Y)
		right, bottom = max(right, p.X), max(bottom, p.Y)
	}
	a.Width, a.Height = right-a.X, bottom-a.Y
}

// text is an area's words: an object in newer plans, a string in older ones.
func (d drawnArea) text() string {
	var words string
	if json.Unmarshal(d.Text, &words) != nil {
		var placed struct{ Text string }
		_ = json.Unmarshal(d.Text, &placed) // no words then
		words = placed.Text
	}
	words = norm.NFC.String(strings.Join(strings.Fields(words), " "))
	if r := []rune(words); len(r) > maxText {
		words = string(r[:maxText])
	}
	if text.Check(words, false) != "" {
		return "" // it is decoration
	}
	return words
}

// stages is how people write it on their plans.
var stages = []string{"stage", "bühne", "buehne", "scène", "scene", "escenario", "sân khấu", "ステージ", "舞台", "مسرح", "المسرح", "خشبة المسرح", "palco", "podium"}

func isStage(text string) bool { return slices.Contains(stages, strings.ToLower(text)) }
