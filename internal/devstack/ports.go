package devstack

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
)

func (p *Ports) check() error {
	seen := map[int]string{}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		name, port := v.Type().Field(i).Tag.Get("env"), int(v.Field(i).Int())
		if port < 1 || port > 65535 {
			return fmt.Errorf("%s is not a port: %d", name, port)
		}
		if other, taken := seen[port]; taken {
			return fmt.Errorf("%s and %s are both %d", other, name, port)
		}
		seen[port] = name
	}
	return nil
}

// Reserve returns n ports that are neither reserved by others on this machine nor in use, until release is
// called. Reservations are file locks, so they end with the process. The range is below the ephemeral ports.
func Reserve(n int) (ports []int, release func(), err error) {
	const first, last = 20000, 32000
	dir := filepath.Join(os.TempDir(), "foyer-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, nil, err
	}
	var locks []*os.File
	release = func() {
		for _, lock := range locks {
			lock.Close()
		}
	}
	for port := first + os.Getpid()*37%(last-first); len(ports) < n; port++ {
		if port > last {
			port = first
		}
		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			release()
			return nil, nil, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || !free(port) {
			lock.Close()
			continue
		}
		locks, ports = append(locks, lock), append(ports, port)
	}
	return ports, release, nil
}

// free reports whether a port is unused. No process is started meanwhile: between fork and exec it would have
// a copy of the socket, and the port would seem to be taken.
func free(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}

// PortTaken means that another process listens on a part's port.
type PortTaken struct {
	Port  int
	Owner string // "nginx (pid 4711)", or "another user's process"
}

func (e *PortTaken) Error() string { return fmt.Sprintf("port %d is in use by %s", e.Port, e.Owner) }

// requireFree returns an error that names the process which listens on one of the ports.
func requireFree(ports ...int) error {
	for _, port := range ports {
		if port != 0 && !free(port) {
			return &PortTaken{Port: port, Owner: listenerOn(port)}
		}
	}
	return nil
}

// listenerOn returns the process that listens on a port, by its socket's inode in /proc.
func listenerOn(port int) string {
	const unknown = "a process that is not ours to see"
	const listening = "0A"
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, _ := os.ReadFile(table)
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				inodes["socket:["+fields[9]+"]"] = true
			}
		}
	}
	if len(inodes) == 0 {
		return unknown
	}
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range descriptors {
		if target, err := os.Readlink(fd); err == nil && inodes[target] {
			pid := strings.Split(fd, "/")[2]
			return fmt.Sprintf("%s (pid %s)", processName(pid), pid)
		}
	}
	return unknown
}

func processName(pid string) string {
	raw, _ := os.ReadFile("/proc/" + pid + "/cmdline")
	words := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	if words[0] == "" {
		return "a process"
	}
	name := filepath.Base(words[0])
	if name == "java" { // the main class says more
		name += " " + words[len(words)-1]
	}
	return name
}
