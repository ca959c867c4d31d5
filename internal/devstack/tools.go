package devstack

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// Versions of what is installed by name; the others are pinned in tools/.
const mailpitVersion = "v1.27.11"

// installed returns a directory of the cache, made by install when it is not there yet. The
// directory appears whole or not at all, and one process at a time makes it; the others report that
// they wait for it.
func (c *Config) installed(ctx context.Context, key string, report func(Step), install func(dir string) error) (string, error) {
	dir := filepath.Join(c.Cache, key)
	if exists(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, filepath.Join(c.Cache, key+".lock"), func() {
		report(Step{Text: "waiting for another foyer on this machine, which installs " + key})
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(dir) {
		return dir, nil
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return "", err
	}
	if err := install(partial); err != nil {
		_ = os.RemoveAll(partial) // else the next one does
		return "", fmt.Errorf("install %s: %w", key, cmp.Or(ctx.Err(), err))
	}
	return dir, os.Rename(partial, dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lockFile takes an exclusive lock. Where another process holds it, lockFile calls busy once, if that
// is not nil, and waits.
func lockFile(ctx context.Context, path string, busy func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			file.Close()
			return nil, err
		}
		if busy != nil {
			busy()
			busy = nil
		}
		if err := worker.Sleep(ctx, 100*time.Millisecond); err != nil {
			file.Close()
			return nil, err
		}
	}
}

// mavenSources are what tools/NAME says about its dependencies: the POM and their checksums.
func (c *Config) mavenSources(name string) (pom, sums []byte, err error) {
	if pom, err = os.ReadFile(filepath.Join(c.Root, "tools", name, "pom.xml")); err != nil {
		return nil, nil, err
	}
	sums, err = os.ReadFile(filepath.Join(c.Root, "tools", name, "sha256sums"))
	return pom, sums, err
}

// mavenKey names in the cache what maven installs.
func (c *Config) mavenKey(name string) (string, error) {
	pom, sums, err := c.mavenSources(name)
	return name + "-" + digest(pom, sums), err
}

// maven installs the dependencies of tools/NAME/pom.xml, each compared with the checksum that
// tools/NAME/sha256sums has for it.
func (c *Config) maven(ctx context.Context, name string, report func(Step)) (string, error) {
	_, sums, err := c.mavenSources(name)
	if err != nil {
		return "", err
	}
	key, err := c.mavenKey(name)
	if err != nil {
		return "", err
	}
	return c.installed(ctx, key, report, func(dir string) error {
		// Two Mavens must not share a repository at the same time.
		unlock, err := lockFile(ctx, filepath.Join(c.Cache, "maven.lock"), nil)
		if err != nil {
			return err
		}
		defer unlock()
		repository := filepath.Join(c.Cache, "maven")
		stop := watchSize(repository, name, sums, report)
		err = construct(ctx, "", "mvn", "-B", "-q", "-f", filepath.Join(c.Root, "tools", name, "pom.xml"), "-Dmaven.repo.local="+repository,
			"dependency:copy-dependencies", "-DoutputDirectory="+dir)
		stop()
		if err != nil {
			return err
		}
		return verify(dir, sums)
	})
}

// kafkaLibs is the directory with Kafka's jars: the release's, or collected by Maven.
func (c *Config) kafkaLibs(ctx context.Context, report func(Step)) (string, error) {
	versions, err := c.versions()
	if err != nil {
		return "", err
	}
	collected, err := c.mavenKey("kafka")
	if err != nil {
		return "", err
	}
	dir, reason := c.released(ctx, "kafka", versions["kafka"], collected, report)
	if reason == nil {
		return dir, nil
	}
	return c.maven(ctx, "kafka", because(reason, report))
}

// released is the directory of a project's release, unless otherwise, what is made where it cannot
// be had, is there already.
func (c *Config) released(ctx context.Context, name, version, otherwise string, report func(Step)) (string, error) {
	if dir := filepath.Join(c.Cache, otherwise); exists(dir) {
		return "", &unreleasedError{"there already"}
	}
	return c.installed(ctx, name+"-release-"+version, report, func(dir string) error {
		return c.release(ctx, name, version, dir, report)
	})
}

// versions of what tools/releases.yaml lists.
func (c *Config) versions() (map[string]string, error) {
	found := map[string]string{"mailpit": mailpitVersion, "nats-server": natsVersion}
	for name, where := range map[string]struct{ file, pattern string }{
		"daprd":    {"go.mod", `github\.com/dapr/dapr v(\S+)`},
		"kafka":    {"kafka/pom.xml", `<artifactId>kafka_2\.13</artifactId><version>([^<]+)`},
		"keycloak": {"keycloak/pom.xml", `<artifactId>keycloak-quarkus-dist</artifactId><version>([^<]+)`},
	} {
		raw, err := os.ReadFile(filepath.Join(c.Root, "tools", where.file))
		if err != nil {
			return nil, err
		}
		match := regexp.MustCompile(where.pattern).FindSubmatch(raw)
		if match == nil {
			return nil, fmt.Errorf("tools/%s names no version of %s", where.file, name)
		}
		found[name] = string(match[1])
	}
	return found, nil
}

// because makes the steps that follow tell why it is the longer way.
func because(reason error, report func(Step)) func(Step) {
	text := reason.Error()
	var unreleased *unreleasedError
	if errors.As(reason, &unreleased) {
		text = unreleased.reason
	}
	return func(step Step) {
		step.Text += " (not its release archive: " + text + ")"
		report(step)
	}
}

// watchSize reports how much of a download of known size has arrived. The first line of a
// checksum file carries the size: "# bytes N".
func watchSize(dir, name string, sums []byte, report func(Step)) (stop func()) {
	var total int64
	fmt.Sscanf(string(sums), "# bytes %d", &total)
	before := sizeOf(dir)
	done := make(chan struct{})
	go func() {
		for {
			report(Step{Text: "downloading " + name, Done: min(sizeOf(dir)-before, total), Total: total, Work: workOf[name], Network: true})
			select {
			case <-done:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return func() { close(done) }
}

func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

// verify checks that dir has exactly the files of a sha256sum listing.
func verify(dir string, sums []byte) error {
	want := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] != "#" {
			want[fields[1]] = fields[0]
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		file, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		hash := sha256.New()
		_, err = io.Copy(hash, file)
		file.Close()
		if err != nil {
			return err
		}
		if got := hex.EncodeToString(hash.Sum(nil)); want[entry.Name()] != got {
			return fmt.Errorf("%s has checksum %s, expected %q", entry.Name(), got, want[entry.Name()])
		}
		delete(want, entry.Name())
	}
	if len(want) > 0 {
		return fmt.Errorf("missing: %v", want)
	}
	return nil
}

// daprPrograms are the directories of Dapr's programs: of the sidecar, and of the others.
type daprPrograms struct{ sidecar, control string }

func (d *daprPrograms) path(program string) string {
	if program == "daprd" {
		return filepath.Join(d.sidecar, program)
	}
	return filepath.Join(d.control, program)
}

var controlPrograms = []string{"github.com/dapr/dapr/cmd/placement", "github.com/dapr/dapr/cmd/scheduler", "github.com/dapr/dapr/cmd/sentry"}

// daprTools finds or makes Dapr's programs. The sidecar is the Dapr CLI's when that has our version
// or a later one, or the release's; else it is built with the others, which always are.
func (c *Config) daprTools(ctx context.Context, report func(Step)) (*daprPrograms, error) {
	versions, err := c.versions()
	if err != nil {
		return nil, err
	}
	version := versions["daprd"]
	sidecar := ""
	if home, err := os.UserHomeDir(); err == nil {
		if dir := filepath.Join(home, ".dapr", "bin"); daprAtLeast(ctx, dir, version) {
			sidecar = dir
		}
	}
	if sidecar == "" {
		key, err := c.daprKey(version)
		if err != nil {
			return nil, err
		}
		if sidecar, err = c.released(ctx, "daprd", version, "dapr-"+key, report); err != nil {
			report = because(err, report)
		}
	}
	if sidecar != "" {
		control, err := c.buildDapr(ctx, "dapr-control", version, controlPrograms, report)
		return &daprPrograms{sidecar, control}, err
	}
	all, err := c.buildDapr(ctx, "dapr", version, append([]string{"./daprd"}, controlPrograms...), report)
	return &daprPrograms{all, all}, err
}

// daprKey names in the cache what is built of Dapr.
func (c *Config) daprKey(version string) (string, error) {
	sources := [][]byte{fmt.Append(nil, daprChanges)}
	for _, name := range []string{"go.mod", "go.sum", filepath.Join("daprd", "main.go")} {
		source, err := os.ReadFile(filepath.Join(c.Root, "tools", name))
		if err != nil {
			return "", err
		}
		sources = append(sources, source)
	}
	return version + "-" + digest(sources...), nil
}

// buildDapr builds some of Dapr's programs from the module proxy.
func (c *Config) buildDapr(ctx context.Context, name, version string, programs []string, report func(Step)) (string, error) {
	key, err := c.daprKey(version)
	if err != nil {
		return "", err
	}
	return c.installed(ctx, name+"-"+key, report, func(dir string) error {
		report(Step{Text: "downloading the modules of Dapr " + version, Work: workOf[name]})
		modfile, err := c.daprModule(ctx, key, report)
		if err != nil {
			return err
		}
		args := []string{"-modfile=" + modfile}
		list := exec.CommandContext(ctx, "go", slices.Concat([]string{"list", "-deps"}, args, programs)...)
		list.Dir = filepath.Join(c.Root, "tools")
		packages, err := list.Output()
		if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		total := int64(bytes.Count(packages, []byte("\n")))
		build := goCommand(slices.Concat([]string{"build", "-v"}, undebuggable, []string{"-o", dir + "/"}, args, programs)...)
		build.Dir = list.Dir
		return scanLines(ctx, build, builders(), func(n int64) {
			report(Step{Text: "building Dapr " + version, Done: min(n, total), Total: total, Work: workOf[name]})
		})
	})
}

// undebuggable builds a program without what a debugger needs: a seventh of the compiler's work is
// saved, and half of the file.
var undebuggable = []string{"-gcflags=all=-dwarf=false", "-ldflags=-s -w"}

// goCommand runs the Go command for compiling. Its compiler and linker collect their garbage a quarter
// as often as by default, up to a bound, which saves a quarter of their work.
func goCommand(args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOGC=400", "GOMEMLIMIT=2GiB")
	return cmd
}

// daprChanges are what we change in Dapr's source.
var daprChanges = []struct{ file, from, to string }{
	// Its health servers ignore the address that --healthz-listen-address gives, and listen on all.
	{filepath.Join("pkg", "healthz", "server", "server.go"), `net.Listen("tcp", fmt.Sprintf(":%d", s.port))`, `net.Listen("tcp", fmt.Sprintf("` + host + `:%d", s.port))`},
	// A daprd that was not told which set of components to have gives up; ours names its own.
	{filepath.Join("cmd", "daprd", "components", "zz_notag.go"), "panic(", "_ = string("},
}

// daprModule is a copy of Dapr's module with our change, and the go.mod that builds from it.
func (c *Config) daprModule(ctx context.Context, key string, report func(Step)) (modfile string, err error) {
	tools := filepath.Join(c.Root, "tools")
	dir, err := c.installed(ctx, "dapr-source-"+key, report, func(dir string) error {
		download := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/dapr/dapr")
		download.Dir = tools
		answer, err := download.Output()
		if err != nil {
			return fmt.Errorf("go mod download: %w: %s", err, answer)
		}
		var module struct{ Dir string }
		if err := json.Unmarshal(answer, &module); err != nil {
			return err
		}
		source := filepath.Join(dir, "dapr")
		if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
			return err
		}
		for _, change := range daprChanges {
			changed := filepath.Join(source, change.file)
			text, err := os.ReadFile(changed)
			if err != nil {
				return err
			}
			if strings.Count(string(text), change.from) != 1 {
				return fmt.Errorf("%s of this Dapr is not what daprChanges expects", change.file)
			}
			// What comes from the module cache cannot be written to.
			if err := os.Remove(changed); err != nil {
				return err
			}
			if err := os.WriteFile(changed, []byte(strings.Replace(string(text), change.from, change.to, 1)), 0o644); err != nil {
				return err
			}
		}
		gomod, err := os.ReadFile(filepath.Join(tools, "go.mod"))
		if err != nil {
			return err
		}
		gosum, err := os.ReadFile(filepath.Join(tools, "go.sum"))
		if err != nil {
			return err
		}
		gomod = fmt.Appendf(gomod, "\nreplace github.com/dapr/dapr => %s\n", filepath.Join(c.Cache, "dapr-source-"+key, "dapr"))
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), gomod, 0o644); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "go.sum"), gosum, 0o644)
	})
	return filepath.Join(dir, "go.mod"), err
}

