package reference

import (
	"golang.org/x/text/language"

	"sede/internal/hydra"
	"sede/internal/null"
)

// How long anybody may keep an answer, in seconds.
const (
	keepCountries = 86400
	keepLanguages = 60
)

func (s *Service) countryFields() []hydra.Field[Country] {
	return []hydra.Field[Country]{
		hydra.Key(func(c *Country) *string { return &c.ID }).Required().Length(2, 2).
			Doc("The two-letter code of ISO 3166-1.").Example("PT").Filter(hydra.Exact).Sortable(),
		hydra.LocalText("name", s.atlas.name).
			Doc("The name in the reader's language (CLDR). Filters and orders look at the same name.").
			Example("Portugal").Means("https://schema.org/name").Filter(hydra.Partial).Sortable(),
		hydra.Text("alpha3", func(c *Country) *string { return &c.Alpha3 }).ReadOnly().
			Doc("The three-letter code of ISO 3166-1.").Example("PRT").Filter(hydra.Exact).Sortable(),
		hydra.Text("numericCode", func(c *Country) *string { return &c.Numeric }).ReadOnly().
			Doc("The three-digit code of ISO 3166-1.").Example("620").Filter(hydra.Exact).Sortable(),
		hydra.NullText("currency", func(c *Country) *null.Value[string] { return &c.Currency }).ReadOnly().
			Doc("The currency that is legal tender, by its code of ISO 4217.").Example("EUR").
			Filter(hydra.Exact, hydra.Existence).Sortable(),
		hydra.Text("callingCode", func(c *Country) *string { return &c.CallingCode }).ReadOnly().
			Doc("The country code of telephone numbers (ITU-T E.164). Countries may share one.").Example("+351").
			Filter(hydra.Exact).Sortable(),
	}
}

func (s *Service) languageFields() []hydra.Field[Language] {
	return []hydra.Field[Language]{
		hydra.Key(func(l *Language) *string { return &l.ID }).Required().Length(2, 35).
			Doc("The language tag (BCP 47), stored in its canonical form.").Example("pt-PT").Filter(hydra.Exact).Sortable(),
		hydra.LocalText("name", func(l *Language, reader language.Tag) string { return languageName(l.tag, s.namers.of(reader)) }).
			Doc("The name in the reader's language (CLDR). Filters and orders look at the same name.").
			Example("European Portuguese").Means("https://schema.org/name").Filter(hydra.Partial).Sortable(),
		hydra.Text("nativeName", func(l *Language) *string { return &l.NativeName }).ReadOnly().
			Doc("The name as the speakers of the language spell it.").Example("português europeu").Filter(hydra.Partial).Sortable(),
	}
}

func (s *Service) resources() []hydra.Declaration {
	return []hydra.Declaration{
		hydra.Resource[Country]{
			Name: "Country", Path: "/countries", Means: "https://schema.org/Country",
			Doc:    "A country or territory with a code of ISO 3166-1.",
			Fields: s.countryFields(), MaxAge: keepCountries,
			Operations: []hydra.Operation{
				hydra.List[Country]{Access: mayRead, Do: hydra.OfAll(s.ListCountries)},
				hydra.Get[Country]{Access: mayRead, Do: s.Country},
			},
		},
		hydra.Resource[Language]{
			Name: "Language", Path: "/languages", Means: "https://schema.org/Language",
			Doc:    "A language that people, texts and documents can have.",
			Fields: s.languageFields(), MaxAge: keepLanguages,
			Operations: []hydra.Operation{
				hydra.List[Language]{Access: mayRead, Do: hydra.OfAll(s.ListLanguages)},
				hydra.Create[Language]{Access: mayAdd, Do: s.AddLanguage},
				hydra.Get[Language]{Access: mayRead, Do: s.Language},
			},
		},
	}
}
