package billing

import (
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"sede/internal/fault"
	"sede/internal/money"
	"sede/internal/null"
	"sede/internal/pdf"
	"sede/internal/phrase"
	"sede/internal/tax"
)

// reader writes what stands on papers in their language.
type reader struct {
	phrase.Language
	currency string
	country  CountryName
}

// CountryName tells the name of a country in a reader's language.
type CountryName func(id string, reader language.Tag) string

func (r reader) amount(minor int64) string {
	return money.Format(minor, r.currency, r.Written().String())
}

// rate writes hundredths of a percent.
func (r reader) rate(hundredths int64) string {
	text := strconv.FormatFloat(float64(hundredths)/100, 'f', -1, 64)
	if base, _ := r.Written().Base(); base.String() != "en" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + " %"
}

// paper is what an invoice says on paper, in its own language.
func (i *Invoice) paper(country CountryName) pdf.Paper {
	r := reader{phrase.Match(i.Language), i.Currency, country}
	p := pdf.Paper{Title: r.Text(fault.Textf("Draft of an invoice")), Parties: r.parties(i.Seller, i.Buyer), Page: r.page}
	if i.Number.Valid {
		p.Title = r.Text(fault.Textf("Invoice %s", i.Number.V))
	}
	if i.IssuedAt.Valid {
		p.Facts = append(p.Facts, pdf.Fact{Label: r.Text(fault.Textf("Date of issue")), Value: dateText(i.IssuedAt.V)})
	}
	if i.DueAt.Valid {
		p.Facts = append(p.Facts, pdf.Fact{Label: r.Text(fault.Textf("To be paid by")), Value: dateText(i.DueAt.V)})
	}
	p.Facts = append(p.Facts, pdf.Fact{Label: r.Text(fault.Textf("Period")), Value: dateText(i.PeriodFrom) + " – " + dateText(i.PeriodTo)})
	p.Columns = []pdf.Column{{Title: r.Text(fault.Textf("Description")), Width: 6}, {Title: r.Text(fault.Textf("Quantity")), Width: 1.6, Right: true},
		{Title: r.Text(fault.Textf("Price of a period")), Width: 3, Right: true}, {Title: r.Text(fault.Textf("Amount")), Width: 2.4, Right: true}}
	for _, l := range i.Lines {
		p.Rows = append(p.Rows, []string{l.Description, strconv.FormatInt(l.Quantity, 10), r.amount(l.UnitAmount), r.amount(l.Amount)})
	}
	p.Sums = r.sums(i)
	p.Notes = r.invoiceNotes(i)
	return p
}

// sums are what the lines come to, and what became of it.
func (r reader) sums(i *Invoice) (sums []pdf.Sum) {
	add := func(label string, amount int64) { sums = append(sums, pdf.Sum{Label: label, Value: r.amount(amount)}) }
	if i.Discount > 0 {
		add(r.Text(fault.Textf("Sum of the lines")), i.Subtotal)
		label := r.Text(fault.Textf("Discount"))
		if i.DiscountText.Valid {
			label += ": " + i.DiscountText.V
		}
		add(label, -i.Discount)
	}
	add(r.Text(fault.Textf("Net amount")), i.Subtotal-i.Discount)
	add(r.Text(fault.Textf("VAT %s", r.rate(i.Treatment.Rate))), i.Tax)
	sums = append(sums, pdf.Sum{Label: r.Text(fault.Textf("Total")), Value: r.amount(i.Total), Strong: true})
	return sums
}

func (r reader) invoiceNotes(i *Invoice) []string {
	notes := r.taxNotes(i.Treatment)
	if i.Number.Valid && i.Seller.BankAccount != "" && i.remaining() > 0 {
		notes = append(notes, r.Text(fault.Textf("Please pay to the account %s, with the reference %s.", i.Seller.BankAccount, i.Number.V)))
	}
	return notes
}

func (r reader) taxNotes(t tax.Treatment) []string {
	if note := TaxNote(t, r.Language); note.Valid {
		return []string{note.V}
	}
	return nil
}

// TaxNote says why there is no tax, in the language of an invoice; null: there is.
func TaxNote(t tax.Treatment, in phrase.Language) null.Value[string] {
	switch t.Category {
	case tax.Exempt:
		return null.Of(in.Text(fault.Textf("Exempt from VAT as a small business")))
	case tax.ReverseCharge:
		return null.Of(in.Text(fault.Textf("Reverse charge")))
	case tax.OutOfScope:
		return null.Of(in.Text(fault.Textf("Out of the scope of VAT")))
	}
	return null.Value[string]{}
}

func (r reader) page(n int) string { return r.Text(fault.Textf("Page %d", n)) }

func (r reader) parties(seller, buyer Party) []pdf.Party {
	return []pdf.Party{r.party(r.Text(fault.Textf("Seller")), seller), r.party(r.Text(fault.Textf("Buyer")), buyer)}
}

func (r reader) party(label string, p Party) pdf.Party {
	lines := append([]string(nil), p.Lines...)
	if last := len(lines) - 1; last >= 0 && lines[last] == p.Country && r.country != nil {
		lines[last] = r.country(p.Country, r.Written())
	}
	if p.VATNumber != "" {
		lines = append(lines, r.Text(fault.Textf("VAT number: %s", p.VATNumber)))
	}
	if p.TIN != "" && !strings.HasSuffix(p.VATNumber, p.TIN) {
		lines = append(lines, r.Text(fault.Textf("Tax number: %s", p.TIN)))
	}
	return pdf.Party{Label: label, Name: p.Name, Lines: lines}
}

// paper is what a credit note says on paper, in the language of its invoice.
func (n *CreditNote) paper(country CountryName) pdf.Paper {
	r := reader{phrase.Match(n.Language), n.Currency, country}
	p := pdf.Paper{Title: r.Text(fault.Textf("Credit note %s", n.Number)), Parties: r.parties(n.Seller, n.Buyer), Page: r.page,
		Facts:   []pdf.Fact{{Label: r.Text(fault.Textf("Date of issue")), Value: dateText(n.IssuedAt)}, {Label: r.Text(fault.Textf("Of invoice")), Value: n.InvoiceNumber}},
		Columns: []pdf.Column{{Title: r.Text(fault.Textf("Description")), Width: 8}, {Title: r.Text(fault.Textf("Amount")), Width: 2.4, Right: true}},
		Sums: []pdf.Sum{{Label: r.Text(fault.Textf("Net amount")), Value: r.amount(-n.Subtotal)},
			{Label: r.Text(fault.Textf("VAT %s", r.rate(n.Treatment.Rate))), Value: r.amount(-n.Tax)},
			{Label: r.Text(fault.Textf("Total")), Value: r.amount(-n.Total), Strong: true}},
		Notes: append([]string{r.Text(fault.Textf("Reason: %s", n.Reason))}, r.taxNotes(n.Treatment)...)}
	for _, l := range n.Lines {
		p.Rows = append(p.Rows, []string{l.Description, r.amount(-l.Amount)})
	}
	return p
}
