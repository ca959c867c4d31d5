package devstack

import (
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Looking whether a port is free does not take it, however many processes are started meanwhile.
func TestLookingAtAPortLeavesItFree(t *testing.T) {
	ports, release, err := Reserve(1)
	require.NoError(t, err)
	defer release()
	done := make(chan struct{})
	var group sync.WaitGroup
	defer group.Wait()
	defer close(done)
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command("true").Run()
				}
			}
		})
	}
	for range 5000 {
		require.True(t, free(ports[0]))
	}
}
