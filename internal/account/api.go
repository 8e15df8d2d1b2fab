package account

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var fields = []hydra.Field[User]{
	hydra.ID(func(u *User) *ident.ID { return &u.ID }),
	hydra.Text("username", func(u *User) *string { return &u.Username }).ReadOnly().Format("email").
		Doc("The e-mail address, with which the user signs in.").Example("ana@acme.example").Means("https://schema.org/email").
		Filter(hydra.Partial).Sortable(),
	hydra.NullTime("emailVerifiedAt", func(u *User) *null.Value[time.Time] { return &u.VerifiedAt }).ReadOnly().
		Doc("When the user showed that mail to the address reaches them. Null: not yet.").
		Filter(hydra.Existence, hydra.DateRange).Sortable(),
	hydra.Text("name", func(u *User) *string { return &u.Name }).Required().Length(1, maxName).
		Doc("What the user is called.").Example("Ana Silva").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.NullText("language", func(u *User) *null.Value[string] { return &u.Language }).
		Doc("The language of what sede writes to the user, a BCP 47 tag. Null: the one that a request asks for.").Example("pt-PT").
		Check(fault.CodeChoice, func(u *User) fault.Text { return checkLanguage(u.Language.V) }),
	hydra.NullText("timeZone", func(u *User) *null.Value[string] { return &u.TimeZone }).
		Doc("The IANA time zone of the user's clock. Null: the organization's.").Example("Europe/Lisbon").
		Check(fault.CodeTimezone, func(u *User) fault.Text { return checkTimeZone(u.TimeZone.V) }),
	hydra.Bool("operator", func(u *User) *bool { return &u.Operator }).ReadOnly().
		Doc("Whether the user runs the instance.").Filter(hydra.Boolean),
	hydra.Time("createdAt", func(u *User) *time.Time { return &u.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(u *User) *time.Time { return &u.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Objects("organizations", func(u *User) *[]Membership { return &u.Organizations }, membershipFields...).Nullable().
		Doc("The organizations that the user is an active member of. Null in lists, and for those who may not see it."),
}

var membershipFields = []hydra.Field[Membership]{
	hydra.Ref("organization", "Organization", func(m *Membership) *ident.ID { return &m.Organization }),
	hydra.Text("slug", func(m *Membership) *string { return &m.Slug }).
		Doc("The organization's slug, as X-Organization takes it."),
	hydra.Text("role", func(m *Membership) *string { name := m.Role.String(); return &name }).OneOf(access.RoleNames()...).
		Doc("What the user may do there."),
}

// passwordChange is the body of POST /users/me/password.
type passwordChange struct {
	current string
	next    string
}

var passwordFields = []hydra.Field[passwordChange]{
	hydra.Text("currentPassword", func(p *passwordChange) *string { return &p.current }).Required().WriteOnly().Length(1, 1000).Format("password"),
	hydra.Text("password", func(p *passwordChange) *string { return &p.next }).Required().WriteOnly().Length(minPassword, maxPassword).Format("password").
		Doc("The new password, not the e-mail address."),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[User]{
		Name: "User", Path: "/users", Means: "https://schema.org/Person",
		Doc:      "Somebody who can sign in.",
		Fields:   fields,
		Version:  func(u *User) int64 { return u.Version },
		Volatile: true,
		Operations: []hydra.Operation{
			hydra.List[User]{Access: mayList, Do: hydra.OfAll(s.List)},
			hydra.Get[User]{Access: maySee, Do: hydra.ByID(s.Get)},
			hydra.Update[User]{Access: mayEdit, Do: hydra.UpdateByID(s.Update)},
			hydra.Get[User]{Path: "/users/me", Access: maySee, Doc: "Retrieves the User resource of the caller.",
				Do: func(ctx context.Context, who *access.Caller, _ string, u *User) error { return s.Me(ctx, who, u) }},
			hydra.Update[User]{Path: "/users/me", Access: mayEdit, Doc: "Updates the User resource of the caller.",
				Do: func(ctx context.Context, who *access.Caller, _ string, u *User, apply func() error) error {
					return s.Update(ctx, who, who.User, u, apply)
				}},
			hydra.Action[passwordChange, hydra.None]{Path: "/users/me/password", Access: mayEdit, Fields: passwordFields,
				Doc: "Replaces the caller's password and ends their other sessions.",
				Do: func(ctx context.Context, who *access.Caller, _ string, in *passwordChange, _ *hydra.None) error {
					return s.ChangePassword(ctx, who, in.current, in.next)
				}},
		},
	}
}
