// Package billingtest is what holds of subscriptions whoever bills them. Each
// scenario runs against a World, in which sede itself is the biller or a provider is,
// and must come to the same: the same states, seats, modules and sums.
package billingtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/sedetest"
)

// World is a sede with an organization that buys, and who bills it.
type World interface {
	// Owner is the owner of the organization, signed in now.
	Owner() *sedetest.Client
	// Settle lets everything happen that is due: jobs, and what the provider says.
	Settle()
	// Advance moves the clock; the provider's too.
	Advance(d time.Duration)
	// Pay pays an open invoice of the organization, as its customer does.
	Pay(invoice string)
	// Refuse lets nothing be paid by itself from now on.
	Refuse()
	// Mail is what was sent to an address.
	Mail(to string) string
}

// Subscription is what a scenario looks at.
type Subscription struct {
	ID                string   `json:"id"`
	Status            string   `json:"status"`
	Active            bool     `json:"active"`
	Awaiting          bool     `json:"awaiting"`
	Seats             int64    `json:"seats"`
	Modules           []string `json:"modules"`
	CancelAtPeriodEnd bool     `json:"cancelAtPeriodEnd"`
	ChangeScheduled   bool     `json:"changeScheduled"`
	PeriodEnd         string   `json:"currentPeriodEnd"`
	Discount          *struct {
		Code string `json:"code"`
	} `json:"discount"`
	Preview *struct {
		Total int64 `json:"total"`
	} `json:"preview"`
}

