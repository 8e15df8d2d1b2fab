package app

import (
	"context"
	"net/http"
	"time"

	"sede/internal/access"
	"sede/internal/account"
	"sede/internal/bank"
	"sede/internal/billing"
	"sede/internal/clearing"
	"sede/internal/coupon"
	"sede/internal/db"
	"sede/internal/employee"
	"sede/internal/entitlement"
	"sede/internal/feature"
	"sede/internal/ical"
	"sede/internal/ident"
	"sede/internal/invitation"
	"sede/internal/location"
	"sede/internal/meeting"
	"sede/internal/organization"
	"sede/internal/payment"
	"sede/internal/phrase"
	"sede/internal/product"
	"sede/internal/reference"
	"sede/internal/subscription"
	"sede/internal/transfer"
)

// features are the features of sede. A new one is a field, a line in
// newFeatures and a line in modules.
type features struct {
	references    *reference.Service
	organizations *organization.Service
	accounts      *account.Service
	invitations   *invitation.Service
	locations     *location.Service
	employees     *employee.Service
	meetings      *meeting.Service
	products      *product.Service
	entitlements  *entitlement.Service
	coupons       *coupon.Service
	invoices      *billing.Service
	subscriptions *subscription.Service
	banks         *bank.Service
	payments      *payment.Service
	clearings     *clearing.Service
	transfers     *transfer.Service
}

// newFeatures makes the features from the lowest to the highest and tells each
// what it must know of others. problem answers requests that failed.
func newFeatures(ctx context.Context, p feature.Platform, c Config, problem func(w http.ResponseWriter, r *http.Request, err error)) (f features, err error) {
	if f.references, err = reference.New(ctx, p); err != nil {
		return f, err
	}
	f.organizations = organization.New(p)
	f.organizations.SetCountryNames(f.references.CountryName)
	f.products = product.New(p)
	f.entitlements = entitlement.New(p, f.products, f.organizations, c.TrialDays)
	f.organizations.OnCreate(f.entitlements.Begin)
	f.organizations.OnShow(f.entitlements.Fill)
	f.accounts = account.New(p, account.Settings{
		BaseURL: c.BaseURL, Secret: p.Secret, TrustedProxies: c.Proxies, Log: p.Log, Random: c.Random, Hashing: c.Hashing,
		SignUp: c.SignUp,
	})
	f.accounts.SetMemberships(members{f.organizations, f.entitlements})
	f.accounts.OnRename(f.organizations.Renamed)
	f.organizations.SetPeople(f.accounts.Person)
	f.organizations.OnMembershipChange(f.accounts.Changed)
	f.organizations.OnLeave(f.accounts.RevokeKeysOf)
	p.Mail.SetSilent(f.organizations.Silent)
	p.Mail.SetFooter(f.organizations.FooterOf)
	p.Webhooks.SetSilent(f.organizations.Silent)
	f.invitations = invitation.New(p, f.accounts, f.organizations)
	f.organizations.SetInvitations(f.invitations.First)
	f.locations = location.New(p, f.organizations.TimeZone)
	f.employees = employee.New(p, f.organizations.IsMember)
	f.meetings = meeting.New(p, f.employees, f.locations, held{f.organizations, f.entitlements})
	f.coupons = coupon.New(p)
	f.invoices = billing.New(p, f.products, f.organizations)
	f.invoices.SetCountryNames(f.references.CountryName)
	f.subscriptions = subscription.New(p, subscription.Features{
		Products: f.products, Coupons: f.coupons, Invoices: f.invoices, Organizations: f.organizations,
	})
	f.invoices.OnPaid(f.subscriptions.Paid)
	f.organizations.SetSeatLimits(f.subscriptions.SeatLimits)
	f.organizations.OnShow(f.subscriptions.Fill)
	f.subscriptions.OnGrant(f.entitlements.Bought)
	if f.payments, err = payment.New(p, c.Stripe, payment.Features{Organizations: f.organizations, Subscriptions: f.subscriptions, Invoices: f.invoices}); err != nil {
		return f, err
	}
	if used, live := f.payments.Used(); used {
		f.organizations.UseStripe(live)
		f.subscriptions.SetProvider(f.payments)
		f.organizations.OnAddress(f.payments.Moved)
	}
	if f.banks, err = bank.New(ctx, p, c.Bank, held{f.organizations, f.entitlements}, problem); err != nil {
		return f, err
	}
	f.meetings.SetBesides(deadlines{f.organizations, f.banks}.of)
	f.organizations.OnClosing(f.subscriptions.Closing)
	f.organizations.OnRemove(f.subscriptions.End)
	f.organizations.OnRemove(f.banks.EndAll)
	f.organizations.OnReset(f.banks.EndAll)
	f.clearings = clearing.New(p, f.organizations)
	f.clearings.OnEnd(f.banks.EndAll)
	f.organizations.OnPurge(f.clearings.Forget)
	f.organizations.OnRemove(f.invoices.Leave)
	f.banks.SetInvoices(receivables{f.invoices, f.organizations})
	if f.transfers, err = transfer.New(ctx, p, c.Transfer, newcomers(f.accounts), f.organizations); err != nil {
		return f, err
	}
	f.organizations.OnPurge(f.transfers.Forget)
	f.transfers.OnArrive(f.banks.EndAll)
	f.transfers.OnArrive(f.invoices.Arrived)
	f.transfers.OnNamed(f.invitations.Named)
	return f, nil
}

