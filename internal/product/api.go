package product

import (
	"time"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/money"
)

const maxTrialDays = 365

var fields = []hydra.Field[Product]{
	hydra.Key(func(p *Product) *string { return &p.ID }).Required().Length(2, 63).
		Doc("The code by which it is bought.").Example("team").Filter(hydra.Exact).Sortable(),
	hydra.LocalText("name", (*Product).NameIn).Doc("The name in the reader's language, or the nearest there is.").
		Example("Team").Means("https://schema.org/name"),
	hydra.Entries("names", func(p *Product) *[]Name { return &p.Names },
		hydra.Text("language", func(n *Name) *string { return &n.Language }).Required().OneOf("en", "pt", "pl").Doc("The language.").Example("en"),
		hydra.Text("name", func(n *Name) *string { return &n.Name }).Required().Length(1, 100).Doc("The name in it.").Example("Team"),
	).Required().Doc("The name in each language.").Example(`[{"language":"en","name":"Team"}]`),
	hydra.Entries("prices", func(p *Product) *[]Price { return &p.Prices },
		hydra.Text("currency", func(at *Price) *string { return &at.Currency }).Required().
			Check(fault.CodeCurrency, func(at *Price) fault.Text { return checkCurrency(at.Currency) }).Doc("The code of ISO 4217.").Example("EUR"),
		hydra.Text("interval", func(at *Price) *string { return &at.Interval }).Required().OneOf(Intervals()...).Doc("How long a period is.").Example(Monthly),
		hydra.Int("flat", func(at *Price) *int64 { return &at.Flat }).Between(0, money.Most/1000).
			Doc("What a period costs whatever the number of seats, before tax, in minor units.").Example("900"),
		hydra.Int("perSeat", func(at *Price) *int64 { return &at.PerSeat }).Between(0, money.Most/1000).
			Doc("What a period costs for each seat, before tax, in minor units.").Example("600"),
	).Required().Doc("The prices, one for each currency and interval. Who bought it keeps the price they bought it at.").
		Example(`[{"currency":"EUR","interval":"monthly","flat":900,"perSeat":600}]`),
	hydra.Texts("modules", func(p *Product) *[]string { return &p.Modules }).Length(1, 63).
		Doc("The codes of the modules that it grants.").Example("meetings"),
	hydra.Int("trialDays", func(p *Product) *int64 { return &p.TrialDays }).Between(0, maxTrialDays).
		Doc("How many days can be tried for nothing.").Example("14").Filter(hydra.Range, hydra.Numeric),
	hydra.Bool("active", func(p *Product) *bool { return &p.Active }).
		Doc("Whether it can be bought. Those who bought it before keep it.").Filter(hydra.Boolean),
	hydra.Time("createdAt", func(p *Product) *time.Time { return &p.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(p *Product) *time.Time { return &p.UpdatedAt }).ReadOnly(),
}

func (s *Service) resource() hydra.Declaration {
	return hydra.Resource[Product]{
		Name: "Product", Path: "/products", Means: "https://schema.org/Product",
		Doc:      "Something that organizations can subscribe to, with its prices and the modules that it grants.",
		Fields:   fields,
		Version:  func(p *Product) int64 { return p.Version },
		Volatile: true, // the name depends on who reads it
		Defaults: func(p *Product) { p.Active = true },
		Validate: (*Product).Validate,
		Operations: []hydra.Operation{
			hydra.List[Product]{Access: mayRead, Do: hydra.OfAll(s.List)},
			hydra.Create[Product]{Access: mayWrite, Do: s.Create},
			hydra.Get[Product]{Access: mayRead, Do: s.Get},
			hydra.Update[Product]{Access: mayWrite, Do: s.Update},
		},
	}
}
