package auth

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
)

// LinkKind is what a link in a mail is for.
type LinkKind string

// The kinds of links.
const (
	LinkConfirm LinkKind = "confirm"
	LinkReset   LinkKind = "reset"
)

// LinkLife is how long a link works. Asking again ends the one before; using it ends it too.
const LinkLife = time.Hour

// Limits of mails that anybody can cause, an hour. What an address would get beyond is not sent; an
// IP address that asks for more is told so.
const (
	mailWindow   = time.Hour
	mailsPerName = 3
)

// Store keeps what the service itself remembers about accounts: links and how many mails went out.
type Store interface {
	Jobs
	// PutLink replaces the account's link of that kind.
	PutLink(ctx context.Context, account string, kind LinkKind, hash []byte, expires time.Time) error
	// RestoreLink puts a link back that was used up, unless there is a newer one.
	RestoreLink(ctx context.Context, account string, kind LinkKind, hash []byte, expires time.Time) error
	// Link gives the hash of a link that still works, nil when there is none.
	Link(ctx context.Context, account string, kind LinkKind, now time.Time) ([]byte, error)
	// TakeLink uses a link up. false: somebody else did, or it is over.
	TakeLink(ctx context.Context, account string, kind LinkKind, hash []byte, now time.Time) (bool, error)
	// Count adds one to what a key used up within the window ending now, unless that is limit already.
	Count(ctx context.Context, key string, now time.Time, window time.Duration, limit int) (bool, error)
	// Alone runs f while no other replica runs one.
	Alone(ctx context.Context, f func(context.Context) error) error
}

// Notifier has the notification service send an account a mail, once for each id.
type Notifier interface {
	Notify(ctx context.Context, id uuid.UUID, account string, kind messages.NoticeKind) error
}

// Accounts is what people do about their accounts without being signed in, and what admins do.
type Accounts struct {
	Directory Directory
	Store     Store
	Audit     Audit
	Notifier  Notifier
	Ender     SessionEnder
	Confirmed Confirmations
	Seal      cipher.AEAD // of the forms in jobs
	PublicURL string
	PerIP     int // mails an hour for one IP address; 0: no limit
	Now       func() time.Time
}

// allowIP counts a request that may cause a mail against its IP address.
func (a *Accounts) allowIP(ctx context.Context, ip string) error {
	if a.PerIP == 0 || ip == "" {
		return nil
	}
	ok, err := a.Store.Count(ctx, "ip:"+ip, a.Now(), mailWindow, a.PerIP)
	if err != nil {
		return fault.Away("accounts", err)
	}
	if !ok {
		return ErrTooManyMails
	}
	return nil
}

// Register takes a form in. The account is made after the answer, and a mail says what became of it:
// a link to confirm the address, or that there is an account already.
func (a *Accounts) Register(ctx context.Context, r Registration, ip string) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := a.allowIP(ctx, ip); err != nil {
		return err
	}
	return a.enqueue(ctx, JobRegister, "", &r)
}

// RequestReset has a mail sent with a link for a new password, if there is such an account.
func (a *Accounts) RequestReset(ctx context.Context, email, ip string) error {
	email, err := CheckEmail(email)
	if err != nil {
		return err
	}
	if err := a.allowIP(ctx, ip); err != nil {
		return err
	}
	return a.enqueue(ctx, JobReset, "", &Registration{Email: email})
}

// RequestConfirmation sends the signed-in account another link to confirm its address.
func (a *Accounts) RequestConfirmation(ctx context.Context, account string) error {
	return a.enqueue(ctx, JobConfirm, account, nil)
}

// linkPages are where the links of mails lead. What is secret stands behind #: browsers keep it to
// themselves, so it is in no log and in no Referer.
var linkPages = map[LinkKind]string{LinkConfirm: "/confirm", LinkReset: "/password/new"}

// NewLink makes the link of a mail that is about to be sent, and ends the one before.
func (a *Accounts) NewLink(ctx context.Context, account string, kind LinkKind) (string, error) {
	page, ok := linkPages[kind]
	if !ok {
		return "", ErrLinkOver
	}
	secret := rand.Text()
	hash := sha256.Sum256([]byte(secret))
	if err := a.Store.PutLink(ctx, account, kind, hash[:], a.Now().Add(LinkLife)); err != nil {
		return "", fault.Away("accounts", err)
	}
	return a.PublicURL + page + "#" + account + "." + secret, nil
}

