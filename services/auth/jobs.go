package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// JobKind is what a job does.
type JobKind string

// The kinds of jobs.
const (
	JobRegister      JobKind = "register"
	JobReset         JobKind = "password_reset"
	JobConfirm       JobKind = "confirmation"
	JobEndSessions   JobKind = "end_sessions"
	JobRenewSessions JobKind = "renew_sessions"
)

// Job is work that was promised with an answer and is done after it. It has two steps, so that one
// that is tried again after the first sends the mail that the first called for.
type Job struct {
	ID        uuid.UUID
	Kind      JobKind
	Account   string              // once it is known
	Sealed    []byte              // the form; nil once it was used
	Counted   bool                // against the limit of mails to an address
	Made      bool                // the first step is done
	Notice    messages.NoticeKind // the mail of the second, "" for none
	Tries     int                 // with the present one
	CreatedAt time.Time
}

// Jobs is a queue that outlives processes.
type Jobs interface {
	// AddJob queues a job. false: limit of them wait already.
	AddJob(ctx context.Context, j Job, due time.Time, limit int) (bool, error)
	// DueJobs leases up to limit jobs that are due.
	DueJobs(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Job, error)
	// SaveJob writes progress.
	SaveJob(ctx context.Context, j Job) error
	PostponeJob(ctx context.Context, id uuid.UUID, due time.Time) error
	DropJob(ctx context.Context, id uuid.UUID) error
}

// SealJobs names the key of the forms that wait in jobs.
const SealJobs = "foyer account jobs"

// Bounds of the queue. Keycloak hashes a password for a good part of a second, so few jobs run at
// once. While Keycloak is away the queue fills up; then people are told to come back.
const (
	jobsWaiting = 5_000
	jobsAtOnce  = 3
	jobEvery    = 500 * time.Millisecond
	jobTimeout  = 30 * time.Second
	jobLife     = 24 * time.Hour // a job may hold a password: it is kept no longer, done or not
	noteTimeout = 2 * time.Second
	firstRetry  = 2 * time.Second
	lastRetry   = 2 * time.Minute
)

// Run does jobs until ctx ends. What waits then is there for the next process.
func (a *Accounts) Run(ctx context.Context) error { return a.queue().Run(ctx) }

func (a *Accounts) queue() worker.LeasedQueue[Job] {
	return worker.LeasedQueue[Job]{
		Name: "account jobs", Workers: jobsAtOnce, Every: jobEvery, Timeout: jobTimeout,
		Take: func(ctx context.Context, lease time.Duration, limit int) ([]Job, error) {
			return a.Store.DueJobs(ctx, a.Now(), lease, limit)
		},
		Do: a.do,
	}
}

// Step does the jobs that are due, as many as run at once, and tells how many those were.
func (a *Accounts) Step(ctx context.Context) (int, error) { return a.queue().Step(ctx) }

// registrationForm is a Registration as its job stores it, under encryption.
type registrationForm struct {
	Email    string `json:"Email"`
	Password string `json:"Password"`
	Name     string `json:"Name"`
	Locale   string `json:"Locale"`
}

// enqueue has a job done after the answer. Whether there is such an account then shows neither in
// the answer nor in its time.
func (a *Accounts) enqueue(ctx context.Context, kind JobKind, account string, form *Registration) error {
	j := Job{ID: uuid.Must(uuid.NewV7()), Kind: kind, Account: account, CreatedAt: a.Now()}
	if form != nil {
		raw, err := json.Marshal(registrationForm{form.Email, form.Password, form.Name, form.Locale})
		if err != nil {
			return err
		}
		j.Sealed = a.Seal.Seal(nil, nil, raw, j.ID[:])
	}
	ok, err := a.Store.AddJob(ctx, j, j.CreatedAt, jobsWaiting)
	switch {
	case err != nil:
		return fault.Away("accounts", err)
	case !ok:
		return ErrTooBusy
	}
	return nil
}

// errForm is that of a job whose form cannot be read: the server's key has changed.
var errForm = fault.New(fault.Gone, "form_lost", "The job's registration form cannot be decrypted.")

func (a *Accounts) form(j Job) (r Registration, err error) {
	raw, err := a.Seal.Open(nil, nil, j.Sealed, j.ID[:])
	if err == nil {
		var form registrationForm
		err = json.Unmarshal(raw, &form)
		r = Registration{Email: form.Email, Password: form.Password, Name: form.Name, Locale: form.Locale}
	}
	if err != nil {
		return r, errForm.Because(err)
	}
	return r, nil
}

// errOver: a job's time is over. What it was asked for a day ago nobody waits for any more.
var errOver = fault.New(fault.Gone, "job_over", "The job was not finished in time.")

// over tells whether a job is too old to be carried out. One that ends sessions holds no password, and
// what called for it has happened: it has the time that other ends of sessions have.
func (j Job) over(now time.Time) bool {
	life := jobLife
	if j.Kind == JobEndSessions {
		life = endsFor
	}
	return now.Sub(j.CreatedAt) > life
}

