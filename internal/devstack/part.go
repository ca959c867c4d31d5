package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/foyer-tickets/foyer/internal/worker"
)

// Part is one process of the stack with its preparation, dependencies and checks.
type Part struct {
	Name  string
	Tier  Tier     // tiers stop from the last to the first
	After []string // parts that have to be healthy before this one starts
	With  []string // parts that are of no use without each other: started along, once all are prepared
	Ports []int    // where it listens; somebody else there is an error that names them
	URL   string   // shown to people, where they can open it

	// Prepare installs, builds or initialises a part; it reports progress. All parts prepare in parallel;
	// dependencies matter only for starting.
	Prepare func(ctx context.Context, report func(Step)) error
	Command func() (*exec.Cmd, error)       // nil where there is nothing to run
	Ready   func(ctx context.Context) error // polled until it returns nil
	Settle  func(ctx context.Context) error // once after each start, before others may lean on it

	Turn Turn // when processors are short

	Service string // what it is a replica of, where it may be one
	Hold    bool   // keep its ports open while it is away, so that connections wait for it

	// Handover is how long a replaced process may take to finish its requests while the next one already
	// serves on the same ports. Zero: the next one starts after the previous one has ended.
	Handover syscall.Signal

	Signal  syscall.Signal // what asks it to stop; SIGTERM by default
	Timeout time.Duration  // from its own start to ready; a minute by default

	Package string // the Go package of this tree that it runs
}

// Tier orders stopping.
type Tier int

// The tiers: dependencies stop last.
const (
	Infrastructure Tier = iota
	Platform
	Sidecar
	Service
	Edge
)

// Step is the current activity of a part. Done of Total is set if progress is measurable, Work if the step
// takes long.
type Step struct {
	Text        string
	Done, Total int64
	Work        time.Duration // what the whole of it takes of one processor, as once measured
	Network     bool          // a download: its pace is the network's, not the processors'
}

// State is the state of a part.
type State string

// The states of a part.
const (
	Waiting   State = "waiting"   // prepared, for the parts it leans on
	Preparing State = "preparing" // installing, building
	Starting  State = "starting"
	Healthy   State = "healthy"
	Retrying  State = "retrying" // ended or never got ready; started again after a pause
	Failed    State = "failed"   // needs a person: a build error, a taken port
	Absent    State = "absent"   // not in the tree
	Stopped   State = "stopped"
)

// ErrAbsent is returned by Prepare for a part that the tree does not have.
var ErrAbsent = errors.New("not built yet")

// Status describes a part for clients.
type Status struct {
	Name     string        `json:"name"`
	Tier     Tier          `json:"tier"`
	State    State         `json:"state"`
	Step     Step          `json:"step"`
	Error    string        `json:"error,omitempty"`
	PID      int           `json:"pid,omitempty"`
	Restarts int           `json:"restarts"`
	Took     time.Duration `json:"took"` // from the wish to start to healthy, or until now
	Since    time.Time     `json:"since"`
	URL      string        `json:"url,omitempty"`
	Log      string        `json:"log"`
	Exit     *Exit         `json:"exit,omitempty"` // how its last process ended
}

// Exit describes how a process ended.
type Exit struct {
	PID  int       `json:"pid"`
	Code int       `json:"code"` // -1 when a signal ended it
	At   time.Time `json:"at"`
}

// Settled reports that a part is in no transitional state.
func (s Status) Settled() bool {
	switch s.State {
	case Healthy, Failed, Absent, Stopped:
		return true
	}
	return s.Restarts >= patience
}

// patience is the number of consecutive failed starts that are attributed to a dependency that is still
// starting.
const patience = 3

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 10 * time.Second
	stopGrace  = 12 * time.Second
)

// runner keeps one part running.
type runner struct {
	part    Part
	log     string
	spawn   func(*exec.Cmd) error
	waitFor func(ctx context.Context, names []string) error
	meet    func(ctx context.Context, names []string) error

	mu      sync.Mutex
	status  Status
	changed chan struct{} // closed and replaced on each change
	poised  chan struct{} // closed once it is prepared, and what it leans on healthy
	began   time.Time
	cancel  context.CancelFunc // ends the running loop
	done    chan struct{}      // closed when the loop has ended and its process is gone

	next    chan chan struct{} // who sends wants the process replaced, and has what was sent closed when its end has begun
	leaving sync.WaitGroup     // processes that were replaced and finish what they began

	holder // used by the loop, or after its end
}