// Invoice is what a scenario looks at.
type Invoice struct {
	ID       string `json:"id"`
	Number   string `json:"number"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Currency string `json:"currency"`
	Subtotal int64  `json:"subtotal"`
	Discount int64  `json:"discount"`
	Tax      int64  `json:"tax"`
	Total    int64  `json:"total"`
}

// Run runs all scenarios, each in a world of its own.
func Run(t *testing.T, world func(t *testing.T) World) {
	for name, scenario := range map[string]func(*run){
		"trial, first invoice, renewal":        (*run).life,
		"seats: more acts now, less later":     (*run).seats,
		"cancelled, taken back, cancelled now": (*run).cancel,
		"a discount, once and in percent":      (*run).discount,
		"one at a time":                        (*run).one,
		"not paid, on hold, paid":              (*run).dunning,
		"several products, more and fewer":     (*run).several,
		"refused, and nothing changed":         (*run).refused,
	} {
		t.Run(name, func(t *testing.T) { scenario(&run{t, world(t)}) })
	}
}

type run struct {
	*testing.T
	World
}

const day = 24 * time.Hour

// do sends a request of the owner's and lets everything settle that follows.
func (r *run) do(method, path, body string, want int) Subscription {
	r.Helper()
	a := r.Owner().Do(method, path, body)
	if a.Status != want {
		r.Fatalf("%s %s: %d %s, want %d", method, path, a.Status, a.Body, want)
	}
	var s Subscription
	if want < 300 {
		if err := json.Unmarshal([]byte(a.Body), &s); err != nil {
			r.Fatal(err)
		}
	}
	r.Settle()
	return s
}

func (r *run) wants(id, status string, seats int64) Subscription {
	r.Helper()
	s := r.do(http.MethodGet, "/subscriptions/"+id, "", 200)
	if s.Status != status || s.Seats != seats {
		r.Errorf("the subscription is %s with %d seats, want %s with %d", s.Status, s.Seats, status, seats)
	}
	return s
}

// invoices returns the invoices of a subscription, the oldest first.
func (r *run) invoices(id string) (list []Invoice) {
	r.Helper()
	var page struct {
		Members []Invoice `json:"hydra:member"`
	}
	r.Owner().Do(http.MethodGet, "/subscriptions/"+id+"/invoices?itemsPerPage=50", "").JSON(r, &page)
	slices.Reverse(page.Members)
	return page.Members
}

// wantsInvoices compares what was invoiced, as reason, subtotal, discount, tax and
// total; what is open is paid.
func (r *run) wantsInvoices(id string, want ...string) {
	r.Helper()
	var got []string
	for _, i := range r.invoices(id) {
		got = append(got, fmt.Sprintf("%s %d-%d+%d=%d", strings.TrimPrefix(i.Reason, "subscription_"), i.Subtotal, i.Discount, i.Tax, i.Total))
	}
	r.pay(id)
	if !slices.Equal(got, want) {
		r.Errorf("invoices %v, want %v", got, want)
	}
}

// pay pays what is open.
func (r *run) pay(id string) {
	r.Helper()
	for _, i := range r.invoices(id) {
		if i.Status == "open" {
			r.Pay(i.ID)
		}
	}
	r.Settle()
}

// buy begins a subscription without a trial, and pays for it.
func (r *run) buy(body string) Subscription {
	r.Helper()
	s := r.do(http.MethodPost, "/subscriptions", body, 201)
	r.pay(s.ID)
	return r.do(http.MethodGet, "/subscriptions/"+s.ID, "", 200)
}

func (r *run) life() {
	s := r.do(http.MethodPost, "/subscriptions", `{"products":["/products/team"],"seats":5}`, 201)
	if s = r.wants(s.ID, "trialing", 5); !s.Active || s.Awaiting {
		r.Errorf("%+v", s)
	}
	r.wantsInvoices(s.ID)
	r.Advance(14*day + 2*time.Hour)
	r.wants(s.ID, "active", 5)
	r.wantsInvoices(s.ID, "create 3900-0+897=4797")
	r.wants(s.ID, "active", 5)
	r.Advance(31 * day)
	r.wantsInvoices(s.ID, "create 3900-0+897=4797", "cycle 3900-0+897=4797")
	if s = r.wants(s.ID, "active", 5); s.Awaiting {
		r.Errorf("%+v", s)
	}
}

func (r *run) seats() {
	s := r.buy(`{"products":["/products/bank"],"seats":5}`)
	if !s.Active || s.Awaiting {
		r.Errorf("%+v", s)
	}
	s = r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"products":["/products/bank","/products/team"]}`, 200)
	r.wants(s.ID, "active", 5)
	first := r.invoices(s.ID)
	if len(first) != 2 || first[1].Reason != "subscription_update" {
		r.Errorf("%+v", first)
	}
	r.pay(s.ID)
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":2}`, 200)
	if s = r.wants(s.ID, "active", 5); !s.ChangeScheduled {
		r.Errorf("less acts at once: %+v", s)
	}
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":4}`, 200) // still less than what is paid for
	if got := r.invoices(s.ID); len(got) != 2 {
		r.Errorf("what is paid for is charged again: %+v", got)
	}
	r.Advance(31*day + 2*time.Hour)
	if s = r.wants(s.ID, "active", 4); s.ChangeScheduled {
		r.Errorf("%+v", s)
	}
	if got := r.invoices(s.ID); len(got) != 3 || got[2].Reason != "subscription_cycle" {
		r.Errorf("%+v", got)
	}
}

func (r *run) cancel() {
	s := r.buy(`{"products":["/products/bank"],"seats":1}`)
	for range 2 {
		r.do(http.MethodPost, "/subscriptions/"+s.ID+"/cancel", `{}`, 200)
	}
	if s = r.wants(s.ID, "active", 1); !s.CancelAtPeriodEnd || !s.Active {
		r.Errorf("%+v", s)
	}
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"cancelAtPeriodEnd":false}`, 200)
	r.Advance(31*day + 2*time.Hour)
	r.pay(s.ID)
	if s = r.wants(s.ID, "active", 1); s.CancelAtPeriodEnd || len(r.invoices(s.ID)) != 2 {
		r.Errorf("%+v", s)
	}
	r.do(http.MethodPost, "/subscriptions/"+s.ID+"/cancel", `{"reason":"too dear"}`, 200)
	r.Advance(31 * day)
	if s = r.wants(s.ID, "canceled", 1); s.Active {
		r.Errorf("%+v", s)
	}
	s = r.buy(`{"products":["/products/bank"],"seats":1}`)
	r.do(http.MethodPost, "/subscriptions/"+s.ID+"/cancel", `{"atPeriodEnd":false}`, 200)
	r.wants(s.ID, "canceled", 1)
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":3}`, 409)
	r.Advance(62 * day)
	if got := r.invoices(s.ID); len(got) != 1 {
		r.Errorf("%+v", got)
	}
}