// workOf is what installing something takes of one processor. The estimate of the time left starts from
// it. Measured on two cores with empty caches, by the processor_time that finish logs; dapr-control in
// proportion to its packages.
var workOf = map[string]time.Duration{
	"dapr": 610 * time.Second, "dapr-control": 400 * time.Second, "mailpit": 125 * time.Second, "nats-server": 25 * time.Second,
	"kafka": 13 * time.Second, "elasticsearch": 14 * time.Second, "keycloak": 12 * time.Second, "keycloak-dist": 50 * time.Second,
	"web": 45 * time.Second, "services": 190 * time.Second,
}

func daprAtLeast(ctx context.Context, dir, version string) bool {
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "daprd"), "--version").Output()
	if err != nil {
		return false
	}
	var have, want [2]int
	fmt.Sscanf(string(out), "%d.%d", &have[0], &have[1])
	fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	return slices.Compare(have[:], want[:]) >= 0
}

// scanLines constructs by a command, counting the lines it writes to its standard error.
func scanLines(ctx context.Context, cmd *exec.Cmd, spawn func(*exec.Cmd) error, count func(n int64)) error {
	var last []string
	n := int64(0)
	out := &lineWriter{line: func(line string) {
		n++
		count(n)
		last = append(last[max(0, len(last)-20):], line)
	}}
	cmd.Stderr = out
	if err := finish(ctx, cmd, spawn); err != nil {
		return fmt.Errorf("%w\n%s", err, strings.Join(last, "\n"))
	}
	return nil
}

