package devstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Finding is the result of one check.
type Finding struct {
	Subject string
	Found   string
	Problem string // what to do; empty when all is well
}

// Examine checks whether the machine has what the stack needs.
func Examine(ctx context.Context, cfg Config) []Finding {
	findings := []Finding{program(ctx, "java", "apt-get install openjdk-17-jdk-headless", "-version")}
	for _, tool := range toolchains {
		findings = append(findings, program(ctx, tool.program, tool.remedy, tool.version))
	}
	for _, need := range debianNeeds() {
		findings = append(findings, program(ctx, need.program, "apt-get install "+need.pkg, need.version))
	}
	postgres := Finding{Subject: "postgres"}
	if bin, err := postgresBin(); err != nil {
		postgres.Problem = err.Error()
	} else {
		postgres.Found = bin
		if os.Getuid() == 0 {
			if _, _, err := databaseUser(); err != nil {
				postgres.Problem = err.Error()
			}
		}
	}
	findings = append(findings, postgres, memory(), disk(cfg))
	// Ports matter only while the stack is down: afterwards they are ours.
	if _, err := NewClient(cfg).Status(ctx); errors.Is(err, ErrNotRunning) {
		findings = append(findings, ports(cfg)...)
	}
	return findings
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

func program(ctx context.Context, name, remedy string, versionArg string) Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return Finding{Subject: name, Problem: remedy}
	}
	out, _ := exec.CommandContext(ctx, path, versionArg).CombinedOutput()
	return Finding{Subject: name, Found: strings.TrimSpace(path + " " + versionNumber.FindString(string(out)))}
}

func memory() Finding {
	const need = 5 << 30
	raw, _ := os.ReadFile("/proc/meminfo")
	match := regexp.MustCompile(`MemAvailable:\s+(\d+) kB`).FindSubmatch(raw)
	if match == nil {
		return Finding{Subject: "memory", Found: "unknown"}
	}
	kb, _ := strconv.ParseInt(string(match[1]), 10, 64)
	f := Finding{Subject: "memory", Found: fmt.Sprintf("%.1f GB available", float64(kb)/(1<<20))}
	if kb<<10 < need {
		f.Problem = "the whole stack takes up to 5 GB"
	}
	return f
}

func disk(cfg Config) Finding {
	const need = 4 << 30
	f := Finding{Subject: "disk"}
	for _, dir := range []string{cfg.Data, cfg.Cache} {
		for !exists(dir) {
			dir = filepath.Dir(dir)
		}
		var stat syscall.Statfs_t
		if err := syscall.Statfs(dir, &stat); err != nil {
			f.Problem = err.Error()
			return f
		}
		available := stat.Bavail * uint64(stat.Bsize)
		f.Found = fmt.Sprintf("%.1f GB free for %s", float64(available)/(1<<30), dir)
		if available < need {
			f.Problem = "parts, data and logs take about 4 GB: " + dir
			return f
		}
	}
	return f
}

func ports(cfg Config) []Finding {
	s, err := New(cfg)
	if err != nil {
		return []Finding{{Subject: "configuration", Problem: err.Error()}}
	}
	var findings []Finding
	for _, name := range s.Names() {
		r, _ := s.runner(name)
		if err := requireFree(r.part.Ports...); err != nil {
			findings = append(findings, Finding{Subject: "port of " + name, Problem: err.Error()})
		}
	}
	if findings == nil {
		findings = []Finding{{Subject: "ports", Found: "all free"}}
	}
	return findings
}

// Memory returns the resident memory of a process and its children, in bytes.
func Memory(pid int) int64 {
	if pid == 0 {
		return 0
	}
	var total int64
	for _, member := range family(pid) {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", member))
		if err != nil {
			continue
		}
		// The proportional set size counts pages that several processes share once.
		if match := regexp.MustCompile(`(?m)^Pss:\s+(\d+) kB`).FindSubmatch(raw); match != nil {
			kb, _ := strconv.ParseInt(string(match[1]), 10, 64)
			total += kb << 10
		}
	}
	return total
}

// family returns a process and its descendants; PostgreSQL and nginx have many.
func family(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid …; the name may hold anything, so count from its end.
		_, rest, ok := strings.Cut(string(raw[max(0, strings.LastIndexByte(string(raw), ')')):]), " ")
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 {
			child, _ := strconv.Atoi(strings.Split(path, "/")[2])
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// Exports returns shell commands that set the variables which dapr/dapr.yaml takes from the environment.
func Exports(cfg Config) (string, error) {
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		return "", err
	}
	secrets, err := loadSecrets(&cfg)
	if err != nil {
		return "", err
	}
	s := &Stack{Config: cfg}
	env := s.sidecarEnv("", secrets) // the Dapr CLI has one environment for all apps
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&text, "export %s='%s'\n", name, strings.ReplaceAll(env[name], "'", `'\''`))
	}
	return text.String(), nil
}

// Wipe deletes the data of a stopped stack, including logs and built programs.
func Wipe(cfg Config) error {
	if dir := postgresDir(&cfg); !strings.HasPrefix(dir, cfg.Data) {
		if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	return os.RemoveAll(cfg.Data)
}