// modules lists what the features hand in, in the order of the documents.
func (f *features) modules() []feature.Module {
	return []feature.Module{
		f.organizations.Module(),
		f.accounts.Module(),
		f.invitations.Module(),
		f.locations.Module(),
		f.employees.Module(),
		f.meetings.Module(),
		f.products.Module(),
		f.entitlements.Module(),
		f.coupons.Module(),
		f.invoices.Module(),
		f.subscriptions.Module(),
		f.payments.Module(),
		f.banks.Module(),
		f.clearings.Module(),
		f.transfers.Module(),
		f.references.Module(),
	}
}

// members tells feature account who belongs where, and what was bought there.
type members struct {
	organizations *organization.Service
	entitlements  *entitlement.Service
}

func (m members) Of(ctx context.Context, user ident.ID) ([]account.Membership, error) {
	list, err := m.organizations.Memberships(ctx, user)
	if err != nil {
		return nil, err
	}
	memberships, ids := make([]account.Membership, len(list)), make([]ident.ID, len(list))
	for i, each := range list {
		ids[i] = each.Organization
		memberships[i] = account.Membership{Organization: each.Organization, Slug: each.Slug, Role: each.Role, ReadOnly: each.ReadOnly, Closing: each.Closing}
	}
	bought, err := m.entitlements.Of(ctx, ids)
	for i := range memberships {
		memberships[i].Modules = bought[memberships[i].Organization]
	}
	return memberships, err
}

func (m members) Find(ctx context.Context, ref string) (ident.ID, error) {
	return m.organizations.Find(ctx, ref)
}

func (m members) Share(ctx context.Context, a, b ident.ID) (bool, error) {
	return m.organizations.Share(ctx, a, b)
}

// deadlines are what those who run an organization find in their calendars.
type deadlines struct {
	organizations *organization.Service
	banks         *bank.Service
}

// of tells of the ends of bank consents to those who are reminded of them by mail.
func (d deadlines) of(tx *db.Tx, scope access.Scope, user ident.ID, reader phrase.Language, zone *time.Location) ([]ical.Event, error) {
	if may, err := d.organizations.HasRole(tx, scope, user, access.Admins); err != nil || !may {
		return nil, err
	}
	return d.banks.Ends(tx, scope, reader, zone)
}

// newcomers finds and makes users for organizations that come in.
func newcomers(accounts *account.Service) transfer.People {
	return transfer.People{Lookup: accounts.Lookup, Person: accounts.Person, Adopt: func(tx *db.Tx, id ident.ID, email, name string) (ident.ID, string, string, error) {
		u, err := accounts.Adopt(tx, nil, id, email, name)
		return u.ID, u.Name, u.Username, err
	}}
}

// held are organizations with what they have bought.
type held struct {
	*organization.Service
	entitlements *entitlement.Service
}

// Use says how far a module can be used: not to change anything while the
// organization is suspended or closing.
func (h held) Use(tx *db.Tx, scope access.Scope, module string) (access.Use, error) {
	use, err := h.entitlements.Use(tx, scope, module)
	if err != nil || use != access.ToChange {
		return use, err
	}
	active, err := h.IsActive(tx, scope)
	if !active {
		use = access.ToRead
	}
	return use, err
}
