package payment_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe/stripefake"
)

// world is a sede whose money Stripe collects, and an organization in it.
type world struct {
	*sedetest.Instance
	t      *testing.T
	engine db.Engine
	fake   *stripefake.Server
}

func (w *world) owner() *sedetest.Client    { return w.As("owner@other.example", "other") }
func (w *world) operator() *sedetest.Client { return w.As("operator@demo.example", "") }

func begin(t *testing.T, engine db.Engine) *world { t.Helper(); return beginWith(t, engine, nil) }

// withStripe are the instances that Stripe bills.
var withStripe sedetest.Alike

// beginWith begins with another configuration, as change makes it.
func beginWith(t *testing.T, engine db.Engine, change func(w *world, c *app.Config)) *world {
	t.Helper()
	w := &world{t: t, engine: engine}
	w.Instance = withStripe.New(t, engine, func(c *app.Config) {
		w.fake = stripefake.Start(t, c.Clock)
		c.Stripe = app.StripeSettings{Key: stripefake.Key, Secrets: []string{"whsec_next", stripefake.Secret}, URL: w.fake.URL}
		if change != nil {
			change(w, c)
		}
	})
	w.do(w.operator(), http.MethodPatch, "/organizations/other", `{"manualBilling":false}`, 200)
	return w
}

func (w *world) do(c *sedetest.Client, method, path, body string, want int) *sedetest.Answer {
	w.t.Helper()
	a := c.Do(method, path, body)
	if a.Status != want {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, a.Status, a.Body, want)
	}
	return a
}

// send hands an event in as Stripe does.
func (w *world) send(e stripefake.Event) *sedetest.Answer {
	return w.With("").Do(http.MethodPost, "/webhooks/stripe", string(e.Body), "Stripe-Signature", stripefake.Sign(e.Body, stripefake.Secret, w.Clock.Now()))
}

// deliver sends what Stripe has to say, as a mess makes it, and works it off.
func (w *world) deliver(m stripefake.Mess) {
	w.t.Helper()
	for _, e := range m.Of(w.fake.Take()) {
		if a := w.send(e); a.Status != 200 {
			w.t.Fatalf("%s: %d %s", e.Type, a.Status, a.Body)
		}
	}
	w.RunJobs()
}

func (w *world) settled() {
	w.t.Helper()
	w.deliver(stripefake.Mess{Random: rand.New(rand.NewPCG(1, 1))})
}

type method struct {
	ID       string  `json:"id"`
	Status   string  `json:"status"`
	SetupURL *string `json:"setupUrl"`
	Brand    *string `json:"brand"`
	Last4    *string `json:"last4"`
	Default  bool    `json:"default"`
}

func (w *world) methods() (list []method) {
	w.t.Helper()
	var answer struct {
		Member []method `json:"hydra:member"`
	}
	w.do(w.owner(), http.MethodGet, "/payment-methods", "", 200).JSON(w.t, &answer)
	return answer.Member
}

// add begins a payment method and gives the card on Stripe's page.
func (w *world) add(card stripefake.Card) method {
	w.t.Helper()
	var m method
	w.do(w.owner(), http.MethodPost, "/payment-methods", `{"returnUrl":"https://app.example/billing"}`, 201).JSON(w.t, &m)
	if m.Status != "pending" || m.SetupURL == nil {
		w.t.Fatalf("%+v", m)
	}
	at := strings.LastIndexByte(*m.SetupURL, '/')
	w.fake.Give((*m.SetupURL)[at+1:], card)
	return m
}

func (w *world) show() string {
	var b strings.Builder
	for _, m := range w.methods() {
		last := "-"
		if m.Last4 != nil {
			last = *m.Last4
		}
		fmt.Fprintf(&b, "%s %s %v; ", m.Status, last, m.Default)
	}
	return b.String()
}

