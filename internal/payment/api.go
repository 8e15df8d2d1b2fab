package payment

import (
	"net/http"
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var fields = []hydra.Field[Method]{
	hydra.ID(func(m *Method) *ident.ID { return &m.ID }),
	hydra.Ref("organization", "Organization", func(m *Method) *ident.ID { return &m.Organization }).ReadOnly(),
	hydra.Text("status", func(m *Method) *string { return &m.Status }).ReadOnly().OneOf(Pending, Active).
		Doc("Pending: somebody is to give it at setupUrl.").Filter(hydra.Exact),
	hydra.NullText("setupUrl", func(m *Method) *null.Value[string] { return &m.SetupURL }).ReadOnly().
		Doc("A page of Stripe's on which a person gives the payment method, good for a day; null once they did."),
	hydra.Text("returnUrl", func(m *Method) *string { return &m.ReturnURL }).WriteOnly().OnCreate().Length(0, 2000).Format("uri").
		Doc("Where Stripe leads the person afterwards. That they come says nothing of what happened: read the payment method again.").
		Example("https://app.example/billing"),
	hydra.NullText("type", func(m *Method) *null.Value[string] { return &m.Type }).ReadOnly().Doc("What it is, in Stripe's words.").Example("card"),
	hydra.NullText("brand", func(m *Method) *null.Value[string] { return &m.Brand }).ReadOnly().Doc("The brand of a card.").Example("visa"),
	hydra.NullText("last4", func(m *Method) *null.Value[string] { return &m.Last4 }).ReadOnly().Doc("The last digits of its number.").Example("4242"),
	hydra.NullInt("expMonth", func(m *Method) *null.Value[int64] { return &m.ExpMonth }).ReadOnly().Doc("The month in which a card expires."),
	hydra.NullInt("expYear", func(m *Method) *null.Value[int64] { return &m.ExpYear }).ReadOnly().Doc("The year in which a card expires."),
	hydra.Bool("default", func(m *Method) *bool { return &m.Default }).
		Doc("Whether invoices are paid with it. Setting it takes it from the one that had it."),
	hydra.Time("createdAt", func(m *Method) *time.Time { return &m.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(m *Method) *time.Time { return &m.UpdatedAt }).ReadOnly(),
}

var driftFields = []hydra.Field[Drift]{
	hydra.ID(func(d *Drift) *ident.ID { return &d.ID }),
	hydra.Ref("organization", "Organization", func(d *Drift) *ident.ID { return &d.Organization }).ReadOnly().Filter(hydra.Exact),
	hydra.Ref("subscription", "Subscription", func(d *Drift) *ident.ID { return &d.Subscription }).ReadOnly().Filter(hydra.Exact),
	hydra.Text("field", func(d *Drift) *string { return &d.Field }).ReadOnly().
		Doc("What is different: discount, externalId, or a product of Stripe's, whose quantity it is.").Example("sede_team_seats"),
	hydra.Text("ours", func(d *Drift) *string { return &d.Ours }).ReadOnly().Doc("What Stripe was told.").Example("5"),
	hydra.Text("theirs", func(d *Drift) *string { return &d.Theirs }).ReadOnly().Doc("What Stripe has; empty: nothing.").Example("7"),
	hydra.Time("foundAt", func(d *Drift) *time.Time { return &d.FoundAt }).ReadOnly(),
}

func (s *Service) driftResource() hydra.Declaration {
	return hydra.Resource[Drift]{
		Name: "BillingDrift", Path: "/billing/drift",
		Doc:    "Something of a subscription that is different at Stripe although Stripe was told, because somebody changed it there.",
		Fields: driftFields,
		Operations: []hydra.Operation{
			hydra.List[Drift]{Access: mayResolve, Do: hydra.OfAll(s.Drifts)},
			hydra.Get[Drift]{Access: mayResolve, Do: hydra.ByID(s.Drift)},
			hydra.Action[hydra.None, Drift]{Path: "/billing/drift/{id}/push-ours", Access: mayResolve, Do: hydra.ActionByID(s.PushOurs),
				Doc: "Has Stripe told again what is wanted, as it is here."},
			hydra.Action[hydra.None, Drift]{Path: "/billing/drift/{id}/take-theirs", Access: mayResolve, Do: hydra.ActionByID(s.TakeTheirs),
				Doc: "Makes what is wanted here what Stripe has."},
			hydra.Action[hydra.None, hydra.None]{Path: "/billing/reconcile", Access: mayResolve, Status: http.StatusAccepted, Do: s.Reconcile,
				Doc: "Has all customers and subscriptions at Stripe compared with what is here, soon."},
		},
	}
}

func (s *Service) resources() []hydra.Declaration {
	return []hydra.Declaration{
		s.driftResource(),
		hydra.Resource[Method]{
			Name: "PaymentMethod", Path: "/payment-methods", Means: "https://schema.org/PaymentMethod",
			Doc:     "What the organization pays with through Stripe.",
			Fields:  fields,
			Version: func(m *Method) int64 { return m.Version },
			Operations: []hydra.Operation{
				hydra.List[Method]{Access: mayRead, Do: hydra.OfAll(s.List)},
				hydra.Create[Method]{Access: mayWrite, Do: s.Create},
				hydra.Get[Method]{Access: mayRead, Do: hydra.ByID(s.Get)},
				hydra.Update[Method]{Access: mayWrite, Do: hydra.UpdateByID(s.Update)},
				hydra.Delete[Method]{Access: mayWrite, Do: hydra.DeleteByID(s.Delete)},
			},
		},
		hydra.Resource[Portal]{
			Name: "BillingPortal", Path: "/organizations/{id}/billing-portal",
			Doc:    "Stripe's own page, where people see invoices and change what they pay with.",
			Fields: []hydra.Field[Portal]{hydra.ID(func(p *Portal) *ident.ID { return &p.ID }), hydra.Text("url", func(p *Portal) *string { return &p.URL }).ReadOnly().Doc("The page, good for minutes.")},
			Operations: []hydra.Operation{
				hydra.Action[Visit, Portal]{Path: "/organizations/{id}/billing-portal", Access: mayWrite, Do: s.Visit,
					Doc: "Makes a link to Stripe's page for the organization.",
					Fields: []hydra.Field[Visit]{hydra.Text("returnUrl", func(v *Visit) *string { return &v.ReturnURL }).Required().Length(0, 2000).Format("uri").
						Doc("Where the page leads back to.").Example("https://app.example/billing")}},
			},
		},
	}
}
