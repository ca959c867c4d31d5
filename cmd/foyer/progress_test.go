package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

func TestProgressGuessesFromWhatItSees(t *testing.T) {
	began := time.Now()
	building := func(done, total int64) devstack.Status {
		return devstack.Status{Name: "dapr", State: devstack.Preparing, Step: devstack.Step{Text: "building", Done: done, Total: total, Work: 400 * time.Second}}
	}
	waiting := devstack.Status{Name: "auth", State: devstack.Waiting}
	up := func(s devstack.Status) devstack.Status { s.State, s.Step = devstack.Healthy, devstack.Step{}; return s }
	p := &progress{cores: 2, jobs: map[string]*job{}}

	done, left := p.see([]devstack.Status{building(0, 100), waiting}, began)
	assert.InDelta(t, 0, done, 0.01)
	assert.Equal(t, 230*time.Second, left, "as measured once, on two cores, and then the start")

	done, left = p.see([]devstack.Status{building(50, 100), waiting}, began.Add(200*time.Second))
	assert.InDelta(t, 0.45, done, 0.05)
	assert.Equal(t, 192*time.Second+500*time.Millisecond, left.Round(500*time.Millisecond), "this machine takes twice as long, as far as can be told yet")

	done, left = p.see([]devstack.Status{building(90, 100), waiting}, began.Add(720*time.Second))
	assert.InDelta(t, 0.86, done, 0.01)
	assert.InDelta(t, 95*time.Second, left, float64(5*time.Second), "it takes four times as long, which shows by now")

	done, left = p.see([]devstack.Status{up(building(0, 0)), waiting}, began.Add(800*time.Second))
	assert.Greater(t, done, 0.9)
	assert.Equal(t, 15*time.Second, left, "half of the parts still start")

	done, left = p.see([]devstack.Status{up(building(0, 0)), up(waiting)}, began.Add(820*time.Second))
	assert.InDelta(t, 1, done, 0.001)
	assert.Zero(t, left)

	_, left = newProgress().see([]devstack.Status{waiting, up(building(0, 0))}, began)
	assert.Zero(t, left, "nothing is built: it is up in a moment")
}

func TestProgressOfWhatCannotBeMeasured(t *testing.T) {
	began := time.Now()
	step := func(name, text string) devstack.Status {
		return devstack.Status{Name: name, State: devstack.Preparing, Step: devstack.Step{Text: text, Work: 40 * time.Second}}
	}
	p := &progress{cores: 2, jobs: map[string]*job{}}
	_, before := p.see([]devstack.Status{step("web", "packages"), step("keycloak", "augmenting")}, began)
	_, after := p.see([]devstack.Status{step("web", "packages"), step("keycloak", "augmenting")}, began.Add(20*time.Second))
	assert.InDelta(t, 20*time.Second, before-after, float64(2*time.Second), "time passes")
	_, last := p.see([]devstack.Status{step("web", "packages"), step("keycloak", "augmenting")}, began.Add(time.Hour))
	assert.Greater(t, last, starting, "what is not over takes a little longer")
}

func TestProgressOfDownloads(t *testing.T) {
	began := time.Now()
	loading := func(done int64) []devstack.Status {
		return []devstack.Status{{Name: "keycloak", State: devstack.Preparing, Step: devstack.Step{Text: "downloading", Done: done, Total: 100, Work: 8 * time.Second, Network: true}}}
	}
	p := &progress{cores: 2, jobs: map[string]*job{}}
	p.see(loading(0), began)
	_, left := p.see(loading(50), began.Add(2*time.Minute))
	assert.Equal(t, 2*time.Minute+starting, left, "the network's pace, not the processors'")
}

func TestAbout(t *testing.T) {
	for left, want := range map[time.Duration]string{0: "", 3 * time.Second: "a few seconds left", 44 * time.Second: "about 40 s left", 200 * time.Second: "about 3 min left"} {
		assert.Equal(t, want, about(left))
	}
}
