package billing

import (
	"strconv"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/money"
	"sede/internal/null"
	"sede/internal/tax"
)

// CreditNote takes back what an invoice asked for, in whole or in part.
type CreditNote struct {
	ID            ident.ID
	Organization  ident.ID
	Invoice       ident.ID
	InvoiceNumber string
	Issuer        string
	Number        string
	Reason        string
	Amount        null.Value[int64] // only in a body: what the lines are to come to
	Currency      string
	Language      string
	Seller        Party
	Buyer         Party
	Lines         []CreditLine
	Subtotal      int64 // the sum of the lines
	Treatment     tax.Treatment
	Tax           int64
	Total         int64
	IssuedAt      time.Time
}

// CreditLine takes back some of one line of the invoice.
type CreditLine struct {
	Line        int64  `json:"line"` // of the invoice, from 1 on
	Product     string `json:"product"`
	Description string `json:"description"`
	Amount      int64  `json:"amount"` // after discount, before tax; in a body 0: all that is left
	Tax         int64  `json:"tax"`
}

// credit fills a note against the invoice: the lines that it names, or all, of
// which earlier notes left something. Its tax is what makes the tax of all notes
// together that of their sum, so that notes for everything come to the invoice.
func (i *Invoice) credit(n *CreditNote, earlier []CreditNote) error {
	left, before := make([]int64, len(i.Lines)), int64(0)
	for k, l := range i.Lines {
		left[k] = l.Amount - l.Discount
	}
	for _, e := range earlier {
		before += e.Subtotal
		for _, l := range e.Lines {
			left[l.Line-1] -= l.Amount
		}
	}
	switch {
	case n.Amount.Valid:
		if err := n.share(left); err != nil {
			return err
		}
	case len(n.Lines) == 0:
		for k := range i.Lines {
			if left[k] > 0 {
				n.Lines = append(n.Lines, CreditLine{Line: int64(k + 1)})
			}
		}
	}
	if err := i.fillCredit(n, left); err != nil {
		return err
	}
	if n.Subtotal == 0 {
		return fault.New(fault.Conflict, "Nothing is left of this invoice to take back.")
	}
	n.Treatment = i.Treatment
	taxed, err := i.Treatment.Of(before)
	all, err2 := i.Treatment.Of(before + n.Subtotal)
	if err != nil || err2 != nil {
		return money.ErrRange
	}
	n.Tax, n.Total = all-taxed, n.Subtotal+all-taxed
	amounts := make([]int64, len(n.Lines))
	for k, l := range n.Lines {
		amounts[k] = l.Amount
	}
	for k, part := range money.Split(n.Tax, amounts) {
		n.Lines[k].Tax = part
	}
	return nil
}

// share makes lines of what is to be taken back, in proportion to what is left of the
// invoice's.
func (n *CreditNote) share(left []int64) error {
	all := int64(0)
	for _, l := range left {
		all += l
	}
	switch {
	case len(n.Lines) > 0:
		return fault.Broken(fault.Violation{Path: "amount", Text: fault.Textf("Say an amount for all, or the lines with theirs.")})
	case all == 0:
		return nil
	case n.Amount.V > all:
		return fault.Broken(fault.Violation{Path: "amount", Code: fault.CodeTooHigh, Text: fault.Textf("No more than %d is left of this invoice to take back.", all)})
	}
	for k, part := range money.Split(n.Amount.V, left) {
		if part > 0 {
			n.Lines = append(n.Lines, CreditLine{Line: int64(k + 1), Amount: part})
		}
	}
	return nil
}

// fillCredit fills the lines of a note, none of which may take back more than is
// left of the invoice's line.
func (i *Invoice) fillCredit(n *CreditNote, left []int64) error {
	var broken []fault.Violation
	for k := range n.Lines {
		l := &n.Lines[k]
		path := "lines[" + strconv.Itoa(k) + "]"
		if l.Line < 1 || l.Line > int64(len(i.Lines)) {
			broken = append(broken, fault.Violation{Path: path + ".line", Code: fault.CodeRange, Text: fault.Textf("This value should be between %d and %d.", 1, len(i.Lines))})
			continue
		}
		of := &left[l.Line-1]
		if l.Amount == 0 {
			l.Amount = *of
		}
		if l.Amount > *of || l.Amount == 0 {
			broken = append(broken, fault.Violation{Path: path + ".amount", Code: fault.CodeTooHigh, Text: fault.Textf("No more than %d is left of this line to take back.", *of)})
			continue
		}
		*of -= l.Amount
		l.Product, l.Description = i.Lines[l.Line-1].Product, i.Lines[l.Line-1].Description
		n.Subtotal += l.Amount
	}
	return fault.Broken(broken...)
}
