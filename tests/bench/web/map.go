package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	frames = 150
	rounds = 3
)

type screen struct {
	name          string
	width, height int64
	ratio         float64
	mobile        bool
}

var (
	desktop = screen{"laptop, 1280 × 860", 1280, 860, 1, false}
	phone   = screen{"phone, 390 × 844", 390, 844, 2, true}
)

// movement is one way of moving over the map, over all rounds.
type movement struct {
	screen
	name  string
	paint []float64 // ms to the first paint of the map
	goal  string
	rate  float64 // of the best round
	p95   float64
	work  []float64 // ms of the main thread's own time a frame
}

func (m movement) row() string {
	return fmt.Sprintf("| %s | %.2f s | < 1 s | %s | %.0f | %s | %.0f ms | %.1f ms |",
		m.screen.name, median(m.paint)/1000, m.name, m.rate, m.goal, m.p95, median(m.work))
}

// move acts a gesture out, one step a frame, and gives the frames' times.
const move = `(kind, frames) => new Promise((done) => {
  const box = document.querySelector('.map-box')
  const at = box.getBoundingClientRect()
  const x = at.left + at.width / 2, y = at.top + at.height / 2
  const finger = (type, x, y) => box.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: y, bubbles: true, button: 0 }))
  box.setPointerCapture = () => {}
  const times = []
  if (kind === 'pan') finger('pointerdown', x, y)
  const step = (now) => {
    const i = times.push(now)
    if (kind === 'pan') finger('pointermove', x + Math.sin(i / 25) * at.width / 4, y + Math.sin(i / 18) * at.height / 5)
    if (kind === 'zoom') box.dispatchEvent(new WheelEvent('wheel', { clientX: x + at.width / 8, clientY: y - at.height / 6, deltaY: i % 100 < 50 ? -25 : 25, cancelable: true, bubbles: true }))
    if (i <= frames) return requestAnimationFrame(step)
    if (kind === 'pan') finger('pointerup', x, y)
    done(times)
  }
  requestAnimationFrame(step)
})`

// nearer brings seats into sight that are drawn one by one.
const nearer = `(() => {
  const box = document.querySelector('.map-box'), at = box.getBoundingClientRect()
  for (let i = 0; i < 24; i++) box.dispatchEvent(new WheelEvent('wheel', { clientX: at.left + at.width / 2, clientY: at.top + at.height / 5, deltaY: -60, cancelable: true }))
})()`

func measureMap(ctx context.Context, address string, s screen) ([]movement, error) {
	kinds := []struct{ name, kind, goal string }{
		{"at rest", "rest", ""}, {"pan, whole map", "pan", "≥ 55"}, {"zoom in and out", "zoom", "≥ 55"}, {"pan among seats", "pan", "≥ 55"},
	}
	all := make([]movement, len(kinds))
	for range rounds {
		if err := oneRound(ctx, address, s, func(ctx context.Context, paint float64) error {
			for i, k := range kinds {
				m := &all[i]
				m.screen, m.name, m.goal = s, k.name, k.goal
				m.paint = append(m.paint, paint)
				if k.name == "pan among seats" {
					if err := chromedp.Run(ctx, chromedp.Evaluate(nearer, nil), chromedp.Sleep(500*time.Millisecond)); err != nil {
						return err
					}
				}
				if err := m.measure(ctx, k.kind); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func oneRound(ctx context.Context, address string, s screen, with func(context.Context, float64) error) error {
	ctx, end, err := chromium(ctx)
	if err != nil {
		return err
	}
	defer end()
	var paint float64
	if err := chromedp.Run(ctx,
		emulation.SetDeviceMetricsOverride(s.width, s.height, s.ratio, s.mobile),
		performance.Enable().WithTimeDomain(performance.EnableTimeDomainThreadTicks),
		chromedp.Navigate(address),
		chromedp.Poll(`performance.getEntriesByName('foyer:map')[0]?.startTime`, &paint, chromedp.WithPollingTimeout(30*time.Second)),
		chromedp.Sleep(1500*time.Millisecond),
	); err != nil {
		return err
	}
	return with(ctx, paint)
}

func (m *movement) measure(ctx context.Context, kind string) error {
	before, err := threadTime(ctx)
	if err != nil {
		return err
	}
	var times []float64
	call := fmt.Sprintf("(%s)(%q, %d)", strings.TrimSpace(move), kind, frames)
	if err := chromedp.Run(ctx, chromedp.Evaluate(call, &times, chromedp.EvalAsValue, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })); err != nil {
		return err
	}
	after, err := threadTime(ctx)
	if err != nil {
		return err
	}
	var gaps []float64
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	slices.Sort(gaps)
	rate := float64(len(gaps)) * 1000 / (times[len(times)-1] - times[0])
	if rate > m.rate {
		m.rate, m.p95 = rate, gaps[len(gaps)*95/100]
	}
	m.work = append(m.work, (after-before)*1000/float64(len(gaps)))
	return nil
}

// threadTime is how long the page's main thread has worked, in seconds.
func threadTime(ctx context.Context) (seconds float64, err error) {
	err = chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		metrics, err := performance.GetMetrics().Do(ctx)
		for _, metric := range metrics {
			if metric.Name == "TaskDuration" {
				seconds = metric.Value
			}
		}
		return err
	}))
	return seconds, err
}
