package bank

import (
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var matchFields = []hydra.Field[Match]{
	hydra.ID(func(m *Match) *ident.ID { return &m.ID }),
	hydra.NullRef("transaction", "BankTransaction", func(m *Match) *null.Value[ident.ID] { return &m.Transaction }).ReadOnly().
		Doc("The money that came in; null when the transaction was removed since.").Filter(hydra.Exact),
	hydra.Text("status", func(m *Match) *string { return &m.Status }).OneOf(MatchSettled, MatchProposed, MatchConfirmed, MatchDismissed).ReadOnly().
		Doc("Settled: it was sure, and the payment was recorded at once. Proposed: somebody has to confirm or dismiss it.").Filter(hydra.Exact),
	hydra.Int("score", func(m *Match) *int64 { return &m.Score }).ReadOnly().
		Doc("How sure it is, up to 100. From 80 on it is settled.").Filter(hydra.Range).Sortable(),
	hydra.Texts("reasons", func(m *Match) *[]string { return &m.Reasons }).ReadOnly().
		Doc("What speaks for it: reference or digits (the text names the invoice, or has the digits of its number), amount, partial or too-much, " +
			"combined (for several invoices), payer (this account paid the buyer's invoices before), name; and against it: ambiguous (others fit nearly as well)."),
	hydra.Int("amount", func(m *Match) *int64 { return &m.Amount }).ReadOnly().Doc("What came in, in minor units.").Filter(hydra.Range).Sortable(),
	hydra.Text("currency", func(m *Match) *string { return &m.Currency }).ReadOnly().Doc("ISO 4217.").Example("EUR"),
	hydra.Time("receivedOn", func(m *Match) *time.Time { return &m.On }).ReadOnly().
		Doc("The day on which it was booked, as its beginning in UTC.").Filter(hydra.DateRange).Sortable(),
	hydra.Text("title", func(m *Match) *string { return &m.Title }).ReadOnly().Doc("What the transaction says."),
	hydra.Text("party", func(m *Match) *string { return &m.Party }).ReadOnly().Doc("Who paid, as the bank says."),
	hydra.Objects("invoices", func(m *Match) *[]Part { return &m.Parts },
		hydra.Text("number", func(p *Part) *string { return &p.Number }).Example("INV-000042"),
		hydra.Text("buyer", func(p *Part) *string { return &p.Buyer }).Doc("Who it is made out to."),
		hydra.Int("amount", func(p *Part) *int64 { return &p.Amount }).Doc("How much of the money is for it, in minor units."),
	).ReadOnly().Doc("The invoices that the money is for, the one that is due first first."),
	hydra.NullTime("decidedAt", func(m *Match) *null.Value[time.Time] { return &m.DecidedAt }).ReadOnly().Doc("When it was settled, confirmed or dismissed."),
	hydra.Time("createdAt", func(m *Match) *time.Time { return &m.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(m *Match) *time.Time { return &m.UpdatedAt }).ReadOnly(),
}

func (s *Service) matches() hydra.Declaration {
	return hydra.Resource[Match]{
		Name: "PaymentMatch", Path: "/payment-matches",
		Doc:     "Money that came in at an organization that receives payments for an issuer, with the unpaid invoices that it is for.",
		Fields:  matchFields,
		Version: func(m *Match) int64 { return m.Version },
		Operations: []hydra.Operation{
			hydra.List[Match]{Access: mayRead, Do: hydra.OfAll(s.Matches)},
			hydra.Get[Match]{Access: mayRead, Do: hydra.ByID(s.Match)},
			hydra.Action[hydra.None, Match]{Path: "/payment-matches/{id}/confirm", Access: mayDecide, Do: hydra.ActionByID(s.Confirm),
				Doc: "Confirms a PaymentMatch resource: records the payments of its invoices."},
			hydra.Action[hydra.None, Match]{Path: "/payment-matches/{id}/dismiss", Access: mayDecide, Do: hydra.ActionByID(s.Dismiss),
				Doc: "Dismisses a PaymentMatch resource: the money is for something else."},
		},
	}
}
