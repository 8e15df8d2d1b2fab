package app

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/coupon"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/invitation"
	"sede/internal/meeting"
	"sede/internal/null"
	"sede/internal/organization"
)

// demoRoles are the demo accounts of organization demo, by the local parts of
// their addresses.
var demoRoles = []struct {
	name string
	role access.Role
}{
	{"owner", access.Owner}, {"admin", access.Admin}, {"billing", access.Billing}, {"member", access.Member}, {"guest", access.Guest},
}

// DemoResult says what Demo made.
type DemoResult struct {
	Created   bool     // false: the demo was there already
	Password  string   // of all accounts if it was made up; else empty
	APIKey    string   // of the owner in organization demo, which reads everything; empty when it was there already
	Usernames []string // of the accounts
}

// Demo makes the organizations demo and other with their accounts, unless they
// are there. All accounts have the configured password or else a random one,
// which is told this once.
func (a *App) Demo(ctx context.Context) (DemoResult, error) {
	result := DemoResult{Usernames: []string{"operator@demo.example"}}
	for _, d := range demoRoles {
		result.Usernames = append(result.Usernames, d.name+"@demo.example")
	}
	result.Usernames = append(result.Usernames, "owner@other.example")
	_, err := a.features.organizations.Find(ctx, "other")
	if !fault.Is(err, fault.NotFound) {
		return result, err
	}
	password := a.config.DemoPassword
	if password == "" {
		password = randomPassword()
	}
	if _, err := a.demoUser(ctx, "operator@demo.example", "Olga Operator", password, true); err != nil {
		return result, err
	}
	if result.APIKey, err = a.demoCompany(ctx, password); err != nil {
		return result, err
	}
	if err := a.demoCoupon(ctx); err != nil {
		return result, err
	}
	owner, err := a.demoUser(ctx, "owner@other.example", "Otto Other", password, false)
	if err == nil {
		_, err = a.demoOrganization(ctx, owner, "Other", "other", organization.Standard)
	}
	result.Created = true
	if a.config.DemoPassword == "" {
		result.Password = password
	}
	return result, err
}

// randomPassword returns 100 random bits as 20 letters and digits in groups.
func randomPassword() string {
	text := strings.ToLower(base32.StdEncoding.EncodeToString([]byte(rand.Text())))[:20]
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:]
}

// demoCompany makes organization demo with its people and places, and returns an
// API key of its owner.
func (a *App) demoCompany(ctx context.Context, password string) (key string, err error) {
	owner := access.Caller{Username: "owner@demo.example", Role: access.Owner, Modules: access.AllModules()}
	users := map[access.Role]ident.ID{}
	for _, d := range demoRoles {
		user, err := a.demoUser(ctx, d.name+"@demo.example", "Demo "+strings.ToUpper(d.name[:1])+d.name[1:], password, false)
		if err != nil {
			return "", err
		}
		users[d.role] = user
		if d.role == access.Owner {
			owner.User = user
			owner.Organization, err = a.demoOrganization(ctx, user, "Demo", "demo", organization.Demo)
		} else {
			err = a.features.organizations.AddMember(ctx, owner.Organization, user, d.role)
		}
		if err != nil {
			return "", err
		}
	}
	address := organization.Address{Name: "Demo Lda", StreetLine: null.Of("Rua Augusta"), BuildingNumber: null.Of("1"),
		PostCode: null.Of("1100-048"), City: null.Of("Lisboa"), Country: "PT", VATNumber: null.Of("PT501964843")}
	if err := a.features.organizations.CreateAddress(ctx, &owner, &address); err != nil {
		return "", err
	}
	if err := a.fill(ctx, &owner); err != nil {
		return "", err
	}
	member := access.Caller{User: users[access.Member], Username: "member@demo.example", Role: access.Member, Organization: owner.Organization, Modules: access.AllModules()}
	if err := a.features.meetings.CreateFeed(ctx, &member, &meeting.Feed{Content: meeting.BusyOnly}); err != nil {
		return "", err
	}
	guest := invitation.Invitation{Email: "lena@demo.example", Role: access.Guest.String()} // not mailed: there is no such mailbox
	if err := a.features.invitations.Invite(ctx, &owner, &guest); err != nil {
		return "", err
	}
	return a.demoKey(ctx, &owner)
}

// demoKey makes an API key that reads everything in the organization.
func (a *App) demoKey(ctx context.Context, owner *access.Caller) (string, error) {
	key := account.APIKey{Name: "Demo key", Scopes: []string{"*:read"}, ExpiresAt: a.config.Clock.Now().Truncate(time.Second).AddDate(1, 0, 0)}
	err := a.features.accounts.CreateKey(ctx, owner, &key)
	return key.Secret.V, err
}

// demoCoupon makes a discount that the sample company can try.
func (a *App) demoCoupon(ctx context.Context) error {
	c := coupon.Coupon{Code: "WELCOME-10", Name: "Welcome", Percent: null.Of[int64](10), Duration: coupon.Once, Active: true}
	err := a.features.coupons.Create(ctx, &access.Caller{Operator: true}, &c)
	if fault.Is(err, fault.Unprocessable) { // a coupon of that code is there
		return nil
	}
	return err
}

// demoUser returns the id of an account, made if it is not there.
func (a *App) demoUser(ctx context.Context, username, name, password string, operator bool) (ident.ID, error) {
	user, err := a.features.accounts.FindByUsername(ctx, username)
	if fault.Is(err, fault.NotFound) {
		user, err = a.features.accounts.CreateUser(ctx, account.NewUser{Username: username, Name: name, Password: password, Operator: operator})
	}
	return user.ID, err
}

// demoOrganization makes an organization that the user owns, unless it is
// there.
func (a *App) demoOrganization(ctx context.Context, owner ident.ID, name, slug, kind string) (ident.ID, error) {
	id, err := a.features.organizations.Find(ctx, slug)
	if !fault.Is(err, fault.NotFound) {
		return id, err
	}
	o := organization.Organization{Name: name, Slug: slug, Type: kind, Filled: true}
	err = a.features.organizations.Create(ctx, &access.Caller{User: owner, Operator: true}, &o)
	return o.ID, err
}

// NewUser is what an account starts with.
type NewUser = account.NewUser

// CreateUser makes an account. The error is for people.
func (a *App) CreateUser(ctx context.Context, user NewUser) (string, error) {
	made, err := a.features.accounts.CreateUser(ctx, user)
	return made.ID.String(), err
}

// CreateOrganization makes an organization that belongs to the account with
// that username, and returns its id and slug. The slug is derived from the name
// when it is empty.
func (a *App) CreateOrganization(ctx context.Context, name, slug, owner string) (id, chosen string, err error) {
	user, err := a.features.accounts.FindByUsername(ctx, owner)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			err = errors.New("nobody has the username " + owner + "; make the account first, with: sede user create")
		}
		return "", "", err
	}
	o := organization.Organization{Name: name, Slug: slug, Type: organization.Standard}
	if err := a.features.organizations.Create(ctx, &access.Caller{User: user.ID, Username: user.Username}, &o); err != nil {
		return "", "", err
	}
	return o.ID.String(), o.Slug, nil
}
