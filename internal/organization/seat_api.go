package organization

import (
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var seatFields = append([]hydra.Field[Seat]{
	hydra.ID(func(s *Seat) *ident.ID { return &s.ID }),
	hydra.Ref("organization", "Organization", func(s *Seat) *ident.ID { return &s.Organization }).ReadOnly(),
}, holderFields...)

// holderFields say who holds a seat and why.
var holderFields = []hydra.Field[Seat]{
	hydra.Text("state", func(s *Seat) *string { return &s.State }).OneOf(SeatUsed, SeatReserved).ReadOnly().
		Doc("Used by a member, or reserved for somebody who is invited.").Filter(hydra.Exact),
	hydra.Sentence("reason", (*Seat).reason).Doc("Why the seat is taken, in the reader's language."),
	hydra.NullRef("member", "OrganizationUser", func(s *Seat) *null.Value[ident.ID] { m := s.member(); return &m }).ReadOnly().
		Doc("Who uses the seat; null for a reserved one."),
	hydra.NullRef("invitation", "OrganizationUserInvitation", func(s *Seat) *null.Value[ident.ID] { i := s.invitation(); return &i }).ReadOnly().
		Doc("What the seat is reserved for; null for a used one."),
	hydra.Text("name", func(s *Seat) *string { return &s.Name }).ReadOnly().
		Doc("What the member is called; empty for somebody who is invited.").Filter(hydra.Partial).Sortable(),
	hydra.Text("email", func(s *Seat) *string { return &s.Email }).ReadOnly().Format("email").
		Doc("The address of who holds the seat.").Means("https://schema.org/email").Filter(hydra.Partial).Sortable(),
	hydra.Text("role", func(s *Seat) *string { return &s.Role }).OneOf(access.RoleNames()...).ReadOnly().
		Doc("What they may do, or will be.").Filter(hydra.Exact).Sortable(),
	hydra.Time("since", func(s *Seat) *time.Time { return &s.Since }).ReadOnly().
		Doc("When the member joined, or the invitation was sent.").Filter(hydra.DateRange).Sortable(),
	hydra.NullTime("until", func(s *Seat) *null.Value[time.Time] { return &s.Until }).ReadOnly().
		Doc("When the invitation expires; null for a member.").Filter(hydra.DateRange, hydra.Existence),
}

// usageFields are the numbers of seats, and the first of those who hold them.
var usageFields = []hydra.Field[SeatUsage]{
	hydra.ID(func(u *SeatUsage) *ident.ID { return &u.Organization }),
	hydra.Ref("organization", "Organization", func(u *SeatUsage) *ident.ID { return &u.Organization }).ReadOnly(),
	hydra.Int("used", func(u *SeatUsage) *int64 { return &u.Used }).ReadOnly().Doc("How many active members are not guests."),
	hydra.Int("reserved", func(u *SeatUsage) *int64 { return &u.Reserved }).ReadOnly().
		Doc("How many people have a pending invitation to become one."),
	hydra.NullInt("limit", func(u *SeatUsage) *null.Value[int64] { return &u.Limit }).ReadOnly().
		Doc("How many seats there are; null: any number."),
	hydra.NullInt("free", func(u *SeatUsage) *null.Value[int64] { free := u.free(); return &free }).ReadOnly().
		Doc("How many more people there is room for; null: any number."),
	hydra.NullText("limitedBy", func(u *SeatUsage) *null.Value[string] { by := u.limitedBy(); return &by }).ReadOnly().
		OneOf(limitOfSubscription, limitOfOperator).
		Doc("What the limit comes from: the subscription, or what operators allow; null without a limit."),
	hydra.Bool("overSeat", func(u *SeatUsage) *bool { over := u.over(); return &over }).ReadOnly().
		Doc("Whether more seats are taken than there are, because the limit shrank. Nobody is invited then."),
	hydra.Objects("holders", func(u *SeatUsage) *[]Seat { return &u.Holders }, holderFields...).
		Doc("Who holds the first 100 of the seats that are taken, and why; /organization-seats has all."),
}

func (s *Service) seatResources() []hydra.Declaration {
	return []hydra.Declaration{
		hydra.Resource[Seat]{
			Name: "OrganizationSeat", Path: "/organization-seats",
			Doc:    "A seat that is taken: by an active member who is no guest, or for somebody with a pending invitation to become one.",
			Fields: seatFields,
			Operations: []hydra.Operation{
				hydra.List[Seat]{Access: mayCountSeats, Do: hydra.OfAll(s.Seats)},
				hydra.Get[Seat]{Access: mayCountSeats, Do: hydra.ByID(s.Seat)},
			},
		},
		hydra.Resource[SeatUsage]{
			Name: "OrganizationSeatUsage", Path: "/organizations/{id}/seats",
			Doc:    "How many seats of an organization are taken, by whom and why, and how many there are.",
			Fields: usageFields,
			Operations: []hydra.Operation{
				hydra.Get[SeatUsage]{Access: maySee, Do: s.SeatUsage},
			},
		},
	}
}
