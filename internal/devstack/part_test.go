package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestTurns starts a process in each turn and compares what the kernel has noted of it. A kernel that
// knows no slices tells the same for all.
func TestTurns(t *testing.T) {
	attributes := func(turn Turn) *unix.SchedAttr {
		cmd := exec.Command("cat")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, spawner(turn)(cmd))
		attr, err := unix.SchedGetAttr(cmd.Process.Pid, 0)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
		return attr
	}
	first, second, last := attributes(ahead), attributes(usual), attributes(behind)
	require.LessOrEqual(t, first.Nice, second.Nice)
	if os.Geteuid() == 0 {
		require.EqualValues(t, ahead.Nice, first.Nice)
	}
	require.Equal(t, max(second.Nice, int32(behind.Nice)), last.Nice) //nolint:gosec // at most 19
	require.Equal(t, min(second.Runtime, uint64(ahead.Slice)), first.Runtime)
	require.Equal(t, second.Runtime, last.Runtime)
}

// parts makes a stack of nothing but the given parts.
func stackOf(t *testing.T, parts ...Part) *Stack {
	t.Helper()
	s := &Stack{Config: Config{Data: t.TempDir()}, runners: map[string]*runner{}, batches: map[string]*batch{}, building: make(chan struct{}, 1)}
	s.spawn = map[Turn]func(*exec.Cmd) error{usual: spawner(usual)}
	for _, part := range parts {
		s.add(part)
	}
	t.Cleanup(s.Stop)
	return s
}

// A sidecar's build that takes longer than all its service's tries must not cost it one.
func TestAServiceWaitsForItsSidecarsBuild(t *testing.T) {
	built := make(chan struct{})
	sleeper := func() (*exec.Cmd, error) { return exec.Command("sleep", "60"), nil }
	s := stackOf(t,
		Part{Name: "tool", Prepare: func(context.Context, func(Step)) error { <-built; return nil }},
		Part{Name: "sidecar", After: []string{"tool"}, Command: sleeper, Ready: func(context.Context) error { return nil }},
		Part{Name: "service", With: []string{"sidecar"}, Command: sleeper, Timeout: 50 * time.Millisecond, Ready: func(context.Context) error {
			select {
			case <-built:
				return nil
			default:
				return errors.New("no sidecar")
			}
		}},
		Part{Name: "other", Command: sleeper, Ready: func(context.Context) error { return nil }},
	)
	require.NoError(t, s.Start())
	require.NoError(t, s.await(t.Context(), "other"))
	service, _ := s.runner("service")
	require.Never(t, func() bool {
		status, _ := service.snapshot()
		return status.State != Waiting
	}, 20*service.part.Timeout, service.part.Timeout/5, "its clock stands still")
	close(built)
	require.NoError(t, s.Wait(t.Context()))
	status, _ := service.snapshot()
	require.Equal(t, Healthy, status.State)
	require.Zero(t, status.Restarts)
}

// Who is prepared does not depend on whom the others are waiting for, and a failure is told by name.
func TestPartsPrepareBesideEachOther(t *testing.T) {
	meet := make(chan struct{})
	s := stackOf(t,
		Part{Name: "first", Prepare: func(ctx context.Context, _ func(Step)) error {
			select {
			case <-meet:
				return errors.New("no such module")
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
		Part{Name: "second", After: []string{"first"}, Prepare: func(context.Context, func(Step)) error { close(meet); return nil }},
		Part{Name: "third", With: []string{"second"}},
	)
	require.NoError(t, s.Start())
	err := s.Wait(t.Context())
	require.ErrorContains(t, err, "second is failed: needs first, which is failed")
	require.ErrorContains(t, err, "third is failed: needs second, which is failed")
}

// Two that cannot do without each other start both.
func TestPartsMayNeedEachOther(t *testing.T) {
	s := stackOf(t, Part{Name: "a", With: []string{"b"}}, Part{Name: "b", With: []string{"a"}})
	require.NoError(t, s.Start())
	require.NoError(t, s.Wait(t.Context()))
}

// A stop does not wait for builds, and no part's for that of another.
func TestAStopGivesUpBuilds(t *testing.T) {
	b := &batch{turn: make(chan struct{}, 1)}
	building, givenUp := make(chan struct{}), make(chan struct{})
	// The second may begin before it is stopped as well: parts are given up one after the other.
	began, ended := sync.OnceFunc(func() { close(building) }), sync.OnceFunc(func() { close(givenUp) })
	forever := func(ctx context.Context, _ func(Step)) error {
		return b.build(ctx, func() error {
			began()
			<-ctx.Done()
			ended()
			return ctx.Err()
		})
	}
	s := stackOf(t,
		Part{Name: "first", Tier: Infrastructure, Prepare: forever},
		Part{Name: "second", Tier: Edge, Prepare: func(ctx context.Context, report func(Step)) error {
			<-building
			return forever(ctx, report)
		}},
		Part{Name: "third", Tier: Edge, Prepare: func(context.Context, func(Step)) error {
			select { // slow to end, while what is below its tier has nothing to wait for
			case <-givenUp:
			case <-time.After(time.Minute):
			}
			return nil
		}},
	)
	require.NoError(t, s.Start())
	<-building
	stopped := make(chan struct{})
	go func() {
		s.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("the stop waits for a build")
	}
}

// When the part that builds for others is stopped, another one builds, once for all that follow.
func TestTheNextOneBuilds(t *testing.T) {
	b := &batch{turn: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	require.ErrorIs(t, b.build(ctx, func() error {
		stop()
		return ctx.Err()
	}), context.Canceled)
	builds := 0
	for range 2 {
		require.NoError(t, b.build(t.Context(), func() error { builds++; return nil }))
	}
	require.Equal(t, 1, builds)
}

// An interrupted build takes along what it has started itself.
func TestAnInterruptedBuildLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- construct(ctx, dir, "sh", "-c", "sleep 60 & echo $! >child.new; mv child.new child; wait")
	}()
	var child int
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "child"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	interrupt()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Eventually(t, func() bool { return syscall.Kill(child, 0) != nil || zombie(child) }, 10*time.Second, 10*time.Millisecond)
}

func zombie(pid int) bool {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Contains(string(raw), ") Z ")
}

// TestTheWebApplicationIsBuiltOnce: what the type checker notes beside the sources is no change of them.
func TestTheWebApplicationIsBuiltOnce(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	put("package.json", "{}")
	built, err := fingerprint(dir, "dist")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dist"), 0o755))
	put("dist/index.html", "built")
	put("tsconfig.tsbuildinfo", "{}")
	same, err := fingerprint(dir, "dist")
	require.NoError(t, err)
	assert.Equal(t, built, same)
	put("main.ts", "changed")
	changed, err := fingerprint(dir, "dist")
	require.NoError(t, err)
	assert.NotEqual(t, built, changed)
}
