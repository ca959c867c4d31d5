// Package paper prints tickets.
package paper

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
	"github.com/skip2/go-qrcode"

	"github.com/foyer-tickets/foyer/services/booking"
)

// The faces cover Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian, Georgian and more. Characters
// of other scripts are printed as boxes: the code and the number below it say it all to a door.
var (
	//go:embed fonts/DejaVuSans.ttf
	regular []byte
	//go:embed fonts/DejaVuSans-Bold.ttf
	bold []byte
)

// Printer makes one page for each ticket.
type Printer struct{}

const (
	face   = "ticket"
	margin = 20.0 // millimetres
	qrSize = 70.0
)

// PDF implements rest.Printer.
func (Printer) PDF(t booking.Ticket, b booking.Booking) ([]byte, error) {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetMargins(margin, margin, margin)
	doc.SetAutoPageBreak(false, 0)
	doc.AddUTF8FontFromBytes(face, "", regular)
	doc.AddUTF8FontFromBytes(face, "B", bold)
	doc.SetTitle("Ticket", true)
	doc.SetCreator("Foyer", true)
	doc.SetCreationDate(t.IssuedAt)
	doc.SetModificationDate(t.IssuedAt)
	doc.AddPage()
	width, _ := doc.GetPageSize()
	inner := width - 2*margin

	line := func(style string, size, height float64, text string) {
		doc.SetFont(face, style, size)
		text, align := visual(strings.Map(printable, text))
		doc.MultiCell(inner, height, text, "", align, false)
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
	line("B", 20, 10, u.Label)
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

// printable drops what no font of the library can have: emoji, mostly.
func printable(r rune) rune {
	const last = 0xFFFF
	if r > last {
		return -1
	}
	return r
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
func when(o booking.Occasion) string {
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
