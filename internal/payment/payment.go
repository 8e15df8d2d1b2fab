// Package payment has Stripe collect the money of organizations that sede does not
// bill itself: it keeps their customer, what they pay with, and takes in what Stripe
// says happened.
//
// Stripe owns all of this. What is here is a copy, and every message of Stripe's
// (webhook) means only: load again. So messages may come late, twice, in any order or
// not at all. A message is stored under its id together with the job that works it
// off, and answered at once. The job loads what the message is about and stores the
// whole of it, unless what is stored was loaded later. Writes to Stripe are jobs too;
// they repeat with the same idempotency key until they are done.
package payment

import (
	"time"

	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/stripe"
)

// The states of payment methods.
const (
	Pending = "pending" // somebody is to give it on a page of Stripe's
	Active  = "active"
)

// Method is a card or an account that an organization pays with.
type Method struct {
	ID           ident.ID
	Organization ident.ID
	Status       string
	SetupURL     null.Value[string] // where it is to be given, while Pending
	External     null.Value[string] // Stripe's id, once Active
	Session      null.Value[string] // of the page at Stripe
	Type         null.Value[string] // Stripe's word: card, sepa_debit
	Brand        null.Value[string]
	Last4        null.Value[string]
	ExpMonth     null.Value[int64]
	ExpYear      null.Value[int64]
	Default      bool
	Removed      bool // somebody took it away; Stripe does not know yet
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time

	ReturnURL string // from bodies only
}

// take copies what Stripe says of the method and reports whether that is news.
func (m *Method) take(s *stripe.PaymentMethod, isDefault bool) bool {
	before := *m
	m.Status, m.SetupURL, m.External, m.Default = Active, null.Value[string]{}, null.Of(s.ID), isDefault
	m.Type, m.Brand, m.Last4 = orNull(s.Type), orNull(s.Brand), orNull(s.Last4)
	m.ExpMonth, m.ExpYear = null.Value[int64]{V: s.ExpMonth, Valid: s.ExpMonth != 0}, null.Value[int64]{V: s.ExpYear, Valid: s.ExpYear != 0}
	return *m != before
}

func orNull(s string) null.Value[string] { return null.Value[string]{V: s, Valid: s != ""} }

// Portal is a page of Stripe's where people see invoices and change what they pay
// with.
type Portal struct {
	ID  ident.ID // of the organization
	URL string
}

// Visit asks for such a page.
type Visit struct {
	ReturnURL string
}

// subject is what is to be loaded again because of an event: the subscription, the
// customer, the page where something is given, or a payment method whose customer is
// not told. Empty: nothing that concerns sede.
func subject(e *stripe.Event) string {
	switch e.Object {
	case "subscription", "checkout.session", "customer":
		return e.Key
	case "invoice":
		return e.Subscription
	case "setup_intent":
		return e.Customer
	case "payment_method":
		if e.Customer == "" {
			return e.Key
		}
		return e.Customer
	}
	return ""
}
