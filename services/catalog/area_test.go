package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/services/catalog"
)

func TestAreas(t *testing.T) {
	at := func(areas string) []catalog.Area {
		p := catalog.Plan{Zones: []catalog.Zone{{Position: catalog.Position{X: 100, Y: 10}, Areas: json.RawMessage(areas)}}}
		return p.Areas()
	}
	for name, c := range map[string]struct {
		areas string
		want  []catalog.Area
	}{
		"a stage by its kind": {
			`[{"shape":"rectangle","kind":"stage","position":{"x":5,"y":5},"rectangle":{"width":40,"height":20},"text":{"text":"Rampe"}}]`,
			[]catalog.Area{{Shape: catalog.Rectangle, X: 105, Y: 15, Width: 40, Height: 20, Text: "Rampe", Stage: true}},
		},
		"a stage by its words": {
			`[{"shape":"rectangle","position":{"x":0,"y":0},"rectangle":{"width":40,"height":20},"text":{"text":"BÜHNE"}}]`,
			[]catalog.Area{{Shape: catalog.Rectangle, X: 100, Y: 10, Width: 40, Height: 20, Text: "BÜHNE", Stage: true}},
		},
		"another kind that is called so": {
			`[{"kind":"bar","position":{"x":0,"y":0},"width":4,"height":2,"text":"Stage"}]`,
			[]catalog.Area{{Shape: catalog.Rectangle, X: 100, Y: 10, Width: 4, Height: 2, Text: "Stage"}},
		},
		"an old plan's rectangle": {
			`[{"position":{"x":1,"y":1},"width":30,"height":10,"text":"Bar"}]`,
			[]catalog.Area{{Shape: catalog.Rectangle, X: 101, Y: 11, Width: 30, Height: 10, Text: "Bar"}},
		},
		"a circle around its middle": {
			`[{"shape":"circle","position":{"x":50,"y":50},"circle":{"radius":20}}]`,
			[]catalog.Area{{Shape: catalog.Ellipse, X: 130, Y: 40, Width: 40, Height: 40}},
		},
		"an ellipse": {
			`[{"shape":"ellipse","position":{"x":50,"y":50},"ellipse":{"radius":{"x":20,"y":10}}}]`,
			[]catalog.Area{{Shape: catalog.Ellipse, X: 130, Y: 50, Width: 40, Height: 20}},
		},
		"a polygon": {
			`[{"shape":"polygon","position":{"x":0,"y":0},"polygon":{"points":[{"x":0,"y":0},{"x":10,"y":0},{"x":5,"y":8}]}}]`,
			[]catalog.Area{{Shape: catalog.Polygon, X: 100, Y: 10, Width: 10, Height: 8, Points: []catalog.Position{{X: 100, Y: 10}, {X: 110, Y: 10}, {X: 105, Y: 18}}}},
		},
		"words alone": {
			`[{"shape":"text","position":{"x":0,"y":0},"text":{"text":"Exit"}}]`,
			[]catalog.Area{{Shape: catalog.Text, X: 100, Y: 10, Text: "Exit"}},
		},
		"what is nothing is left out": {
			`[{"shape":"rectangle"},{"shape":"polygon","polygon":{"points":[{"x":1,"y":1}]}},{"shape":"text"},{"shape":"blob","width":3,"height":3},7,{"position":"here"}]`,
			nil,
		},
		"not a list": {`"areas"`, nil},
		"none":       {``, nil},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, at(c.areas)) })
	}
	many := "[" + strings.Repeat(`{"width":1,"height":1},`, 600) + `{"width":1,"height":1}]`
	require.Len(t, at(many), 500)
}
