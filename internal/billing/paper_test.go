package billing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/null"
	"sede/internal/pdf"
	"sede/internal/tax"
)

// example is an invoice with everything that can stand on one.
func example(language string) Invoice {
	at := time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)
	i := Invoice{Number: null.Of("INV-000001"), Language: language, IssuedAt: null.Of(at), DueAt: null.Of(at.AddDate(0, 0, 14)), PeriodFrom: at, PeriodTo: at.AddDate(0, 1, 0),
		Seller:       Party{Name: "Sede Lda", Lines: []string{"Rua Augusta 1", "1100-048 Lisboa", "PT"}, VATNumber: "PT501442600", BankAccount: "PT50 0002"},
		Buyer:        Party{Name: "Żółć Sp. z o.o.", Lines: []string{"Łąkowa 1", "PL"}, Country: "PL", TIN: "5260250274"},
		DiscountText: null.Of("Welcome"),
		Charge: Charge{Currency: "EUR", Lines: []Line{{Description: "Zespół: miejsca", Quantity: 5, UnitAmount: 30000, Amount: 150000, Discount: 1000}},
			Subtotal: 150000, Discount: 1000}}
	if err := i.levy(tax.Treatment{Category: tax.Standard, Country: "PT", Rate: 2300}); err != nil {
		panic(err)
	}
	return i
}

// texts are all texts of a paper.
func texts(p pdf.Paper) (list []string) {
	list = append([]string{p.Title, p.Page(1)}, p.Notes...)
	for _, f := range p.Facts {
		list = append(list, f.Label, f.Value)
	}
	for _, party := range p.Parties {
		list = append(append(list, party.Label, party.Name), party.Lines...)
	}
	for _, c := range p.Columns {
		list = append(list, c.Title)
	}
	for _, r := range p.Rows {
		list = append(list, r...)
	}
	for _, s := range p.Sums {
		list = append(list, s.Label, s.Value)
	}
	return list
}

func TestPaper(t *testing.T) {
	for language, wanted := range map[string][]string{
		"en":    {"Invoice INV-000001", "€1,500.00", "Discount: Welcome", "-€10.00", "VAT 23 %", "€342.70", "€1,832.70", "Please pay to the account PT50 0002, with the reference INV-000001.", "VAT number: PT501442600", "Page 1", "Poland"},
		"pt-PT": {"Fatura INV-000001", "1500,00 €", "Desconto: Welcome", "IVA 23 %", "342,70 €", "Vendedor", "Número de IVA: PT501442600", "Página 1", "2030-01-16", "Polónia"},
		"pt":    {"Fatura INV-000001", "1500,00 €", "Polónia"},
		"de":    {"Invoice INV-000001", "€1,500.00", "VAT 23 %", "Poland"}, // there are no German sentences
		"pl":    {"Faktura INV-000001", "1500,00 €", "Rabat: Welcome", "Kwota netto", "1490,00 €", "Razem", "Sprzedawca", "Żółć Sp. z o.o.", "Numer identyfikacji podatkowej: 5260250274", "Strona 1", "Polska"},
	} {
		i := example(language)
		said := texts(i.paper(inWords))
		for _, want := range wanted {
			if !slices.ContainsFunc(said, func(text string) bool { return strings.ReplaceAll(text, "\u00a0", " ") == want }) {
				t.Errorf("%s: no %q in %q", language, want, said)
			}
		}
		if _, err := pdf.Write([]pdf.Paper{i.paper(inWords)}, language, i.IssuedAt.V); err != nil {
			t.Error(err)
		}
	}
}

func TestPaperWithoutTax(t *testing.T) {
	i := example("pl")
	if err := i.levy(tax.Treatment{Category: tax.ReverseCharge}); err != nil {
		t.Fatal(err)
	}
	if said := texts(i.paper(inWords)); !slices.Contains(said, "Odwrotne obciążenie") || !slices.Contains(said, "VAT 0 %") {
		t.Errorf("%q", said)
	}
	for language, note := range map[string]string{"en": "Exempt from VAT as a small business", "pt": "IVA – regime de isenção", "pl": "Zwolnienie podmiotowe z VAT"} {
		exempt := example(language)
		if err := exempt.levy(tax.Treatment{Category: tax.Exempt}); err != nil {
			t.Fatal(err)
		}
		if said := texts(exempt.paper(inWords)); !slices.Contains(said, note) {
			t.Errorf("no %q in %q", note, said)
		}
	}
	if i.AmountPaid = i.Total; strings.Contains(strings.Join(texts(i.paper(inWords)), " "), "PT50 0002") {
		t.Error("an invoice that is paid asks for money")
	}
	i.Number, i.IssuedAt, i.AmountPaid = null.Value[string]{}, null.Value[time.Time]{}, 0
	if said := texts(i.paper(inWords)); said[0] != "Szkic faktury" || strings.Contains(strings.Join(said, " "), "PT50 0002") {
		t.Errorf("a draft asks for money: %q", said)
	}
	n := CreditNote{Number: "CN-000001", InvoiceNumber: "INV-000001", Reason: "Zapłacono dwa razy", Language: "pl", Currency: "PLN", Lines: []CreditLine{{Line: 1, Description: "Zespół", Amount: 550}},
		Subtotal: 550, Treatment: tax.Treatment{Category: tax.Standard, Rate: 550}, Tax: 30, Total: 580}
	said := texts(n.paper(inWords))
	for _, want := range []string{"Faktura korygująca CN-000001", "INV-000001", "Przyczyna: Zapłacono dwa razy", "VAT 5,5 %", "-5,80 zł"} {
		if !slices.ContainsFunc(said, func(text string) bool { return strings.ReplaceAll(text, "\u00a0", " ") == want }) {
			t.Errorf("no %q in %q", want, said)
		}
	}
}

func BenchmarkPDF(b *testing.B) {
	i := example("pl")
	for b.Loop() {
		if _, err := pdf.Write([]pdf.Paper{i.paper(inWords)}, "pl", i.IssuedAt.V); err != nil {
			b.Fatal(err)
		}
	}
}

// inWords names a country, in the language of the paper.
func inWords(id string, reader language.Tag) string {
	return display.Regions(reader).Name(language.MustParseRegion(id))
}