// open tells whether a link works, and whose it is.
func (a *Accounts) open(ctx context.Context, token string, kind LinkKind) (account string, hash []byte, err error) {
	account, secret, _ := strings.Cut(token, ".")
	sum := sha256.Sum256([]byte(secret))
	if uuid.Validate(account) != nil {
		return "", nil, ErrLinkOver
	}
	want, err := a.Store.Link(ctx, account, kind, a.Now())
	if err != nil {
		return "", nil, fault.Away("accounts", err)
	}
	if want == nil || subtle.ConstantTimeCompare(want, sum[:]) != 1 {
		return "", nil, ErrLinkOver
	}
	return account, sum[:], nil
}

func (a *Accounts) use(ctx context.Context, account string, kind LinkKind, hash []byte) error {
	ok, err := a.Store.TakeLink(ctx, account, kind, hash, a.Now())
	if err != nil {
		return fault.Away("accounts", err)
	}
	if !ok {
		return ErrLinkOver
	}
	return nil
}

// What changes an account goes on from its first write, for so long, when the client has left.
// Until then the job that ends the account's sessions is not due.
const (
	changeTimeout = 25 * time.Second
	changeMargin  = 10 * time.Second
)

func changing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
}

// noting bounds what is written down when the time of the change itself may be over.
func noting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
}

// willEnd queues the end of an account's sessions before what calls for it is done, so that no
// failure in between leaves them alive. do carries it out at once; it is dropped if nothing changed.
func (a *Accounts) willEnd(ctx context.Context, account string) (Job, error) {
	return a.will(ctx, JobEndSessions, account)
}

func (a *Accounts) will(ctx context.Context, kind JobKind, account string) (Job, error) {
	j := Job{ID: uuid.Must(uuid.NewV7()), Kind: kind, Account: account, CreatedAt: a.Now()}
	if _, err := a.Store.AddJob(ctx, j, a.Now().Add(changeTimeout+changeMargin), math.MaxInt32); err != nil {
		return j, fault.Away("accounts", err)
	}
	return j, nil
}

// end ends the sessions now. If that fails, the queue goes on with it: the change itself is done.
func (a *Accounts) end(ctx context.Context, j Job) {
	if err := a.do(ctx, j); err != nil {
		slog.ErrorContext(ctx, "sessions not ended yet", "account", j.Account, "error", err)
	}
}

// Confirm says that an account's address is its own.
func (a *Accounts) Confirm(ctx context.Context, token string) error {
	account, hash, err := a.open(ctx, token, LinkConfirm)
	if err != nil {
		return err
	}
	ctx, cancel := changing(ctx)
	defer cancel()
	if err := a.Directory.ConfirmEmail(ctx, account); err != nil {
		return err
	}
	// Whoever is signed in has a token that does not say so yet. Until this is queued, the link works.
	job, err := a.will(ctx, JobRenewSessions, account)
	if err != nil {
		return err
	}
	if err := a.do(ctx, job); err != nil {
		slog.WarnContext(ctx, "sessions not marked for renewal yet", "account", account, "error", err)
	}
	if err := a.use(ctx, account, LinkConfirm, hash); err != nil {
		return err
	}
	return a.Audit.Record(ctx, entry(a.Now(), AuditEmailConfirmed, account, "", nil))
}

// ResetPassword sets a new password by the link of a mail, and ends every session of the account:
// whoever had the old password is out. Whoever reads the address's mail has shown that it is theirs.
func (a *Accounts) ResetPassword(ctx context.Context, token, password, ip string) error {
	account, hash, err := a.open(ctx, token, LinkReset)
	if err != nil {
		return err
	}
	p, err := a.Directory.Profile(ctx, account)
	if err != nil {
		return err
	}
	if !p.Enabled {
		return ErrLinkOver
	}
	if password, err = CheckPassword(password, p.Email, p.Name); err != nil {
		return err
	}
	ctx, cancel := changing(ctx)
	defer cancel()
	job, err := a.willEnd(ctx, account)
	if err != nil {
		return err
	}
	if err := a.use(ctx, account, LinkReset, hash); err != nil {
		return errors.Join(err, a.Store.DropJob(ctx, job.ID))
	}
	failed := a.Directory.SetPassword(ctx, account, password)
	note, cancel := noting(ctx)
	defer cancel()
	if failed != nil { // it was not the link's fault: the person may try again with it
		err = errors.Join(failed, a.Store.RestoreLink(note, account, LinkReset, hash, a.Now().Add(LinkLife/4)))
		if refused(failed) {
			return errors.Join(err, a.Store.DropJob(note, job.ID))
		}
	}
	// It is set, or may be: the owner is told either way.
	var detail map[string]any
	if failed != nil {
		detail = outcomeUnknown(nil)
	}
	job.Notice = messages.NoticePasswordChanged
	done := entry(a.Now(), AuditPasswordReset, account, "", detail)
	done.Address = ip
	err = errors.Join(err, a.Store.SaveJob(note, job), a.Audit.Record(note, done))
	a.end(ctx, job)
	return err
}

