package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// starting is the approximate time that the parts take to start once all are built.
const starting = 30 * time.Second

// settling is how long expectations count more than observations: the first of many parallel builds say little
// about the speed of this machine.
const settling = time.Minute

// progress estimates how far a start is and how long it will still take: at first from earlier durations of
// each piece of work, then from how fast this machine does it.
type progress struct {
	cores int
	jobs  map[string]*job // by part
	began time.Time       // of the first
}

// job is the expected work of one part's preparation.
type job struct {
	text  string
	work  time.Duration // of one processor
	part  float64       // done, 0 to 1
	left  time.Duration // at the pace of the download that it is, or zero
	began time.Time     // of this step
}

func newProgress() *progress { return &progress{cores: runtime.NumCPU(), jobs: map[string]*job{}} }

// see records what the parts are doing and returns the completed fraction, 0 to 1, and the time left, which is
// zero if there is no estimate.
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

// about rounds a duration as a person would estimate it.
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
