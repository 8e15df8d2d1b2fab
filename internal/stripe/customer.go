package stripe

import (
	"cmp"
	"context"
	"slices"
	"time"

	api "github.com/stripe/stripe-go/v85"
)

// Customer is who pays.
type Customer struct {
	ID            string
	Deleted       bool
	PaymentMethod string // the default for invoices; empty: none
	Metadata      map[string]string
}

// CustomerData is what Stripe is told of a customer.
type CustomerData struct {
	Name, Email, Language           string
	Street, PostCode, City, Country string
	// Exempt is none, exempt or reverse; empty: none.
	Exempt   string
	Metadata map[string]string
}

func customerOf(c *api.Customer, err error) (Customer, error) {
	if err := arrived(func() string { return c.ID }, err); err != nil {
		return Customer{}, err
	}
	r := Customer{ID: c.ID, Deleted: c.Deleted, Metadata: c.Metadata}
	if c.InvoiceSettings != nil && c.InvoiceSettings.DefaultPaymentMethod != nil {
		r.PaymentMethod = c.InvoiceSettings.DefaultPaymentMethod.ID
	}
	return r, nil
}

func (d *CustomerData) address() *api.AddressParams {
	if d.Country == "" {
		return nil
	}
	return &api.AddressParams{Line1: text(d.Street), PostalCode: text(d.PostCode), City: text(d.City), Country: text(d.Country)}
}

func (d *CustomerData) locales() []*string {
	if d.Language == "" {
		return nil
	}
	return []*string{&d.Language}
}

// CreateCustomer makes a customer.
func (c *Client) CreateCustomer(ctx context.Context, key string, d CustomerData) (Customer, error) {
	p := &api.CustomerCreateParams{Name: text(d.Name), Email: text(d.Email), Address: d.address(), PreferredLocales: d.locales(),
		TaxExempt: text(d.Exempt), Metadata: d.Metadata}
	write(ctx, &p.Params, key)
	return customerOf(c.api.V1Customers.Create(ctx, p))
}

// UpdateCustomer changes what is given and leaves the rest.
func (c *Client) UpdateCustomer(ctx context.Context, key, id string, d CustomerData) (Customer, error) {
	p := &api.CustomerUpdateParams{Name: text(d.Name), Email: text(d.Email), Address: d.address(), PreferredLocales: d.locales(),
		TaxExempt: text(d.Exempt), Metadata: d.Metadata}
	write(ctx, &p.Params, key)
	return customerOf(c.api.V1Customers.Update(ctx, id, p))
}

// SetDefault makes a payment method the one that invoices are paid with.
func (c *Client) SetDefault(ctx context.Context, key, customer, method string) (Customer, error) {
	p := &api.CustomerUpdateParams{InvoiceSettings: &api.CustomerUpdateInvoiceSettingsParams{DefaultPaymentMethod: &method}}
	write(ctx, &p.Params, key)
	return customerOf(c.api.V1Customers.Update(ctx, customer, p))
}

// Customer loads a customer. One that was deleted says so.
func (c *Client) Customer(ctx context.Context, id string) (Customer, error) {
	return customerOf(c.api.V1Customers.Retrieve(ctx, id, &api.CustomerRetrieveParams{}))
}

