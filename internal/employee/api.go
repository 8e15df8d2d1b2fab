package employee

import (
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var fields = []hydra.Field[Employee]{
	hydra.ID(func(e *Employee) *ident.ID { return &e.ID }),
	hydra.Text("firstName", func(e *Employee) *string { return &e.FirstName }).Required().Length(1, 100).
		Doc("The given name.").Example("Ana").Means("https://schema.org/givenName").
		Filter(hydra.Partial).Sortable(),
	hydra.Text("lastName", func(e *Employee) *string { return &e.LastName }).Required().Length(1, 100).
		Doc("The family name.").Example("Silva").Means("https://schema.org/familyName").
		Filter(hydra.Partial).Sortable(),
	hydra.Text("name", func(e *Employee) *string { name := e.Name(); return &name }).ReadOnly().
		Doc("The whole name, the first name first.").Example("Ana Silva").Means("https://schema.org/name").
		Filter(hydra.Partial).Sortable(),
	hydra.NullText("email", func(e *Employee) *null.Value[string] { return &e.Email }).Format("email").
		Doc("Where mail reaches the person.").Example("ana.silva@acme.example").Means("https://schema.org/email").
		Check(fault.CodeEmail, func(e *Employee) fault.Text { return checkEmail(e.Email.V) }).
		Filter(hydra.Partial, hydra.Existence).Sortable(),
	hydra.NullRef("location", "Location", func(e *Employee) *null.Value[ident.ID] { return &e.Location }).
		Doc("Where the person works.").Filter(hydra.Exact, hydra.Existence),
	hydra.NullRef("user", "User", func(e *Employee) *null.Value[ident.ID] { return &e.User }).
		Doc("The member of the organization who the person is, if they can sign in. A user is one employee at most.").
		Filter(hydra.Exact, hydra.Existence),
	hydra.Bool("active", func(e *Employee) *bool { return &e.Active }).
		Doc("Whether the person still works here. Only active employees get new meetings.").Example("true").
		Filter(hydra.Boolean),
	hydra.Time("createdAt", func(e *Employee) *time.Time { return &e.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(e *Employee) *time.Time { return &e.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Employee]{
		Name: "Employee", Path: "/employees", Means: "https://schema.org/Person",
		Doc:      "A person of the organization whom meetings are about.",
		Fields:   fields,
		Version:  func(e *Employee) int64 { return e.Version },
		Defaults: func(e *Employee) { e.Active = true },
		Operations: []hydra.Operation{
			hydra.List[Employee]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Employee]{Access: mayWrite, Do: s.Create},
			hydra.Get[Employee]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Employee]{Access: mayWrite, Do: hydra.UpdateByID(s.Update)},
		},
	}
}
