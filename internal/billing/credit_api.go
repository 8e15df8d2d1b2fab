package billing

import (
	"time"

	"golang.org/x/text/language"

	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/money"
	"sede/internal/null"
	"sede/internal/phrase"
	"sede/internal/tax"
)

var creditLineFields = []hydra.Field[CreditLine]{
	hydra.Int("line", func(l *CreditLine) *int64 { return &l.Line }).Required().Doc("Which line of the invoice, from 1 on.").Example("1"),
	hydra.Int("amount", func(l *CreditLine) *int64 { return &l.Amount }).Between(0, money.Most).
		Doc("What is taken back, after discount and before tax. Left out: all that is left of the line.").Example("500"),
	hydra.KeyRef("product", "Product", func(l *CreditLine) *string { return &l.Product }).ReadOnly().Doc("What was charged."),
	hydra.Text("description", func(l *CreditLine) *string { return &l.Description }).ReadOnly().Doc("What it was about."),
	hydra.Int("tax", func(l *CreditLine) *int64 { return &l.Tax }).ReadOnly().Doc("Its part of the tax."),
}

var creditFields = []hydra.Field[CreditNote]{
	hydra.ID(func(n *CreditNote) *ident.ID { return &n.ID }),
	hydra.Ref("organization", "Organization", func(n *CreditNote) *ident.ID { return &n.Organization }).ReadOnly(),
	hydra.Ref("invoice", "Invoice", func(n *CreditNote) *ident.ID { return &n.Invoice }).Required().
		Doc("Of which something is taken back.").Filter(hydra.Exact),
	hydra.Text("invoiceNumber", func(n *CreditNote) *string { return &n.InvoiceNumber }).ReadOnly(),
	hydra.Text("number", func(n *CreditNote) *string { return &n.Number }).ReadOnly().
		Doc("Its place in the issuer's series of credit notes, which has no gaps.").Example("CN-000001").Filter(hydra.Exact),
	hydra.Text("reason", func(n *CreditNote) *string { return &n.Reason }).Required().Length(1, 500).
		Doc("Why, as it stands on the credit note.").Example("Charged twice"),
	hydra.Text("currency", func(n *CreditNote) *string { return &n.Currency }).ReadOnly().Doc("The code of ISO 4217.").Example("EUR"),
	hydra.Entries("lines", func(n *CreditNote) *[]CreditLine { return &n.Lines }, creditLineFields...).Most(100).
		Doc("What is taken back. Left out: all that is left of the invoice, or the amount.").Example(`[{"line":1,"amount":500}]`),
	hydra.NullInt("amount", func(n *CreditNote) *null.Value[int64] { return &n.Amount }).WriteOnly().Between(1, money.Most).
		Doc("What is taken back in place of lines, before tax: some of each line, in proportion to what is left of it."),
	hydra.Int("subtotal", func(n *CreditNote) *int64 { return &n.Subtotal }).ReadOnly().Doc("The sum of the lines."),
	hydra.Text("taxCategory", func(n *CreditNote) *string { c := string(n.Treatment.Category); return &c }).ReadOnly().
		OneOf(string(tax.Standard), string(tax.Exempt), string(tax.ReverseCharge), string(tax.OutOfScope)).
		Doc("As on the invoice. S: taxed. E: the issuer is exempt. AE: the buyer owes the tax (reverse charge). O: out of the scope of VAT."),
	hydra.NullText("taxNote", func(n *CreditNote) *null.Value[string] {
		note := TaxNote(n.Treatment, phrase.Match(n.Language))
		return &note
	}).ReadOnly().
		Doc("Why there is no tax, as it stands on the PDF and in its language; null: there is."),
	hydra.Int("taxRate", func(n *CreditNote) *int64 { return &n.Treatment.Rate }).ReadOnly().Doc("In hundredths of a percent: 2300 is 23 %."),
	hydra.Int("tax", func(n *CreditNote) *int64 { return &n.Tax }).ReadOnly(),
	hydra.Int("total", func(n *CreditNote) *int64 { return &n.Total }).ReadOnly().Doc("What is taken back, with tax.").Filter(hydra.Range).Sortable(),
	hydra.LocalText("totalText", func(n *CreditNote, reader language.Tag) string {
		return money.Format(n.Total, n.Currency, reader.String())
	}).
		Doc("The total as the reader writes amounts."),
	hydra.Object("seller", func(n *CreditNote) *Party { return &n.Seller }, partyFields...).Doc("As on the invoice."),
	hydra.Object("buyer", func(n *CreditNote) *Party { return &n.Buyer }, partyFields...).Doc("As on the invoice."),
	hydra.Time("issuedAt", func(n *CreditNote) *time.Time { return &n.IssuedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
}

func (s *Service) creditResource() hydra.Declaration {
	return hydra.Resource[CreditNote]{
		Name: "CreditNote", Path: "/credit-notes",
		Doc:      "What is taken back of an invoice, which itself does not change. A credit note never changes either.",
		Fields:   creditFields,
		Version:  func(*CreditNote) int64 { return 1 },
		Volatile: true, // amounts are written for who reads them
		Formats:  []hydra.Format[CreditNote]{{Suffix: "pdf", Media: "application/pdf", Encode: s.CreditPDF}},
		Operations: []hydra.Operation{
			hydra.List[CreditNote]{Access: mayRead, Do: hydra.OfAll(s.CreditNotes)},
			hydra.Create[CreditNote]{Access: mayCredit, Do: s.Credit},
			hydra.Get[CreditNote]{Access: mayLoad, Do: hydra.ByID(s.CreditNote)},
		},
	}
}
