package postgres_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/foyer-tickets/foyer/internal/database"
	"github.com/foyer-tickets/foyer/internal/fault"
	"github.com/foyer-tickets/foyer/internal/identity"
	"github.com/foyer-tickets/foyer/internal/messages"
	"github.com/foyer-tickets/foyer/services/auth"
	"github.com/foyer-tickets/foyer/services/auth/postgres"
	"github.com/foyer-tickets/foyer/tests/harness"
)

var away = fault.Away("accounts", errors.New("connection refused"))

// outside is all that Accounts has besides the store: the directory, the mails, and the end of sessions.
type outside struct {
	auth.Directory // what is not written below is not called

	mu     sync.Mutex
	people map[string]auth.Profile // by address
	mails  []messages.NoticeKind
	told   map[uuid.UUID]int
	ended  []string
	roles  []identity.Role
	marked []string

	mark, register, notify, endAll, setPassword, setRoles func(ctx context.Context) error // run after the work; what they return is what the caller sees
}

func run(ctx context.Context, hook func(context.Context) error) error {
	if hook == nil {
		return ctx.Err()
	}
	return hook(ctx)
}

func (o *outside) Register(ctx context.Context, r auth.Registration) (string, error) {
	o.mu.Lock()
	_, taken := o.people[r.Email]
	id := uuid.NewString()
	if !taken {
		o.people[r.Email] = auth.Profile{ID: id, Email: r.Email, Name: r.Name, Enabled: true, MadeBy: r.Job}
	}
	hook := o.register
	o.mu.Unlock()
	if taken {
		return "", auth.ErrEmailTaken
	}
	return id, run(ctx, hook)
}

func (o *outside) ByEmail(_ context.Context, email string) (auth.Profile, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.people[email]
	return p, ok, nil
}

func (o *outside) Profile(_ context.Context, id string) (auth.Profile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.people {
		if p.ID == id {
			return p, nil
		}
	}
	return auth.Profile{}, auth.ErrNoAccount
}

// boss is an admin.
var boss = identity.Account{ID: uuid.NewString(), Roles: []identity.Role{identity.Admin}}

func (o *outside) WithRoles(ctx context.Context, id string) (auth.Profile, error) {
	if id == boss.ID {
		return auth.Profile{ID: id, Enabled: true, Roles: boss.Roles}, nil
	}
	p, err := o.Profile(ctx, id)
	p.Roles = slices.Clone(o.roles)
	return p, err
}

func (o *outside) SetRoles(ctx context.Context, id string, roles []identity.Role) (auth.Profile, error) {
	o.roles = roles
	if err := run(ctx, o.setRoles); err != nil {
		return auth.Profile{}, err
	}
	return o.WithRoles(ctx, id)
}

func (o *outside) SetEnabled(ctx context.Context, _ string, _ bool) error { return ctx.Err() }

func (o *outside) SetPassword(ctx context.Context, _, _ string) error { return run(ctx, o.setPassword) }

func (o *outside) EndAll(ctx context.Context, account string) error {
	if err := run(ctx, o.endAll); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = append(o.ended, account)
	return nil
}

func (o *outside) ConfirmEmail(ctx context.Context, _ string) error { return ctx.Err() }

func (o *outside) Mark(ctx context.Context, account string, _ time.Time) error {
	if err := run(ctx, o.mark); err != nil {
		return err
	}
	o.marked = append(o.marked, account)
	return nil
}

func (o *outside) Marked(context.Context, string) (time.Time, error) { return time.Time{}, nil }

func (o *outside) Notify(ctx context.Context, id uuid.UUID, _ string, kind messages.NoticeKind) error {
	if err := run(ctx, o.notify); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told[id]++
	o.mails = append(o.mails, kind)
	return nil
}

type bench struct {
	*outside
	accounts *auth.Accounts
	store    postgres.Store
	pool     *pgxpool.Pool
	clock    time.Time
}

