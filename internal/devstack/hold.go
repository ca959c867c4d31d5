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

// holder keeps the ports of a part open while its process restarts, like a systemd socket unit: new
// connections wait for the next process, which inherits the listeners as its first file descriptors after the
// standard ones.
type holder struct {
	listeners []*os.File
}

// hold opens the ports unless they are open, and passes them to the process that is about to start.
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

// firstDescriptor is the descriptor of a process's first extra file.
const firstDescriptor = 3

// listen returns a non-blocking listening socket. nginx uses an inherited socket as it is: with a blocking
// one, two workers that are woken for one connection both accept, and the second blocks.
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

// letGo closes the ports, so that connections are refused.
func (h *holder) letGo() {
	syscall.ForkLock.RLock() // as in free
	defer syscall.ForkLock.RUnlock()
	for _, listener := range h.listeners {
		listener.Close()
	}
	h.listeners = nil
}

// requirePorts returns an error if another process listens on one of the ports.
func (r *runner) requirePorts() error {
	return requireFree(r.part.Ports[len(r.listeners):]...)
}

// endedWell reports whether the last process exited with status 0.
func (r *runner) endedWell() bool {
	status, _ := r.snapshot()
	return status.Exit != nil && status.Exit.Code == 0
}
