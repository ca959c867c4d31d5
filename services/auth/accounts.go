package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"github.com/foyer-tickets/foyer/internal/event"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
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
	// PutLink replaces the account's link of that kind.
	PutLink(ctx context.Context, account string, kind LinkKind, hash []byte, expires time.Time) error
	// Link gives the hash of a link that still works, nil when there is none.
	Link(ctx context.Context, account string, kind LinkKind, now time.Time) ([]byte, error)
	// TakeLink uses a link up. false: somebody else did, or it is over.
	TakeLink(ctx context.Context, account string, kind LinkKind, hash []byte, now time.Time) (bool, error)
	// Count adds one to what a key used up within the window ending now, unless that is limit already.
	Count(ctx context.Context, key string, now time.Time, window time.Duration, limit int) (bool, error)
	// Alone runs f while no other replica runs one.
	Alone(ctx context.Context, f func(context.Context) error) error
}

// Notifier has the notification service send an account a mail.
type Notifier interface {
	Notify(ctx context.Context, account string, kind event.NoticeKind) error
}

// Accounts is what people do about their accounts without being signed in, and what admins do.
type Accounts struct {
	Directory Directory
	Store     Store
	Audit     Audit
	Notifier  Notifier
	Ender     Ender
	PublicURL string
	PerIP     int // mails an hour for one IP address; 0: no limit
	Now       func() time.Time

	jobs chan func(context.Context) error
}

// queueLength bounds the registrations and reset mails that wait; workers is how many run at once.
// Keycloak hashes a password for a good part of a second.
const (
	queueLength = 500
	workers     = 3
	jobTimeout  = time.Minute
	drainTime   = 4 * time.Second
)

// Init makes the queue. It is called before anything else.
func (a *Accounts) Init() { a.jobs = make(chan func(context.Context) error, queueLength) }

// enqueue has a job done after the answer. Whether there is such an account then shows neither in
// the answer nor in its time.
func (a *Accounts) enqueue(job func(context.Context) error) error {
	select {
	case a.jobs <- job:
		return nil
	default:
		return ErrTooBusy
	}
}

// Run does the jobs until ctx ends, and then those that are left.
func (a *Accounts) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				select {
				case job := <-a.jobs:
					a.do(ctx, job)
				case <-ctx.Done():
					rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
					defer cancel()
					for {
						select {
						case job := <-a.jobs:
							a.do(rest, job)
						default:
							return
						}
					}
				}
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// do tries a job until it is done, its time is over, or trying again would not help. What has begun
// when the process stops is finished.
func (a *Accounts) do(ctx context.Context, job func(context.Context) error) {
	var cancel context.CancelFunc
	if ctx.Err() == nil {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), jobTimeout)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	defer cancel()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := job(ctx)
		if err != nil && fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.Internal {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(jobTimeout))
	if err != nil {
		slog.ErrorContext(ctx, "account job not done", "error", err)
	}
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

// mayMail counts a mail against an address or an account.
func (a *Accounts) mayMail(ctx context.Context, key string) (bool, error) {
	ok, err := a.Store.Count(ctx, key, a.Now(), mailWindow, mailsPerName)
	if err != nil {
		return false, fault.Away("accounts", err)
	}
	return ok, nil
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
	counted := false
	return a.enqueue(func(ctx context.Context) error {
		if !counted {
			ok, err := a.mayMail(ctx, "address:"+r.Email)
			if err != nil || !ok {
				return err
			}
			counted = true
		}
		return a.register(ctx, r)
	})
}

func (a *Accounts) register(ctx context.Context, r Registration) error {
	id, err := a.Directory.Register(ctx, r)
	switch {
	case err == nil:
		return errors.Join(
			a.Audit.Record(ctx, entry(a.Now(), AuditRegistered, id, "", nil)),
			a.Notifier.Notify(ctx, id, event.NoticeConfirmEmail),
		)
	case !errors.Is(err, ErrEmailTaken):
		return err
	}
	p, found, err := a.Directory.ByEmail(ctx, r.Email)
	if err != nil || !found || !p.Enabled {
		return err
	}
	return errors.Join(
		a.Audit.Record(ctx, entry(a.Now(), AuditRegisteredBefore, p.ID, "", nil)),
		a.Notifier.Notify(ctx, p.ID, event.NoticeAccountExists),
	)
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
	counted := false
	return a.enqueue(func(ctx context.Context) error {
		if !counted {
			ok, err := a.mayMail(ctx, "address:"+email)
			if err != nil || !ok {
				return err
			}
			counted = true
		}
		p, found, err := a.Directory.ByEmail(ctx, email)
		if err != nil || !found || !p.Enabled {
			return err
		}
		return errors.Join(
			a.Audit.Record(ctx, entry(a.Now(), AuditResetRequested, p.ID, "", nil)),
			a.Notifier.Notify(ctx, p.ID, event.NoticePasswordReset),
		)
	})
}