// outcomeUnknown marks an entry of the trail whose change may have been made or not.
func outcomeUnknown(detail map[string]any) map[string]any {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["outcome"] = "unknown"
	return detail
}

// refused tells a change that was not made from one that may have been.
func refused(err error) bool {
	kind := fault.KindOf(err)
	return kind != fault.Unavailable && kind != fault.Internal
}

// Change is what an admin changes of an account; nil leaves as it is.
type Change struct {
	Enabled *bool
	Roles   []identity.Role // exactly these, when ChangeRoles is set

	ChangeRoles bool
}

// Administer changes an account as an admin. What an account could do under its old rights ends.
func (a *Accounts) Administer(ctx context.Context, admin identity.Account, ip, account string, c Change) (p Profile, err error) {
	var job *Job
	var deadline time.Time
	began := false
	// One at a time: two admins must not demote each other in the same moment.
	err = a.Store.Alone(ctx, func(ctx context.Context) error {
		began = true
		p, job, deadline, err = a.administer(ctx, admin, ip, account, c)
		return err
	})
	if err != nil && !began { // too many others are before it, or the store is away
		return p, fault.Away("accounts", err)
	}
	if job != nil { // others need not wait for this; the queue does it when the time of the change is over
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
		a.end(ctx, *job)
	}
	return p, err
}

func (a *Accounts) administer(ctx context.Context, admin identity.Account, ip, account string, c Change) (Profile, *Job, time.Time, error) {
	var none time.Time
	// The token may be older than what another admin did a moment ago. As whoever changes something is an
	// admin now, and cannot take that from themselves, one admin always stays.
	actor, err := a.Directory.WithRoles(ctx, admin.ID)
	if errors.Is(err, ErrNoAccount) || err == nil && (!actor.Enabled || !slices.Contains(actor.Roles, identity.Admin)) {
		return Profile{}, nil, none, identity.ErrForbidden
	}
	if err != nil {
		return Profile{}, nil, none, err
	}
	before, err := a.Directory.WithRoles(ctx, account)
	if err != nil {
		return before, nil, none, err
	}
	locks := c.Enabled != nil && !*c.Enabled
	demotes := c.ChangeRoles && !slices.Contains(c.Roles, identity.Admin)
	if (locks || demotes) && account == admin.ID && slices.Contains(before.Roles, identity.Admin) {
		return before, nil, none, ErrOwnAccount
	}
	ctx, cancel := changing(ctx)
	defer cancel()
	deadline, _ := ctx.Deadline()
	var job *Job
	if locks || c.ChangeRoles {
		j, err := a.willEnd(ctx, account)
		if err != nil {
			return before, nil, none, err
		}
		job = &j
	}
	p := before
	var done []Entry
	record := func(kind AuditKind, failed error, detail map[string]any) {
		if failed != nil {
			if refused(failed) {
				return
			}
			detail = outcomeUnknown(detail)
		}
		e := entry(a.Now(), kind, account, admin.ID, detail)
		e.Address = ip
		done = append(done, e)
	}
	// What was changed, or may have been, is recorded and takes effect even when another step failed.
	if c.ChangeRoles {
		changed, failed := a.Directory.SetRoles(ctx, account, c.Roles)
		if failed == nil {
			p = changed
		}
		after := p.Roles
		if failed != nil {
			after = c.Roles
		}
		record(AuditRolesChanged, failed, map[string]any{"before": before.Roles, "after": after})
		err = failed
	}
	if c.Enabled != nil {
		failed := a.Directory.SetEnabled(ctx, account, *c.Enabled)
		if failed == nil {
			p.Enabled = *c.Enabled
		}
		kind := AuditAccountLocked
		if *c.Enabled {
			kind = AuditAccountUnlocked
		}
		record(kind, failed, nil)
		err = errors.Join(err, failed)
	}
	note, cancel := noting(ctx)
	defer cancel()
	return p, job, deadline, errors.Join(err, a.Audit.Record(note, done...))
}
