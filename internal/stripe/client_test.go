package stripe_test

import (
	"context"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"sede/internal/clock"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

var start = time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC)

func client(t *testing.T, url string) *stripe.Client {
	t.Helper()
	c, err := stripe.New(stripe.Config{Key: stripefake.Key, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// called are all calls that a Client makes, each with parameters of every kind. The
// ids are those of a fake, or any where nothing is kept.
func called(ctx context.Context, c *stripe.Client, give func(stripe.Setup)) (failed map[string]error) {
	failed = map[string]error{}
	do := func(name string, err error) {
		if err != nil {
			failed[name] = err
		}
	}
	customer, err := c.CreateCustomer(ctx, "k1", stripe.CustomerData{Name: "Sede Lda", Email: "a@b.example", Language: "pt", Street: "Rua 1", PostCode: "1000-001",
		City: "Lisboa", Country: "PT", Exempt: "none", Metadata: map[string]string{"organization": "o"}})
	do("CreateCustomer", err)
	_, err = c.UpdateCustomer(ctx, "k2", customer.ID, stripe.CustomerData{Name: "Sede SA"})
	do("UpdateCustomer", err)
	_, err = c.CustomersWith(ctx, "organization", "o", start)
	do("CustomersWith", err)
	do("EnsureProduct", c.EnsureProduct(ctx, "k3", "sede_team", "Team", map[string]string{"product": "team"}))
	do("EnsureCoupon percent", c.EnsureCoupon(ctx, "k4", stripe.Coupon{ID: "sede_c1", Name: "Welcome", PercentOff: 12.5, Duration: "repeating", Months: 3, Products: []string{"sede_team"}}))
	do("EnsureCoupon amount", c.EnsureCoupon(ctx, "k5", stripe.Coupon{ID: "sede_c2", AmountOff: 500, Currency: "eur", Duration: "once"}))
	rate, err := c.CreateTaxRate(ctx, "k6", "IVA", "PT", 23)
	do("CreateTaxRate", err)
	setup, err := c.CreateSetup(ctx, "k7", customer.ID, "eur", "pt", "https://sede.example/done", "https://sede.example/back")
	do("CreateSetup", err)
	give(setup)
	setup, err = c.Setup(ctx, setup.ID)
	do("Setup", err)
	method := setup.Method
	if method == "" {
		method = "pm_1"
	}
	_, err = c.PaymentMethods(ctx, customer.ID)
	do("PaymentMethods", err)
	_, err = c.SetDefault(ctx, "k8", customer.ID, method)
	do("SetDefault", err)
	_, err = c.Customer(ctx, customer.ID)
	do("Customer", err)
	_, err = c.Portal(ctx, "k9", customer.ID, "pl", "https://sede.example")
	do("Portal", err)
	sub, err := c.StartSubscription(ctx, "k10", stripe.Start{Customer: customer.ID, Currency: "eur", Interval: stripe.Month, Coupon: "sede_c1", TaxRates: []string{rate},
		Items: []stripe.Item{{Product: "sede_team", Unit: 900, Quantity: 5}}, Metadata: map[string]string{"externalId": "s"}})
	do("StartSubscription", err)
	if len(sub.Items) == 0 {
		sub.Items = []stripe.Item{{ID: "si_1"}}
	}
	_, err = c.StartSubscription(ctx, "k11", stripe.Start{Customer: customer.ID, Currency: "eur", Interval: stripe.Year, TrialEnd: start.AddDate(0, 1, 0),
		PaymentMethod: method,
		Items:         []stripe.Item{{Product: "sede_team", Unit: 9900, Quantity: 1}}})
	do("StartSubscription trial", err)
	raise := stripe.Change{Currency: "eur", Interval: stripe.Month, ChargeAt: start, Items: []stripe.Item{{ID: sub.Items[0].ID, Quantity: 7}, {Product: "sede_team", Unit: 100, Quantity: 1}}}
	_, err = c.PreviewChange(ctx, sub.ID, raise)
	do("PreviewChange raise", err)
	_, err = c.ChangeSubscription(ctx, "k12", sub.ID, raise)
	do("ChangeSubscription raise", err)
	for name, id := range map[string]string{"own": method, "default": ""} {
		_, err = c.ChangeSubscription(ctx, "method "+name, sub.ID, stripe.Change{PaymentMethod: &id})
		do("ChangeSubscription "+name, err)
	}
	yes, none, code := true, "", "sede_c2"
	for name, d := range map[string]stripe.Change{"next": {}, "with": {Coupon: &code, TaxRates: []string{}}, "without": {Coupon: &none, TaxRates: []string{rate}},
		"less": {Items: []stripe.Item{{ID: sub.Items[0].ID}, {Product: "sede_team", Unit: 100, Quantity: 2}}, Currency: "eur", Interval: stripe.Month}} {
		_, err = c.PreviewChange(ctx, sub.ID, d)
		do("PreviewChange "+name, err)
	}
	for name, of := range map[string]string{"known": customer.ID, "unknown": ""} {
		_, err = c.PreviewStart(ctx, stripe.Start{Customer: of, Currency: "eur", Interval: stripe.Month, Coupon: "sede_c1", TaxRates: []string{rate},
			Items: []stripe.Item{{Product: "sede_team", Unit: 900, Quantity: 5}}}, "PT")
		do("PreviewStart "+name, err)
	}
	_, err = c.ChangeSubscription(ctx, "k13", sub.ID, stripe.Change{CancelAtPeriodEnd: &yes, Coupon: &none, Metadata: map[string]string{"a": "b"}, TaxRates: []string{rate}})
	do("ChangeSubscription end", err)
	_, err = c.Subscription(ctx, sub.ID)
	do("Subscription", err)
	_, err = c.Subscriptions(ctx, customer.ID)
	do("Subscriptions", err)
	if sub.LatestInvoice == "" {
		sub.LatestInvoice = "in_1"
	}
	_, err = c.Invoice(ctx, sub.LatestInvoice)
	do("Invoice", err)
	_, err = c.Invoices(ctx, sub.ID, nil)
	do("Invoices", err)
	_, err = c.CancelSubscription(ctx, "k14", sub.ID)
	do("CancelSubscription", err)
	do("Detach", c.Detach(ctx, "k15", method))
	return failed
}

// TestAllCallsOfAClientAreHere keeps called complete.
func TestAllCallsOfAClientAreHere(t *testing.T) {
	t.Parallel()
	known := strings.Fields(`CreateCustomer UpdateCustomer EnsureProduct EnsureCoupon CreateTaxRate CreateSetup Setup PaymentMethods SetDefault Customer Portal
		StartSubscription PreviewChange PreviewStart ChangeSubscription Subscription CustomersWith Subscriptions Invoice Invoices CancelSubscription Detach Live`)
	is := map[string]bool{}
	for _, name := range known {
		is[name] = true
	}
	for m := range reflect.TypeFor[*stripe.Client]().Methods() {
		if !is[m.Name] {
			t.Errorf("%s is not tried against stripe-mock", m.Name)
		}
	}
}

func TestStripeMockTakesEveryCall(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(stripefake.Mock())
	t.Cleanup(web.Close)
	for name, err := range called(t.Context(), client(t, web.URL), func(stripe.Setup) {}) {
		t.Errorf("%s: %v (%s)", name, err, err.(*stripe.Error).ForHuman)
	}
}

func TestTheFakeTakesEveryCall(t *testing.T) {
	t.Parallel()
	fake := stripefake.Start(t, clock.NewFake(start))
	for name, err := range called(t.Context(), client(t, fake.URL), func(s stripe.Setup) { fake.Give(s.ID, stripefake.Card{}) }) {
		t.Errorf("%s: %v (%s)", name, err, err.(*stripe.Error).ForHuman)
	}
}
