package stack

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
)

// holder keeps the port of a part open while its process is away, as systemd does for a socket
// unit: connections that come meanwhile wait for the next process, which finds the listener as its
// first descriptor beside the standard ones (LISTEN_FDS).
type holder struct {
	listener *os.File
}

// hold opens the port unless that is so already, and gives it to the process that is to start.
func (h *holder) hold(port int, cmd *exec.Cmd) error {
	if h.listener == nil {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		defer listener.Close() // the file is a second reference
		if h.listener, err = listener.(*net.TCPListener).File(); err != nil {
			return err
		}
	}
	cmd.ExtraFiles = []*os.File{h.listener}
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1")
	return nil
}

// letGo closes the port: connections are refused.
func (h *holder) letGo() {
	if h.listener != nil {
		syscall.ForkLock.RLock() // as in free
		defer syscall.ForkLock.RUnlock()
		h.listener.Close()
		h.listener = nil
	}
}

// requirePorts refuses ports on which somebody else listens.
func (r *runner) requirePorts() error {
	ports := r.part.Ports
	if r.listener != nil {
		ports = slices.Clone(ports[1:])
	}
	return requireFree(ports...)
}

// endedWell tells that the last process ended of its own will.
func (r *runner) endedWell() bool {
	status, _ := r.snapshot()
	return status.Exit != nil && status.Exit.Code == 0
}
