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

// LineFields show the lines of a charge.
var LineFields = []hydra.Field[Line]{
	hydra.KeyRef("product", "Product", func(l *Line) *string { return &l.Product }).Doc("What is charged."),
	hydra.Text("kind", func(l *Line) *string { return &l.Kind }).OneOf(Flat, Seats).Doc("Whether it is the flat price or that of seats."),
	hydra.Text("description", func(l *Line) *string { return &l.Description }).Doc("What it is about."),
	hydra.Int("quantity", func(l *Line) *int64 { return &l.Quantity }).Doc("How many."),
	hydra.Int("unitAmount", func(l *Line) *int64 { return &l.UnitAmount }).Doc("What one costs for a whole period, before tax."),
	hydra.Bool("prorated", func(l *Line) *bool { return &l.Prorated }).Doc("Whether only the rest of the period is charged."),
	hydra.Time("from", func(l *Line) *time.Time { return &l.From }).Doc("When what is charged begins."),
	hydra.Time("to", func(l *Line) *time.Time { return &l.To }).Doc("When it ends."),
	hydra.Int("amount", func(l *Line) *int64 { return &l.Amount }).Doc("What the line comes to, before discount and tax."),
	hydra.Int("discount", func(l *Line) *int64 { return &l.Discount }).Doc("What the discount takes off."),
	hydra.Int("tax", func(l *Line) *int64 { return &l.Tax }).Doc("Its part of the tax."),
}

var partyFields = []hydra.Field[Party]{
	hydra.Text("name", func(p *Party) *string { return &p.Name }),
	hydra.Texts("lines", func(p *Party) *[]string { return &p.Lines }).Doc("The address below the name."),
	hydra.Text("country", func(p *Party) *string { return &p.Country }).Doc("ISO 3166-1 alpha-2."),
	hydra.Text("tin", func(p *Party) *string { return &p.TIN }),
	hydra.Text("vatNumber", func(p *Party) *string { return &p.VATNumber }),
	hydra.Text("bankAccount", func(p *Party) *string { return &p.BankAccount }).Doc("Where the money goes."),
}

