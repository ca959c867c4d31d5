// Package launch runs the README's two commands, `make up` and `make down`, as a newcomer would.
package launch

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/devstack"
	"github.com/foyer-tickets/foyer/tests/harness"
)

// newcomer is a machine whose cache has everything but Dapr's programs. They are not there until built
// is called: until then, as far as `make up` can see, another foyer is busy building them.
type newcomer struct {
	cfg   devstack.Config
	env   []string
	built func()
}

func arrive(t *testing.T) *newcomer {
	t.Helper()
	cfg, release, err := devstack.Isolated()
	require.NoError(t, err)
	cache, err := os.MkdirTemp("", "foyer-cache")
	require.NoError(t, err)
	entries, err := os.ReadDir(cfg.Cache)
	require.NoError(t, err)
	var held []*os.File
	var late []string
	for _, entry := range entries {
		switch name := entry.Name(); {
		case filepath.Ext(name) == ".lock" || filepath.Ext(name) == ".partial":
		case strings.HasPrefix(name, "dapr") && !strings.HasPrefix(name, "dapr-source"):
			lock, err := os.Create(filepath.Join(cache, name+".lock"))
			require.NoError(t, err)
			require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
			held, late = append(held, lock), append(late, name)
		default:
			require.NoError(t, os.Symlink(filepath.Join(cfg.Cache, name), filepath.Join(cache, name)))
		}
	}
	require.NotEmpty(t, late, "run `make install` first")
	offset := freeOffset(t, cfg.Root)
	n := &newcomer{cfg: cfg, built: func() {
		for _, name := range late {
			require.NoError(t, os.Symlink(filepath.Join(cfg.Cache, name), filepath.Join(cache, name)))
		}
		for _, lock := range held {
			require.NoError(t, lock.Close())
		}
	}}
	n.env = append(os.Environ(), "HOME="+home(t), "FOYER_DATA="+cfg.Data, "FOYER_CACHE="+cache, "FOYER_RELEASES=none", "CI=true",
		fmt.Sprintf("FOYER_PORT_OFFSET=%d", offset))
	for _, name := range []string{"GOMODCACHE", "GOCACHE"} { // they follow from the home; compiled packages know where their sources are
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		n.env = append(n.env, name+"="+strings.TrimSpace(string(value)))
	}
	ports := reflect.ValueOf(&cfg.Ports).Elem()
	for i := range ports.NumField() { // they are reserved; the services' follow from the offset
		n.env = append(n.env, fmt.Sprintf("%s=%d", ports.Type().Field(i).Tag.Get("env"), ports.Field(i).Int()-int64(offset)))
	}
	t.Cleanup(func() {
		_, _ = n.make("down")
		release()
		_ = os.RemoveAll(cache)
	})
	return n
}

// home is one without the Dapr CLI's programs, whose settings are what they were.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	homeDir, err := os.UserHomeDir()
	require.NoError(t, err)
	entries, err := os.ReadDir(homeDir)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() != ".dapr" {
			require.NoError(t, os.Symlink(filepath.Join(homeDir, entry.Name()), filepath.Join(dir, entry.Name())))
		}
	}
	return dir
}

// freeOffset is one by which no port of dapr/dapr.yaml is taken.
func freeOffset(t *testing.T, root string) int {
	t.Helper()
	for offset := 300 + os.Getpid()%500*10; offset < 11000; offset += 10 {
		apps, err := devstack.LoadApps(devstack.Config{Root: root, PortOffset: offset})
		require.NoError(t, err)
		taken := slices.ContainsFunc(apps, func(app devstack.App) bool {
			return slices.ContainsFunc([]int{app.Port, app.HTTPPort, app.GRPCPort, app.InternalPort, app.MetricsPort}, func(port int) bool {
				listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
				if err != nil {
					return true
				}
				listener.Close()
				return false
			})
		})
		if !taken {
			return offset
		}
	}
	t.Fatal("no free ports for the services")
	return 0
}

func (n *newcomer) command(ctx context.Context, target string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "make", target)
	cmd.Dir, cmd.Env = n.cfg.Root, n.env
	cmd.WaitDelay = time.Second // what it started holds its output open
	return cmd
}

func (n *newcomer) make(target string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := n.command(ctx, target).CombinedOutput()
	return string(out), err
}

func (n *newcomer) status(t *testing.T) map[string]devstack.Status {
	t.Helper()
	all, err := devstack.NewClient(n.cfg).Status(t.Context())
	require.NoError(t, err)
	byName := map[string]devstack.Status{}
	for _, s := range all {
		byName[s.Name] = s
	}
	return byName
}

// services are the parts that have a sidecar, and those sidecars.
func services(all map[string]devstack.Status) (found []devstack.Status) {
	for name, s := range all {
		if _, ok := all[name+".daprd"]; ok || strings.HasSuffix(name, ".daprd") {
			found = append(found, s)
		}
	}
	return found
}

