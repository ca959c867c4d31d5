package stack

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Versions of what is installed by name; the others are pinned in tools/.
const mailpitVersion = "v1.27.11"

// installed returns a directory of the cache, made by install when it is not there yet. The
// directory appears whole or not at all, and one process at a time makes it.
func (c *Config) installed(ctx context.Context, key string, install func(dir string) error) (string, error) {
	dir := filepath.Join(c.Cache, key)
	if exists(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, filepath.Join(c.Cache, key+".lock"))
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
		return "", fmt.Errorf("install %s: %w", key, err)
	}
	return dir, os.Rename(partial, dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lockFile takes an exclusive lock, waiting for whoever has it.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
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
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// maven installs the dependencies of tools/NAME/pom.xml, each compared with the checksum that
// tools/NAME/sha256sums has for it.
func (c *Config) maven(ctx context.Context, name string, report func(Step)) (string, error) {
	pom := filepath.Join(c.Root, "tools", name, "pom.xml")
	rawPOM, err := os.ReadFile(pom)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(c.Root, "tools", name, "sha256sums"))
	if err != nil {
		return "", err
	}
	key := name + "-" + digest(rawPOM, sums)
	return c.installed(ctx, key, func(dir string) error {
		// Two Mavens must not share a repository at the same time.
		unlock, err := lockFile(ctx, filepath.Join(c.Cache, "maven.lock"))
		if err != nil {
			return err
		}
		defer unlock()
		repository := filepath.Join(c.Cache, "maven")
		stop := watchSize(repository, name, sums, report)
		defer stop()
		if err := run(ctx, "", "mvn", "-B", "-q", "-f", pom, "-Dmaven.repo.local="+repository,
			"dependency:copy-dependencies", "-DoutputDirectory="+dir); err != nil {
			return err
		}
		return verify(dir, sums)
	})
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
			report(Step{Text: "downloading " + name, Done: min(sizeOf(dir)-before, total), Total: total})
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

// daprTools returns the directory with daprd, placement and scheduler: the Dapr CLI's when it
// has all three at the version we need or later, else built from the module proxy.
func (c *Config) daprTools(ctx context.Context, report func(Step)) (string, error) {
	var sources [][]byte
	for _, name := range []string{"go.mod", "go.sum", filepath.Join("daprd", "main.go")} {
		source, err := os.ReadFile(filepath.Join(c.Root, "tools", name))
		if err != nil {
			return "", err
		}
		sources = append(sources, source)
	}
	match := regexp.MustCompile(`github\.com/dapr/dapr v(\S+)`).FindSubmatch(sources[0])
	if match == nil {
		return "", errors.New("tools/go.mod names no dapr")
	}
	version := string(match[1])
	if home, err := os.UserHomeDir(); err == nil {
		if dir := filepath.Join(home, ".dapr", "bin"); daprAtLeast(ctx, dir, version) {
			return dir, nil
		}
	}
	return c.installed(ctx, "dapr-"+version+"-"+digest(sources...), func(dir string) error {
		tools := filepath.Join(c.Root, "tools")
		args := []string{"-tags", "stablecomponents"}
		programs := []string{"./daprd", "github.com/dapr/dapr/cmd/placement", "github.com/dapr/dapr/cmd/scheduler", "github.com/dapr/dapr/cmd/sentry"}
		report(Step{Text: "downloading the modules of Dapr " + version})
		list := exec.CommandContext(ctx, "go", slices.Concat([]string{"list", "-deps"}, args, programs)...)
		list.Dir = tools
		packages, err := list.Output()
		if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		total := int64(bytes.Count(packages, []byte("\n")))
		build := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-v", "-ldflags", "-s -w", "-o", dir + "/"}, args, programs)...)
		build.Dir = tools
		return scanLines(build, func(n int64) {
			report(Step{Text: "building Dapr " + version, Done: min(n, total), Total: total})
		})
	})
}

func daprAtLeast(ctx context.Context, dir, version string) bool {
	for _, name := range []string{"placement", "scheduler"} {
		if !exists(filepath.Join(dir, name)) {
			return false
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "daprd"), "--version").Output()
	if err != nil {
		return false
	}
	var have, want [2]int
	fmt.Sscanf(string(out), "%d.%d", &have[0], &have[1])
	fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	return slices.Compare(have[:], want[:]) >= 0
}

// scanLines runs a command, counting the lines it writes to its standard error.
func scanLines(cmd *exec.Cmd, count func(n int64)) error {
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var last []string
	lines := bufio.NewScanner(pipe)
	for n := int64(1); lines.Scan(); n++ {
		count(n)
		last = append(last[max(0, len(last)-20):], lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, strings.Join(last, "\n"))
	}
	return nil
}

// goInstall installs one program at a version from the module proxy.
func (c *Config) goInstall(ctx context.Context, module, version string, report func(Step)) (string, error) {
	name := filepath.Base(strings.TrimSuffix(module, "/v2"))
	dir, err := c.installed(ctx, name+"-"+version, func(dir string) error {
		report(Step{Text: "building " + name + " " + version})
		cmd := exec.CommandContext(ctx, "go", "install", "-ldflags", "-s -w", module+"@"+version)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
		return runCmd(cmd)
	})
	return filepath.Join(dir, name), err
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return runCmd(cmd)
}

// runCmd runs a command to its end; the error carries the end of what it said.
func runCmd(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(out.String())
		if len(text) > 4000 {
			text = "…" + text[len(text)-4000:]
		}
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, text)
	}
	return nil
}

func digest(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}