func newBench(t *testing.T) *bench {
	pool, err := database.Open(t.Context(), harness.Postgres(t), postgres.Migrations())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	sealer, err := auth.NewSealer(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	seal, err := sealer.AEAD(auth.SealJobs)
	require.NoError(t, err)
	b := &bench{
		outside: &outside{people: map[string]auth.Profile{}, told: map[uuid.UUID]int{}},
		store:   postgres.Store{Pool: pool, Key: []byte("key")}, pool: pool, clock: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
	}
	b.accounts = &auth.Accounts{
		Directory: b, Store: b.store, Audit: b.store, Notifier: b, Ender: b, Confirmed: b, Seal: seal, PublicURL: "https://foyer.example",
		Now: func() time.Time { return b.clock },
	}
	return b
}

func (b *bench) jobs(t *testing.T) (n int) {
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM jobs`).Scan(&n))
	return n
}

// work does what is due, and what is due later too.
func (b *bench) work(t *testing.T) {
	for range 10 {
		_, err := b.accounts.Step(t.Context())
		require.NoError(t, err)
		b.clock = b.clock.Add(3 * time.Minute)
	}
}

func (b *bench) trail(t *testing.T) (kinds []auth.AuditKind) {
	entries, err := b.store.Find(t.Context(), auth.AuditQuery{Limit: 100})
	require.NoError(t, err)
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

const password = "a fine long phrase 7"

func form(email string) auth.Registration {
	return auth.Registration{Email: email, Password: password, Name: "Anna", Locale: "de"}
}

// Each step may fail, with or without its work done: the mail that follows is the right one, once.
func TestAHalfDoneRegistrationMailsTheRightThing(t *testing.T) {
	once := func(hook *func(context.Context) error) {
		*hook = func(context.Context) error {
			*hook = nil
			return away
		}
	}
	for name, breaks := range map[string]func(b *bench){
		"nothing fails": func(*bench) {},
		"the account is made, and nobody sees it": func(b *bench) { once(&b.register) },
		"the mail is not taken":                   func(b *bench) { once(&b.notify) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			breaks(b)
			require.NoError(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), ""))
			b.work(t)
			assert.Equal(t, []messages.NoticeKind{messages.NoticeConfirmEmail}, b.mails)
			assert.Equal(t, []auth.AuditKind{auth.AuditRegistered}, b.trail(t))
			assert.Len(t, b.people, 1)
			assert.Zero(t, b.jobs(t))

			// Somebody registers with the address again.
			require.NoError(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), ""))
			b.work(t)
			assert.Equal(t, []messages.NoticeKind{messages.NoticeConfirmEmail, messages.NoticeAccountExists}, b.mails)
		})
	}
}

// A network is sent no more mails an hour than its limit, whatever they are for and whoever they go to. What
// is refused counts for nothing, and other networks have limits of their own.
func TestMailsAreLimitedByNetwork(t *testing.T) {
	const limit, network, other = 30, "2001:db8:1:2::/64", "192.0.2.7"
	b := newBench(t)
	b.accounts.PerIP = limit
	start, n := b.clock, 0
	ask := func(network string) error {
		n++
		address := fmt.Sprintf("person-%d@foyer.example", n)
		if n%2 == 0 {
			return b.accounts.RequestReset(t.Context(), address, network)
		}
		return b.accounts.Register(t.Context(), form(address), network)
	}
	require.Equal(t, "invalid_email", fault.CodeOf(b.accounts.RequestReset(t.Context(), "anna", network)))
	require.Equal(t, "invalid_email", fault.CodeOf(b.accounts.Register(t.Context(), form("anna"), network)))
	for i := range limit {
		require.NoError(t, ask(network), "%d", i)
		b.clock = b.clock.Add(time.Minute)
	}
	for range 4 {
		err := ask(network)
		require.ErrorIs(t, err, auth.ErrTooManyMails)
		assert.Equal(t, fault.TooMany, fault.KindOf(err))
	}
	assert.Equal(t, limit, b.jobs(t), "what was refused is not done later")
	require.NoError(t, ask(other))
	require.NoError(t, ask("2001:db8:1:3::/64"))
	require.NoError(t, ask(""), "no client stands behind it")

	// The first one was an hour ago, and then the second.
	b.clock = start.Add(time.Hour - time.Second)
	require.ErrorIs(t, ask(network), auth.ErrTooManyMails)
	for _, later := range []time.Duration{time.Hour, time.Hour + time.Minute} {
		b.clock = start.Add(later)
		require.NoError(t, ask(network), later)
		require.ErrorIs(t, ask(network), auth.ErrTooManyMails, later)
	}

	b.accounts.PerIP = 0
	require.NoError(t, ask(network), "switched off")
}

// Whoever asks many times at once is not sent more.
func TestMailsAreLimitedForRequestsAtOnce(t *testing.T) {
	const limit = 3
	b := newBench(t)
	b.accounts.PerIP = limit
	var all sync.WaitGroup
	for i := range 5 * limit {
		all.Go(func() {
			err := b.accounts.Register(t.Context(), form(fmt.Sprintf("person-%d@foyer.example", i)), "192.0.2.7")
			if err != nil {
				assert.ErrorIs(t, err, auth.ErrTooManyMails)
			}
		})
	}
	all.Wait()
	assert.Equal(t, limit, b.jobs(t))
}

// A process that is told to stop leaves what it has not done to the next.
func TestAStopLosesNoJob(t *testing.T) {
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	b.register = func(ctx context.Context) error { // Keycloak hangs, and the process is told to stop
		stop()
		<-ctx.Done()
		return ctx.Err()
	}
	const many = 20
	for i := range many {
		require.NoError(t, b.accounts.Register(t.Context(), form("person-"+string(rune('a'+i))+"@foyer.example"), ""))
	}
	require.ErrorIs(t, b.accounts.Run(ctx), context.Canceled)
	assert.Equal(t, many, b.jobs(t))
	b.register = nil
	b.work(t)
	assert.Len(t, b.people, many)
	assert.Equal(t, slices.Repeat([]messages.NoticeKind{messages.NoticeConfirmEmail}, many), b.mails)
	assert.Len(t, b.told, many)
	assert.Zero(t, b.jobs(t))
}

// While Keycloak is away for long, nothing is dropped; and a password waits for a day at most.
func TestJobsOutlastAnOutage(t *testing.T) {
	b := newBench(t)
	b.register = func(context.Context) error {
		delete(b.people, "anna@foyer.example")
		return away
	}
	require.NoError(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), ""))
	for b.clock.Before(time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC)) {
		b.work(t)
	}
	require.Equal(t, 1, b.jobs(t))
	b.register = nil
	b.work(t)
	assert.Equal(t, []messages.NoticeKind{messages.NoticeConfirmEmail}, b.mails)

	require.NoError(t, b.accounts.Register(t.Context(), form("ben@foyer.example"), ""))
	b.clock = b.clock.Add(25 * time.Hour)
	b.work(t)
	assert.Zero(t, b.jobs(t))
	assert.NotContains(t, b.people, "ben@foyer.example", "no process came to it in time")
}

// The first pause after a try that failed is the shortest.
func TestAJobIsTriedAgainSoon(t *testing.T) {
	b := newBench(t)
	b.register = func(context.Context) error { return away }
	require.NoError(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), ""))
	_, err := b.accounts.Step(t.Context())
	require.NoError(t, err)
	b.clock = b.clock.Add(2 * time.Second)
	n, err := b.accounts.Step(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

// What a changed account could do before ends, however long Keycloak was away.
func TestSessionsAreEndedAfterADayToo(t *testing.T) {
	b := newBench(t)
	account, _ := b.anna(t, auth.LinkReset)
	b.endAll = func(context.Context) error { return away }
	lock := false
	_, err := b.accounts.Administer(t.Context(), boss, "", account, auth.Change{Enabled: &lock})
	require.NoError(t, err)
	b.clock = b.clock.Add(48 * time.Hour)
	b.work(t)
	b.endAll = nil
	b.work(t)
	assert.Equal(t, []string{account}, b.ended)
	assert.Zero(t, b.jobs(t))

	b.endAll = func(context.Context) error { return away }
	_, err = b.accounts.Administer(t.Context(), boss, "", account, auth.Change{Enabled: &lock})
	require.NoError(t, err)
	b.clock = b.clock.Add(8 * 24 * time.Hour)
	b.work(t)
	assert.Zero(t, b.jobs(t), "given up in the end")
}

// What waits is sealed, and opens as itself only.
func TestWaitingFormsAreSealed(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), "203.0.113.7"))
	require.NoError(t, b.accounts.RequestReset(t.Context(), "ben@foyer.example", ""))
	var rows []string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT array_agg(encode(sealed, 'escape') || jobs::text) FROM jobs`).Scan(&rows))
	require.Len(t, rows, 2)
	for _, secret := range []string{password, "anna", "Anna", "ben@", "203.0"} {
		assert.NotContains(t, strings.Join(rows, " "), secret)
	}
	// Forms that were swapped are not used.
	_, err := b.pool.Exec(t.Context(), `UPDATE jobs SET sealed = o.sealed FROM jobs o WHERE o.id <> jobs.id`)
	require.NoError(t, err)
	b.work(t)
	assert.Empty(t, b.people)
	assert.Zero(t, b.jobs(t), "and are not kept")

	// Once the account is made, the form is gone although the mail waits.
	b.notify = func(context.Context) error { return away }
	require.NoError(t, b.accounts.Register(t.Context(), form("cleo@foyer.example"), ""))
	_, err = b.accounts.Step(t.Context())
	require.NoError(t, err)
	var kept bool
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT sealed IS NOT NULL FROM jobs`).Scan(&kept))
	assert.False(t, kept)
}

func TestTheQueueOfJobsHasALimit(t *testing.T) {
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), `INSERT INTO jobs (id, kind, due, created_at) SELECT gen_random_uuid(), 'confirmation', now(), now() FROM generate_series(1, 5000)`)
	require.NoError(t, err)
	require.ErrorIs(t, b.accounts.Register(t.Context(), form("anna@foyer.example"), ""), auth.ErrTooBusy)
}

// anna has an account, and the token of a link in a mail to her.
func (b *bench) anna(t *testing.T, kind auth.LinkKind) (account, token string) {
	account = uuid.NewString()
	b.people["anna@foyer.example"] = auth.Profile{ID: account, Email: "anna@foyer.example", Name: "Anna", Enabled: true}
	link, err := b.accounts.NewLink(t.Context(), account, kind)
	require.NoError(t, err)
	_, token, _ = strings.Cut(link, "#")
	return account, token
}

// The client leaves as soon as the password is set: the sessions end, it is recorded, and a mail goes out.
func TestANewPasswordEndsSessionsWhateverHappens(t *testing.T) {
	for name, c := range map[string]struct {
		setPassword, endAll error
	}{
		"the client has left":                {nil, nil},
		"Keycloak is away after that":        {nil, away},
		"nobody knows whether it was set":    {away, nil},
		"nor was Keycloak there to end them": {away, away},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			account, token := b.anna(t, auth.LinkReset)
			ctx, leave := context.WithCancel(t.Context())
			b.setPassword = func(ctx context.Context) error {
				leave()
				return errors.Join(ctx.Err(), c.setPassword)
			}
			b.endAll = func(ctx context.Context) error { return errors.Join(ctx.Err(), c.endAll) }
			err := b.accounts.ResetPassword(ctx, token, password, "203.0.113.7")
			assert.Equal(t, c.setPassword == nil, err == nil, "%v", err)
			b.endAll = nil
			b.work(t)
			assert.Equal(t, []string{account}, b.ended)
			assert.Equal(t, []messages.NoticeKind{messages.NoticePasswordChanged}, b.mails, "the owner is told")
			entries, err := b.store.Find(t.Context(), auth.AuditQuery{Limit: 10})
			require.NoError(t, err)
			require.Len(t, entries, 1)
			assert.Equal(t, auth.AuditPasswordReset, entries[0].Kind)
			assert.Equal(t, c.setPassword != nil, strings.Contains(string(entries[0].Detail), "unknown"))
			assert.Zero(t, b.jobs(t))
		})
	}
}

// Whoever confirms an address while signed in has the sessions renewed, at once or as soon as it goes.
func TestConfirmingMarksSessionsForRenewal(t *testing.T) {
	for name, mark := range map[string]error{"at once": nil, "the cache is away": away} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			account, token := b.anna(t, auth.LinkConfirm)
			b.mark = func(context.Context) error { return mark }
			require.NoError(t, b.accounts.Confirm(t.Context(), token))
			assert.Equal(t, mark == nil, slices.Contains(b.marked, account))
			b.mark = nil
			b.work(t)
			assert.Equal(t, []string{account}, b.marked)
			assert.Equal(t, []auth.AuditKind{auth.AuditEmailConfirmed}, b.trail(t))
			assert.Zero(t, b.jobs(t))
			require.ErrorIs(t, b.accounts.Confirm(t.Context(), token), auth.ErrLinkOver)
		})
	}
}

// A password that is refused changes nothing, and the link still works.
func TestARefusedPasswordEndsNothing(t *testing.T) {
	b := newBench(t)
	_, token := b.anna(t, auth.LinkReset)
	b.setPassword = func(context.Context) error { return fault.New(fault.Invalid, "weak_password", "used before") }
	require.Error(t, b.accounts.ResetPassword(t.Context(), token, password, ""))
	assert.Zero(t, b.jobs(t))
	assert.Empty(t, b.ended)
	b.setPassword = nil
	require.NoError(t, b.accounts.ResetPassword(t.Context(), token, password, ""))
	assert.Len(t, b.ended, 1)
}

// A link that is asked for while the old one is in use is the one that works.
func TestARestoredLinkDoesNotReplaceANewerOne(t *testing.T) {
	b := newBench(t)
	account, old := b.anna(t, auth.LinkReset)
	var newer string
	b.setPassword = func(ctx context.Context) (err error) {
		newer, err = b.accounts.NewLink(ctx, account, auth.LinkReset)
		return errors.Join(err, away)
	}
	require.Error(t, b.accounts.ResetPassword(t.Context(), old, password, ""))
	b.setPassword = nil
	require.ErrorIs(t, b.accounts.ResetPassword(t.Context(), old, password, ""), auth.ErrLinkOver)
	_, newer, _ = strings.Cut(newer, "#")
	require.NoError(t, b.accounts.ResetPassword(t.Context(), newer, password, ""))
}

// Until the job that ends the sessions is due, the request has ended them or given up: no two do it at
// once.
func TestAChangeAndTheEndOfSessionsShareADeadline(t *testing.T) {
	b := newBench(t)
	account, _ := b.anna(t, auth.LinkReset)
	var change, end time.Time
	b.setRoles = func(ctx context.Context) error {
		change, _ = ctx.Deadline()
		return nil
	}
	b.endAll = func(ctx context.Context) error {
		end, _ = ctx.Deadline()
		return nil
	}
	_, err := b.accounts.Administer(t.Context(), boss, "", account, auth.Change{ChangeRoles: true, Roles: []identity.Role{identity.Merchant}})
	require.NoError(t, err)
	assert.NotZero(t, change)
	assert.Equal(t, change, end)
}

// Roles that were changed in part, or not seen to be changed, are recorded, and the old ones end.
func TestHalfAChangeOfRolesIsRecordedAndTakesEffect(t *testing.T) {
	b := newBench(t)
	account, _ := b.anna(t, auth.LinkReset)
	ctx, leave := context.WithCancel(t.Context())
	b.setRoles = func(context.Context) error {
		leave()
		return away
	}
	lock := false
	_, err := b.accounts.Administer(ctx, boss, "", account, auth.Change{ChangeRoles: true, Roles: []identity.Role{identity.Merchant}, Enabled: &lock})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	assert.ElementsMatch(t, []auth.AuditKind{auth.AuditRolesChanged, auth.AuditAccountLocked}, b.trail(t))
	assert.Equal(t, []string{account}, b.ended)
	assert.Zero(t, b.jobs(t))
}

// Ending sessions takes up to a second, and keeps no other admin waiting; who waits too long is told
// to come back.
func TestAdminsDoNotWaitForSessionsToEnd(t *testing.T) {
	b := newBench(t)
	account, _ := b.anna(t, auth.LinkReset)
	lock := false
	change := func() error {
		_, err := b.accounts.Administer(t.Context(), boss, "", account, auth.Change{Enabled: &lock})
		return err
	}
	b.endAll = func(ctx context.Context) error {
		return b.store.Alone(ctx, func(context.Context) error { return nil })
	}
	require.NoError(t, change())
	assert.Len(t, b.ended, 1, "the lock was free")

	require.NoError(t, b.store.Alone(t.Context(), func(context.Context) error {
		assert.Equal(t, fault.Unavailable, fault.KindOf(change()))
		return nil
	}))
}
