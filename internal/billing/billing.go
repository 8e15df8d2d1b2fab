// Package billing makes invoices out of what organizations owe and keeps what
// was paid on them.
//
// An invoice is a draft until everything that it must say is known: who issues it
// and the whole address of who it is made out to. Then it gets the next number of
// its issuer, in the transaction that makes it an invoice, so that numbers have no
// gaps and no doubles. From there on nothing changes but its status and what was
// paid; the database refuses the rest. Prices, names, addresses and tax are on it
// as they were at that moment. What was wrong about it is taken back by a credit
// note, which has a number of its own series and never changes. What is owed to an
// organization, since it paid too much, pays other invoices of hers.
package billing

import (
	"slices"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/tax"
	"sede/internal/taxid"
)

// The states of invoices.
const (
	Draft         = "draft"
	Open          = "open"
	Paid          = "paid"
	Void          = "void"
	Uncollectible = "uncollectible"
)

// Why there is an invoice.
const (
	ReasonCreate = "subscription_create" // the first period
	ReasonCycle  = "subscription_cycle"  // another period
	ReasonUpdate = "subscription_update" // more within a period
)

// Party is who issues an invoice or who it is made out to, as they were then.
type Party struct {
	Name        string   `json:"name"`
	Lines       []string `json:"lines"` // the address below the name
	Country     string   `json:"country"`
	Email       string   `json:"email"`
	TIN         string   `json:"tin"`
	VATNumber   string   `json:"vatNumber"`
	BankAccount string   `json:"bankAccount"`
	Logo        string   `json:"logo,omitempty"` // the URL of the image on papers; empty: none
}

// Invoice is one invoice.
type Invoice struct {
	ID           ident.ID
	Organization ident.ID
	Subscription ident.ID
	Issuer       string
	Number       null.Value[string]
	Status       string
	Reason       string
	Language     string // of what it says
	Seller       Party
	Buyer        Party
	DiscountText null.Value[string]
	Charge
	PaymentURL     null.Value[string] // where it can be paid; null: by transfer
	AmountPaid     int64
	AmountCredited int64
	CreditNotes    []ident.ID
	PeriodFrom     time.Time
	PeriodTo       time.Time
	IssuedAt       null.Value[time.Time]
	DueAt          null.Value[time.Time]
	PaidAt         null.Value[time.Time]
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Bill is what the invoice asks for, and what of it is paid.
func (i *Invoice) Bill() *Bill { return &Bill{Charge: i.Charge, Paid: i.AmountPaid} }

// balance is what is still to be paid, or, below 0, owed to the organization.
func (i *Invoice) balance() int64 { return i.Total - i.AmountPaid - i.AmountCredited }

// remaining is what is still to be paid, 0 when too much was paid.
func (i *Invoice) remaining() int64 { return max(0, i.balance()) }

// Issuer is who issues invoices.
type Issuer struct {
	ID               string
	Name             string
	StreetLine       string
	PostCode         string
	City             string
	Country          null.Value[string]
	VATNumber        null.Value[string]
	VATExempt        bool // takes no VAT, being a small business
	BankAccount      null.Value[string]
	Logo             null.Value[string] // the URL of an organization's logo
	Prefix           string             // of the numbers
	NextNumber       int64
	CreditPrefix     string // of the numbers of credit notes
	NextCreditNumber int64
	PaymentDays      int64                // between an invoice and its due date
	GraceDays        int64                // between a due date and the end of the service
	Receiver         null.Value[ident.ID] // the organization on whose bank accounts the money comes in
	Version          int64
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Ready reports whether all that an invoice says of its issuer is known. A post code is
// not asked for: the law wants an address in full, and knows no parts of it.
func (i *Issuer) Ready() bool {
	at := i.address()
	lacks := slices.DeleteFunc(at.Missing(), func(field string) bool { return field == "postCode" })
	return i.Name != "" && i.Country.Valid && len(lacks) == 0
}

// readyFor reports whether it is known for an invoice that is taxed so: who takes VAT
// has a number for it, and where the buyer owes it both numbers stand on the invoice
// (Art. 226 of Directive 2006/112/EC).
func (i *Issuer) readyFor(t tax.Treatment) bool {
	return i.Ready() && (i.VATNumber.V != "" || t.Rate == 0 && t.Category != tax.ReverseCharge)
}

// treat says how a sale at a time is taxed.
func (i *Issuer) treat(buyer *Party, at time.Time) tax.Treatment {
	return tax.Treat(tax.Party{Country: i.Country.V, VATNumber: i.VATNumber.V, Exempt: i.VATExempt}, tax.Party{Country: buyer.Country, VATNumber: buyer.VATNumber}, at)
}

func (i *Issuer) address() organization.Address {
	part := func(text string) null.Value[string] { return null.Value[string]{V: text, Valid: text != ""} }
	return organization.Address{StreetLine: part(i.StreetLine), PostCode: part(i.PostCode), City: part(i.City), Country: i.Country.V}
}

func (i *Issuer) party() Party {
	at := i.address()
	return Party{Name: i.Name, Lines: envelope(&at), Country: i.Country.V, VATNumber: i.VATNumber.V, BankAccount: i.BankAccount.V, Logo: i.Logo.V}
}

// Validate returns the broken rules that declarations can't express.
// An address may be incomplete; what it has is as in other addresses.
func (i *Issuer) Validate() []fault.Violation {
	at := i.address()
	at.VATNumber = i.VATNumber
	if i.Country.V == "" {
		if _, _, ok := taxid.VAT(i.VATNumber.V, ""); i.VATNumber.V != "" && !ok {
			return []fault.Violation{{Path: "vatNumber", Code: fault.CodeRegex, Text: fault.Textf("This is not a valid VAT number.")}}
		}
	}
	return slices.DeleteFunc(at.Validate(), func(v fault.Violation) bool { return v.Code == fault.CodeBlank })
}

func buyerOf(a *organization.Address) Party {
	return Party{Name: a.Name, Lines: envelope(a), Country: a.Country, Email: a.Email.V, TIN: a.TIN.V, VATNumber: a.VATNumber.V}
}

// envelope is the address as it is written below a name, the country's code last.
func envelope(a *organization.Address) []string {
	street := strings.TrimSpace(a.StreetLine.V + " " + a.BuildingNumber.V)
	if a.LocaleNumber.Valid {
		street += "/" + a.LocaleNumber.V
	}
	var lines []string
	for _, line := range []string{street, strings.TrimSpace(a.PostCode.V + " " + a.City.V), a.Country} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Payment is money that came in for an invoice.
type Payment struct {
	ID         ident.ID
	Invoice    ident.ID
	Amount     null.Value[int64] // null: all that is still to be paid
	Reference  null.Value[string]
	ReceivedAt null.Value[time.Time] // null: now
}
