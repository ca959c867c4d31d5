package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	cdp "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// What a mid phone on a fast mobile network has: the "Fast 4G" of Chromium's own tools.
const (
	down     = 8.1e6 / 8 // bytes a second
	up       = 1.35e6 / 8
	latency  = 165 * time.Millisecond
	slowdown = 4
	visits   = 3
)

type page struct{ name, path, locale string }

// visit is what one page was like, over all visits.
type visit struct {
	page
	lcp    []float64 // ms
	cls    []float64
	script []int64 // bytes
	what   string  // the largest element
}

func (v visit) row() string {
	return fmt.Sprintf("| %s | %.2f s | < 1.5 s | %.3f | < 0.02 | %d KB | < 150 KB |",
		v.name, median(v.lcp)/1000, median(v.cls), (median(v.script)+512)/1024)
}

// watch notes, from before the page's own scripts, what is painted last and what moves.
const watch = `
window.seen = { lcp: 0, cls: 0, what: '' }
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) Object.assign(seen, { lcp: e.startTime, what: e.element ? e.element.tagName + '.' + e.element.className : '' })
}).observe({ type: 'largest-contentful-paint', buffered: true })
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) seen.cls += e.value
}).observe({ type: 'layout-shift', buffered: true })
`

const result = `JSON.parse(JSON.stringify({ ...seen, script: performance.getEntriesByType('resource')
  .filter((e) => /\.js(\?|$)/.test(e.name) && !e.name.endsWith('/sw.js')).reduce((n, e) => n + e.encodedBodySize, 0) }))`

func measurePage(ctx context.Context, base string, p page) (visit, error) {
	v := visit{page: p}
	for range visits {
		browser, end, err := chromium(ctx)
		if err != nil {
			return v, err
		}
		var seen struct {
			LCP    float64 `json:"lcp"`
			CLS    float64 `json:"cls"`
			What   string  `json:"what"`
			Script int64   `json:"script"`
		}
		err = chromedp.Run(browser,
			network.Enable(),
			network.EmulateNetworkConditions(false, float64(latency/time.Millisecond), down, up),
			emulation.SetDeviceMetricsOverride(390, 844, 2, true),
			emulation.SetTouchEmulationEnabled(true),
			emulation.SetUserAgentOverride(agent).WithAcceptLanguage(p.locale),
			emulation.SetCPUThrottlingRate(slowdown),
			chromedp.ActionFunc(func(ctx context.Context) error {
				_, err := cdp.AddScriptToEvaluateOnNewDocument(watch).Do(ctx)
				return err
			}),
			chromedp.Navigate(base+p.path),
			chromedp.Sleep(4*time.Second), // what comes late would shift what is there
			chromedp.Evaluate(result, &seen),
		)
		end()
		if err != nil {
			return v, err
		}
		v.lcp, v.cls, v.script, v.what = append(v.lcp, seen.LCP), append(v.cls, seen.CLS), append(v.script, seen.Script), seen.What
	}
	fmt.Printf("%s: LCP %.0f ms (%s), CLS %.3f\n", p.name, v.lcp, v.what, v.cls)
	return v, nil
}

const agent = "Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