func TestPaymentMethods(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		first := w.add(stripefake.Card{})
		if got := w.show(); got != "pending - false; " {
			t.Errorf("before Stripe says anything: %s", got)
		}
		w.settled()
		if got := w.show(); got != "active 4242 true; " {
			t.Errorf("given: %s", got)
		}
		second := w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
		w.settled()
		if got := w.show(); got != "active 4444 false; active 4242 true; " {
			t.Errorf("two: %s", got)
		}
		w.do(w.owner(), http.MethodPatch, "/payment-methods/"+second.ID, `{"default":true}`, 200)
		w.do(w.owner(), http.MethodPatch, "/payment-methods/"+second.ID, `{"default":false}`, 422)
		w.settled()
		if got := w.show(); got != "active 4444 true; active 4242 false; " {
			t.Errorf("the other is the default: %s", got)
		}
		w.do(w.owner(), http.MethodDelete, "/payment-methods/"+first.ID, "", 204)
		w.do(w.owner(), http.MethodGet, "/payment-methods/"+first.ID, "", 404)
		w.settled()
		if got := w.show(); got != "active 4444 true; " {
			t.Errorf("one was taken away: %s", got)
		}
		w.do(w.owner(), http.MethodPost, "/payment-methods", `{"returnUrl":"javascript:alert(1)"}`, 422)
		var portal struct{ URL string }
		if w.do(w.owner(), http.MethodPost, "/organizations/other/billing-portal", `{"returnUrl":"https://app.example/"}`, 200).JSON(t, &portal); !strings.HasPrefix(portal.URL, "https://billing.stripe.com/") {
			t.Errorf("%+v", portal)
		}
	})
}

// TestAPageThatNobodyUsed: it is gone after a day.
func TestAPageThatNobodyUsed(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		w.do(w.owner(), http.MethodPost, "/payment-methods", `{"returnUrl":"https://app.example/billing"}`, 201)
		w.Advance(25 * time.Hour)
		w.settled()
		if got := w.show(); got != "" {
			t.Errorf("%s", got)
		}
	})
}

// TestMessagesInAnyOrder: whatever comes of the messages, late, twice or not at all,
// the same is stored.
func TestMessagesInAnyOrder(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		r := rand.New(rand.NewPCG(3, 4))
		w.add(stripefake.Card{})
		w.add(stripefake.Card{Brand: "mastercard", Last4: "4444"})
		events := w.fake.Take()
		for range 3 {
			for _, e := range (stripefake.Mess{Random: r, Twice: 50, Shuffle: true}).Of(events) {
				if a := w.send(e); a.Status != 200 {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
			}
			w.RunJobs()
		}
		w.settled()
		if got := w.show(); strings.Count(got, "active") != 2 || strings.Count(got, "true") != 1 {
			t.Errorf("%s", got)
		}
	})
}

// TestWhileStripeIsDown: jobs repeat what failed until it is done, and done once.
func TestWhileStripeIsDown(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		w.fake.Fail(stripefake.Failure{Status: 503})
		w.do(w.owner(), http.MethodPost, "/payment-methods", `{"returnUrl":"https://app.example/billing"}`, 503)
		m := w.add(stripefake.Card{})
		w.settled()
		w.do(w.owner(), http.MethodDelete, "/payment-methods/"+m.ID, "", 204)
		w.fake.Fail(stripefake.Failure{Status: 500}, stripefake.Failure{Status: 409, Code: "lock_timeout", Type: "invalid_request_error"}, stripefake.Failure{Status: 429, Code: "rate_limit", Type: "invalid_request_error"},
			stripefake.Failure{Done: true})
		for range 8 {
			w.RunJobs()
			w.Advance(10 * time.Minute)
		}
		detached := 0
		for _, call := range w.fake.Calls() {
			if strings.HasSuffix(call, "/detach") {
				detached++
			}
		}
		if got := w.show(); got != "" || detached != 5 {
			t.Errorf("%s after %d calls", got, detached)
		}
		var failed struct {
			Total int `json:"hydra:totalItems"`
		}
		a := w.do(w.operator(), http.MethodGet, "/jobs?state=failed&kind=payment.detach", "", 200)
		if a.JSON(t, &failed); failed.Total != 0 {
			t.Errorf("%d jobs failed: %s", failed.Total, a.Body)
		}
	})
}

