package devstack

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// holder keeps the ports of a part open while its process is away, as systemd does for a socket
// unit: connections that come meanwhile wait for the next process, which finds the listeners as its
// first descriptors beside the standard ones.
type holder struct {
	listeners []*os.File
}

// hold opens the ports unless that is so already, and gives them to the process that is to start.
func (h *holder) hold(ports []int, cmd *exec.Cmd) error {
	for _, port := range ports[len(h.listeners):] {
		file, err := listen(port)
		if err != nil {
			return err
		}
		h.listeners = append(h.listeners, file)
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.ExtraFiles = h.listeners
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(ports))) // sd_listen_fds(3)
	if filepath.Base(cmd.Path) == "nginx" {                             // it tells itself by this one, when it upgrades
		inherited := "NGINX="
		for i := range ports {
			inherited += fmt.Sprintf("%d;", firstDescriptor+i)
		}
		cmd.Env = append(cmd.Env, inherited)
	}
	return nil
}

// firstDescriptor is that of a process's first extra file.
const firstDescriptor = 3

// listen returns a listening socket that does not block. nginx takes an inherited one as it is: in a
// blocking one, two workers that are woken for one connection both accept, and the second stands still.
func listen(port int) (*os.File, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	defer listener.Close() // the descriptor is a second reference
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	if err := raw.Control(func(from uintptr) { fd, dupErr = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	// File.Fd, which exec.Cmd calls for every process that inherits, makes a socket blocking, and with it
	// everybody's. It leaves alone what was blocking when the File was made.
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), listener.Addr().String())
	return file, unix.SetNonblock(fd, true)
}

// letGo closes the ports: connections are refused.
func (h *holder) letGo() {
	syscall.ForkLock.RLock() // as in free
	defer syscall.ForkLock.RUnlock()
	for _, listener := range h.listeners {
		listener.Close()
	}
	h.listeners = nil
}

// requirePorts refuses ports on which somebody else listens.
func (r *runner) requirePorts() error {
	return requireFree(r.part.Ports[len(r.listeners):]...)
}

// endedWell tells that the last process ended of its own will.
func (r *runner) endedWell() bool {
	status, _ := r.snapshot()
	return status.Exit != nil && status.Exit.Code == 0
}