func (r *run) discount() {
	s := r.buy(`{"products":["/products/bank"],"seats":1}`)
	whole := r.invoices(s.ID)[0].Subtotal
	r.do(http.MethodPost, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`, 200)
	if s = r.wants(s.ID, "active", 1); s.Discount == nil {
		r.Errorf("%+v", s)
	}
	r.Advance(31*day + 2*time.Hour)
	r.pay(s.ID)
	r.Advance(31 * day)
	got := r.invoices(s.ID)
	if len(got) != 3 || got[1].Discount != whole/2 || got[2].Discount != 0 {
		r.Errorf("%+v", got)
	}
	if s = r.wants(s.ID, "active", 1); s.Discount != nil {
		r.Errorf("a discount for one invoice goes on: %+v", s)
	}
}

func (r *run) one() {
	s := r.buy(`{"products":["/products/bank"],"seats":1}`)
	r.do(http.MethodPost, "/subscriptions", `{"products":["/products/bank"],"seats":1}`, 409)
	preview := r.do(http.MethodPatch, "/subscriptions/"+s.ID+"?preview=true", `{"products":["/products/bank","/products/team"]}`, 200)
	if preview.Preview == nil || len(r.invoices(s.ID)) != 1 {
		r.Fatalf("%+v", preview)
	}
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"products":["/products/bank","/products/team"]}`, 200)
	if got := r.invoices(s.ID); len(got) != 2 || got[1].Total != preview.Preview.Total {
		r.Errorf("%+v, the preview came to %d", got, preview.Preview.Total)
	}
}

// refusal is a request that changes nothing.
type refusal struct {
	method, path, body string
	want               int
}

// refused: what can't be done is answered alike whoever bills.
func (r *run) refused() {
	const post = http.MethodPost
	r.refuse([]refusal{
		{post, "/subscriptions", `{"products":["/products/nothing"],"seats":1}`, 400},
		{post, "/subscriptions", `{"products":[],"seats":1}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":0}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":-1}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":9000000000000000}`, 422},
		{post, "/subscriptions", `{"products":[{"product":"/products/bank","quantity":-1}],"seats":1}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":1,"currency":"JPY"}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":1,"coupon":"NO-SUCH"}`, 422},
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":1,"organizationAddress":"/organization-addresses/01b8e1da-7280-7499-93df-82ab3b2be5f0"}`, 400},
		{post, "/subscriptions/apply-coupon", `{"coupon":"HALF-ONCE"}`, 409},
	})
	s := r.buy(`{"products":["/products/bank"],"seats":3}`)
	path := "/subscriptions/" + s.ID
	r.refuse([]refusal{
		{post, "/subscriptions", `{"products":["/products/bank"],"seats":1}`, 409},
		{http.MethodPatch, path, `{"seats":0}`, 422},
		{http.MethodPatch, path, `{"seats":-5}`, 422},
		{http.MethodPatch, path, `{"products":[]}`, 422},
		{http.MethodPatch, path, `{"products":["/products/nothing"]}`, 400},
		{http.MethodPatch, path + "?previewToken=made-up", `{"seats":4}`, 409},
		{post, "/subscriptions/apply-coupon", `{"coupon":"NO-SUCH"}`, 422},
	})
	if s = r.wants(s.ID, "active", 3); len(r.invoices(s.ID)) != 1 {
		r.Errorf("%+v", r.invoices(s.ID))
	}
}

