package organization

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/ident"
)

var memberFields = []hydra.Field[Member]{
	hydra.ID(func(m *Member) *ident.ID { return &m.ID }),
	hydra.Ref("organization", "Organization", func(m *Member) *ident.ID { return &m.Organization }).ReadOnly(),
	hydra.Ref("member", "User", func(m *Member) *ident.ID { return &m.User }).ReadOnly().
		Doc("The user who is the member.").Filter(hydra.Exact),
	hydra.Text("name", func(m *Member) *string { return &m.Name }).ReadOnly().
		Doc("What the user is called.").Example("Ana Silva").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.Text("email", func(m *Member) *string { return &m.Email }).ReadOnly().Format("email").
		Doc("The user's e-mail address.").Example("ana@acme.example").Means("https://schema.org/email").
		Filter(hydra.Partial).Sortable(),
	hydra.Text("role", func(m *Member) *string { return &m.Role }).OneOf(access.RoleNames()...).
		Doc("What the member may do. Nobody gives a role above their own, and an owner always remains.").
		Filter(hydra.Exact).Sortable(),
	hydra.Text("status", func(m *Member) *string { return &m.Status }).OneOf(MemberActive, MemberSuspended).
		Doc("Suspended: keeps the place in the list, may do nothing, takes no seat.").
		Filter(hydra.Exact).Sortable(),
	hydra.Time("joinedAt", func(m *Member) *time.Time { return &m.JoinedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("createdAt", func(m *Member) *time.Time { return &m.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(m *Member) *time.Time { return &m.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) memberResource() hydra.Declaration {
	return hydra.Resource[Member]{
		Name: "OrganizationUser", Path: "/organization-users",
		Doc:     "A user in an organization, with a role.",
		Fields:  memberFields,
		Version: func(m *Member) int64 { return m.Version },
		Operations: []hydra.Operation{
			hydra.List[Member]{Access: mayRead, Do: hydra.OfAll(s.Members)},
			hydra.Get[Member]{Access: mayRead, Do: hydra.ByID(s.Member)},
			hydra.Update[Member]{Access: mayManage, Do: hydra.UpdateByID(s.UpdateMember)},
			hydra.Delete[Member]{Access: mayLeave, Do: hydra.DeleteByID(s.RemoveMember),
				Doc: "Removes the OrganizationUser resource: everybody may leave, those who run the organization remove others."},
			hydra.Action[hydra.None, Member]{Path: "/organization-users/{id}/transfer-ownership", Access: mayTransfer,
				Doc: "Makes the member an owner and the caller, an owner, an admin.",
				Do: func(ctx context.Context, who *access.Caller, key string, _ *hydra.None, m *Member) error {
					return hydra.ByID(s.TransferOwnership)(ctx, who, key, m)
				}},
		},
	}
}
