package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/personaldata"
	"github.com/foyer-tickets/foyer/internal/worker"
)

// What asking for one's data, or for its end, may be refused with.
var (
	ErrSignInAgain     = fault.New(fault.Forbidden, "sign_in_again", "This requires a recent sign-in. Please sign in again.")
	ErrNotConfirmed    = fault.New(fault.Invalid, "confirmation_differs", "The confirmation must be the email address of this account.")
	ErrDeletionBlocked = fault.New(fault.Conflict, "deletion_blocked", "This account cannot be deleted yet.")
	ErrExportTooLarge  = fault.New(fault.TooLarge, "export_too_large", "The export is too large for a download. Please contact us.")
	ErrExportsBusy     = fault.New(fault.TooMany, "exports_busy", "Too many exports are in progress. Please try again in a minute.").After(time.Minute)
)

// RecentSignIn is how long after the last sign-in one's data may be exported or deleted. Whoever
// finds a browser signed in cannot take either along.
const RecentSignIn = 10 * time.Minute

// Deletion is an account on its way out. Its record is the account itself, locked, in the
// directory: so it is as durable as what it is about, and ends with it.
type Deletion struct {
	Account     string
	Tombstone   string // takes the account's place in the books
	RequestedAt time.Time
	Person      Person    // until told
	Told        bool      // the last mail is out, and address and name are gone from the directory
	Erased      []string  // services that confirmed
	ErasedAt    time.Time // all did; zero: not yet
	WaitingFor  string    // what the last step failed on, "" when it went well
}

// Person is who the last mail goes to.
type Person struct {
	Email  string
	Name   string
	Locale string
}

// Deletions keeps them. Save writes progress; Forget also takes address and name off the account,
// so that the address is free for a new one.
type Deletions interface {
	// Begin writes a deletion down, unless the account has one: then it gives that.
	Begin(ctx context.Context, d Deletion) (Deletion, error)
	// Pending lists some of them, from the first-th on.
	Pending(ctx context.Context, first, limit int) ([]Deletion, error)
	// Find gives the deletion of an account as it is now, false when it has ended.
	Find(ctx context.Context, account string) (Deletion, bool, error)
	Save(ctx context.Context, d Deletion) error
	Forget(ctx context.Context, d Deletion) error
	Remove(ctx context.Context, account string) error
}

// DeletionMails sends the last mail that an account gets: that it is deleted.
type DeletionMails interface {
	// SendDeletionMail queues it, once for a tombstone.
	SendDeletionMail(ctx context.Context, tombstone string, to Person) error
}

// SessionEnder ends all sessions of an account, in every browser and program.
type SessionEnder interface {
	EndAll(ctx context.Context, account string) error
}

// Lease keeps two replicas, or two requests, from working on the same account's deletion at once.
type Lease interface {
	// Acquire gives what to release it by; "" while somebody else has it.
	Acquire(ctx context.Context, name string, ttl time.Duration) (owner string, err error)
	// Release ends the lease of this owner, and nobody else's.
	Release(ctx context.Context, name, owner string) error
}

// Deleter deletes accounts: a saga whose every step may be repeated. The account is locked and
// signed out at once; then its person is told, and forgotten by the directory; then every service
// erases what it keeps, whenever it is there; and after a while, when nothing can come in any more
// that was on its way, all of them once more. Then the account itself goes.
type Deleter struct {
	Deletions     Deletions
	Sessions      SessionEnder
	DeletionMails DeletionMails
	Lease         Lease
	Audit         interface {
		Record(ctx context.Context, entries ...Entry) error
	}
	Holders map[string]personaldata.Holder // by service
	Settle  time.Duration                  // from the first erasure to the second
	Now     func() time.Time

	poked chan struct{}
	once  sync.Once
}

// Bounds of the saga.
const (
	deletionEvery  = 10 * time.Second
	deletionsPage  = 100
	deletionsMost  = 10_000 // of one round, far more than ever wait
	deletionsOnce  = 4
	deletionTurn   = 10 * time.Minute // an erasure looks through much, and begins anew in the next turn
	deletionNote   = 20 * time.Second // of what a turn came to
	leaseTries     = 20
	leasePause     = 100 * time.Millisecond
	beginTimeout   = 20 * time.Second // the directory's three calls, each with its own
	deletionMargin = 30 * time.Second // how much longer a lease is than what is done under it
	tellFor        = time.Hour        // a mail that cannot be delivered keeps nobody's address
	stuckAfter     = 24 * time.Hour
)

// Stuck tells whether people should look after a deletion.
func (d Deletion) Stuck(now time.Time) bool { return now.Sub(d.RequestedAt) > stuckAfter }

