// Command admission simulates sales of high-demand events with the state machine of the waiting room
// and customers who arrive late, browse, buy several tickets, give up, or let their hold expire. It writes
// docs/results/admission.md and its plots. The seed is fixed, so the figures are reproducible.
package main

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func main() {
	cfg, err := devstack.Load()
	if err == nil {
		err = run(cfg.Root)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-admission:", err)
		os.Exit(1)
	}
}

// base is an arena on a Friday: 20,000 places, 200,000 people.
var base = scenario{people: 200_000, places: 20_000, rate: 100, concurrency: 6000, show: 0.9, buy: 0.7, follow: true}

func run(root string) error {
	dir := filepath.Join(root, "docs", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	followed := simulate(base, 1)
	blind := base
	blind.follow = false
	unfollowed := simulate(blind, 1)
	if err := course(dir, followed); err != nil {
		return err
	}
	if err := vain(dir, followed, unfollowed); err != nil {
		return err
	}
	if err := promise(dir, followed); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d people for %d places; at most %.0f a second are let in, %d inside at once; %.0f %% come when it is their turn, %.0f %% of those buy, for 1 to 4 each; of the others half give their places back, half let the hold run out.\n\n", base.people, base.places, base.rate, base.concurrency, 100*base.show, 100*base.buy)
	fmt.Fprintf(&b, "| | sold out after | let in | came in and found nothing | never more inside than |\n|---|---|---|---|---|\n")
	row := func(name string, r result) {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", name, r.soldOut.Round(time.Second), r.line.Served, r.vain, r.most)
	}
	row("admission follows the inventory", followed)
	row("by the rate alone", unfollowed)
	for _, rate := range []float64{25, 400} {
		s := base
		s.rate = rate
		row(fmt.Sprintf("follows, %.0f a second", rate), simulate(s, 1))
	}
	s := base
	s.buy = 0.4
	row("follows, only 40 % buy", simulate(s, 1))
	fmt.Fprint(&b, "\n![People and places](admission-course.svg)\n\n![In vain](admission-vain.svg)\n\n![Waiting time, told and true](admission-eta.svg)\n")
	fmt.Print(b.String())
	return load.Write(root, "admission", "Admission control, simulated", load.Machine(), b.String())
}

var (
	blue   = color.RGBA{0x1f, 0x4e, 0x9c, 0xff}
	orange = color.RGBA{0xd9, 0x6c, 0x06, 0xff}
	green  = color.RGBA{0x2a, 0x7f, 0x3b, 0xff}
)

type curve struct {
	name  string
	color color.Color
	of    func(sample) float64
	from  []sample
}

func draw(dir, file, title, y string, curves ...curve) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "minutes since the opening", y
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min = 0
	p.Add(plotter.NewGrid())
	for _, c := range curves {
		xy := make(plotter.XYs, len(c.from))
		for i, s := range c.from {
			xy[i].X, xy[i].Y = s.at.Minutes(), c.of(s)
		}
		l, err := plotter.NewLine(xy)
		if err != nil {
			return err
		}
		l.Color, l.Width = c.color, vg.Points(1.5)
		p.Add(l)
		p.Legend.Add(c.name, l)
	}
	return p.Save(7*vg.Inch, 3.6*vg.Inch, filepath.Join(dir, file))
}

func course(dir string, r result) error {
	return draw(dir, "admission-course.svg", "A sale, followed by the waiting room", "people, places",
		curve{"let in", blue, func(s sample) float64 { return float64(s.served) }, r.samples},
		curve{"sold", green, func(s sample) float64 { return float64(s.booked) }, r.samples},
		curve{"held", orange, func(s sample) float64 { return float64(s.held) }, r.samples})
}

func vain(dir string, followed, blind result) error {
	of := func(s sample) float64 { return float64(s.vain) }
	return draw(dir, "admission-vain.svg", "People let in who found nothing to buy", "people",
		curve{"admission follows the inventory", blue, of, followed.samples},
		curve{"by the rate alone", orange, of, blind.samples})
}

// promise compares what the one at place 15,000 was told with how long it took.
func promise(dir string, r result) error {
	var told, truth []sample
	for _, s := range r.samples {
		if s.eta > 0 && s.at < r.watched {
			told = append(told, s)
			truth = append(truth, s)
		}
	}
	return draw(dir, "admission-eta.svg", fmt.Sprintf("Place %d: waiting time, told and true", watchedPlace), "minutes",
		curve{"told", blue, func(s sample) float64 { return s.eta.Minutes() }, told},
		curve{"true", green, func(s sample) float64 { return (r.watched - s.at).Minutes() }, truth})
}
