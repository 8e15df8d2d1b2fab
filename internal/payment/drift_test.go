package payment_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// discounted is a subscription with whose discount somebody does something at Stripe.
type discounted struct {
	*world
	sub twin
}

func beginDiscounted(t *testing.T, engine db.Engine) *discounted {
	d := &discounted{world: billedWorld(t, engine)}
	d.do(d.operator(), http.MethodPost, "/coupons", `{"code":"TENTH","percent":10,"duration":"forever"}`, 201)
	d.add(stripefake.Card{})
	d.settled()
	d.sub = d.buy(`{"products":["/products/bank"],"coupon":"TENTH"}`)
	d.settled()
	return d
}

// at is the discount at Stripe.
func (d *discounted) at() string {
	d.t.Helper()
	at, err := d.client().Subscription(d.t.Context(), d.sub.ExternalID)
	if err != nil {
		d.t.Fatal(err)
	}
	return at.Coupon
}

// set changes the discount at Stripe's dashboard.
func (d *discounted) set(coupon string) {
	d.t.Helper()
	_, err := d.client().ChangeSubscription(d.t.Context(), fmt.Sprint("dashboard", len(d.fake.Calls())), d.sub.ExternalID, stripe.Change{Coupon: &coupon})
	if err != nil {
		d.t.Fatal(err)
	}
	d.settled()
	d.reconcile()
}

// here is the code of the discount as it is here.
func (d *discounted) here() string {
	d.t.Helper()
	var s struct{ Discount *struct{ Code string } }
	d.do(d.owner(), http.MethodGet, "/subscriptions/"+d.sub.ID, "", 200).JSON(d.t, &s)
	if s.Discount == nil {
		return ""
	}
	return s.Discount.Code
}

// resolve does something about the only drift, which is of the discount.
func (d *discounted) resolve(how string, want int) {
	d.t.Helper()
	list := d.drifts()
	if len(list) != 1 || list[0].Field != "discount" {
		d.t.Fatalf("%+v", list)
	}
	d.do(d.operator(), http.MethodPost, "/billing/drift/"+list[0].ID+"/"+how, "", want)
	d.RunJobs()
	d.settled()
	if d.reconcile(); want == 200 && len(d.drifts()) != 0 {
		d.t.Errorf("%+v", d.drifts())
	}
}

func (d *discounted) both(here, at string) {
	d.t.Helper()
	if d.here() != here || d.at() != at {
		d.t.Errorf("%q, and at Stripe %q, want %q and %q", d.here(), d.at(), here, at)
	}
}

// TestDriftOfDiscounts: what somebody does at Stripe to a discount is kept or undone as an
// operator says.
func TestDriftOfDiscounts(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		d := beginDiscounted(t, engine)
		tenth := d.at()
		d.set("")
		d.both("TENTH", "")
		d.resolve("push-ours", 200)
		d.both("TENTH", tenth)
		d.set("")
		d.resolve("take-theirs", 200)
		d.both("", "")

		if err := d.client().EnsureCoupon(t.Context(), "summer", stripe.Coupon{ID: "SUMMER", PercentOff: 30, Duration: "forever"}); err != nil {
			t.Fatal(err)
		}
		d.set("SUMMER")
		d.resolve("take-theirs", 409)
		d.resolve("push-ours", 200)
		d.both("", "")
		d.do(d.owner(), http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"TENTH"}`, 200)
		d.settled()
		d.set("SUMMER")
		d.resolve("push-ours", 200)
		d.both("TENTH", tenth)

		d.do(d.owner(), http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE","replace":true}`, 200)
		d.settled()
		half := d.at()
		d.set(tenth)
		d.both("HALF-ONCE", tenth)
		d.resolve("take-theirs", 200)
		d.both("TENTH", tenth)
		_, count := d.lastInvoice(d.sub.ID)
		d.Advance(32 * 24 * time.Hour)
		d.settled()
		if last, now := d.lastInvoice(d.sub.ID); now != count+1 || last.Discount != last.Subtotal/10 || half == tenth {
			t.Errorf("%d invoices more, %s", now-count, last)
		}
	})
}

// TestADiscountAgain: a coupon that was used up and is redeemed again acts again.
func TestADiscountAgain(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		d := beginDiscounted(t, engine)
		d.do(d.owner(), http.MethodPost, "/subscriptions/clear-coupon", `{}`, 200)
		for range 3 {
			d.do(d.owner(), http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`, 200)
			d.settled()
			if d.here() != "HALF-ONCE" || d.at() == "" {
				t.Errorf("%q, %q", d.here(), d.at())
			}
			d.Advance(32 * 24 * time.Hour)
			d.settled()
			d.settled()
			if last, _ := d.lastInvoice(d.sub.ID); last.Discount*2 != last.Subtotal {
				t.Errorf("%s", last)
			}
			d.both("", "")
		}
	})
}

// TestASubscriptionIsCancelledAtStripe: it has ended here too, told by a message or found,
// and what it granted is gone.
func TestASubscriptionIsCancelledAtStripe(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		d := beginDiscounted(t, engine)
		for _, learn := range []func(){d.settled, func() { d.fake.Take(); d.reconcile() }} {
			if _, err := d.client().CancelSubscription(t.Context(), "dashboard"+d.sub.ID, d.sub.ExternalID); err != nil {
				t.Fatal(err)
			}
			learn()
			if got := d.subscription(d.sub.ID); got.Status != "canceled" || len(d.drifts()) != 0 {
				t.Errorf("%+v, %+v", got, d.drifts())
			}
			d.do(d.owner(), http.MethodPatch, "/subscriptions/"+d.sub.ID, `{"seats":3}`, 409)
			d.sub = d.buy(`{"products":["/products/bank"]}`)
			d.settled()
		}
	})
}

// TestASubscriptionThatStripeForgot is found when it is to be changed and when everything is
// compared. It can be ended here, and no job fails for it.
func TestASubscriptionThatStripeForgot(t *testing.T) {
	for name, learn := range map[string]func(d *discounted){
		"compared": func(d *discounted) { d.reconcile() },
		"changed": func(d *discounted) {
			d.do(d.owner(), http.MethodPatch, "/subscriptions/"+d.sub.ID, `{"seats":4}`, 200)
			d.RunJobs()
		},
	} {
		t.Run(name, func(t *testing.T) {
			sedetest.Each(t, func(t *testing.T, engine db.Engine) {
				d := beginDiscounted(t, engine)
				d.fake.Vanish(d.sub.ExternalID)
				learn(d)
				list := d.drifts()
				if len(list) != 1 || list[0].Field != "externalId" || list[0].Ours != d.sub.ExternalID || list[0].Theirs != "" {
					t.Fatalf("%+v", list)
				}
				if a := d.do(d.operator(), http.MethodPost, "/billing/drift/"+list[0].ID+"/push-ours", "", 409); !strings.Contains(a.Body, "Take theirs") {
					t.Errorf("%s", a.Body)
				}
				d.do(d.operator(), http.MethodPost, "/billing/drift/"+list[0].ID+"/take-theirs", "", 200)
				d.settled()
				d.reconcile()
				if got := d.subscription(d.sub.ID); got.Status != "canceled" || len(d.drifts()) != 0 || d.waiting() != 0 {
					t.Errorf("%+v, %+v, %d jobs wait", got, d.drifts(), d.waiting())
				}
				d.sub = d.buy(`{"products":["/products/bank"]}`)
				d.settled()
				if got := d.subscription(d.sub.ID); got.Status != "active" && got.Status != "trialing" {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}
