package stack

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBackgroundPartsGiveWay starts a process each way and compares their niceness.
func TestBackgroundPartsGiveWay(t *testing.T) {
	niceness := func(nice int) int {
		cmd := exec.Command("cat")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, spawner(nice)(cmd))
		priority, err := syscall.Getpriority(syscall.PRIO_PROCESS, cmd.Process.Pid)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
		return 20 - priority // the system call gives it the other way round
	}
	require.Equal(t, max(niceness(0), behind), niceness(behind))
	require.LessOrEqual(t, niceness(0), niceness(behind))
}
