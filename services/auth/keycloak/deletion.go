package keycloak

import (
	"context"
	"strings"
	"time"

	"github.com/Nerzal/gocloak/v13"

	"github.com/foyer-tickets/foyer/services/auth"
)

var _ auth.Deletions = (*Directory)(nil)

// The record of a deletion is attributes of the locked user. They are for admins and this service
// only: the realm's user profile lets nobody else see them, and no token carries them.
const (
	deletionMark      = "deletion"
	deletionUnderway  = "underway"
	deletionTombstone = "deletion_tombstone"
	deletionRequested = "deletion_requested"
	deletionTold      = "deletion_told"
	deletionErased    = "deletion_erased"
	deletionErasedAt  = "deletion_erased_at"
	deletionWaiting   = "deletion_waiting_for"
)

// nowhere is a domain that no mail ever reaches (RFC 2606).
const nowhere = "@deleted.invalid"

func noted(u *gocloak.User, d auth.Deletion) {
	attributes := map[string][]string{}
	if u.Attributes != nil {
		for name, values := range *u.Attributes {
			if !strings.HasPrefix(name, deletionMark) {
				attributes[name] = values
			}
		}
	}
	put := func(name, value string) {
		if value != "" {
			attributes[name] = []string{value}
		}
	}
	put(deletionMark, deletionUnderway)
	put(deletionTombstone, d.Tombstone)
	put(deletionRequested, d.RequestedAt.Format(time.RFC3339))
	put(deletionWaiting, d.WaitingFor)
	if d.Told {
		put(deletionTold, "true")
	}
	if len(d.Erased) > 0 {
		attributes[deletionErased] = d.Erased
	}
	if !d.ErasedAt.IsZero() {
		put(deletionErasedAt, d.ErasedAt.Format(time.RFC3339))
	}
	u.Attributes, u.Enabled = &attributes, gocloak.BoolP(false)
}

func deletionOf(u *gocloak.User) auth.Deletion {
	attributes := map[string][]string{}
	if u.Attributes != nil {
		attributes = *u.Attributes
	}
	get := func(name string) string {
		if values := attributes[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	at := func(name string) time.Time {
		t, _ := time.Parse(time.RFC3339, get(name)) // written by noted
		return t
	}
	d := auth.Deletion{
		Account: gocloak.PString(u.ID), Tombstone: get(deletionTombstone), RequestedAt: at(deletionRequested), Told: get(deletionTold) != "",
		Erased: attributes[deletionErased], ErasedAt: at(deletionErasedAt), WaitingFor: get(deletionWaiting),
	}
	if !d.Told {
		p := profile(u)
		d.Person = auth.Person{Email: p.Email, Name: p.Name, Locale: p.Locale}
	}
	return d
}

// note writes a deletion down, with what else becomes of the user.
func (d *Directory) note(ctx context.Context, deletion auth.Deletion, also func(*gocloak.User)) error {
	token, err := d.admin(ctx)
	if err != nil {
		return err
	}
	u, err := d.client.GetUserByID(ctx, token, d.cfg.Realm, deletion.Account)
	if err != nil {
		return translate(err)
	}
	noted(u, deletion)
	if also != nil {
		also(u)
	}
	if err := d.client.UpdateUser(ctx, token, d.cfg.Realm, *u); err != nil {
		return translate(err)
	}
	return nil
}

// Begin implements auth.Deletions.
func (d *Directory) Begin(ctx context.Context, deletion auth.Deletion) (auth.Deletion, error) {
	there, found, err := d.Find(ctx, deletion.Account)
	if err != nil || found {
		return there, err
	}
	return deletion, d.note(ctx, deletion, nil)
}

// Save implements auth.Deletions.
func (d *Directory) Save(ctx context.Context, deletion auth.Deletion) error {
	return d.note(ctx, deletion, nil)
}

// Forget implements auth.Deletions. A user cannot be without an address here; it gets one that
// names nobody.
func (d *Directory) Forget(ctx context.Context, deletion auth.Deletion) error {
	return d.note(ctx, deletion, func(u *gocloak.User) {
		address := deletion.Tombstone + nowhere
		u.Username, u.Email, u.EmailVerified = &address, &address, gocloak.BoolP(false)
		u.FirstName, u.LastName = gocloak.StringP("-"), gocloak.StringP("")
		delete(*u.Attributes, "locale")
	})
}

// Find implements auth.Deletions.
func (d *Directory) Find(ctx context.Context, account string) (auth.Deletion, bool, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return auth.Deletion{}, false, err
	}
	u, err := d.client.GetUserByID(ctx, token, d.cfg.Realm, account)
	if err != nil {
		return auth.Deletion{}, false, unlessGone(translate(err))
	}
	deletion := deletionOf(u)
	return deletion, deletion.Tombstone != "", nil
}

// Pending implements auth.Deletions.
func (d *Directory) Pending(ctx context.Context, first, limit int) ([]auth.Deletion, error) {
	token, err := d.admin(ctx)
	if err != nil {
		return nil, err
	}
	users, err := d.client.GetUsers(ctx, token, d.cfg.Realm, gocloak.GetUsersParams{
		Q: gocloak.StringP(deletionMark + ":" + deletionUnderway), First: &first, Max: &limit, BriefRepresentation: gocloak.BoolP(false),
	})
	if err != nil {
		return nil, translate(err)
	}
	found := make([]auth.Deletion, 0, len(users))
	for _, u := range users {
		if deletion := deletionOf(u); deletion.Tombstone != "" {
			found = append(found, deletion)
		}
	}
	return found, nil
}

// Remove implements auth.Deletions. Gone already is gone.
func (d *Directory) Remove(ctx context.Context, account string) error {
	token, err := d.admin(ctx)
	if err != nil {
		return err
	}
	if err := d.client.DeleteUser(ctx, token, d.cfg.Realm, account); err != nil {
		return unlessGone(translate(err))
	}
	return nil
}