// do carries a job out and notes what came of it, also when its time is over.
func (a *Accounts) do(ctx context.Context, j Job) error {
	var err error
	if j.over(a.Now()) { // no process came to it before: its account is not made a day late
		err = errOver
	} else {
		err = a.carryOut(ctx, &j)
	}
	note, cancel := noting(ctx)
	defer cancel()
	kind := fault.KindOf(err)
	switch {
	case err == nil:
		return a.Store.DropJob(note, j.ID)
	case kind != fault.Unavailable && kind != fault.Internal:
		slog.ErrorContext(ctx, "account job given up", "job", j.ID, "kind", j.Kind, "tries", j.Tries, "error", err)
		return a.Store.DropJob(note, j.ID)
	}
	pause := worker.Pause(firstRetry, lastRetry, max(j.Tries-1, 0)) // 0 tries: not taken from the queue
	return errors.Join(err, a.Store.PostponeJob(note, j.ID, a.Now().Add(pause)))
}

func (a *Accounts) carryOut(ctx context.Context, j *Job) error {
	if !j.Made {
		if err := a.make(ctx, j); err != nil {
			return err
		}
		j.Made, j.Sealed = true, nil
		if j.Notice == "" {
			return nil // it is dropped now
		}
		if err := a.Store.SaveJob(ctx, *j); err != nil {
			return fault.Away("accounts", err)
		}
	}
	if j.Notice == "" {
		return nil
	}
	return a.Notifier.Notify(ctx, j.ID, j.Account, j.Notice)
}

// make is a job's first step: it does what there is to do and says which mail follows. It may have
// been done before without anybody knowing.
func (a *Accounts) make(ctx context.Context, j *Job) error {
	switch j.Kind {
	case JobRegister:
		return a.makeAccount(ctx, j)
	case JobReset:
		return a.makeReset(ctx, j)
	case JobConfirm:
		return a.makeConfirmation(ctx, j)
	case JobEndSessions:
		return a.Ender.EndAll(ctx, j.Account)
	case JobRenewSessions:
		if err := a.Confirmed.Mark(ctx, j.Account, a.Now()); err != nil {
			return fault.Away("sessions", err)
		}
		return nil
	}
	return fault.New(fault.Invalid, "unknown_job", fmt.Sprintf("There is no job of the kind %q.", j.Kind))
}

// count counts the mail of a job against its address, once.
func (a *Accounts) count(ctx context.Context, j *Job, email string) (bool, error) {
	if j.Counted {
		return true, nil
	}
	ok, err := a.Store.Count(ctx, "address:"+email, a.Now(), mailWindow, mailsPerName)
	if err != nil {
		return false, fault.Away("accounts", err)
	}
	if !ok {
		return false, nil
	}
	j.Counted = true
	if err := a.Store.SaveJob(ctx, *j); err != nil {
		return false, fault.Away("accounts", err)
	}
	return true, nil
}

// record adds a job's entry to the trail. It has the job's id, so that it is there once.
func (a *Accounts) record(ctx context.Context, j *Job, kind AuditKind) error {
	e := entry(a.Now(), kind, j.Account, "", nil)
	e.ID = j.ID
	if err := a.Audit.Record(ctx, e); err != nil {
		return fault.Away("accounts", err)
	}
	return nil
}

// makeAccount makes the account of a form. That there is one with this address may be this job's own
// work, when its end was not seen: the account says which job made it.
func (a *Accounts) makeAccount(ctx context.Context, j *Job) error {
	r, err := a.form(*j)
	if err != nil {
		return err
	}
	if ok, err := a.count(ctx, j, r.Email); err != nil || !ok {
		return err
	}
	r.Job = j.ID.String()
	id, err := a.Directory.Register(ctx, r)
	if err == nil {
		j.Account, j.Notice = id, messages.NoticeConfirmEmail
		return a.record(ctx, j, AuditRegistered)
	}
	if !errors.Is(err, ErrEmailTaken) {
		return err
	}
	p, found, err := a.Directory.ByEmail(ctx, r.Email)
	if err != nil || !found || !p.Enabled {
		return err
	}
	j.Account, j.Notice = p.ID, messages.NoticeAccountExists
	if p.MadeBy == r.Job {
		j.Notice = messages.NoticeConfirmEmail
		return a.record(ctx, j, AuditRegistered)
	}
	return a.record(ctx, j, AuditRegisteredBefore)
}

func (a *Accounts) makeReset(ctx context.Context, j *Job) error {
	r, err := a.form(*j)
	if err != nil {
		return err
	}
	if ok, err := a.count(ctx, j, r.Email); err != nil || !ok {
		return err
	}
	p, found, err := a.Directory.ByEmail(ctx, r.Email)
	if err != nil || !found || !p.Enabled {
		return err
	}
	j.Account, j.Notice = p.ID, messages.NoticePasswordReset
	return a.record(ctx, j, AuditResetRequested)
}

func (a *Accounts) makeConfirmation(ctx context.Context, j *Job) error {
	p, err := a.Directory.Profile(ctx, j.Account)
	if err != nil || p.EmailVerified || !p.Enabled {
		return err
	}
	if ok, err := a.count(ctx, j, p.Email); err != nil || !ok {
		return err
	}
	j.Notice = messages.NoticeConfirmEmail
	return nil
}