func (r *runner) set(change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.status.State
	change(&r.status)
	if r.status.State != before {
		r.status.Since = time.Now()
	}
	if !r.status.Settled() || r.status.State != before {
		r.status.Took = time.Since(r.began)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *runner) snapshot() (Status, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status, r.changed
}

// start starts keeping the part running; it does nothing if it is running.
func (r *runner) start() {
	if run := r.arm(); run != nil {
		go run()
	}
}

// arm is start up to where others may see that the part is coming; nil when it runs already.
func (r *runner) arm() (run func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done != nil {
		select {
		case <-r.done:
		default:
			return nil
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	r.cancel, r.done, r.began = cancel, done, time.Now()
	r.poised = make(chan struct{})
	r.status.State, r.status.Error, r.status.Restarts, r.status.Took = Waiting, "", 0, 0
	return func() {
		defer close(done)
		r.loop(ctx)
		r.leaving.Wait()
	}
}

// handOver has the next process take over from the one that runs; false where there is none, or the part
// cannot do so.
func (r *runner) handOver(ctx context.Context) bool {
	r.mu.Lock()
	state, done := r.status.State, r.done
	r.mu.Unlock()
	if r.part.Handover == 0 || state != Healthy {
		return false
	}
	begun := make(chan struct{})
	select {
	case r.next <- begun:
		<-begun
		return true
	case <-done:
	case <-time.After(5 * settling): // it ended meanwhile, and comes up again or not
	case <-ctx.Done():
	}
	return false
}

// giveUp ends a part that has no process yet, so nothing can depend on it.
func (r *runner) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil && (r.status.State == Preparing || r.status.State == Waiting) {
		r.cancel()
	}
}

// stop stops the part and returns when its process has ended.
func (r *runner) stop() {
	r.mu.Lock()
	cancel, done := r.cancel, r.done
	r.mu.Unlock()
	if done == nil {
		return
	}
	cancel()
	<-done
}

func (r *runner) loop(ctx context.Context) {
	if r.part.Prepare != nil {
		r.set(func(s *Status) { s.State = Preparing })
		err := r.part.Prepare(ctx, func(step Step) { r.set(func(s *Status) { s.Step = step }) })
		if err != nil {
			r.finish(ctx, err)
			return
		}
		r.set(func(s *Status) { s.State, s.Step = Waiting, Step{} })
	}
	if err := r.waitFor(ctx, r.part.After); err != nil {
		r.finish(ctx, err)
		return
	}
	close(r.poised)
	// The part's start timeout must not run while its dependencies are still being built.
	if err := r.meet(ctx, r.part.With); err != nil {
		r.finish(ctx, err)
		return
	}
	if err := r.requirePorts(); err != nil {
		r.finish(ctx, err)
		return
	}
	if r.part.Command == nil { // done once prepared
		r.set(func(s *Status) { s.State, s.Step = Healthy, Step{} })
		<-ctx.Done()
		r.finish(ctx, nil)
		return
	}
	pauses := worker.Backoff(firstPause, lastPause, 0)
	for {
		r.set(func(s *Status) { s.State, s.Step = Starting, Step{} })
		ran, err := r.once(ctx)
		if ctx.Err() != nil {
			r.finish(ctx, nil)
			return
		}
		if errors.Is(err, errReplaced) {
			continue
		}
		if ran == 0 {
			r.letGo() // who would wait, and for how long?
		}
		if ran > 0 && r.endedWell() {
			continue // somebody wanted it to start anew
		}
		if ran > 30*time.Second {
			pauses.Reset()
			r.set(func(s *Status) { s.Restarts = 0 })
		}
		r.set(func(s *Status) { s.State, s.Error, s.PID = Retrying, err.Error(), 0; s.Restarts++ })
		if worker.Sleep(ctx, pauses.NextBackOff()) != nil {
			r.finish(ctx, nil)
			return
		}
	}
}

func (r *runner) finish(ctx context.Context, err error) {
	r.set(func(s *Status) {
		s.PID, s.Step = 0, Step{}
		switch {
		case ctx.Err() != nil:
			s.State, s.Error = Stopped, ""
		case errors.Is(err, ErrAbsent):
			s.State, s.Error = Absent, err.Error()
		default:
			s.State, s.Error = Failed, err.Error()
		}
	})
}

// once runs the process until it or ctx ends, and returns how long it was healthy.
func (r *runner) once(ctx context.Context) (time.Duration, error) {
	cmd, err := r.part.Command()
	if err != nil {
		return 0, err
	}
	log, err := openLog(r.log)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if r.part.Hold {
		if err := r.hold(r.part.Ports, cmd); err != nil {
			return 0, err
		}
	}
	fmt.Fprintf(log, "--- %s starts %s\n", time.Now().UTC().Format(time.RFC3339), r.part.Name)
	if err := r.spawn(cmd); err != nil {
		return 0, err
	}
	r.set(func(s *Status) { s.PID = cmd.Process.Pid })
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // cmd.ProcessState has it
		r.set(func(s *Status) {
			s.Exit = &Exit{PID: cmd.Process.Pid, Code: cmd.ProcessState.ExitCode(), At: time.Now()}
		})
		close(ended)
	}()
	replaced := false
	defer func() {
		if !replaced {
			killGroup(cmd)
		}
	}()

	timeout := r.part.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	readyCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- r.untilReady(readyCtx) }()
	var healthySince time.Time
	var settled <-chan time.Time
	var next chan chan struct{} // nobody takes over before that
	for {
		select {
		case <-ended:
			ran := time.Duration(0)
			if !healthySince.IsZero() {
				ran = time.Since(healthySince)
			}
			return ran, fmt.Errorf("ended: %s%s", cmd.ProcessState, lastLine(r.log))
		case err := <-ready:
			if err != nil && ctx.Err() == nil {
				r.end(cmd, ended)
				return 0, fmt.Errorf("not ready after %s: %w%s", timeout, err, lastLine(r.log))
			}
			if err == nil {
				healthySince = time.Now()
				settled = time.After(settling)
				r.set(func(s *Status) { s.State, s.Error = Healthy, "" })
			}
			ready = nil
		case <-settled:
			next = r.next
		case begun := <-next:
			replaced = true
			_ = cmd.Process.Signal(r.part.Handover)
			r.leaving.Go(func() { r.leave(ctx, cmd, ended) })
			r.set(func(s *Status) { s.State = Starting })
			close(begun)
			return 0, errReplaced
		case <-ctx.Done():
			r.end(cmd, ended)
			return 0, ctx.Err()
		}
	}
}

