package stripefake_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sede/internal/clock"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

var start = time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

type world struct {
	*testing.T
	clock    *clock.Fake
	fake     *stripefake.Server
	client   *stripe.Client
	customer string
}

func begin(t *testing.T) *world {
	c := clock.NewFake(start)
	w := &world{T: t, clock: c, fake: stripefake.Start(t, c)}
	var err error
	if w.client, err = stripe.New(stripe.Config{Key: stripefake.Key, URL: w.fake.URL}); err != nil {
		t.Fatal(err)
	}
	customer := must(w.client.CreateCustomer(t.Context(), "customer", stripe.CustomerData{Name: "Sede Lda"}))
	w.customer = customer.ID
	if err := w.client.EnsureProduct(t.Context(), "product", "team", "Team", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) give(card stripefake.Card) {
	setup := must(w.client.CreateSetup(w.Context(), "", w.customer, "eur", "", "https://sede.example/", "https://sede.example/"))
	w.fake.Give(setup.ID, card)
	setup = must(w.client.Setup(w.Context(), setup.ID))
	if setup.Status != "complete" {
		w.Fatalf("the setup is %s", setup.Status)
	}
	must(w.client.SetDefault(w.Context(), "", w.customer, setup.Method))
}

func (w *world) start(key string, s stripe.Start) stripe.Subscription {
	s.Customer, s.Currency, s.Interval = w.customer, "eur", stripe.Month
	if s.Items == nil {
		s.Items = []stripe.Item{{Product: "team", Unit: 1000, Quantity: 3}}
	}
	return must(w.client.StartSubscription(w.Context(), key, s))
}

func (w *world) wants(id, status string, totals ...int64) {
	w.Helper()
	sub := must(w.client.Subscription(w.Context(), id))
	if sub.Status != status {
		w.Errorf("the subscription is %s, want %s", sub.Status, status)
	}
	var got []int64
	for _, i := range must(w.client.Invoices(w.Context(), id, nil)) {
		got = append(got, i.Total)
	}
	if slices.Reverse(got); !slices.Equal(got, totals) {
		w.Errorf("invoices of %v, want %v", got, totals)
	}
}

func TestPaidWithACardAndRenewed(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.give(stripefake.Card{})
	sub := w.start("start", stripe.Start{})
	w.wants(sub.ID, "active", 3000)
	if want := time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC); !sub.PeriodTo.Equal(want) {
		t.Errorf("the period ends %s, want %s", sub.PeriodTo, want)
	}
	w.clock.Advance(14 * day) // half of the period
	raise := stripe.Change{ChargeAt: w.clock.Now(), Items: []stripe.Item{{ID: sub.Items[0].ID, Quantity: 5}}}
	preview := must(w.client.PreviewChange(t.Context(), sub.ID, raise))
	must(w.client.ChangeSubscription(t.Context(), "raise", sub.ID, raise))
	w.wants(sub.ID, "active", 3000, 1000)
	if i := must(w.client.Invoices(t.Context(), sub.ID, nil))[0]; i.Total != preview.Total || len(i.Lines) != 2 || i.Lines[0].Amount != -1500 || i.Lines[1].Amount != 2500 || !i.Lines[0].Prorated {
		t.Errorf("the preview comes to %d, the invoice is %+v", preview.Total, i)
	}
	lower := stripe.Change{Items: []stripe.Item{{ID: sub.Items[0].ID, Quantity: 1}}}
	must(w.client.ChangeSubscription(t.Context(), "lower", sub.ID, lower))
	w.clock.Advance(14*day + 30*time.Minute)
	if i := must(w.client.Invoices(t.Context(), sub.ID, nil))[0]; i.Status != "draft" || i.Number != "" {
		t.Errorf("the invoice of a renewal is %s at first", i.Status)
	}
	w.clock.Advance(time.Hour)
	w.wants(sub.ID, "active", 3000, 1000, 1000)
	if s := must(w.client.Subscription(t.Context(), sub.ID)); !s.PeriodTo.Equal(time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("the second period ends %s", s.PeriodTo)
	}
}

func TestWithoutACardItExpires(t *testing.T) {
	t.Parallel()
	w := begin(t)
	first, second := w.start("first", stripe.Start{}), w.start("second", stripe.Start{})
	w.wants(first.ID, "incomplete", 3000)
	w.fake.Pay(first.LatestInvoice)
	w.wants(first.ID, "active", 3000)
	w.clock.Advance(23 * time.Hour)
	w.wants(second.ID, "incomplete_expired", 3000)
}

