package stack

import (
	"os"
	"os/exec"
	"testing"

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