// RequestConfirmation sends the signed-in account another link to confirm its address.
func (a *Accounts) RequestConfirmation(ctx context.Context, account string) error {
	return a.enqueue(func(ctx context.Context) error {
		p, err := a.Directory.Profile(ctx, account)
		if err != nil || p.EmailVerified || !p.Enabled {
			return err
		}
		ok, err := a.mayMail(ctx, "address:"+p.Email)
		if err != nil || !ok {
			return err
		}
		return a.Notifier.Notify(ctx, account, event.NoticeConfirmEmail)
	})
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

// Confirm says that an account's address is its own.
func (a *Accounts) Confirm(ctx context.Context, token string) error {
	account, hash, err := a.open(ctx, token, LinkConfirm)
	if err != nil {
		return err
	}
	if err := a.Directory.ConfirmEmail(ctx, account); err != nil {
		return err
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
	if err := a.use(ctx, account, LinkReset, hash); err != nil {
		return err
	}
	if err := a.Directory.SetPassword(ctx, account, password); err != nil {
		// It was not the link's fault: the person may try again with it.
		return errors.Join(err, a.Store.PutLink(context.WithoutCancel(ctx), account, LinkReset, hash, a.Now().Add(LinkLife/4)))
	}
	ended := a.Ender.EndAll(ctx, account)
	done := entry(a.Now(), AuditPasswordReset, account, "", nil)
	done.Address = ip
	return errors.Join(ended, a.Audit.Record(ctx, done), a.Notifier.Notify(ctx, account, event.NoticePasswordChanged))
}

// Change is what an admin changes of an account; nil leaves as it is.
type Change struct {
	Enabled *bool
	Roles   []identity.Role // exactly these, when ChangeRoles is set

	ChangeRoles bool
}

// Administer changes an account as an admin. What an account could do under its old rights ends.
func (a *Accounts) Administer(ctx context.Context, admin identity.Account, ip, account string, c Change) (p Profile, err error) {
	// One at a time: two admins must not demote each other in the same moment.
	err = a.Store.Alone(ctx, func(ctx context.Context) error {
		p, err = a.administer(ctx, admin, ip, account, c)
		return err
	})
	return p, err
}

func (a *Accounts) administer(ctx context.Context, admin identity.Account, ip, account string, c Change) (Profile, error) {
	before, err := a.Directory.WithRoles(ctx, account)
	if err != nil {
		return before, err
	}
	locks := c.Enabled != nil && !*c.Enabled
	demotes := c.ChangeRoles && !slices.Contains(c.Roles, identity.Admin)
	if (locks || demotes) && slices.Contains(before.Roles, identity.Admin) {
		if account == admin.ID {
			return before, ErrOwnAccount
		}
		admins, err := a.Directory.Admins(ctx)
		if err != nil {
			return before, err
		}
		if !slices.Contains(admins, admin.ID) { // demoted since the token was issued
			return before, identity.ErrForbidden
		}
		if !slices.ContainsFunc(admins, func(id string) bool { return id != account }) {
			return before, ErrLastAdmin
		}
	}
	p := before
	var done []Entry
	record := func(kind AuditKind, detail map[string]any) {
		e := entry(a.Now(), kind, account, admin.ID, detail)
		e.Address = ip
		done = append(done, e)
	}
	if c.ChangeRoles {
		if p, err = a.Directory.SetRoles(ctx, account, c.Roles); err != nil {
			return p, err
		}
		record(AuditRolesChanged, map[string]any{"before": before.Roles, "after": p.Roles})
	}
	if c.Enabled != nil {
		if err = a.Directory.SetEnabled(ctx, account, *c.Enabled); err == nil {
			p.Enabled = *c.Enabled
			kind := AuditAccountLocked
			if *c.Enabled {
				kind = AuditAccountUnlocked
			}
			record(kind, nil)
		}
	}
	// What was changed is recorded and takes effect even when a later step failed.
	err = errors.Join(err, a.Audit.Record(ctx, done...))
	if locks || c.ChangeRoles {
		err = errors.Join(err, a.Ender.EndAll(ctx, account))
	}
	return p, err
}
