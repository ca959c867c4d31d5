package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// starting is about how long the parts take to start once all is built.
const starting = 30 * time.Second

// settling is how long what is seen counts for less than what was expected: the first of many builds at
// once tell little of how fast this machine is.
const settling = time.Minute

// progress estimates how far a start is and how long it will still take: first from what each piece
// of work once took, then from how fast this machine does it.
type progress struct {
	cores int
	jobs  map[string]*job // by part
	began time.Time       // of the first
}

// job is the work that one part's preparation is known to be.
type job struct {
	text  string
	work  time.Duration // of one processor
	part  float64       // done, 0 to 1
	left  time.Duration // at the pace of the download that it is, or zero
	began time.Time     // of this step
}

func newProgress() *progress { return &progress{cores: runtime.NumCPU(), jobs: map[string]*job{}} }

// see takes note of what the parts are doing and returns how much of all is done, 0 to 1, and the time
// left; left is zero where there is nothing to estimate from.
func (p *progress) see(all []devstack.Status, now time.Time) (done float64, left time.Duration) {
	healthy, wanted, busy := 0, 0, 0
	for _, s := range all {
		switch s.State {
		case devstack.Healthy:
			healthy++
			wanted++
		case devstack.Absent, devstack.Stopped:
		default:
			wanted++
		}
		if s.State == devstack.Preparing && s.Step.Work > 0 {
			busy++
		}
	}
	for _, s := range all {
		p.note(s, busy, now)
	}
	var total, finished, slowest time.Duration
	for _, known := range p.jobs {
		total += known.work
		finished += time.Duration(float64(known.work) * known.part)
		slowest = max(slowest, known.left)
	}
	if wanted == 0 {
		return 0, 0
	}
	up := float64(healthy) / float64(wanted)
	if total == 0 {
		return up, 0
	}
	// Processor seconds of work in each second.
	pace := (float64(p.cores)*float64(settling) + float64(finished)) / float64(settling+now.Sub(p.began))
	build := max(time.Duration(float64(total-finished)/pace), slowest)
	start := time.Duration(float64(starting) * (1 - up))
	whole := float64(total)/pace + float64(starting)
	return 1 - min(1, (float64(total-finished)/pace+float64(start))/whole), build + start
}

// note takes note of one part, which is one of so many that are busy.
func (p *progress) note(s devstack.Status, busy int, now time.Time) {
	known := p.jobs[s.Name]
	if s.State != devstack.Preparing {
		if known != nil {
			known.part, known.left = 1, 0
		}
		return
	}
	if s.Step.Work == 0 {
		return
	}
	if known == nil || known.text != s.Step.Text {
		if known == nil {
			known = &job{}
			p.jobs[s.Name] = known
		}
		if known.work != s.Step.Work { // another job of the same part
			known.part = 0
		}
		known.text, known.work, known.left, known.began = s.Step.Text, s.Step.Work, 0, now
		if p.began.IsZero() {
			p.began = now
		}
	}
	spent := now.Sub(known.began)
	if s.Step.Total > 0 {
		known.part = max(known.part, float64(s.Step.Done)/float64(s.Step.Total))
		if s.Step.Network && known.part > 0.1 {
			known.left = time.Duration(float64(spent) * (1 - known.part) / known.part)
		}
		return
	}
	// It does not say how far it is: it has its share of the processors.
	share := min(1, float64(p.cores)/float64(busy))
	known.part = max(known.part, min(0.9, share*float64(spent)/float64(known.work)))
}

// about is a duration as a person would guess it.
func about(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left < 10*time.Second:
		return "a few seconds left"
	case left < 90*time.Second:
		return fmt.Sprintf("about %d s left", int(left.Round(10*time.Second).Seconds()))
	}
	return fmt.Sprintf("about %d min left", int(left.Round(time.Minute).Minutes()))
}
