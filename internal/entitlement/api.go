package entitlement

import (
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var fields = []hydra.Field[Entitlement]{
	hydra.ID(func(e *Entitlement) *ident.ID { return &e.ID }),
	hydra.Ref("organization", "Organization", func(e *Entitlement) *ident.ID { return &e.Organization }).ReadOnly(),
	hydra.Text("module", func(e *Entitlement) *string { return &e.Module }).Required().OnCreate().Length(1, 63).
		Doc("The code of the module, as products name it.").Example("crm").Filter(hydra.Exact).Sortable(),
	hydra.Bool("enabled", func(e *Entitlement) *bool { return &e.Enabled }).
		Doc("Whether all of it can be used. Operators switch it on and off."),
	hydra.NullTime("endsAt", func(e *Entitlement) *null.Value[time.Time] { return &e.EndsAt }).
		Doc("Until when that holds, or held; null: until something changes. Operators set it."),
	hydra.Text("source", func(e *Entitlement) *string { return &e.Source }).ReadOnly().OneOf(Trial, Subscription, Operator).
		Doc("Who says so. What operators say goes before the subscription, and that before the trial."),
	hydra.Bool("readable", func(e *Entitlement) *bool { return &e.Readable }).ReadOnly().
		Doc("Whether what is there can be read: also when the organization does not have the module any more, unless operators took it away."),
	hydra.Time("createdAt", func(e *Entitlement) *time.Time { return &e.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(e *Entitlement) *time.Time { return &e.UpdatedAt }).ReadOnly(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Entitlement]{
		Name: "OrganizationModule", Path: "/organization-modules",
		Doc:      "What an organization has of one module of the product. Without a module, what is part of it is answered with 402 and the products that grant it.",
		Fields:   fields,
		Version:  func(e *Entitlement) int64 { return e.Version },
		Volatile: true, // trials end
		Defaults: func(e *Entitlement) { e.Enabled = true },
		Validate: (*Entitlement).Validate,
		Operations: []hydra.Operation{
			hydra.List[Entitlement]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Entitlement]{Access: mayDecide, Do: s.Create},
			hydra.Get[Entitlement]{Access: mayRead, Do: hydra.ByID(s.Get)},
			hydra.Update[Entitlement]{Access: mayDecide, Do: hydra.UpdateByID(s.Update)},
			hydra.Delete[Entitlement]{Access: mayDecide, Do: hydra.DeleteByID(s.Delete)},
		},
	}
}