func (r *runner) untilReady(ctx context.Context) error {
	var err error
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		if tryErr := r.part.Ready(try); ctx.Err() == nil {
			err = tryErr
		}
		cancel()
		if err == nil && ctx.Err() == nil {
			break
		}
		if ended := worker.Sleep(ctx, 100*time.Millisecond); ended != nil {
			return cmp.Or(err, ended)
		}
	}
	if r.part.Settle == nil {
		return nil
	}
	return r.part.Settle(ctx)
}

// settling is how long a process has to have been ready before the next one may replace it.
const settling = time.Second

var errReplaced = errors.New("another process takes over")

// leave waits until a replaced process has finished its requests, and kills it after a timeout.
func (r *runner) leave(ctx context.Context, cmd *exec.Cmd, ended <-chan struct{}) {
	defer killGroup(cmd)
	select {
	case <-ended:
	case <-time.After(stopGrace):
	case <-ctx.Done():
		r.end(cmd, ended)
	}
}

// killGroup kills the remaining processes of a process group.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// end asks the process to stop, and kills it after a timeout.
func (r *runner) end(cmd *exec.Cmd, ended <-chan struct{}) {
	signal := r.part.Signal
	if signal == 0 {
		signal = syscall.SIGTERM
	}
	_ = cmd.Process.Signal(signal)
	_ = cmd.Process.Signal(syscall.SIGCONT) // a stopped process cannot leave
	select {
	case <-ended:
	case <-time.After(stopGrace):
		killGroup(cmd)
		<-ended
	}
}

// spawner starts processes from one operating-system thread that lives as long as the supervisor, because the
// kernel's parent-death signal is tied to the thread, not to the process. Processes also inherit the thread's
// scheduling priority.
func spawner(turn Turn) func(*exec.Cmd) error {
	type request struct {
		cmd    *exec.Cmd
		result chan error
	}
	requests := make(chan request)
	go func() {
		runtime.LockOSThread()
		if turn != usual {
			const thisThread = 0
			_ = turn.Take(thisThread) // the stack runs without it, too
		}
		for req := range requests {
			req.result <- req.cmd.Start()
		}
	}()
	return func(cmd *exec.Cmd) error {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Setpgid = true
		cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
		req := request{cmd, make(chan error, 1)}
		requests <- req
		return <-req.result
	}
}

const maxLog = 64 << 20

// openLog opens a log for appending, and rotates it if it has grown large.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// lastLine returns the end of a log, for an error message.
func lastLine(path string) string {
	tail, err := Tail(path, 5)
	if err != nil {
		return ""
	}
	for _, line := range slices.Backward(tail) {
		if line != "" && line[0] != '-' {
			if len(line) > 300 {
				line = line[:300] + "…"
			}
			return "\n    last log line: " + line
		}
	}
	return ""
}