// refuse sends what must be refused and looks whether anything came of it.
func (r *run) refuse(list []refusal) {
	r.Helper()
	books := func() string {
		return r.Owner().Do(http.MethodGet, "/subscriptions", "").Body + r.Owner().Do(http.MethodGet, "/invoices", "").Body
	}
	before := books()
	for _, c := range list {
		if a := r.Owner().Do(c.method, c.path, c.body); a.Status != c.want {
			r.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, a.Status, a.Body, c.want)
		}
	}
	if r.Settle(); books() != before {
		r.Errorf("something changed")
	}
}

// until advances day by day until the subscription has a status, and returns how many
// days that took.
func (r *run) until(id, status string) (days int) {
	r.Helper()
	for ; days < 40; days++ {
		if s := r.do(http.MethodGet, "/subscriptions/"+id, "", 200); s.Status == status {
			return days
		}
		r.Advance(day)
	}
	r.Fatalf("after 40 days the subscription is not %s", status)
	return days
}

// payer is who gets mail about invoices.
const payer = "pay@other.example"

func (r *run) dunning() {
	s := r.buy(`{"products":["/products/bank"],"seats":1}`)
	r.Refuse()
	r.Advance(31*day + 2*time.Hour)
	r.until(s.ID, "past_due")
	if s = r.wants(s.ID, "past_due", 1); !s.Active || !s.Awaiting {
		r.Errorf("in the days of grace: %+v", s)
	}
	r.Settle()
	number := ""
	for _, i := range r.invoices(s.ID) {
		if i.Status == "open" {
			number = i.Number
		}
	}
	if text := r.Mail(payer); number == "" || strings.Contains(text, "on hold") || !strings.Contains(text, number+" is overdue") && !strings.Contains(text, number+" could not be paid") {
		r.Errorf("invoice %s is late, and the mail to who pays: %s", number, text)
	}
	if days := r.until(s.ID, "unpaid"); days < 13 || days > 15 {
		r.Errorf("the days of grace are %d", days)
	}
	if s = r.wants(s.ID, "unpaid", 1); s.Active || !s.Awaiting {
		r.Errorf("after the days of grace: %+v", s)
	}
	r.Settle()
	if text := r.Mail(payer); strings.Count(text, "on hold") == 0 {
		r.Errorf("nobody is told that it is on hold: %s", text)
	}
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":2}`, 409)
	r.pay(s.ID)
	r.Settle()
	if s = r.wants(s.ID, "active", 1); !s.Active || s.Awaiting {
		r.Errorf("paid: %+v", s)
	}
}

func (r *run) several() {
	s := r.buy(`{"products":["/products/bank","/products/team"],"seats":3}`)
	r.Advance(14*day + 2*time.Hour) // the trial of one of them
	r.pay(s.ID)
	r.wants(s.ID, "active", 3)
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"products":["/products/team"],"seats":2}`, 200)
	if s = r.wants(s.ID, "active", 3); !s.ChangeScheduled || len(s.Modules) != 3 {
		r.Errorf("less acts at once: %+v", s)
	}
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"changeScheduled":false}`, 200)
	if s = r.wants(s.ID, "active", 3); s.ChangeScheduled {
		r.Errorf("%+v", s)
	}
	before := len(r.invoices(s.ID))
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"products":["/products/team"]}`, 200)
	r.do(http.MethodPatch, "/subscriptions/"+s.ID, `{"seats":4}`, 200)
	if s = r.wants(s.ID, "active", 4); !s.ChangeScheduled || len(r.invoices(s.ID)) != before+1 {
		r.Errorf("more seats, while a product is to go: %+v", s)
	}
	r.pay(s.ID)
	r.Advance(31*day + 2*time.Hour)
	r.pay(s.ID)
	if s = r.wants(s.ID, "active", 4); s.ChangeScheduled || len(s.Modules) != 2 {
		r.Errorf("%+v", s)
	}
	if all := r.invoices(s.ID); all[len(all)-1].Subtotal != 900+4*600 {
		r.Errorf("%+v", all)
	}
}
