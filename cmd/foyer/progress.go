package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/foyer-tickets/foyer/internal/stack"
)

// starting is about how long the parts take to start once all is built.
const starting = 30 * time.Second

// progress guesses how far a start is and how long it will still take: first from what each piece
// of work once took, then from how fast this machine does it.
type progress struct {
	cores int
	jobs  map[string]*job // by part
	began time.Time       // of the first
}

// job is the work that one part's preparation is known to be.
type job struct {
	work  time.Duration // of one processor
	part  float64       // done, 0 to 1
	began time.Time
}

func newProgress() *progress { return &progress{cores: runtime.NumCPU(), jobs: map[string]*job{}} }

// see takes note of what the parts are doing and returns how much of all is done, and what is left;
// left is zero where there is nothing to guess from.
func (p *progress) see(all []stack.Status, now time.Time) (done float64, left time.Duration) {
	healthy, wanted := 0, 0
	for _, s := range all {
		switch s.State {
		case stack.Healthy:
			healthy++
			wanted++
		case stack.Absent, stack.Stopped:
		default:
			wanted++
		}
		known := p.jobs[s.Name]
		if s.State != stack.Preparing {
			if known != nil {
				known.part = 1
			}
			continue
		}
		if s.Step.Work == 0 {
			continue
		}
		if known == nil {
			known = &job{began: now}
			p.jobs[s.Name] = known
			if p.began.IsZero() {
				p.began = now
			}
		}
		known.work = s.Step.Work
		if s.Step.Total > 0 {
			known.part = max(known.part, float64(s.Step.Done)/float64(s.Step.Total))
		}
	}
	var total, finished, slowest time.Duration
	for _, known := range p.jobs {
		total += known.work
		finished += time.Duration(float64(known.work) * known.part)
		if spent := now.Sub(known.began); known.part > 0.1 && known.part < 1 { // its own pace: a download's is the network's
			slowest = max(slowest, time.Duration(float64(spent)*(1-known.part)/known.part))
		}
	}
	if wanted == 0 {
		return 0, 0
	}
	up := float64(healthy) / float64(wanted)
	if total == 0 {
		return up, 0
	}
	pace := float64(p.cores) // processor seconds of work each second
	if spent := now.Sub(p.began); finished > total/20 && spent > 0 {
		pace = float64(finished) / float64(spent)
	}
	build := max(time.Duration(float64(total-finished)/pace), slowest)
	start := time.Duration(float64(starting) * (1 - up))
	whole := float64(total)/pace + float64(starting)
	return 1 - min(1, (float64(total-finished)/pace+float64(start))/whole), build + start
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
