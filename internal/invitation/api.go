package invitation

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/throttle"
)

// maxTyped bounds texts that are checked more closely later, in characters.
const maxTyped = 1000

var fields = []hydra.Field[Invitation]{
	hydra.ID(func(i *Invitation) *ident.ID { return &i.ID }),
	hydra.Ref("organization", "Organization", func(i *Invitation) *ident.ID { return &i.Organization }).ReadOnly(),
	hydra.Text("email", func(i *Invitation) *string { return &i.Email }).Required().OnCreate().Length(1, maxTyped).Format("email").
		Doc("Who is invited. It is kept in its normal form: in lower case, the domain in ASCII.").Example("ana@acme.example").
		Means("https://schema.org/email").
		Check(fault.CodeEmail, func(i *Invitation) fault.Text { return checkEmail(i.Email) }).
		Filter(hydra.Partial).Sortable(),
	hydra.Text("role", func(i *Invitation) *string { return &i.Role }).OnCreate().OneOf(access.RoleNames()...).
		Doc("What they will be. Nobody gives a role above their own. Left out: member.").Example("member").
		Filter(hydra.Exact).Sortable(),
	hydra.Text("status", func(i *Invitation) *string { return &i.Status }).OneOf(Pending, Accepted, Expired, Revoked).ReadOnly().
		Doc("Pending: it can be accepted. Expired: it can be sent again.").Filter(hydra.Exact).Sortable(),
	hydra.NullText("language", func(i *Invitation) *null.Value[string] { return &i.Language }).OnCreate().
		Doc("The language of the mail, a BCP 47 tag, unless the invited user has chosen one. Null: the organization's.").Example("pt-PT").
		Check(fault.CodeChoice, func(i *Invitation) fault.Text { return checkLanguage(i.Language.V) }),
	hydra.Bool("sendEmail", func(i *Invitation) *bool { return &i.Mailed }).OnCreate().
		Doc("Whether the link is mailed. If not, the answer has it as link, this once. Left out: true."),
	hydra.NullText("link", func(i *Invitation) *null.Value[string] { return &i.Link }).ReadOnly().Secret().Format("uri").
		Doc("What the invited person follows. Told once, in the answer to the request that made it, and only if it is not mailed."),
	hydra.Text("invitedBy", func(i *Invitation) *string { return &i.InvitedBy }).ReadOnly().
		Doc("The name of who sent it last.").Example("Otto Other"),
	hydra.Time("sentAt", func(i *Invitation) *time.Time { return &i.SentAt }).ReadOnly().Doc("When the link that counts was made."),
	hydra.Time("expiresAt", func(i *Invitation) *time.Time { return &i.ExpiresAt }).ReadOnly().
		Doc("When the link is dead, seven days after it was made.").Filter(hydra.DateRange).Sortable(),
	hydra.NullTime("acceptedAt", func(i *Invitation) *null.Value[time.Time] { return &i.AcceptedAt }).ReadOnly().
		Doc("When it was accepted; null: not yet."),
	hydra.Time("createdAt", func(i *Invitation) *time.Time { return &i.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(i *Invitation) *time.Time { return &i.UpdatedAt }).ReadOnly(),
}

var receivedFields = []hydra.Field[Received]{
	hydra.ID(func(r *Received) *ident.ID { return &r.ID }),
	hydra.Text("organizationName", func(r *Received) *string { return &r.Organization }).ReadOnly().Example("Acme"),
	hydra.Text("organizationSlug", func(r *Received) *string { return &r.Slug }).ReadOnly().
		Doc("The organization's slug, as X-Organization takes it once the invitation is accepted.").Example("acme"),
	hydra.Text("email", func(r *Received) *string { return &r.Email }).ReadOnly().Format("email").Means("https://schema.org/email").
		Doc("The address that was invited.").Example("ana@acme.example"),
	hydra.Text("role", func(r *Received) *string { return &r.Role }).OneOf(access.RoleNames()...).ReadOnly().
		Doc("What the user will be."),
	hydra.Text("invitedBy", func(r *Received) *string { return &r.InvitedBy }).ReadOnly().Doc("The name of who sent it last.").Example("Otto Other"),
	hydra.Time("expiresAt", func(r *Received) *time.Time { return &r.ExpiresAt }).ReadOnly().Doc("Until when it can be accepted."),
	hydra.Time("createdAt", func(r *Received) *time.Time { return &r.CreatedAt }).ReadOnly(),
}

var acceptanceFields = []hydra.Field[Acceptance]{
	hydra.Text("token", func(a *Acceptance) *string { return &a.Token }).Required().WriteOnly().Length(1, maxTyped).
		Doc("What stands behind token= in the link.").Example("Zm9yIGV4YW1wbGUgb25seS4gZm9yIGV4YW1wbGUgb25"),
	hydra.Text("name", func(a *Acceptance) *string { return &a.Name }).WriteOnly().Length(0, maxTyped).
		Doc("Of a new user: what they are called.").Example("Ana Silva"),
	hydra.Text("password", func(a *Acceptance) *string { return &a.Password }).WriteOnly().Length(0, maxTyped).Format("password").
		Doc("Of a new user: the one that they choose. Of a user who is not signed in, when the link did not come by mail: theirs."),
}

func (s *Service) resources() []hydra.Declaration {
	return []hydra.Declaration{
		hydra.Resource[Invitation]{
			Name: "OrganizationUserInvitation", Path: "/organization-user-invitations",
			Doc:      "An invitation to become a member of the organization.",
			Fields:   fields,
			Version:  func(i *Invitation) int64 { return i.Version },
			Volatile: true, // it expires
			Defaults: func(i *Invitation) { i.Role, i.Mailed = access.Member.String(), true },
			Operations: []hydra.Operation{
				hydra.List[Invitation]{Access: mayRead, Do: hydra.OfAll(s.List)},
				hydra.Create[Invitation]{Access: mayInvite, Class: throttle.Invitation, Do: s.Invite,
					Doc: "Invites somebody. One who is invited already gets a new link, and the old one is dead."},
				hydra.Get[Invitation]{Access: mayRead, Do: hydra.ByID(s.Get)},
				hydra.Delete[Invitation]{Access: mayInvite, Do: hydra.DeleteByID(s.Revoke),
					Doc: "Revokes the OrganizationUserInvitation resource: its link is dead, and its seat is free. It stays in the list."},
				hydra.Action[hydra.None, Invitation]{Path: "/organization-user-invitations/{id}/resend", Access: mayInvite, Class: throttle.Invitation,
					Doc: "Makes a new link that is good for seven days, and mails or tells it as before. The old one is dead.",
					Do: hydra.ActionByID(func(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, i *Invitation) error {
						return s.Resend(ctx, who, id, i)
					})},
			},
		},
		hydra.Resource[Received]{
			Name: "Invitation", Path: "/invitations",
			Doc:    "An invitation that waits for the caller, in any organization: one to their e-mail address, once that is verified.",
			Fields: receivedFields,
			Operations: []hydra.Operation{
				hydra.List[Received]{Access: mayAsk, Do: hydra.OfAll(s.Waiting)},
				hydra.Get[Received]{Access: mayAsk, Do: hydra.ByID(s.Ask)},
				hydra.Action[Acceptance, organization.Member]{Path: "/invitations/accept", Access: access.Public(), Class: throttle.SignIn, Fields: acceptanceFields,
					Doc: "Makes somebody a member who shows the token of an invitation: the caller, else the user with the invited address, else a new user.",
					Do: func(ctx context.Context, who *access.Caller, _ string, in *Acceptance, m *organization.Member) error {
						return s.Accept(ctx, who, in, m)
					}},
				hydra.Action[hydra.None, organization.Member]{Path: "/invitations/{id}/accept", Access: mayAsk,
					Doc: "Makes the caller a member, whose verified address was invited.",
					Do: hydra.ActionByID(func(ctx context.Context, who *access.Caller, id ident.ID, _ *hydra.None, m *organization.Member) error {
						return s.Accept(ctx, who, &Acceptance{ID: id}, m)
					})},
			},
		},
	}
}
