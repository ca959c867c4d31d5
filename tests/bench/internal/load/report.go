package load

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// Start runs the named parts of a stack of its own, with all that they lean on; no name means
// the whole platform. Stop ends them and removes their data.
func Start(ctx context.Context, names ...string) (s *devstack.Stack, stop func(), err error) {
	cfg, release, err := devstack.Isolated()
	if err != nil {
		return nil, nil, err
	}
	cfg.ExtraEnv = map[string]string{"FOYER_HOLD_COOLDOWN": "false"} // few accounts do here what many would
	if s, err = devstack.New(cfg); err != nil {
		release()
		return nil, nil, err
	}
	stop = func() {
		s.Stop()
		release()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err = s.Start(names...); err == nil {
		err = s.Wait(ctx)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	first()
	return s, stop, nil
}

// first puts our threads before all others, where we may (root), as clients with processors of
// their own would be: else they measure for how long they themselves waited for one.
func first() {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = devstack.Turn{Nice: -10, Slice: devstack.Short}.Take(id)
		}
	}
}

// Machine describes where a benchmark ran: figures mean little without it.
func Machine() string {
	var cpu, memory string
	eachField("/proc/cpuinfo", "model name", func(v string) { cpu = v })
	eachField("/proc/meminfo", "MemTotal", func(v string) { memory = v })
	var kb int
	_, _ = fmt.Sscan(memory, &kb)
	commit, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	before, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d cores of %s, %d GiB, %s, %s/%s, commit %s, load before %s; clients on the same machine, first in its queue",
		runtime.NumCPU(), cpu, (kb+1<<19)>>20, runtime.Version(), runtime.GOOS, runtime.GOARCH, strings.TrimSpace(string(commit)), before)
}

func eachField(path, name string, found func(string)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			found(strings.TrimSpace(value))
			return
		}
	}
}

// WriteSection keeps one section of a report whose sections are measured on their own, and leaves
// the others as they are. body has no title.
func WriteSection(root, name, title, section, machine, body string) error {
	path := filepath.Join(root, "docs", "results", name+".md")
	text := fmt.Sprintf("# %s\n\n`make bench-%s` repeats this.\n\n", title, name)
	if raw, err := os.ReadFile(path); err == nil {
		text = string(raw)
	}
	heading := "## " + section + "\n"
	fresh := fmt.Sprintf("%s\n%s. %s.\n\n%s\n", heading, time.Now().UTC().Format(time.DateOnly), machine, strings.TrimSpace(body))
	if at := strings.Index(text, heading); at >= 0 {
		end := len(text)
		if next := strings.Index(text[at+len(heading):], "\n## "); next >= 0 {
			end = at + len(heading) + next
		}
		text = text[:at] + fresh + text[end:]
	} else {
		text = strings.TrimRight(text, "\n") + "\n\n" + fresh
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Write keeps a report as docs/results/NAME.md of the tree, with the day and the machine.
func Write(root, name, title, machine, body string) error {
	text := fmt.Sprintf("# %s\n\n%s. %s.\n`make bench-%s` repeats it.\n\n%s", title, time.Now().UTC().Format(time.DateOnly), machine, name, body)
	path := filepath.Join(root, "docs", "results", name+".md")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
