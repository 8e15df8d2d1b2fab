package payment_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// preview is what a preview says, and an invoice as far as it says the same.
type preview struct {
	Subtotal, Discount, Tax, Total int64
	AmountPaid, Balance            int64
	Lines                          []struct {
		Description, Kind string
		Quantity, Amount  int64
	}
	Token string
}

func (p preview) String() string {
	return fmt.Sprintf("%d-%d+%d=%d %+v", p.Subtotal, p.Discount, p.Tax, p.Total, p.Lines)
}

func (w *world) ask(method, path, body string) preview {
	w.t.Helper()
	var s struct{ Preview preview }
	w.do(w.owner(), method, path+"?preview=true", body, 200).JSON(w.t, &s)
	return s.Preview
}

// lastInvoice is the newest invoice, and how many there are.
func (w *world) lastInvoice(id string) (p preview, count int) {
	w.t.Helper()
	var page struct {
		Members []preview `json:"hydra:member"`
	}
	w.do(w.owner(), http.MethodGet, "/subscriptions/"+id+"/invoices", "", 200).JSON(w.t, &page)
	if len(page.Members) == 0 {
		return p, 0
	}
	return page.Members[0], len(page.Members)
}

// charges makes a change that was previewed some minutes ago, and compares what Stripe
// charged with what was said.
func (w *world) charges(id, body string, wantLines int) {
	w.t.Helper()
	path := "/subscriptions/" + id
	w.owner() // who signs in, which is stored
	before := w.Dump()
	said := w.ask(http.MethodPatch, path, body)
	w.Unchanged(before, "a preview")
	_, count := w.lastInvoice(id)
	w.Advance(7*time.Minute + 13*time.Second)
	w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 200)
	w.settled()
	got, now := w.lastInvoice(id)
	if got.String() != said.String() || now != count+1 || len(said.Lines) != wantLines {
		w.t.Errorf("%s: %d invoices more; said:\n%s\ncharged:\n%s", body, now-count, said, got)
	}
}

// TestPreviewsAreWhatStripeCharges: by its own arithmetic, line by line.
func TestPreviewsAreWhatStripeCharges(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.do(w.operator(), http.MethodPost, "/coupons", `{"code":"SEVENTH","percent":7,"duration":"forever"}`, 201)
		w.do(w.operator(), http.MethodPost, "/products", `{"id":"desk","names":[{"language":"en","name":"Desk"}],"prices":[{"currency":"EUR","interval":"monthly","perSeat":731}],"modules":["desk"]}`, 201)
		body := `{"products":["/products/bank","/products/desk"],"seats":7,"coupon":"SEVENTH"}`
		said := w.ask(http.MethodPost, "/subscriptions", body) // before Stripe knows the organization
		w.add(stripefake.Card{})
		w.settled()
		if again := w.ask(http.MethodPost, "/subscriptions", body); again.String() != said.String() {
			t.Errorf("%s, %s", said, again)
		} else {
			said = again
		}
		w.Advance(time.Minute)
		var s twin
		w.do(w.owner(), http.MethodPost, "/subscriptions?previewToken="+said.Token, body, 201).JSON(t, &s)
		w.settled()
		w.settled()
		if got, _ := w.lastInvoice(s.ID); got.String() != said.String() || got.Discount == 0 {
			t.Errorf("said:\n%s\ncharged:\n%s", said, got)
		}
		w.Advance(9*24*time.Hour + 5*time.Hour + 17*time.Second)
		w.charges(s.ID, `{"products":["/products/bank","/products/desk","/products/team"]}`, 2)
		w.Advance(3*24*time.Hour + 11*time.Second)
		w.charges(s.ID, `{"seats":10}`, 4) // given back for 7, charged for 10
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":3}`, 200)
		w.settled()
		if said := w.ask(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":9}`); said.Total != 0 || len(said.Lines) != 0 {
			t.Errorf("what is paid for costs %s", said)
		}
		said = w.ask(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":13}`) // more than the ten that are paid for
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID+"?previewToken="+said.Token, `{"seats":13}`, 200)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); got.Subtotal != said.Subtotal || got.Discount != said.Discount || got.Total != said.Total {
			t.Errorf("said:\n%s\ncharged:\n%s", said, got)
		}
		said = w.ask(http.MethodPost, "/subscriptions/clear-coupon", `{}`)
		w.do(w.owner(), http.MethodPost, "/subscriptions/clear-coupon?previewToken="+said.Token, `{}`, 200)
		w.settled()
		w.Advance(32 * 24 * time.Hour)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); got.Total != said.Total || got.Discount != 0 || said.Total == 0 {
			t.Errorf("said:\n%s\ncharged:\n%s", said, got)
		}
	})
}

