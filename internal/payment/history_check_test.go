package payment_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sede/internal/stripe"
)

// check lets everything be compared, and then holds both sides against each other and
// against the model.
func (h *history) check() {
	h.t.Helper()
	if h.sub.ID == "" {
		return
	}
	h.roll()
	h.reconcile()
	h.RunJobs()
	var here struct {
		twin
		Products  []struct{ Product string }
		Scheduled *struct{ Seats int64 }
		Discount  *struct{ Code string }
	}
	h.do(h.owner(), http.MethodGet, "/subscriptions/"+h.sub.ID, "", 200).JSON(h.t, &here)
	at := h.at()
	if here.Status != at.Status && (here.Status != "unpaid" || at.Status != "past_due") {
		h.fail("%s, and at Stripe %s", here.Status, at.Status)
	}
	h.checkInvoices(&at)
	if at.Over() {
		h.note("it is over")
		h.sub = twin{}
		return
	}
	got := want{seats: here.Seats}
	for _, p := range here.Products {
		got.products = append(got.products, strings.TrimPrefix(p.Product, "/products/"))
	}
	if slices.Sort(got.products); !got.same(h.now) {
		h.fail("%v is in force, want %v", got, h.now)
	}
	if (here.Scheduled != nil) == h.now.same(h.next) {
		h.fail("scheduled is %+v, want %v", here.Scheduled, h.next)
	}
	had := map[string]int64{}
	for _, i := range at.Items {
		had[i.Product] = i.Quantity
	}
	if !maps.Equal(had, h.next.items()) {
		h.fail("Stripe has %v, want %v", had, h.next.items())
	}
	if here.CancelAtPeriodEnd != at.CancelAtPeriodEnd || (here.Discount != nil) != (at.Coupon != "") {
		h.fail("here %+v, and at Stripe %+v", here, at)
	}
	var o struct{ Seats struct{ Limit int64 } }
	h.do(h.owner(), http.MethodGet, "/organizations/other", "", 200).JSON(h.t, &o)
	if o.Seats.Limit != h.now.seats {
		h.fail("%d seats are granted, %v is paid for", o.Seats.Limit, h.now)
	}
	if list := h.drifts(); len(list) != 0 {
		h.fail("%+v", list)
	}
}

// checkInvoices: all of Stripe's are here, each period is charged once, and so is each
// change.
func (h *history) checkInvoices(at *stripe.Subscription) {
	h.t.Helper()
	list := h.there()
	var paid, paidHere int64
	begun, updates := map[time.Time]bool{}, 0
	for _, i := range list {
		if paid += i.Paid; i.Number != "" && i.Status != "void" {
			paid += i.Covered
		}
		if i.Reason == "subscription_update" {
			updates++
			continue
		}
		from := i.Lines[0].From
		if begun[from] {
			h.fail("the period from %v is charged twice", from)
		}
		begun[from] = true
	}
	if updates != h.updates {
		h.fail("%d changes were charged, want %d", updates, h.updates)
	}
	var page struct {
		Total   int                          `json:"hydra:totalItems"`
		Members []struct{ AmountPaid int64 } `json:"hydra:member"`
	}
	h.do(h.owner(), http.MethodGet, "/subscriptions/"+h.sub.ID+"/invoices?itemsPerPage=100", "", 200).JSON(h.t, &page)
	for _, i := range page.Members {
		paidHere += i.AmountPaid
	}
	if paid != paidHere || page.Total != len(list) {
		h.fail("%d paid in %d invoices, at Stripe %d in %d", paidHere, page.Total, paid, len(list))
	}
}
