package organization

import (
	"net/http"
	"slices"
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
)

var fields = []hydra.Field[Organization]{
	hydra.ID(func(o *Organization) *ident.ID { return &o.ID }),
	hydra.Text("type", func(o *Organization) *string { return &o.Type }).OneOf(types...).
		Doc("What the organization is for. Demo: filled with sample data, and nothing leaves it.").Example(Standard).
		Filter(hydra.Exact).Sortable(),
	hydra.Text("status", func(o *Organization) *string { return &o.Status }).OneOf(statuses...).
		Doc("Suspended: can be read only. Closing: can be read only, and is removed at removalAt. Operators change it, and DELETE makes it closing.").Example(Active).
		Filter(hydra.Exact).Sortable(),
	hydra.NullText("statusReason", func(o *Organization) *null.Value[string] { return &o.StatusReason }).Length(1, 500).
		Doc("Why operators changed the status last. They must say it with every change; it stands in the audit log."),
	hydra.NullTime("removalAt", func(o *Organization) *null.Value[time.Time] { return &o.RemovalAt }).ReadOnly().
		Doc("When the organization is removed for good; null unless it is closing."),
	hydra.Text("name", func(o *Organization) *string { return &o.Name }).Required().
		Doc("What people call the organization.").Example("Acme").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.Text("slug", func(o *Organization) *string { return &o.Slug }).
		Doc("A short unique name, usable wherever the id is. Left out: derived from the name.").Example("acme").
		Filter(hydra.Exact).Sortable(),
	hydra.NullText("stripeCustomerId", func(o *Organization) *null.Value[string] { return &o.StripeCustomerID }).ReadOnly().
		Doc("The customer at Stripe; null when Stripe is not used."),
	hydra.Bool("manualBilling", func(o *Organization) *bool { return &o.ManualBilling }).
		Doc("Whether sede itself writes the invoices, not Stripe. Operators change it while there is no live subscription."),
	hydra.Objects("databaseStatus", func(o *Organization) *[]Store { return &o.DatabaseStatus }, storeFields...).Nullable().
		Doc("The databases that hold the organization's data; null for those who may not see it."),
	hydra.Refs("organizationUsers", "OrganizationUser", func(o *Organization) *[]ident.ID { return &o.Users }).
		Doc("The first 100 members; /organization-users has all."),
	hydra.Refs("organizationUserInvitations", "OrganizationUserInvitation", func(o *Organization) *[]ident.ID { return &o.Invitations }).
		Doc("The first 100 pending invitations, for those who may see them; /organization-user-invitations has all."),
	hydra.Refs("organizationModules", "OrganizationModule", func(o *Organization) *[]ident.ID { return &o.Modules }).
		Doc("The modules that it has or had."),
	hydra.Refs("subscriptions", "Subscription", func(o *Organization) *[]ident.ID { return &o.Subscriptions }).
		Doc("The first 100 subscriptions, also those that ended."),
	hydra.Refs("organizationConfigs", "OrganizationConfig", func(o *Organization) *[]ident.ID { return &o.Configs }).
		Doc("The settings."),
	hydra.Refs("organizationAddresses", "OrganizationAddress", func(o *Organization) *[]ident.ID { return &o.Addresses }).
		Doc("The first 100 addresses; /organization-addresses has all."),
	hydra.Time("createdAt", func(o *Organization) *time.Time { return &o.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(o *Organization) *time.Time { return &o.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Bool("demo", func(o *Organization) *bool { return &o.IsDemo }).ReadOnly().
		Doc("Whether the type is demo."),
	hydra.Bool("productionLike", func(o *Organization) *bool { return &o.ProductionLike }).
		Doc("Whether real work depends on it: neither demo nor sandbox, and paying or marked so by an operator, who sets it here."),
	hydra.NullRef("currentSubscription", "Subscription", func(o *Organization) *null.Value[ident.ID] { return &o.CurrentSubscription }).ReadOnly().
		Doc("The live subscription, or null."),
	hydra.NullTime("trialEndsAt", func(o *Organization) *null.Value[time.Time] { return &o.TrialEndsAt }).ReadOnly().
		Doc("When the trial ends or ended, in which all modules can be used; null: there was none."),
	hydra.Object("seats", func(o *Organization) *Seats { return &o.Seats },
		hydra.Int("used", func(s *Seats) *int64 { return &s.Used }).Doc("Active members who are not guests."),
		hydra.Int("reserved", func(s *Seats) *int64 { return &s.Reserved }).Doc("People with a pending invitation."),
		hydra.NullInt("limit", func(s *Seats) *null.Value[int64] { return &s.Limit }).Doc("Null: unlimited."),
	).Doc("How many people there is room for."),
	hydra.NullInt("seatLimit", func(o *Organization) *null.Value[int64] { return &o.SeatLimit }).Between(1, maxSeatLimit).
		Doc("How many seats operators allow, null: any number. What was bought goes before it, see seats.limit."),
	hydra.Bool("overSeat", func(o *Organization) *bool { return &o.OverSeat }).ReadOnly().
		Doc("Whether more seats are taken than there are, because the limit shrank. Nobody is invited then."),
	hydra.Objects("icon", func(o *Organization) *[]Image { return &o.Icon }, imageFields...).Nullable().
		Doc("A square image that stands for the organization, in all its sizes; null when there is none."),
	hydra.Objects("logo", func(o *Organization) *[]Image { return &o.Logo }, imageFields...).Nullable().
		Doc("The organization's logo in its own proportion, in all its sizes; null when there is none."),
	hydra.Object("clearing", func(o *Organization) *Clearing { return o.Clearing }, ClearingFields...).Nullable().
		Doc("The removal or return of the working data that is under way, or else the last removal; null when there was none, and for those who may not see it."),
	hydra.NullTime("clearableUntil", func(o *Organization) *null.Value[time.Time] { return &o.ClearableUntil }).ReadOnly().
		Doc("Until when the owner may clear the organization although real work depends on it, because an operator lets them; else null."),
}

// ClearingFields show a clearing.
var ClearingFields = []hydra.Field[Clearing]{
	hydra.NullID("id", func(c *Clearing) *null.Value[ident.ID] { return &c.ID }).Doc("What names it when it is brought back; null for a rehearsal."),
	hydra.Text("state", func(c *Clearing) *string { return &c.State }).
		OneOf(ClearingPlanned, ClearingRuns, ClearingDone, ClearingRestoring, ClearingRestored, ClearingExpired, ClearingFailed).
		Doc("Planned: the answer to a rehearsal. Clearing, restoring: nothing else may change meanwhile. Failed: nothing was removed."),
	hydra.Objects("rows", func(c *Clearing) *[]Rows { return &c.Rows },
		hydra.Text("resource", func(r *Rows) *string { return &r.Resource }),
		hydra.Int("count", func(r *Rows) *int64 { return &r.Count }),
	).Doc("How many rows are removed, or were."),
	hydra.Time("createdAt", func(c *Clearing) *time.Time { return &c.CreatedAt }),
	hydra.NullTime("finishedAt", func(c *Clearing) *null.Value[time.Time] { return &c.FinishedAt }).Doc("When all was removed."),
	hydra.NullTime("restorableUntil", func(c *Clearing) *null.Value[time.Time] { return &c.RestorableUntil }).
		Doc("Until when the data can be brought back."),
	hydra.Sentence("error", func(c *Clearing) fault.Text { return c.Error }).Nullable().
		Doc("Why nothing was removed, or why the data could not be brought back."),
}

var storeFields = []hydra.Field[Store]{
	hydra.Text("engine", func(s *Store) *string { return &s.Engine }),
	hydra.Text("version", func(s *Store) *string { return &s.Version }).Doc("The engine's version."),
	hydra.Int("schemaVersion", func(s *Store) *int64 { return &s.SchemaVersion }),
	hydra.Int("pendingMigrations", func(s *Store) *int64 { return &s.Pending }),
	hydra.Text("state", func(s *Store) *string { return &s.State }).OneOf("ready", "migrating", "clearing", "readonly", "error"),
	hydra.Objects("rows", func(s *Store) *[]Rows { return &s.Rows },
		hydra.Text("resource", func(r *Rows) *string { return &r.Resource }),
		hydra.Int("count", func(r *Rows) *int64 { return &r.Count }),
	).Doc("The organization's rows."),
	hydra.Int("bytes", func(s *Store) *int64 { return &s.Bytes }).Doc("The size of the whole database."),
}

var configFields = []hydra.Field[Config]{
	hydra.ID(func(c *Config) *ident.ID { return &c.ID }),
	hydra.Ref("organization", "Organization", func(c *Config) *ident.ID { return &c.Organization }).ReadOnly(),
	hydra.Text("key", func(c *Config) *string { return &c.Key }).Required().OnCreate().OneOf(configKeys()...).
		Doc("Which setting it is. An organization has at most one of each.").Example(KeyTimeZone).Filter(hydra.Exact).Sortable(),
	hydra.Text("value", func(c *Config) *string { return &c.Value }).
		Doc("What it is set to, in the one spelling that it is kept in: " + configHelp).Example("Europe/Lisbon").Filter(hydra.Exact),
	hydra.Time("createdAt", func(c *Config) *time.Time { return &c.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(c *Config) *time.Time { return &c.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

// configHelp says what values there are.
const configHelp = "currency: ISO 4217; language, legalLanguage, amountFormat: BCP 47; timeZone: IANA; " +
	"dateFormat: a Unicode date pattern; workingDays: ISO 8601 weekday numbers with commas; companyStartDate: a date; " +
	"website: an http or https URL; shortName: up to 20 characters. companyStartDate and website may be empty."

func (s *Service) resources() []hydra.Declaration {
	return append([]hydra.Declaration{
		hydra.Resource[Organization]{
			Name: "Organization", Path: "/organizations", Means: "https://schema.org/Organization",
			Doc:      "What everything else belongs to: a company, club or team that works with the product.",
			Fields:   fields,
			Version:  func(o *Organization) int64 { return o.Version },
			Volatile: true,
			Defaults: func(o *Organization) { o.Type, o.Status = Standard, Active },
			Validate: (*Organization).Validate,
			Operations: append([]hydra.Operation{
				hydra.List[Organization]{Access: maySee, Do: hydra.OfAll(s.List)},
				hydra.Create[Organization]{Access: mayCreate, Do: s.Create},
				hydra.Get[Organization]{Access: maySee, Do: s.Get},
				hydra.Update[Organization]{Access: maySee, Do: s.Update},
				hydra.Delete[Organization]{Access: mayClose, Do: s.Close,
					Doc: "Schedules the removal of the Organization resource in 30 days. Until then it can be read only, and reopened."},
				hydra.Action[hydra.None, Organization]{Path: "/organizations/{id}/reopen", Access: mayClose, Do: s.Reopen,
					Doc: "Takes back that the Organization resource is removed."},
				hydra.Action[hydra.None, Organization]{Path: "/organizations/{id}/reset", Access: mayClose, Class: throttle.Heavy, Status: http.StatusAccepted, Do: s.Reset,
					Doc: "Empties a demo organization and fills it with the sample company again, within a minute."},
			}, slices.Concat(s.imageOperations(), s.footerOperations(), s.more)...),
		},
		s.memberResource(),
		s.addressResource(),
		s.footerResource(),
		hydra.Resource[Config]{
			Name: "OrganizationConfig", Path: "/organization-configs",
			Doc:      "A setting of the organization. One that is removed has its default again.",
			Fields:   configFields,
			Version:  func(c *Config) int64 { return c.Version },
			Validate: (*Config).Validate,
			Operations: []hydra.Operation{
				hydra.List[Config]{Access: mayRead, Do: hydra.OfAll(s.Configs)},
				hydra.Get[Config]{Access: mayRead, Do: hydra.ByID(s.Config)},
				hydra.Update[Config]{Access: mayConfigure, Do: hydra.UpdateByID(s.UpdateConfig)},
				hydra.Delete[Config]{Access: mayConfigure, Do: hydra.DeleteByID(s.DeleteConfig)},
				hydra.Create[Config]{Access: mayConfigure, Do: s.CreateConfig},
			},
		},
		s.clockResource(),
	}, s.seatResources()...)
}
