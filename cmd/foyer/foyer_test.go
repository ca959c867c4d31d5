package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/devstack"
)

// launcher is the built program with a data directory and ports of its own.
type launcher struct {
	program string
	cfg     devstack.Config
	env     []string
}

func newLauncher(t *testing.T) *launcher {
	t.Helper()
	cfg, release, err := devstack.Isolated()
	require.NoError(t, err)
	l := &launcher{program: filepath.Join(t.TempDir(), "foyer"), cfg: cfg}
	out, err := exec.Command("go", "build", "-o", l.program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	l.env = append(os.Environ(), "FOYER_ROOT="+cfg.Root, "FOYER_DATA="+cfg.Data, "FOYER_CACHE="+cfg.Cache, "FOYER_PORT_OFFSET=0", "CI=true")
	ports := reflect.ValueOf(cfg.Ports)
	for i := range ports.NumField() {
		l.env = append(l.env, fmt.Sprintf("%s=%d", ports.Type().Field(i).Tag.Get("env"), ports.Field(i).Int()))
	}
	t.Cleanup(func() {
		_, _ = l.run("down")
		release()
	})
	return l
}

func (l *launcher) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.program, args...)
	cmd.Env = l.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// leftovers are the processes that have our data directory on their command line or as theirs.
func (l *launcher) leftovers() (found []string) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		line, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		if strings.Contains(string(line), l.cfg.Data) || strings.HasPrefix(cwd, l.cfg.Data) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func (l *launcher) pid(t *testing.T, name string) int {
	t.Helper()
	all, err := devstack.NewClient(l.cfg).Status(t.Context())
	require.NoError(t, err)
	for _, s := range all {
		if s.Name == name {
			return s.PID
		}
	}
	t.Fatalf("no part %s", name)
	return 0
}

func TestUpStatusAndDown(t *testing.T) {
	l := newLauncher(t)
	out, err := l.run("up", "postgres", "redis")
	require.NoError(t, err, out)
	first := l.pid(t, "postgres")

	out, err = l.run("up", "postgres", "redis")
	require.NoError(t, err, out)
	require.Equal(t, first, l.pid(t, "postgres"), "a second up finds what runs")

	out, err = l.run("status")
	require.NoError(t, err, out)
	require.Regexp(t, `postgres +healthy`, out)
	require.Regexp(t, `kafka +stopped`, out)

	out, err = l.run("logs", "postgres", "--tail")
	require.NoError(t, err, out)
	require.Contains(t, out, "database system is ready")

	require.NotEmpty(t, l.leftovers())
	out, err = l.run("down")
	require.NoError(t, err, out)
	require.Empty(t, l.leftovers())

	out, err = l.run("status")
	require.Error(t, err)
	require.Contains(t, out, "not running")
}

func TestKilledPartComesBackWithItsData(t *testing.T) {
	l := newLauncher(t)
	out, err := l.run("up", "redis")
	require.NoError(t, err, out)
	first := l.pid(t, "redis")
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		out, _ := l.run("status")
		pid := l.pid(t, "redis")
		return pid != 0 && pid != first && strings.Contains(out, "healthy")
	}, 20*time.Second, 200*time.Millisecond)
}

// The kernel ends the parts when the supervisor is killed, and the next up starts afresh.
func TestKilledSupervisorLeavesNothing(t *testing.T) {
	l := newLauncher(t)
	out, err := l.run("up", "postgres", "redis")
	require.NoError(t, err, out)
	supervisors := 0
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range procs {
		line, _ := os.ReadFile(path)
		if strings.HasPrefix(string(line), filepath.Join(l.cfg.Data, "bin", "foyer")) {
			pid, err := strconv.Atoi(strings.Split(path, "/")[2])
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			supervisors++
		}
	}
	require.Equal(t, 1, supervisors)
	require.Eventually(t, func() bool { return len(l.leftovers()) == 0 }, 20*time.Second, 100*time.Millisecond)

	out, err = l.run("up", "postgres")
	require.NoError(t, err, out)
}

func TestInterruptedUpLeavesNothing(t *testing.T) {
	l := newLauncher(t)
	cmd := exec.Command(l.program, "up", "kafka", "postgres")
	cmd.Env = l.env
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(l.leftovers()) > 0 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Empty(t, l.leftovers())
}

func TestTakenPortNamesItsOwner(t *testing.T) {
	l := newLauncher(t)
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", l.cfg.Ports.Redis))
	require.NoError(t, err)
	defer taken.Close()
	want := fmt.Sprintf("port %d is in use by %s (pid %d)", l.cfg.Ports.Redis, filepath.Base(os.Args[0]), os.Getpid())

	out, err := l.run("up", "redis", "postgres")
	require.Error(t, err)
	require.Contains(t, out, want)
	require.Regexp(t, `postgres +healthy`, out, "the others run")
	_, err = l.run("down")
	require.NoError(t, err)
	out, err = l.run("doctor")
	require.Error(t, err)
	require.Contains(t, out, want)
}

func TestConfigurationIsCheckedOnce(t *testing.T) {
	l := newLauncher(t)
	for name, value := range map[string]string{"FOYER_REDIS_PORT": "0", "PUBSUB": "pigeon", "STRIPE_SECRET_KEY": "sk_live_x"} {
		kept := l.env
		l.env = append(l.env, name+"="+value)
		out, err := l.run("status")
		require.Error(t, err)
		require.Contains(t, out, name)
		l.env = kept
	}
}

// Nobody waits for a build to hear that something else is missing.
func TestUpSaysWhatTheMachineLacks(t *testing.T) {
	l := newLauncher(t)
	bin := t.TempDir() // neither apt-get nor node
	for _, program := range []string{"go", "java", "javac", "redis-server"} {
		path, err := exec.LookPath(program)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(bin, program)))
	}
	l.env = append(l.env, "PATH="+bin)
	out, err := l.run("up")
	require.Error(t, err, out)
	require.Regexp(t, `please install: sudo apt-get install maven nginx`, out)
	require.Contains(t, out, "node is missing: install Node.js")
	require.Contains(t, out, "npm is missing")
	require.Empty(t, l.leftovers(), "nothing was started")
}
