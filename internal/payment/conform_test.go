package payment_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/sedetest/billingtest"
	"sede/internal/stripe/stripefake"
)

// prepare says who issues invoices, gives the organization an address and makes a
// coupon.
func prepare(t *testing.T, in *sedetest.Instance, owner *sedetest.Client) {
	t.Helper()
	operator := in.As("operator@demo.example", "")
	for _, a := range []*sedetest.Answer{
		operator.Do(http.MethodPatch, "/invoice-issuers/default-issuer", `{"name":"Sede Lda","streetLine":"Rua Augusta 1","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`),
		operator.Do(http.MethodPost, "/coupons", `{"code":"HALF-ONCE","percent":50,"duration":"once"}`),
		owner.Do(http.MethodPost, "/organization-addresses", `{"name":"Other","email":"pay@other.example","streetLine":"Rua Augusta 2","postCode":"1100-048","city":"Lisboa","country":"/countries/PT"}`),
	} {
		if a.Status >= 300 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
}

// manual is a world in which sede bills.
type manual struct {
	*sedetest.Instance
	t *testing.T
}

func (m manual) Owner() *sedetest.Client { return m.As("owner@other.example", "other") }
func (m manual) Settle()                 { m.RunJobs() }

func (m manual) Refuse() {} // nobody pays by itself

func (m manual) Mail(to string) string { return mailTo(m.t, m.Owner(), to) }

func (m manual) Advance(d time.Duration) {
	m.Instance.Advance(d)
	m.RunJobs()
}

func (m manual) Pay(invoice string) {
	if a := m.As("operator@demo.example", "").Do(http.MethodPost, "/invoices/"+invoice+"/pay", `{}`); a.Status != 200 {
		m.t.Fatalf("%d %s", a.Status, a.Body)
	}
}

// billed is a world in which Stripe bills, and the organization pays with a card.
type billed struct{ *world }

func (b billed) Owner() *sedetest.Client { return b.owner() }

// Settle works off jobs and messages until there are none.
func (b billed) Settle() {
	b.t.Helper()
	for range 10 {
		b.RunJobs()
		events := b.fake.Take()
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			if a := b.send(e); a.Status != 200 {
				b.t.Fatalf("%s: %d %s", e.Type, a.Status, a.Body)
			}
		}
	}
	b.t.Fatal("it does not come to rest")
}

func (b billed) Advance(d time.Duration) {
	b.Instance.Advance(d)
	b.fake.Tick()
	b.Settle()
}

// Pay does what a person does on the page that the invoice leads to.
func (b billed) Pay(invoice string) {
	b.t.Helper()
	var i struct {
		PaymentURL string `json:"paymentUrl"`
	}
	b.do(b.owner(), http.MethodGet, "/invoices/"+invoice, "", 200).JSON(b.t, &i)
	b.fake.Pay(i.PaymentURL[strings.LastIndexByte(i.PaymentURL, '/')+1:])
}

func (b billed) Refuse() { b.fake.Refuse() }

func (b billed) Mail(to string) string { return mailTo(b.t, b.owner(), to) }

func mailTo(t *testing.T, c *sedetest.Client, to string) string {
	t.Helper()
	return c.Do(http.MethodGet, "/dev/mailbox?to="+to, "").Body
}

func TestBothBillAlike(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		t.Run("sede", func(t *testing.T) {
			billingtest.Run(t, func(t *testing.T) billingtest.World {
				m := manual{sedetest.New(t, engine), t}
				prepare(t, m.Instance, m.Owner())
				return m
			})
		})
		t.Run("Stripe", func(t *testing.T) {
			billingtest.Run(t, func(t *testing.T) billingtest.World {
				b := billed{begin(t, engine)}
				b.fake.Attempts = 30 // the days of grace decide, as where sede bills
				prepare(t, b.Instance, b.Owner())
				b.add(stripefake.Card{})
				b.Settle()
				return b
			})
		})
	})
}
