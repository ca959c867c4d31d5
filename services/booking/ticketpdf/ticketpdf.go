// Package ticketpdf makes a page of PDF of a ticket, in the language of the reader.
package ticketpdf

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/shaping"
	"github.com/skip2/go-qrcode"

	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/booking"
)

// Printer makes one page for each ticket.
type Printer struct{}

const (
	face   = "ticket"
	bold   = "B"
	margin = 20.0 // millimetres
	qrSize = 70.0
)

// PDF implements rest.Printer.
func (Printer) PDF(t booking.Ticket, b booking.Booking, acceptLanguage string) ([]byte, error) {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetMargins(margin, margin, margin)
	doc.SetAutoPageBreak(false, 0)
	for style, name := range map[string]string{"": "DejaVuSans.ttf", bold: "DejaVuSans-Bold.ttf"} {
		data, err := files.ReadFile("fonts/" + name)
		if err != nil {
			return nil, err
		}
		doc.AddUTF8FontFromBytes(face, style, data)
	}
	doc.SetTitle("Ticket", true)
	doc.SetCreator("Foyer", true)
	doc.SetCreationDate(t.IssuedAt)
	doc.SetModificationDate(t.IssuedAt)
	doc.AddPage()
	width, _ := doc.GetPageSize()
	inner := width - 2*margin

	line := func(style string, size, height float64, words string) {
		words = shortened(text.Printable(words))
		if !plain(words) {
			err := draw(doc, words, style, size, height)
			if err == nil {
				return
			}
			slog.Warn("a text of a ticket is printed without its own script", "ticket", t.ID, "error", err)
			words = latin(words)
		}
		doc.SetFont(face, style, size)
		doc.MultiCell(inner, height, words, "", "L", false)
	}
	u := unitOf(t, b)
	o := b.Occasion
	doc.SetFillColor(24, 24, 38)
	doc.Rect(0, 0, width, 8, "F")
	doc.SetY(margin)
	line("B", 24, 11, o.Name)
	doc.Ln(3)
	line("", 14, 8, when(o))
	line("", 14, 8, strings.Join(nonEmpty(o.VenueName, o.VenueCity, o.VenueCountry), ", "))
	doc.Ln(6)
	line("B", 20, 10, u.Place.In(acceptLanguage, u.Label))
	line("", 12, 7, strings.Join(nonEmpty(u.TypeName, u.Price.String()), " · "))
	doc.Ln(8)

	code, err := qrcode.Encode(t.Code, qrcode.Medium, 640)
	if err != nil {
		return nil, fmt.Errorf("ticket code: %w", err)
	}
	doc.RegisterImageOptionsReader("qr", fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(code))
	doc.ImageOptions("qr", (width-qrSize)/2, doc.GetY(), qrSize, qrSize, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	doc.SetY(doc.GetY() + qrSize + 6)
	doc.SetTextColor(96, 96, 110)
	doc.SetFont(face, "", 8)
	doc.MultiCell(inner, 4, t.ID.String(), "", "C", false)

	var out bytes.Buffer
	if err := doc.Output(&out); err != nil {
		return nil, fmt.Errorf("print ticket: %w", err)
	}
	return out.Bytes(), nil
}

// longest is how much of a text is printed, so that the code below it stays on the page.
const longest = 200

func shortened(words string) string {
	if runes := []rune(words); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return words
}

// latin writes the characters that the first face does not have by their code points. A ticket that
// is not pretty lets somebody in; one that is not there does not.
func latin(words string) string {
	var b strings.Builder
	for _, r := range words {
		if plain(string(r)) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "[%X]", r)
		}
	}
	return b.String()
}

// draw puts text on the page as shapes. The library of pages knows no ligatures, no marks, no
// direction, and no character past the first 65,536; what is drawn can have all of them.
func draw(doc *fpdf.Fpdf, text, style string, size, height float64) error {
	const point = 25.4 / 72 // millimetres
	left := margin + doc.GetCellMargin()
	inner, _ := doc.GetPageSize()
	inner -= 2 * left
	lines, direction, err := set(text, style, size, inner/point)
	if err != nil {
		return err
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b shaping.Output) int { return int(a.VisualIndex - b.VisualIndex) })
		width := 0.0
		for _, run := range line {
			width += float64(run.Advance) / 64 * point
		}
		x, y := left, doc.GetY()+height/2+0.3*size*point // the base line where MultiCell has it
		if direction == di.DirectionRTL {
			x += inner - width
		}
		for _, run := range line {
			if run.Face == nil {
				continue
			}
			scale := size * point / float64(run.Face.Upem())
			for _, g := range run.Glyphs {
				outline, _ := run.Face.GlyphDataOutline(g.GlyphID)
				trace(doc, outline, x+float64(g.XOffset)/64*point, y-float64(g.YOffset)/64*point, scale)
				x += float64(g.Advance) / 64 * point
			}
		}
		doc.SetY(doc.GetY() + height)
	}
	return nil
}

// trace fills a glyph whose origin is at x, y. Fonts count upwards, pages downwards.
func trace(doc *fpdf.Fpdf, outline font.GlyphOutline, x, y, scale float64) {
	at := func(p opentype.SegmentPoint) (float64, float64) {
		return x + float64(p.X)*scale, y - float64(p.Y)*scale
	}
	for i, s := range outline.Segments {
		x0, y0 := at(s.Args[0])
		x1, y1 := at(s.Args[1])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				doc.ClosePath()
			}
			doc.MoveTo(x0, y0)
		case opentype.SegmentOpLineTo:
			doc.LineTo(x0, y0)
		case opentype.SegmentOpQuadTo:
			doc.CurveTo(x0, y0, x1, y1)
		case opentype.SegmentOpCubeTo:
			x2, y2 := at(s.Args[2])
			doc.CurveBezierCubicTo(x0, y0, x1, y1, x2, y2)
		}
	}
	if len(outline.Segments) > 0 {
		doc.ClosePath()
		doc.DrawPath("F")
	}
}

func unitOf(t booking.Ticket, b booking.Booking) booking.BookedUnit {
	for _, u := range b.Units {
		if u.ID == t.Unit {
			return u
		}
	}
	return booking.BookedUnit{HeldUnit: booking.HeldUnit{ID: t.Unit, Label: t.Unit}}
}

// when gives the time where it happens.
func when(o booking.EventSnapshot) string {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return o.StartsAt.In(zone).Format("2006-01-02 15:04 MST")
}

func nonEmpty(parts ...string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
