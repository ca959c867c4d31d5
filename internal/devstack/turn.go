package devstack

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Turn says how soon a thread gets a processor when processors are short. A cluster says the same by
// CPU requests.
type Turn struct {
	Nice  int           // setpriority(2): +10 is a tenth of the weight, negative values need root, zero keeps the current value
	Slice time.Duration // sched_setattr(2), Linux 6.12: a short slice is scheduled sooner; zero is the kernel's default
}

var (
	// usual is for parts that work while somebody waits.
	usual Turn
	// behind is for parts that nobody waits for while they work: mails, payments being settled.
	behind = Turn{Nice: 10}
	// ahead is for what hands all others' answers on, and takes microseconds for each.
	ahead = Turn{Nice: -20, Slice: Short}
)

// Short is the shortest slice that Linux grants.
const Short = 100 * time.Microsecond

// Take gives a thread (zero: the calling one), and the threads and processes that it will start, this turn:
// all of it, or what we may.
func (t Turn) Take(thread int) error {
	attr, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		return err
	}
	nice := attr.Nice
	if t.Nice != 0 {
		attr.Nice = int32(t.Nice) //nolint:gosec // -20 to 19
	}
	attr.Runtime = uint64(t.Slice) //nolint:gosec // not negative
	err = unix.SchedSetAttr(thread, attr, 0)
	if errors.Is(err, unix.EPERM) {
		attr.Nice = nice
		err = unix.SchedSetAttr(thread, attr, 0)
	}
	return err
}