// Obstacles asks every service what speaks against deleting an account.
func (d *Deleter) Obstacles(ctx context.Context, a identity.Account) ([]personaldata.Obstacle, error) {
	var mu sync.Mutex
	found := []personaldata.Obstacle{}
	if a.Has(identity.Admin) {
		found = append(found, personaldata.Obstacle{Code: personaldata.AdminRole, Count: 1})
	}
	group, ctx := errgroup.WithContext(ctx)
	for service, holder := range d.Holders {
		group.Go(func() error {
			obstacles, err := holder.Obstacles(ctx, a.ID)
			if err != nil {
				return fault.Away(service, err)
			}
			mu.Lock()
			defer mu.Unlock()
			found = append(found, obstacles...)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b personaldata.Obstacle) int { return strings.Compare(a.Code, b.Code) })
	return found, nil
}

// Begin locks the account and signs it out. ip is where it was asked from. forfeit: what a person may
// overrule does not count.
func (d *Deleter) Begin(ctx context.Context, a identity.Account, p Profile, ip string, forfeit bool) (Deletion, error) {
	obstacles, err := d.Obstacles(ctx, a)
	if err != nil {
		return Deletion{}, err
	}
	standing := slices.DeleteFunc(obstacles, func(o personaldata.Obstacle) bool { return o.Waivable && forfeit })
	if len(standing) > 0 {
		return Deletion{}, ErrDeletionBlocked.With("obstacles", standing)
	}
	deletion := Deletion{Account: a.ID, Tombstone: identity.NewTombstone(), RequestedAt: d.Now().UTC(), Person: Person{p.Email, p.Name, p.Locale}}
	if deletion, err = d.begin(ctx, deletion); err != nil {
		return Deletion{}, err
	}
	if err := d.record(ctx, deletion, ip); err != nil { // the saga does it again, and so the next
		slog.WarnContext(ctx, "deletion of an account not recorded yet", "error", err)
	}
	if err := d.Sessions.EndAll(ctx, a.ID); err != nil {
		slog.WarnContext(ctx, "sessions of a deleted account not ended yet", "error", err)
	}
	d.poke()
	return deletion, nil
}

// errBeginning: the other request has not written its deletion down yet.
var errBeginning = errors.New("another request works on this deletion")

// begin writes a deletion down, or gives the one that the account has. The directory cannot compare and
// swap: what a request read before another began, or before the saga went on, must not be written back.
func (d *Deleter) begin(ctx context.Context, deletion Deletion) (Deletion, error) {
	held, err := d.exclusively(ctx, deletion.Account, beginTimeout, func(ctx context.Context) (err error) {
		deletion, err = d.Deletions.Begin(ctx, deletion)
		return err
	})
	if held || err != nil {
		return deletion, err
	}
	there, found, err := d.Deletions.Find(ctx, deletion.Account)
	if err == nil && !found {
		err = fault.Away("accounts", errBeginning)
	}
	return there, err
}

// Unless calls write while no deletion of the account can begin, and not at all once one has: the
// directory writes a user's attributes as a whole, and would write back those from before. Another such
// write is waited for.
func (d *Deleter) Unless(ctx context.Context, account string, write func(ctx context.Context) error) error {
	for tries := 0; ; tries++ {
		held, err := d.exclusively(ctx, account, beginTimeout, func(ctx context.Context) error {
			if _, found, err := d.Deletions.Find(ctx, account); err != nil || found {
				return cmp.Or(err, error(ErrNoAccount))
			}
			return write(ctx)
		})
		if held || err != nil {
			return err
		}
		if tries == leaseTries {
			return fault.Away("accounts", errBeginning)
		}
		if err := worker.Sleep(ctx, leasePause); err != nil {
			return err
		}
	}
}

// exclusively calls f while nobody else works on the account's deletion, for as long as turn. held is
// false when somebody does, and f was not called.
func (d *Deleter) exclusively(ctx context.Context, account string, turn time.Duration, f func(ctx context.Context) error) (held bool, err error) {
	owner, err := d.Lease.Acquire(ctx, account, turn+deletionMargin)
	if err != nil || owner == "" {
		return false, err
	}
	defer func() {
		ctx, cancel := noting(ctx)
		defer cancel()
		if err := d.Lease.Release(ctx, account, owner); err != nil { // it runs out
			slog.WarnContext(ctx, "lease of a deletion not released", "error", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	return true, f(ctx)
}

// record adds a deletion to the audit trail, once however often it is called.
func (d *Deleter) record(ctx context.Context, deletion Deletion, ip string) error {
	e := entry(deletion.RequestedAt, AuditAccountDeleted, deletion.Account, "", nil)
	e.ID, e.Address = uuid.NewSHA1(uuid.NameSpaceOID, []byte(deletion.Tombstone)), ip
	return d.Audit.Record(ctx, e)
}

func (d *Deleter) wakeups() chan struct{} {
	d.once.Do(func() { d.poked = make(chan struct{}, 1) })
	return d.poked
}

func (d *Deleter) poke() {
	select {
	case d.wakeups() <- struct{}{}:
	default:
	}
}

// Run carries deletions on until ctx ends.
func (d *Deleter) Run(ctx context.Context) error {
	return worker.EveryOr(ctx, deletionEvery, d.wakeups(), worker.LogFailures("deletions of accounts wait", d.Continue))
}

// Continue has every pending deletion make what progress it can. However many are stuck, or wait for
// their second erasure, each of the others has its turn.
func (d *Deleter) Continue(ctx context.Context) error {
	var due []Deletion
	stuck := 0
	for first := 0; first < deletionsMost; first += deletionsPage {
		page, err := d.Deletions.Pending(ctx, first, deletionsPage)
		if err != nil {
			return err
		}
		for _, deletion := range page {
			if deletion.Stuck(d.Now()) {
				stuck++
			}
			if d.due(deletion) {
				due = append(due, deletion)
			}
		}
		if len(page) < deletionsPage {
			break
		}
	}
	errs := make([]error, len(due))
	var group errgroup.Group
	group.SetLimit(deletionsOnce)
	for i, deletion := range due {
		group.Go(func() error {
			errs[i] = d.leased(ctx, deletion)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	if stuck > 0 {
		slog.ErrorContext(ctx, "deletions of accounts are stuck", "count", stuck)
	}
	return errors.Join(errs...)
}

// due tells whether a deletion has something to do now.
func (d *Deleter) due(deletion Deletion) bool {
	return deletion.ErasedAt.IsZero() || d.Now().Sub(deletion.ErasedAt) >= d.Settle
}

func (d *Deleter) leased(ctx context.Context, deletion Deletion) error {
	_, err := d.exclusively(ctx, deletion.Account, deletionTurn, func(ctx context.Context) error {
		// It was listed a while ago: another replica may have taken it further since.
		deletion, found, err := d.Deletions.Find(ctx, deletion.Account)
		if err != nil || !found {
			return err
		}
		return d.step(ctx, deletion)
	})
	return err
}

func (d *Deleter) step(ctx context.Context, deletion Deletion) error {
	if !deletion.Told {
		if err := d.tell(ctx, &deletion); err != nil {
			return err
		}
	}
	if deletion.ErasedAt.IsZero() {
		if err := d.erase(ctx, &deletion); err != nil {
			return err
		}
	}
	if !d.due(deletion) {
		return nil
	}
	deletion.Erased = nil
	if err := d.erase(ctx, &deletion); err != nil {
		return err
	}
	if err := d.Deletions.Remove(ctx, deletion.Account); err != nil {
		return err
	}
	slog.InfoContext(ctx, "account deleted", "after", d.Now().Sub(deletion.RequestedAt).String())
	return nil
}

// tell sends the last mail while the address is still known, and has the directory forget it.
func (d *Deleter) tell(ctx context.Context, deletion *Deletion) error {
	if err := d.Sessions.EndAll(ctx, deletion.Account); err != nil {
		return d.waits(ctx, deletion, "sessions", err)
	}
	if err := d.record(ctx, *deletion, ""); err != nil {
		return d.waits(ctx, deletion, "audit", err)
	}
	if err := d.DeletionMails.SendDeletionMail(ctx, deletion.Tombstone, deletion.Person); err != nil && d.Now().Sub(deletion.RequestedAt) < tellFor {
		return d.waits(ctx, deletion, "mail", err)
	}
	deletion.Told, deletion.Person, deletion.WaitingFor = true, Person{}, ""
	return d.Deletions.Forget(ctx, *deletion)
}

// erase asks the services that have not confirmed. One that is away keeps none of the others back.
func (d *Deleter) erase(ctx context.Context, deletion *Deletion) error {
	var away error
	waiting := ""
	for _, service := range d.services() {
		if slices.Contains(deletion.Erased, service) {
			continue
		}
		if err := d.Holders[service].Erase(ctx, deletion.Account, deletion.Tombstone); err != nil {
			away, waiting = errors.Join(away, err), service
			continue
		}
		deletion.Erased = append(deletion.Erased, service)
	}
	if away != nil {
		return d.waits(ctx, deletion, waiting, away)
	}
	deletion.WaitingFor, deletion.ErasedAt = "", d.Now().UTC()
	return d.Deletions.Save(ctx, *deletion)
}

func (d *Deleter) services() []string {
	names := make([]string, 0, len(d.Holders))
	for name := range d.Holders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// waits notes what a deletion waits for, for admins to see.
func (d *Deleter) waits(ctx context.Context, deletion *Deletion, what string, err error) error {
	deletion.WaitingFor = what
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletionNote) // its turn may be over
	defer cancel()
	return errors.Join(err, d.Deletions.Save(ctx, *deletion))
}