// TestPreviewsTellWhatIsCovered: what Stripe owes a customer pays of what is charged, which
// the preview tells and the invoice too.
func TestPreviewsTellWhatIsCovered(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"],"seats":1}`)
		w.settled()
		w.fake.Owe(1000)
		path, body := "/subscriptions/"+s.ID, `{"products":["/products/bank","/products/team"],"seats":1}`
		said := w.ask(http.MethodPatch, path, body)
		if said.AmountPaid != 1000 || said.Balance != said.Total-1000 {
			t.Fatalf("%+v", said)
		}
		w.fake.Owe(1)
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 409)
		said = w.ask(http.MethodPatch, path, body)
		w.fake.Refuse()
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 200)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); said.AmountPaid != 1001 || got.AmountPaid != said.AmountPaid || got.Balance != said.Balance || got.Total != said.Total {
			t.Errorf("said:\n%+v\ncharged:\n%+v", said, got)
		}
		w.fake.Owe(50_000) // more than the next period comes to
		said = w.ask(http.MethodPost, "/subscriptions/clear-coupon", `{}`)
		w.fake.Accept()
		w.fake.Pay(atStripe(t, w, s).LatestInvoice)
		w.Advance(32 * 24 * time.Hour)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); said.Balance != 0 || said.AmountPaid != said.Total || got.AmountPaid != said.Total || got.Balance != 0 {
			t.Errorf("said:\n%+v\ncharged:\n%+v", said, got)
		}
	})
}

// TestPreviewsThatDoNotHold: what changed here or there is noticed, and nothing is
// charged.
func TestPreviewsThatDoNotHold(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := billedWorld(t, engine)
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank","/products/team"],"seats":5}`)
		w.settled()
		w.Advance(15 * 24 * time.Hour) // the trial is over
		w.settled()
		path, body := "/subscriptions/"+s.ID, `{"seats":8}`
		said := w.ask(http.MethodPatch, path, body)
		_, count := w.lastInvoice(s.ID)
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, `{"seats":9}`, 409)
		w.do(w.owner(), http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`, 200)
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 409)
		w.settled()
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 409)
		said = w.ask(http.MethodPatch, path, body)
		if said.Discount == 0 {
			t.Errorf("%s", said)
		}
		at, err := w.client().Subscription(t.Context(), w.subscription(s.ID).ExternalID)
		if err != nil {
			t.Fatal(err)
		}
		none := ""
		if _, err := w.client().ChangeSubscription(t.Context(), "dashboard", at.ID, stripe.Change{Coupon: &none}); err != nil {
			t.Fatal(err)
		}
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 409)
		said = w.ask(http.MethodPatch, path, body)
		w.Advance(16 * time.Minute)
		w.do(w.owner(), http.MethodPatch, path+"?previewToken="+said.Token, body, 409)
		w.fake.Fail(stripefake.Failure{Status: 503})
		w.do(w.owner(), http.MethodPatch, path+"?preview=true", body, 503)
		w.settled()
		if _, now := w.lastInvoice(s.ID); now != count {
			t.Errorf("%d invoices more", now-count)
		}
	})
}

// desks sells ten seats of a product that has a price for each alone, of which five are
// to stay from the next period on.
func desks(t *testing.T, engine db.Engine) (*world, twin) {
	t.Helper()
	w := billedWorld(t, engine)
	w.add(stripefake.Card{})
	w.settled()
	w.do(w.operator(), http.MethodPost, "/products", `{"id":"desk","names":[{"language":"en","name":"Desk"}],"prices":[{"currency":"EUR","interval":"monthly","perSeat":3100}],"modules":["desk"]}`, 201)
	s := w.buy(`{"products":["/products/desk"],"seats":10}`)
	w.settled()
	w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":5}`, 200)
	w.settled()
	return w, s
}

// TestAPeriodThatNobodyToldOf: a change that is asked for when the next period has begun,
// and no message told so, is previewed and charged by what is in force by then. While
// Stripe can't be asked nothing is changed.
func TestAPeriodThatNobodyToldOf(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w, s := desks(t, engine)
		w.Advance(32 * 24 * time.Hour)
		w.fake.Take() // all lost
		w.fake.Fail(stripefake.Failure{Status: 503})
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID+"?preview=true", `{"seats":8}`, 503)
		said := w.ask(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":8}`)
		if len(said.Lines) == 0 || said.Subtotal < 3*2900 || said.Subtotal > 3*3100 {
			t.Errorf("%s", said)
		}
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID+"?previewToken="+said.Token, `{"seats":8}`, 200)
		w.settled()
		if got, _ := w.lastInvoice(s.ID); got.Total != said.Total {
			t.Errorf("said:\n%s\ncharged:\n%s", said, got)
		}
	})
}

// TestAJobThatCameLate: what was scheduled is in force when Stripe is told only after the
// next period has begun.
func TestAJobThatCameLate(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w, s := desks(t, engine)
		_, count := w.lastInvoice(s.ID)
		w.do(w.owner(), http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":4}`, 200) // and nobody works
		w.Advance(32 * 24 * time.Hour)
		w.settled()
		w.settled()
		got, now := w.lastInvoice(s.ID)
		if now != count+1 || got.Subtotal != 5*3100 {
			t.Errorf("%d invoices more, %s", now-count, got)
		}
		if s = w.subscription(s.ID); s.Seats != 4 {
			t.Errorf("%+v", s)
		}
		w.reconcile()
		if list := w.drifts(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}