func TestTheTwoCommandsOfTheREADME(t *testing.T) {
	n := arrive(t)
	var out bytes.Buffer
	up := n.command(t.Context(), "up")
	up.Stdout, up.Stderr = &out, &out
	require.NoError(t, up.Start())
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()

	harness.Eventually(t, 10*time.Minute, "the supervisor answers", func() error {
		_, err := devstack.NewClient(n.cfg).Status(t.Context())
		return err
	})
	// All that can be there without Dapr is; nothing that needs it was started in vain.
	harness.Eventually(t, 10*time.Minute, "everything waits for Dapr", func() error {
		all := n.status(t)
		for _, s := range services(all) {
			require.Zero(t, s.PID, "%s runs before its tools are built", s.Name)
			require.Contains(t, []devstack.State{devstack.Preparing, devstack.Waiting}, s.State, "%s: %s", s.Name, s.Error)
			if s.State != devstack.Waiting {
				return fmt.Errorf("%s is %s", s.Name, s.State)
			}
		}
		for _, name := range []string{"postgres", "redis", "kafka", "elasticsearch", "keycloak", "mailpit", "stripesim", "web", "gateway"} {
			if s := all[name]; s.State != devstack.Healthy {
				return fmt.Errorf("%s is %s: %s", name, s.State, s.Error)
			}
		}
		return nil
	})
	n.built()
	require.NoError(t, <-ended, "%s", &out)
	assert.NotContains(t, out.String(), string(devstack.Retrying))
	assert.Regexp(t, `dapr +preparing .*waiting for another foyer`, out.String())
	assert.Regexp(t, `\d+% after .* left`, out.String(), "how far, and how long still")
	assert.Contains(t, out.String(), "seeded in")
	first := n.status(t)
	for _, s := range first {
		if s.Name != "nats" {
			assert.Equal(t, devstack.Healthy, s.State, "%s: %s", s.Name, s.Error)
			if !assert.Zero(t, s.Restarts, s.Name) {
				lines, err := devstack.Tail(n.cfg.LogFile(s.Name), 100)
				t.Logf("end of the log of %s:\n%s %v", s.Name, strings.Join(lines, "\n"), err)
			}
		}
	}

	t.Run("nothing listens beyond this machine", func(t *testing.T) {
		listeners := listeners(t, family(t, filepath.Join(n.cfg.Data, "bin", "foyer")))
		assert.Greater(t, len(listeners), 60, "five for each service with its sidecar, and the others")
		for _, l := range listeners {
			assert.True(t, l.address.Addr().Unmap().IsLoopback(), "%s listens on %s %s", l.process, l.network, l.address)
		}
	})

	text, err := n.make("up")
	require.NoError(t, err, text)
	for name, s := range n.status(t) {
		assert.Equal(t, first[name].PID, s.PID, "a second up finds what runs")
	}
	all := family(t, filepath.Join(n.cfg.Data, "bin", "foyer"))
	text, err = n.make("down")
	require.NoError(t, err, text)
	harness.Eventually(t, 10*time.Second, "nothing is left", func() error {
		for _, pid := range all { // one that has ended stays in the table until its parent has seen it
			if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && len(line) > 0 {
				return fmt.Errorf("process %d: %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
			}
		}
		return nil
	})
}

// family is the process that runs program, and all that descend from it.
func family(t *testing.T, program string) (pids []int) {
	t.Helper()
	children := map[int][]int{}
	procs, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, proc := range procs {
		pid, err := strconv.Atoi(filepath.Base(proc))
		require.NoError(t, err)
		if line, _ := os.ReadFile(filepath.Join(proc, "cmdline")); strings.HasPrefix(string(line), program+"\x00") {
			pids = append(pids, pid)
		}
		status, _ := os.ReadFile(filepath.Join(proc, "status"))
		for line := range strings.Lines(string(status)) {
			if parent, ok := strings.CutPrefix(line, "PPid:"); ok {
				ppid, err := strconv.Atoi(strings.TrimSpace(parent))
				require.NoError(t, err)
				children[ppid] = append(children[ppid], pid)
			}
		}
	}
	require.Len(t, pids, 1, "one supervisor")
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	return pids
}

// listener is a socket that takes what others send.
type listener struct {
	process, network string
	address          netip.AddrPort
}

// listeners are the sockets of these processes on which somebody could reach them.
func listeners(t *testing.T, pids []int) (found []listener) {
	t.Helper()
	owners := map[string]string{}
	for _, pid := range pids {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
				owners[target] = fmt.Sprintf("%s (%d)", strings.TrimSpace(string(name)), pid)
			}
		}
	}
	// A TCP socket that listens; a UDP socket that is not connected to anybody.
	for network, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		table, err := os.ReadFile("/proc/net/" + network)
		require.NoError(t, err)
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != state || owners["socket:["+fields[9]+"]"] == "" {
				continue
			}
			found = append(found, listener{owners["socket:["+fields[9]+"]"], network, address(t, fields[1])})
		}
	}
	return found
}

// address reads what /proc/net has: words of four bytes, each with its last byte first.
func address(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	host, port, ok := strings.Cut(text, ":")
	require.True(t, ok, text)
	raw, err := hex.DecodeString(host)
	require.NoError(t, err)
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	ip, ok := netip.AddrFromSlice(raw)
	require.True(t, ok, text)
	number, err := strconv.ParseUint(port, 16, 16)
	require.NoError(t, err)
	return netip.AddrPortFrom(ip, uint16(number))
}

func TestAddressesOfTheKernel(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:0050":                         "0.0.0.0:80",
		"00000000000000000000000001000000:1F90": "[::1]:8080",
		"0000000000000000FFFF00000100007F:1F90": "[::ffff:127.0.0.1]:8080",
	} {
		assert.Equal(t, want, address(t, text).String())
	}
}
