// Command web measures what a customer with a phone waits for: the first pages, cold and throttled,
// and the map of twenty thousand seats during gestures. It drives a real Chromium by the
// DevTools protocol, in Go like the other benchmarks, because it needs nothing else of Playwright.
// Each section is written as soon as it is measured; the argument pages or map selects
// one of them. FOYER_URL names a running stack to use instead of starting one.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench-web:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	machine := load.Machine()
	fmt.Println(machine)
	site, root, stop, err := open(ctx)
	if err != nil {
		return err
	}
	defer stop()
	events := map[string]string{}
	for _, name := range []string{"La Mouette", "Aurora Sessions"} {
		if events[name], err = site.event(ctx, name); err != nil {
			return err
		}
	}
	wanted := "all"
	if len(os.Args) > 1 {
		wanted = os.Args[1]
	}
	if wanted != "map" {
		if err := pages(ctx, site.url, root, machine, events); err != nil {
			return err
		}
	}
	if wanted != "pages" {
		return house(ctx, site.url+"/events/"+events["Aurora Sessions"]+"/tickets", root, machine)
	}
	return nil
}

func pages(ctx context.Context, base, root, machine string, events map[string]string) error {
	var all []visit
	for _, p := range []page{
		{"home", "/", "en"},
		{"search", "/search?q=berlin", "en"},
		{"event", "/events/" + events["La Mouette"], "en"},
		{"seats, 1,200", "/events/" + events["La Mouette"] + "/tickets", "en"},
		{"home, French", "/", "fr"},
		{"home, Vietnamese", "/", "vi"},
		{"home, Arabic", "/", "ar"},
	} {
		v, err := measurePage(ctx, base, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Println(v.row())
		all = append(all, v)
	}
	return load.WriteSection(root, "web", "The web app", "First pages", machine, reportPages(all))
}

func house(ctx context.Context, address, root, machine string) error {
	var all []movement
	for _, screen := range []screen{desktop, phone} {
		m, err := measureMap(ctx, address, screen)
		if err != nil {
			return fmt.Errorf("map, %s: %w", screen.name, err)
		}
		for _, one := range m {
			fmt.Println(one.row())
		}
		all = append(all, m...)
	}
	return load.WriteSection(root, "web", "The web app", "The map of twenty thousand seats", machine, reportMap(all))
}

// site is a running platform.
type site struct{ url string }

func open(ctx context.Context) (s site, root string, stop func(), err error) {
	if running := os.Getenv("FOYER_URL"); running != "" {
		cfg, err := devstack.Load()
		return site{running}, cfg.Root, func() {}, err
	}
	own, stop, err := load.Start(ctx)
	if err != nil {
		return site{}, "", nil, err
	}
	_, err = seed.Run(ctx, seed.Config{
		BaseURL: own.Config.PublicURL, Now: time.Now(), HTTP: http.DefaultClient,
		Token: func(ctx context.Context) (string, error) {
			return own.Config.Token(ctx, "merchant@foyer.test", "foyer-local")
		},
	})
	if err != nil {
		stop()
		return site{}, "", nil, err
	}
	return site{own.Config.PublicURL}, own.Config.Root, stop, nil
}

// event finds a seeded event; the index may follow a moment later.
func (s site) event(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		var found struct {
			Items []struct{ ID, Name string }
		}
		err := s.get(ctx, "/api/v1/search?q="+url.QueryEscape(name), &found)
		for _, item := range found.Items {
			if item.Name == name {
				return item.ID, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s is not found: %w", name, errors.Join(err, ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s site) get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(out)
}

// chromium is a real browser with an empty profile, drawing in software; it ends with the context.
func chromium(ctx context.Context) (context.Context, func(), error) {
	program, err := exec.LookPath(cmp.Or(os.Getenv("CHROMIUM"), "chromium"))
	if err != nil {
		return nil, nil, fmt.Errorf("no Chromium (Debian: apt-get install chromium): %w", err)
	}
	ctx, timeout := context.WithTimeout(ctx, 90*time.Second)
	ctx, stop := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))...)
	ctx, cancel := chromedp.NewContext(ctx)
	return ctx, func() { cancel(); stop(); timeout() }, nil
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func reportPages(all []visit) string {
	var b strings.Builder
	fmt.Fprintf(&b, `Cold, with nothing in the browser's cache, as a phone of 390 × 844: %s down, %s up, %s there and back, the processor
slowed down %d times. The median of %d visits. JavaScript is what the gateway sends, compressed, until the page is at rest.

| page | LCP | goal | CLS | goal | JavaScript | goal |
|---|---:|---|---:|---|---:|---|
`, "8.1 Mbit/s", "1.35 Mbit/s", latency, slowdown, visits)
	for _, v := range all {
		b.WriteString(v.row() + "\n")
	}
	return b.String()
}

func reportMap(all []movement) string {
	var b strings.Builder
	fmt.Fprintf(&b, `Not throttled, drawn without a graphics card. A frame is counted when the browser asks for the next one
(requestAnimationFrame), %d of them a movement, the best of %d rounds; "at rest" is what this browser reaches on this
machine when nothing moves. The work is the main thread's own time a frame, which other programs do not lengthen.

| map | first paint | goal | movement | frames/s | goal | 95 %% of frames within | work a frame |
|---|---:|---|---|---:|---|---:|---:|
`, frames, rounds)
	for _, m := range all {
		b.WriteString(m.row() + "\n")
	}
	return b.String()
}