var fields = []hydra.Field[Invoice]{
	hydra.ID(func(i *Invoice) *ident.ID { return &i.ID }),
	hydra.Ref("organization", "Organization", func(i *Invoice) *ident.ID { return &i.Organization }).ReadOnly(),
	hydra.Ref("subscription", "Subscription", func(i *Invoice) *ident.ID { return &i.Subscription }).ReadOnly().Filter(hydra.Exact),
	hydra.NullText("number", func(i *Invoice) *null.Value[string] { return &i.Number }).ReadOnly().
		Doc("Its place in the issuer's series, which has no gaps; null for a draft.").Example("INV-000001").Filter(hydra.Exact),
	hydra.Text("status", func(i *Invoice) *string { return &i.Status }).ReadOnly().OneOf(Draft, Open, Paid, Void, Uncollectible).
		Doc("A draft waits for what it must say, e.g. a whole address. Void: it was taken back in full before anything was paid.").Filter(hydra.Exact).Sortable(),
	hydra.Text("reason", func(i *Invoice) *string { return &i.Reason }).ReadOnly().OneOf(ReasonCreate, ReasonCycle, ReasonUpdate).
		Doc("The first period, another period, or more within a period."),
	hydra.Text("currency", func(i *Invoice) *string { return &i.Currency }).ReadOnly().Doc("The code of ISO 4217.").Example("EUR").Filter(hydra.Exact),
	hydra.Objects("lines", func(i *Invoice) *[]Line { return &i.Lines }, LineFields...).Doc("What is charged. Amounts are in minor units."),
	hydra.NullText("discountName", func(i *Invoice) *null.Value[string] { return &i.DiscountText }).ReadOnly().Doc("The discount that was in force, if one was."),
	hydra.Int("subtotal", func(i *Invoice) *int64 { return &i.Subtotal }).ReadOnly().Doc("The sum of the lines."),
	hydra.Int("discount", func(i *Invoice) *int64 { return &i.Discount }).ReadOnly().Doc("What the discount takes off, before tax."),
	hydra.Text("taxCategory", func(i *Invoice) *string { return category(i) }).ReadOnly().
		OneOf(string(tax.Standard), string(tax.Exempt), string(tax.ReverseCharge), string(tax.OutOfScope)).
		Doc("S: taxed. E: the issuer is exempt. AE: the buyer owes the tax (reverse charge). O: out of the scope of VAT. Codes of UNCL 5305."),
	hydra.NullText("taxNote", func(i *Invoice) *null.Value[string] {
		note := TaxNote(i.Treatment, phrase.Match(i.Language))
		return &note
	}).ReadOnly().
		Doc("Why there is no tax, as it stands on the PDF and in its language; null: there is."),
	hydra.Int("taxRate", func(i *Invoice) *int64 { return &i.Treatment.Rate }).ReadOnly().Doc("In hundredths of a percent: 2300 is 23 %."),
	hydra.Int("tax", func(i *Invoice) *int64 { return &i.Tax }).ReadOnly(),
	hydra.Int("total", func(i *Invoice) *int64 { return &i.Total }).ReadOnly().Doc("What is to be paid, with tax.").Filter(hydra.Range).Sortable(),
	hydra.LocalText("totalText", func(i *Invoice, reader language.Tag) string {
		return money.Format(i.Total, i.Currency, reader.String())
	}).
		Doc("The total as the reader writes amounts."),
	hydra.Int("amountPaid", func(i *Invoice) *int64 { return &i.AmountPaid }).ReadOnly().Doc("What was paid so far; more than the total if too much was."),
	hydra.Int("amountCredited", func(i *Invoice) *int64 { return &i.AmountCredited }).ReadOnly().Doc("What credit notes took back."),
	hydra.Refs("creditNotes", "CreditNote", func(i *Invoice) *[]ident.ID { return &i.CreditNotes }).Doc("What takes some of it back, the oldest first."),
	hydra.Int("balance", func(i *Invoice) *int64 { b := i.balance(); return &b }).ReadOnly().
		Doc("What is still to be paid; below 0: what is owed to the organization."),
	hydra.NullText("paymentUrl", func(i *Invoice) *null.Value[string] { return &i.PaymentURL }).ReadOnly().
		Doc("A page of Stripe's that shows the invoice, and where it can be paid while it is open; null: it is paid by transfer."),
	hydra.Object("seller", func(i *Invoice) *Party { return &i.Seller }, partyFields...).Doc("Who issued it, as they were then."),
	hydra.Object("buyer", func(i *Invoice) *Party { return &i.Buyer }, partyFields...).Doc("Who it is made out to, as they were then."),
	hydra.Time("periodStart", func(i *Invoice) *time.Time { return &i.PeriodFrom }).ReadOnly(),
	hydra.Time("periodEnd", func(i *Invoice) *time.Time { return &i.PeriodTo }).ReadOnly(),
	hydra.NullTime("issuedAt", func(i *Invoice) *null.Value[time.Time] { return &i.IssuedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.NullTime("dueAt", func(i *Invoice) *null.Value[time.Time] { return &i.DueAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.NullTime("paidAt", func(i *Invoice) *null.Value[time.Time] { return &i.PaidAt }).ReadOnly(),
	hydra.Time("createdAt", func(i *Invoice) *time.Time { return &i.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(i *Invoice) *time.Time { return &i.UpdatedAt }).ReadOnly(),
}

func category(i *Invoice) *string {
	text := string(i.Treatment.Category)
	return &text
}

var paymentFields = []hydra.Field[Payment]{
	hydra.NullInt("amount", func(p *Payment) *null.Value[int64] { return &p.Amount }).Between(-money.Most, money.Most).
		Doc("What came in, in minor units; what is too much pays the organization's other invoices, now or later. Below 0: what was paid back of what is owed to the organization. Left out: all that is still to be paid."),
	hydra.NullText("reference", func(p *Payment) *null.Value[string] { return &p.Reference }).Doc("What the bank says about it."),
	hydra.NullTime("receivedAt", func(p *Payment) *null.Value[time.Time] { return &p.ReceivedAt }).Offset().Doc("When it came in. Left out: now."),
}

var issuerFields = []hydra.Field[Issuer]{
	hydra.Key(func(i *Issuer) *string { return &i.ID }).ReadOnly().Example(DefaultIssuer),
	hydra.Text("name", func(i *Issuer) *string { return &i.Name }).Doc("The company that issues invoices.").Example("Sede Lda"),
	hydra.Text("streetLine", func(i *Issuer) *string { return &i.StreetLine }).Doc("Street and number."),
	hydra.Text("postCode", func(i *Issuer) *string { return &i.PostCode }).Length(0, 20),
	hydra.Text("city", func(i *Issuer) *string { return &i.City }),
	hydra.NullKeyRef("country", "Country", func(i *Issuer) *null.Value[string] { return &i.Country }).
		Doc("The country, which decides on the tax."),
	hydra.NullText("vatNumber", func(i *Issuer) *null.Value[string] { return &i.VATNumber }).Length(0, 20).
		Doc("Needed for invoices with VAT, and for those on which the buyer owes it."),
	hydra.Bool("vatExempt", func(i *Issuer) *bool { return &i.VATExempt }).
		Doc("Whether the issuer is exempt from VAT as a small business. Then invoices have no VAT and say why; a business in another member state of the European Union still owes it (reverse charge)."),
	hydra.NullText("bankAccount", func(i *Issuer) *null.Value[string] { return &i.BankAccount }).Length(0, 60).Doc("Where the money goes, e.g. an IBAN."),
	hydra.NullText("logo", func(i *Issuer) *null.Value[string] { return &i.Logo }).Length(0, 500).
		Doc("The image on PDFs of later invoices: a URL that an organization lists in its logo. Null: none."),
	hydra.Text("prefix", func(i *Issuer) *string { return &i.Prefix }).Length(0, 20).
		Doc("What numbers begin with.").Example("INV-"),
	hydra.Int("nextNumber", func(i *Issuer) *int64 { return &i.NextNumber }).Between(1, 999_999_999).
		Doc("The number of the next invoice. It can be raised, to go on where another series ended.").Example("1"),
	hydra.Text("creditNotePrefix", func(i *Issuer) *string { return &i.CreditPrefix }).Length(0, 20).
		Doc("What numbers of credit notes begin with.").Example("CN-"),
	hydra.Int("nextCreditNoteNumber", func(i *Issuer) *int64 { return &i.NextCreditNumber }).Between(1, 999_999_999).
		Doc("The number of the next credit note. It can be raised.").Example("1"),
	hydra.Int("paymentDays", func(i *Issuer) *int64 { return &i.PaymentDays }).Between(0, 365).Doc("How many days there are to pay."),
	hydra.Int("graceDays", func(i *Issuer) *int64 { return &i.GraceDays }).Between(0, 365).
		Doc("How many days after that the subscription goes on unpaid."),
	hydra.NullRef("receiver", "Organization", func(i *Issuer) *null.Value[ident.ID] { return &i.Receiver }).
		Doc("The organization on whose bank accounts the money comes in. What its banks tell is matched to unpaid invoices."),
	hydra.Time("createdAt", func(i *Issuer) *time.Time { return &i.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(i *Issuer) *time.Time { return &i.UpdatedAt }).ReadOnly(),
}

func (s *Service) resources() []hydra.Declaration {
	return []hydra.Declaration{
		hydra.Resource[Invoice]{
			Name: "Invoice", Path: "/invoices", Means: "https://schema.org/Invoice",
			Doc:      "What the organization owes for a period. Once it has a number it does not change.",
			Fields:   fields,
			Version:  func(i *Invoice) int64 { return i.Version },
			Volatile: true, // amounts are written for who reads them
			Formats:  []hydra.Format[Invoice]{{Suffix: "pdf", Media: "application/pdf", Encode: s.InvoicePDF}},
			Operations: []hydra.Operation{
				hydra.List[Invoice]{Access: mayRead, Do: hydra.OfAll(s.List)},
				hydra.Get[Invoice]{Access: mayLoad, Do: hydra.ByID(s.Get)},
				hydra.Action[Payment, Invoice]{Path: "/invoices/{id}/pay", Access: mayRecord, Fields: paymentFields,
					Doc: "Records a payment of an Invoice resource, in whole or in part.", Do: hydra.ActionByID(s.Pay)},
			},
		},
		s.creditResource(),
		hydra.Resource[Issuer]{
			Name: "InvoiceIssuer", Path: "/invoice-issuers",
			Doc:      "Who issues invoices, and how they are numbered.",
			Fields:   issuerFields,
			Version:  func(i *Issuer) int64 { return i.Version },
			Validate: (*Issuer).Validate,
			Operations: []hydra.Operation{
				hydra.List[Issuer]{Access: mayRecord, Do: hydra.OfAll(s.Issuers)},
				hydra.Get[Issuer]{Access: mayRecord, Do: s.Issuer},
				hydra.Update[Issuer]{Access: mayRecord, Do: s.UpdateIssuer},
			},
		},
	}
}