// TestMessagesThatAreNotTaken: each gets the documented answer, and nothing changes.
func TestMessagesThatAreNotTaken(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		w.add(stripefake.Card{})
		e := w.fake.Take()[0]
		now := w.Clock.Now()
		altered := func(change func(m map[string]any)) []byte {
			var m map[string]any
			if err := json.Unmarshal(e.Body, &m); err != nil {
				t.Fatal(err)
			}
			change(m)
			body, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		old := altered(func(m map[string]any) { m["api_version"] = "2024-06-20" })
		live := altered(func(m map[string]any) { m["livemode"] = true })
		long := append([]byte(`{"pad":"`+strings.Repeat("a", 1<<20)+`",`), e.Body[1:]...)
		before := w.Dump()
		for name, c := range map[string]struct {
			body      []byte
			signature string
			want      int
		}{
			"nothing":                 {nil, "", 400},
			"no signature":            {e.Body, "", 400},
			"forged":                  {e.Body, stripefake.Sign(e.Body, "whsec_guess", now), 400},
			"another body":            {old, stripefake.Sign(e.Body, stripefake.Secret, now), 400},
			"replayed after an hour":  {e.Body, stripefake.Sign(e.Body, stripefake.Secret, now.Add(-time.Hour)), 400},
			"from the future":         {e.Body, stripefake.Sign(e.Body, stripefake.Secret, now.Add(time.Hour)), 400},
			"of another version":      {old, stripefake.Sign(old, stripefake.Secret, now), 400},
			"of the other mode":       {live, stripefake.Sign(live, stripefake.Secret, now), 400},
			"signed, and no event":    {[]byte("[]"), stripefake.Sign([]byte("[]"), stripefake.Secret, now), 400},
			"longer than any message": {long, stripefake.Sign(long, stripefake.Secret, now), 413},
		} {
			a := w.With("").Do(http.MethodPost, "/webhooks/stripe", string(c.body), "Stripe-Signature", c.signature)
			if a.Status != c.want {
				t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, c.want)
			}
		}
		w.Unchanged(before, "messages that are not taken")
		w.do(w.owner(), http.MethodGet, "/webhooks/stripe", "", 405)
		for range 2 {
			if a := w.send(e); a.Status != 200 || string(a.Body) != `{"received":true}` {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
	})
}

// TestCrashes: whatever database step fails while a message is taken in, it is either
// stored with its job or not at all, and Stripe sends it again.
func TestCrashes(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		w := begin(t, engine)
		w.add(stripefake.Card{})
		for _, e := range w.fake.Take() {
			for k := 1; ; k++ {
				before := w.Dump()
				w.FailAt(k)
				a := w.send(e)
				fired := w.Fired()
				w.FailAt(0)
				if !fired {
					break
				}
				if a.Status < 500 {
					t.Errorf("%s, step %d: %d", e.Type, k, a.Status)
				}
				w.Unchanged(before, "a message that failed")
			}
		}
		for k := 1; k < 60; k++ { // work that fails at any step is done by the next run
			w.FailAt(k)
			_, _ = w.App.RunJobs(t.Context())
			w.FailAt(0)
			w.Advance(time.Hour)
		}
		w.RunJobs()
		if got := w.show(); got != "active 4242 true; " {
			t.Errorf("%s", got)
		}
	})
}

// TestWithoutStripe: everybody is billed by sede, and nothing listens.
func TestWithoutStripe(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		owner, operator := in.As("owner@other.example", "other"), in.As("operator@demo.example", "")
		for want, a := range map[int]*sedetest.Answer{
			404: in.With("").Do(http.MethodPost, "/webhooks/stripe", `{}`),
			409: owner.Do(http.MethodPost, "/payment-methods", `{"returnUrl":"https://app.example/billing"}`),
			200: owner.Do(http.MethodGet, "/payment-methods", ""),
		} {
			if a.Status != want {
				t.Errorf("%d %s, want %d", a.Status, a.Body, want)
			}
		}
		if a := operator.Do(http.MethodPatch, "/organizations/other", `{"manualBilling":false}`); a.Status != 409 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		if a := owner.Do(http.MethodPatch, "/organizations/other", `{"manualBilling":false}`); a.Status != 422 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}
