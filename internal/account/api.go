package account

import (
	"context"
	"net/http"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
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
	hydra.Text("password", func(p *passwordChange) *string { return &p.next }).Required().WriteOnly().Length(MinPassword, MaxPassword).Format("password").
		Doc("The new password, not the e-mail address."),
}

// signUpBody is the body of POST /users.
type signUpBody struct {
	username, name, password string
	language, timeZone       null.Value[string]
}

var signUpFields = []hydra.Field[signUpBody]{
	hydra.Text("username", func(b *signUpBody) *string { return &b.username }).Required().Length(1, 1000).Format("email").
		Doc("The e-mail address, to which the link is mailed.").Example("ana@acme.example"),
	hydra.Text("name", func(b *signUpBody) *string { return &b.name }).Required().Length(1, maxName).
		Doc("What the user is called.").Example("Ana Silva"),
	hydra.Text("password", func(b *signUpBody) *string { return &b.password }).Required().WriteOnly().Length(MinPassword, MaxPassword).Format("password").
		Doc("Not the e-mail address.").Example("correct horse battery"),
	hydra.NullText("language", func(b *signUpBody) *null.Value[string] { return &b.language }).
		Doc("The language of what sede writes to the user, a BCP 47 tag. Null: the one that a request asks for.").Example("pt-PT").
		Check(fault.CodeChoice, func(b *signUpBody) fault.Text { return checkLanguage(b.language.V) }),
	hydra.NullText("timeZone", func(b *signUpBody) *null.Value[string] { return &b.timeZone }).
		Doc("The IANA time zone of the user's clock. Null: the organization's.").Example("Europe/Lisbon").
		Check(fault.CodeTimezone, func(b *signUpBody) fault.Text { return checkTimeZone(b.timeZone.V) }),
}

func (b *signUpBody) user() NewUser {
	n := NewUser{Username: b.username, Name: b.name, Password: b.password, Language: b.language, TimeZone: b.timeZone}
	if n.Language.Valid {
		n.Language = null.Of(canonicalLanguage(n.Language.V))
	}
	return n
}

// mailed is a body that holds what came by mail, or where mail goes to.
type mailed struct{ token, username, email, password string }

var (
	tokenField = hydra.Text("token", func(b *mailed) *string { return &b.token }).Required().WriteOnly().Length(1, 1000).
			Doc("What stands behind token= in the link of the mail.").Example("Zm9yIGV4YW1wbGUgb25seS4gZm9yIGV4YW1wbGUgb25")
	confirmFields = []hydra.Field[mailed]{tokenField}
	forgotFields  = []hydra.Field[mailed]{
		hydra.Text("username", func(b *mailed) *string { return &b.username }).Required().Length(1, 1000).Format("email").Example("ana@acme.example"),
	}
	resetFields = []hydra.Field[mailed]{
		tokenField,
		hydra.Text("password", func(b *mailed) *string { return &b.password }).Required().WriteOnly().Length(MinPassword, MaxPassword).Format("password").
			Doc("The new password, not the e-mail address."),
	}
	changeEmailFields = []hydra.Field[mailed]{
		hydra.Text("currentPassword", func(b *mailed) *string { return &b.password }).Required().WriteOnly().Length(1, 1000).Format("password"),
		hydra.Text("email", func(b *mailed) *string { return &b.email }).Required().Length(1, 1000).Format("email").
			Doc("The new address, to which a link is mailed.").Example("ana@acme.example"),
	}
)

// byMail are the operations in which mail plays a part. Their answers tell nobody
// whether an address has an account.
func (s *Service) byMail() []hydra.Operation {
	return []hydra.Operation{
		hydra.Action[signUpBody, hydra.None]{Path: "/users", Name: "SignUp", Access: access.Public(), Class: throttle.SignUp, Fields: signUpFields,
			Status: http.StatusAccepted, Doc: "Signs up: mails a link to the address that makes the account.",
			Do: func(ctx context.Context, _ *access.Caller, _ string, in *signUpBody, _ *hydra.None) error {
				return s.SignUp(ctx, in.user())
			}},
		hydra.Action[mailed, hydra.None]{Path: "/users/confirm", Access: access.Public(), Class: throttle.SignIn, Fields: confirmFields,
			Doc: "Does what a mailed link to confirm an address stands for: makes the account, or notes that the address is the user's.",
			Do: func(ctx context.Context, _ *access.Caller, _ string, in *mailed, _ *hydra.None) error {
				return s.Confirm(ctx, in.token)
			}},
		hydra.Action[mailed, hydra.None]{Path: "/users/forgot-password", Access: access.Public(), Class: throttle.PasswordReset, Fields: forgotFields,
			Status: http.StatusAccepted, Doc: "Mails a link with which the user with the address sets a new password.",
			Do: func(ctx context.Context, _ *access.Caller, _ string, in *mailed, _ *hydra.None) error {
				return s.ForgotPassword(ctx, in.username)
			}},
		hydra.Action[mailed, hydra.None]{Path: "/users/reset-password", Access: access.Public(), Class: throttle.PasswordReset, Fields: resetFields,
			Doc: "Sets the password of the user to whom the token was mailed, once, and ends all of their sessions.",
			Do: func(ctx context.Context, _ *access.Caller, _ string, in *mailed, _ *hydra.None) error {
				return s.ResetPassword(ctx, in.token, in.password)
			}},
		hydra.Action[hydra.None, hydra.None]{Path: "/users/me/verification", Access: mayEdit, Class: throttle.PasswordReset,
			Status: http.StatusAccepted, Doc: "Mails a link to the caller's address that shows that it is theirs.",
			Do: func(ctx context.Context, who *access.Caller, _ string, _ *hydra.None, _ *hydra.None) error {
				return s.RequestVerification(ctx, who)
			}},
		hydra.Action[mailed, hydra.None]{Path: "/users/me/email", Access: mayEdit, Class: throttle.PasswordReset, Fields: changeEmailFields,
			Status: http.StatusAccepted, Doc: "Mails a link to a new address of the caller, which is theirs once the link was followed.",
			Do: func(ctx context.Context, who *access.Caller, _ string, in *mailed, _ *hydra.None) error {
				return s.ChangeEmail(ctx, who, in.password, in.email)
			}},
	}
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[User]{
		Name: "User", Path: "/users", Means: "https://schema.org/Person",
		Doc:      "Somebody who can sign in.",
		Fields:   fields,
		Version:  func(u *User) int64 { return u.Version },
		Volatile: true,
		Operations: append([]hydra.Operation{
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
		}, s.byMail()...),
	}
}
