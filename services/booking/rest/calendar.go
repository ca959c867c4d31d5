package rest

import (
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/foyer-tickets/foyer/internal/text"
	"github.com/foyer-tickets/foyer/services/booking"
)

// calendar gives the event of a ticket as an iCalendar object (RFC 5545).
func calendar(t booking.Ticket, b booking.Booking, acceptLanguage string) []byte {
	o := b.Occasion
	ends := o.EndsAt
	if ends.IsZero() {
		ends = o.StartsAt.Add(2 * time.Hour)
	}
	label := t.Unit
	for _, u := range b.Units {
		if u.ID == t.Unit {
			if label = u.Place.In(acceptLanguage, u.Label); !strings.HasPrefix(label, u.TypeName) {
				label = u.TypeName + ", " + label
			}
		}
	}
	c := ics.NewCalendar()
	c.SetProductId("-//Foyer//Tickets//EN")
	c.SetMethod(ics.MethodPublish)
	e := c.AddEvent(t.ID.String() + "@foyer")
	e.SetDtStampTime(t.IssuedAt)
	e.SetStartAt(o.StartsAt)
	e.SetEndAt(ends)
	// Names that were stored before they were checked may have line breaks, which would begin a property.
	e.SetSummary(text.Printable(o.Name))
	e.SetLocation(text.Printable(strings.Join([]string{o.VenueName, o.VenueCity, o.VenueCountry}, ", ")))
	e.SetDescription(text.Printable(strings.TrimSpace(label)))
	return []byte(c.Serialize(ics.WithNewLineWindows))
}