// lineWriter hands on what is written line by line.
type lineWriter struct {
	line func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.line(string(line))
		w.rest = rest
	}
}

// goInstall installs one program at a version from the module proxy, or its release.
func (c *Config) goInstall(ctx context.Context, module, version string, report func(Step)) (string, error) {
	name := filepath.Base(strings.TrimSuffix(module, "/v2"))
	dir, err := c.installed(ctx, name+"-"+version, report, func(dir string) error {
		reason := c.release(ctx, name, version, dir, report)
		if reason == nil || ctx.Err() != nil {
			return reason
		}
		because(reason, report)(Step{Text: "building " + name + " " + version, Work: workOf[name]})
		cmd := goCommand(slices.Concat([]string{"install"}, undebuggable, []string{module + "@" + version})...)
		cmd.Env = append(cmd.Env, "GOBIN="+dir, "GOFLAGS=")
		return runCmd(ctx, cmd, builders())
	})
	return filepath.Join(dir, name), err
}

// builders starts what installs parts: behind the parts that already start, but not for nothing on a
// machine that has more to do.
var builders = sync.OnceValue(func() func(*exec.Cmd) error { return spawner(Turn{Nice: 5}) })

// helpers starts commands that a part's start waits for.
var helpers = sync.OnceValue(func() func(*exec.Cmd) error { return spawner(usual) })

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return runCmd(ctx, cmd, helpers())
}

// construct is run for what takes long and may take longer.
func construct(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return runCmd(ctx, cmd, builders())
}

// runCmd runs a command to its end; the error carries the end of what it said.
func runCmd(ctx context.Context, cmd *exec.Cmd, spawn func(*exec.Cmd) error) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := finish(ctx, cmd, spawn); err != nil {
		text := strings.TrimSpace(out.String())
		if len(text) > 4000 {
			text = "…" + text[len(text)-4000:]
		}
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, text)
	}
	return nil
}

// finish runs a command to its end. When ctx ends first, so does the command, with all that it started.
func finish(ctx context.Context, cmd *exec.Cmd, spawn func(*exec.Cmd) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := spawn(cmd); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { killGroup(cmd) })
	defer stop()
	err := cmd.Wait()
	if used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used > time.Second {
		// What workOf is measured by.
		slog.InfoContext(ctx, "command ended", "command", strings.Join(cmd.Args, " "), "processor_time", used.Round(time.Second).String())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func digest(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}
