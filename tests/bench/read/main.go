// Command read measures reads of the catalogue: an event and a page of the list. Through the gateway's
// cache it compares them with the same bytes as a static file of the same nginx; without the cache, with
// a minimal Go program that reads the same rows.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/foyer-tickets/foyer/data"
	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/services/catalog"
	"github.com/foyer-tickets/foyer/services/catalog/postgres"
	"github.com/foyer-tickets/foyer/services/catalog/seed"
	"github.com/foyer-tickets/foyer/tests/bench/internal/load"
)

// Bounds of the run.
const (
	clients = 64
	rounds  = 5
	warmUp  = 500 * time.Millisecond
	measure = 2 * time.Second
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "bare" {
		fmt.Fprintln(os.Stderr, serveBare(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench-read:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	machine := load.Machine()
	fmt.Println(machine)
	s, stop, err := load.Start(ctx, "catalog", "gateway")
	if err != nil {
		return err
	}
	defer stop()
	events, err := fill(ctx, s.Config.DatabaseURL("catalog"))
	if err != nil {
		return err
	}
	gateway := fmt.Sprintf("http://127.0.0.1:%d", s.Config.Ports.Gateway)
	service, bare, endBare, err := services(ctx, s)
	if err != nil {
		return err
	}
	defer endBare()
	paths := map[string]string{"event": "/api/v1/events/" + events[len(events)/2], "list": "/api/v1/events?limit=20"}
	static, err := extend(s, gateway, paths)
	if err != nil {
		return err
	}

	var unique atomic.Int64
	h := load.NewHTTP(clients)
	past := func(url string) load.Call { // with a query of its own, each answer is new
		mark := "?n="
		if strings.Contains(url, "?") {
			mark = "&n="
		}
		return func(ctx context.Context, _, _ int) (string, error) {
			return h.Do(ctx, http.MethodGet, url+mark+fmt.Sprint(unique.Add(1)), "", nil, nil)
		}
	}
	var all []*scenario
	for _, what := range []string{"event", "list"} {
		path := paths[what]
		file := &scenario{name: what + ", a static file of the same nginx", call: h.Get(gateway + static[what])}
		handler := &scenario{name: what + ", a bare Go handler on Postgres", call: h.Get(bare + path)}
		all = append(all,
			file, &scenario{name: what + ", gateway, cached", call: h.Get(gateway + path), against: file, goal: .5},
			handler, &scenario{name: what + ", catalog itself", call: h.Get(service + path), against: handler, goal: .5},
			&scenario{name: what + ", gateway, past its cache", call: h.Get(gateway + "/uncached" + path), against: handler, goal: .5},
			&scenario{name: what + ", gateway, each answer new to its cache", call: past(gateway + path), against: handler})
	}
	for range rounds {
		for _, sc := range all {
			load.Run(ctx, load.Plan{Clients: clients, Duration: warmUp}, sc.call)
			r := load.Run(ctx, load.Plan{Clients: clients, Duration: measure}, sc.call)
			if err := r.Only("200"); err != nil {
				return fmt.Errorf("%s: %w", sc.name, err)
			}
			fmt.Printf("%-45s %s\n", sc.name, r)
			sc.results = append(sc.results, r)
		}
	}
	return load.Write(s.Config.Root, "read", "Reading the catalogue", machine, report(all, len(events)))
}

// scenario is one thing to measure, and what it is to be compared with.
type scenario struct {
	name    string
	call    load.Call
	against *scenario
	goal    float64
	results []load.Result
}

// best is the round that was disturbed least by what else the machine does.
func (s *scenario) best() load.Result {
	return slices.MaxFunc(s.results, func(a, b load.Result) int { return cmp.Compare(a.Rate(), b.Rate()) })
}

func report(all []*scenario, events int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d published events, %d clients that each keep one connection, the best of %d rounds of %s.\n\n", events, clients, rounds, measure)
	b.WriteString("| what | requests/s | p50 | p99 | ratio | goal |\n|---|---:|---:|---:|---:|---|\n")
	for _, s := range all {
		r, ratio, goal := s.best(), "", ""
		if s.against != nil {
			ratio = fmt.Sprintf("%.2f", r.Rate()/s.against.best().Rate())
		}
		if s.goal > 0 {
			goal = fmt.Sprintf("≥ %.1f", s.goal)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %s | %s | %s | %s |\n", s.name, r.Rate(), r.Quantile(50).Round(10*time.Microsecond), r.Quantile(99).Round(10*time.Microsecond), ratio, goal)
	}
	b.WriteString(`
The ratio is to the row above that names a static file or a bare handler: no routes, contract, identity,
metrics, traces, logs, ETags or cursors. "Past its cache" is the way of whoever is signed in, but for
the check of a token: one hop more than the bare handler. "Each answer new" has nginx write every answer
to its cache as well. Nothing is random: the events are the conferences in data/.
`)
	fmt.Print("\n" + b.String())
	return b.String()
}

// fill stores the conferences that ship with Foyer, as an import does.
func fill(ctx context.Context, url string) (ids []string, err error) {
	pool, err := database.Open(ctx, url, postgres.Migrations())
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	file, err := seed.Upcoming(data.Conferences, time.Now())
	if err != nil {
		return nil, err
	}
	err = catalog.ReadImport(bytes.NewReader(file), func(r catalog.Record) error {
		if r.Err != nil {
			return r.Err
		}
		id, _, err := postgres.Store{Pool: pool}.Import(ctx, "bench", r.Imported, time.Now())
		ids = append(ids, id.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, "VACUUM ANALYZE")
	return ids, err
}

// services gives the addresses of catalog and of the bare handler, which it starts.
func services(ctx context.Context, s *devstack.Stack) (service, bare string, end func(), err error) {
	for _, app := range s.Apps {
		if app.ID == "catalog" {
			service = fmt.Sprintf("http://127.0.0.1:%d", app.Port)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", "", nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", s.Config.NextPort())
	cmd := exec.CommandContext(ctx, self, "bare", address, s.Config.DatabaseURL("catalog"))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", "", nil, err
	}
	return service, "http://" + address, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, await("http://" + address + "/api/v1/events?limit=1")
}

// extend has the stack's own nginx serve the answers of paths as files too, and below /uncached
// pass requests on as it does for whoever is signed in.
func extend(s *devstack.Stack, gateway string, paths map[string]string) (static map[string]string, err error) {
	dir := filepath.Join(s.Config.Data, "gateway")
	static = map[string]string{}
	for what, path := range paths {
		answer, err := fetch(gateway + path)
		if err != nil {
			return nil, err
		}
		static[what] = "/bench/" + what + ".json"
		if err := os.MkdirAll(filepath.Join(dir, "bench"), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, static[what]), answer, 0o644); err != nil {
			return nil, err
		}
	}
	conf := filepath.Join(dir, "nginx.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		return nil, err
	}
	before, after, ok := bytes.Cut(text, []byte("        location /assets/ {"))
	if !ok {
		return nil, errors.New("the gateway's configuration has no place for the files")
	}
	location := "        location /bench/ { root " + dir + "; }\n" +
		"        location /uncached/ { include " + dir + "/service.conf; rewrite ^/uncached(/.*)$ $1 break; proxy_pass http://catalog; }\n" +
		"        location /assets/ {"
	if err := os.WriteFile(conf, slices.Concat(before, []byte(location), after), 0o644); err != nil {
		return nil, err
	}
	for _, part := range s.Status() {
		if part.Name == "gateway" {
			if err := syscall.Kill(part.PID, syscall.SIGHUP); err != nil {
				return nil, err
			}
		}
	}
	for _, path := range append(slices.Collect(maps.Values(static)), "/uncached"+paths["event"]) {
		if err := await(gateway + path); err != nil {
			return nil, err
		}
	}
	return static, nil
}

func fetch(url string) ([]byte, error) {
	res, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}

func await(url string) (err error) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err = fetch(url); err == nil {
			return nil
		}
	}
	return err
}