// CustomersWith returns customers that are not deleted and have that metadata, the oldest
// first. Stripe knows one after a minute, mostly; those that were made since a time, unless
// it is zero, at once. The value has no quotation marks.
func (c *Client) CustomersWith(ctx context.Context, name, value string, since time.Time) (list []Customer, err error) {
	created := map[string]int64{}
	add := func(v *api.Customer, err error) error {
		r, err := customerOf(v, err)
		if _, known := created[r.ID]; err == nil && !known && !r.Deleted && r.Metadata[name] == value {
			list, created[r.ID] = append(list, r), v.Created
		}
		return err
	}
	p := &api.CustomerSearchParams{SearchParams: api.SearchParams{Query: "metadata['" + name + "']:'" + value + "'", Limit: api.Int64(100)}}
	for v, err := range c.api.V1Customers.Search(ctx, p).All(ctx) {
		if err := add(v, err); err != nil {
			return nil, err
		}
	}
	if !since.IsZero() {
		p := &api.CustomerListParams{CreatedRange: &api.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
		p.Limit = api.Int64(100)
		for v, err := range c.api.V1Customers.List(ctx, p).All(ctx) {
			if err := add(v, err); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b Customer) int {
		return cmp.Or(cmp.Compare(created[a.ID], created[b.ID]), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// PaymentMethod is a card or an account that pays.
type PaymentMethod struct {
	ID       string
	Customer string // empty once it was detached
	Type     string // Stripe's word: card, sepa_debit
	Brand    string // of a card
	Last4    string
	ExpMonth int64 // 0 where nothing expires
	ExpYear  int64
}

func methodOf(m *api.PaymentMethod) PaymentMethod {
	r := PaymentMethod{ID: m.ID, Type: string(m.Type)}
	if m.Customer != nil {
		r.Customer = m.Customer.ID
	}
	switch {
	case m.Card != nil:
		r.Brand, r.Last4, r.ExpMonth, r.ExpYear = string(m.Card.Brand), m.Card.Last4, m.Card.ExpMonth, m.Card.ExpYear
	case m.SEPADebit != nil:
		r.Last4 = m.SEPADebit.Last4
	}
	return r
}

// PaymentMethods returns all that the customer pays with.
func (c *Client) PaymentMethods(ctx context.Context, customer string) (list []PaymentMethod, err error) {
	p := &api.CustomerListPaymentMethodsParams{Customer: &customer}
	p.Limit = api.Int64(100)
	for m, err := range c.api.V1Customers.ListPaymentMethods(ctx, p).All(ctx) {
		if err != nil {
			return nil, failure(err)
		}
		list = append(list, methodOf(m))
	}
	return list, nil
}

// Detach takes a payment method from its customer, for good. One that has none is
// no error.
func (c *Client) Detach(ctx context.Context, key, method string) error {
	p := &api.PaymentMethodDetachParams{}
	write(ctx, &p.Params, key)
	_, err := c.api.V1PaymentMethods.Detach(ctx, method, p)
	if err = failure(err); Is(err, Gone) {
		return nil
	}
	return err
}

// Setup is a page of Stripe's on which a person gives a payment method.
type Setup struct {
	ID       string
	URL      string // empty once it was used or expired
	Customer string
	Status   string // open, complete or expired
	Method   string // the payment method that was given
}

func setupOf(s *api.CheckoutSession, err error) (Setup, error) {
	if err := arrived(func() string { return s.ID }, err); err != nil {
		return Setup{}, err
	}
	r := Setup{ID: s.ID, URL: s.URL, Status: string(s.Status)}
	if s.Customer != nil {
		r.Customer = s.Customer.ID
	}
	if s.SetupIntent != nil && s.SetupIntent.PaymentMethod != nil {
		r.Method = s.SetupIntent.PaymentMethod.ID
	}
	return r, nil
}

// CreateSetup makes a page on which the customer gives a payment method. Stripe
// leads the person to done or back afterwards; neither says what happened.
func (c *Client) CreateSetup(ctx context.Context, key, customer, currency, language, done, back string) (Setup, error) {
	p := &api.CheckoutSessionCreateParams{Mode: api.String(string(api.CheckoutSessionModeSetup)), Customer: &customer, Currency: text(currency),
		Locale: text(language), SuccessURL: &done, CancelURL: &back}
	write(ctx, &p.Params, key)
	return setupOf(c.api.V1CheckoutSessions.Create(ctx, p))
}

// Setup loads what became of such a page.
func (c *Client) Setup(ctx context.Context, id string) (Setup, error) {
	p := &api.CheckoutSessionRetrieveParams{}
	p.AddExpand("setup_intent")
	return setupOf(c.api.V1CheckoutSessions.Retrieve(ctx, id, p))
}

// Portal makes a link to Stripe's page where the customer sees invoices and changes
// payment methods. It is good for minutes.
func (c *Client) Portal(ctx context.Context, key, customer, language, back string) (link string, err error) {
	p := &api.BillingPortalSessionCreateParams{Customer: &customer, ReturnURL: text(back), Locale: text(language)}
	write(ctx, &p.Params, key)
	got, err := c.api.V1BillingPortalSessions.Create(ctx, p)
	if err := arrived(func() string { return got.URL }, err); err != nil {
		return "", err
	}
	return got.URL, nil
}