func TestACardThatIsRefusedLater(t *testing.T) {
	t.Parallel()
	w := begin(t)
	sub := w.start("start", stripe.Start{TrialEnd: start.Add(14 * day)})
	w.wants(sub.ID, "trialing", 0)
	w.give(stripefake.Card{Brand: "visa", Last4: "0341", Declines: true})
	w.clock.Advance(14*day + 2*time.Hour)
	w.wants(sub.ID, "past_due", 0, 3000)
	w.clock.Advance(9*day + time.Hour)
	w.wants(sub.ID, "unpaid", 0, 3000)
	w.fake.Pay(must(w.client.Invoices(t.Context(), sub.ID, nil))[0].ID)
	w.wants(sub.ID, "active", 0, 3000)
	yes := true
	must(w.client.ChangeSubscription(t.Context(), "end", sub.ID, stripe.Change{CancelAtPeriodEnd: &yes}))
	w.clock.Advance(31 * day)
	w.wants(sub.ID, "canceled", 0, 3000)
	if _, err := w.client.CancelSubscription(t.Context(), "cancel", sub.ID); !stripe.Is(err, stripe.Gone) {
		t.Errorf("it ends twice: %v", err)
	}
}

func TestDiscountAndTax(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.give(stripefake.Card{})
	rate := must(w.client.CreateTaxRate(t.Context(), "rate", "IVA", "PT", 23))
	for range 2 { // what is there is as good
		if err := w.client.EnsureCoupon(t.Context(), "", stripe.Coupon{ID: "ten", PercentOff: 10, Duration: "once"}); err != nil {
			t.Fatal(err)
		}
	}
	sub := w.start("start", stripe.Start{Coupon: "ten", TaxRates: []string{rate}})
	if i := must(w.client.Invoice(t.Context(), sub.LatestInvoice)); i.Discount != 300 || i.Tax != 621 || i.Total != 3321 || i.Lines[0].Tax != 621 || i.Lines[0].Discount != 300 {
		t.Errorf("%+v", i)
	}
	w.clock.Advance(30 * day)
	w.wants(sub.ID, "active", 3321, 3690)
}

func TestAWriteIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.fake.Fail(stripefake.Failure{Done: true}) // done, and the answer lost
	s := stripe.Start{Customer: w.customer, Currency: "eur", Interval: stripe.Month, Items: []stripe.Item{{Product: "team", Unit: 1000, Quantity: 3}}}
	if _, err := w.client.StartSubscription(t.Context(), "once", s); !stripe.Is(err, stripe.Retry) {
		t.Fatalf("%v", err)
	}
	a, b := w.start("once", s), w.start("once", s)
	if all := must(w.client.Subscriptions(t.Context(), w.customer)); len(all) != 1 || a.ID != b.ID {
		t.Errorf("there are %d subscriptions", len(all))
	}
	s.Items = []stripe.Item{{Product: "team", Unit: 1000, Quantity: 4}}
	if _, err := w.client.StartSubscription(t.Context(), "once", s); !stripe.Is(err, stripe.KeyUsed) {
		t.Errorf("other parameters: %v", err)
	}
}

func TestEventsOnTheirWay(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.give(stripefake.Card{})
	w.start("start", stripe.Start{})
	events := w.fake.Take()
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Type)
		got, err := stripe.Verify(e.Body, stripefake.Sign(e.Body, stripefake.Secret, start), []string{stripefake.Secret}, start)
		if err != nil || got.ID != e.ID || got.Key == "" {
			t.Errorf("%s: %+v, %v", e.Type, got, err)
		}
	}
	want := []string{"payment_method.attached", "checkout.session.completed", "customer.updated", "customer.subscription.created", "invoice.created",
		"invoice.finalized", "invoice.paid", "customer.subscription.updated", "customer.subscription.updated"}
	if !slices.Equal(kinds, want) && !slices.Equal(kinds, want[:8]) {
		t.Errorf("%v", kinds)
	}
	r := rand.New(rand.NewPCG(1, 2))
	if got := (stripefake.Mess{Random: r, Lose: 100}).Of(events); len(got) != 0 {
		t.Errorf("%d arrive", len(got))
	}
	if got := (stripefake.Mess{Random: r, Twice: 100, Shuffle: true}).Of(events); len(got) != 2*len(events) {
		t.Errorf("%d arrive", len(got))
	}
}

// TestManyLines holds that an invoice with more lines than Stripe hands out at once
// comes whole.
func TestManyLines(t *testing.T) {
	t.Parallel()
	w := begin(t)
	var items []stripe.Item
	for range 12 {
		items = append(items, stripe.Item{Product: "team", Unit: 100, Quantity: 1})
	}
	sub := w.start("start", stripe.Start{Items: items})
	if i := must(w.client.Invoice(t.Context(), sub.LatestInvoice)); len(i.Lines) != 12 || i.Total != 1200 {
		t.Errorf("%d lines, %d in all", len(i.Lines), i.Total)
	}
}
