package organization

import (
	"time"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

var addressFields = []hydra.Field[Address]{
	hydra.ID(func(a *Address) *ident.ID { return &a.ID }),
	hydra.Ref("organization", "Organization", func(a *Address) *ident.ID { return &a.Organization }).ReadOnly(),
	hydra.Text("name", func(a *Address) *string { return &a.Name }).Required().
		Doc("Who is there: the company's name as it is registered.").Example("Acme Lda").Means("https://schema.org/legalName").
		Filter(hydra.Partial).Sortable(),
	hydra.NullText("streetLine", func(a *Address) *null.Value[string] { return &a.StreetLine }).
		Doc("The street, with the number if it is not given apart.").Example("Rua Augusta").Means("https://schema.org/streetAddress"),
	hydra.NullText("buildingNumber", func(a *Address) *null.Value[string] { return &a.BuildingNumber }).Length(0, 20).Example("1"),
	hydra.NullText("localeNumber", func(a *Address) *null.Value[string] { return &a.LocaleNumber }).Length(0, 20).
		Doc("The flat, floor or office in the building.").Example("2E"),
	hydra.NullText("postCode", func(a *Address) *null.Value[string] { return &a.PostCode }).Length(0, maxPostCode).
		Doc("The postal code. It is checked and spelled as the country's post does.").Example("1100-048").Means("https://schema.org/postalCode"),
	hydra.NullText("city", func(a *Address) *null.Value[string] { return &a.City }).Example("Lisboa").Means("https://schema.org/addressLocality").
		Filter(hydra.Partial).Sortable(),
	hydra.KeyRef("country", "Country", func(a *Address) *string { return &a.Country }).Required().
		Doc("The country. It decides what the address must hold: everywhere a street, nearly everywhere a city, in most countries a postal code.").
		Example("/countries/PT").Filter(hydra.Exact).Sortable(),
	hydra.NullText("phoneNumber", func(a *Address) *null.Value[string] { return &a.PhoneNumber }).Length(0, 40).Example("+351 213 000 000"),
	hydra.NullText("email", func(a *Address) *null.Value[string] { return &a.Email }).Format("email").
		Doc("Where invoices go.").Example("billing@acme.example").Means("https://schema.org/email"),
	hydra.NullText("tin", func(a *Address) *null.Value[string] { return &a.TIN }).Length(0, 40).
		Doc("The national tax number. Form and check digits are checked for Poland, Portugal and Spain.").Example("501964843"),
	hydra.NullText("vatNumber", func(a *Address) *null.Value[string] { return &a.VATNumber }).Length(0, 40).
		Doc("The VAT number. Form and check digits are checked for the European Union, the United Kingdom, Norway and Switzerland. Without a prefix it is one of the country's.").
		Example("PT501964843").Filter(hydra.Exact, hydra.Existence).Sortable(),
	hydra.Time("createdAt", func(a *Address) *time.Time { return &a.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.Time("updatedAt", func(a *Address) *time.Time { return &a.UpdatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) addressResource() hydra.Declaration {
	return hydra.Resource[Address]{
		Name: "OrganizationAddress", Path: "/organization-addresses", Means: "https://schema.org/PostalAddress",
		Doc:      "An address of the organization, checked by the rules of its country.",
		Fields:   addressFields,
		Version:  func(a *Address) int64 { return a.Version },
		Validate: (*Address).Validate,
		Operations: []hydra.Operation{
			hydra.List[Address]{Access: mayRead, Do: hydra.OfAll(s.Addresses)},
			hydra.Create[Address]{Access: mayAddress, Do: s.CreateAddress},
			hydra.Get[Address]{Access: mayRead, Do: hydra.ByID(s.Address)},
			hydra.Update[Address]{Access: mayAddress, Do: hydra.UpdateByID(s.UpdateAddress)},
			hydra.Delete[Address]{Access: mayAddress, Do: hydra.DeleteByID(s.DeleteAddress)},
		},
	}
}
