package paper

import (
	"golang.org/x/text/unicode/bidi"
)

// visual turns text into the order in which a page shows it, which for right-to-left scripts is
// the reverse of the order it is written in. align is "R" for such text.
func visual(text string) (shown, align string) {
	var p bidi.Paragraph
	if _, err := p.SetString(text); err != nil {
		return text, "L"
	}
	order, err := p.Order()
	if err != nil || order.NumRuns() == 0 {
		return text, "L"
	}
	align = "L"
	if order.Direction() == bidi.RightToLeft {
		align = "R"
	}
	for i := range order.NumRuns() {
		run := order.Run(i)
		s := run.String()
		if run.Direction() == bidi.RightToLeft {
			s = bidi.ReverseString(shape(s))
		}
		shown += s
	}
	return shown, align
}
