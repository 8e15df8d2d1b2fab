package subscription_test

import (
	"fmt"
	"net/http"
	"slices"

	"sede/internal/access"
	"sede/internal/db"
)

// check compares the books with the history: numbers have no gaps, invoices add
// up, whole periods are charged once and at the price of the seats that were
// granted, payments are all there, and the status says what is owed.
func (h *history) check() {
	h.Helper()
	var paid, owed, open int64
	invoices := h.invoices()
	for k, i := range invoices {
		if want := fmt.Sprintf("INV-%06d", k+1); i.Number != want {
			h.fail("invoice %s stands where %s should", i.Number, want)
		}
		paid, owed, open = paid+i.AmountPaid, owed+max(0, -i.Balance), open+max(0, i.Balance)
		if !h.seen[i.IRI] {
			h.seen[i.IRI], h.untaxed[i.IRI] = true, h.exempt
			h.checkNew(&i)
		}
		h.checkSums(&i)
	}
	if paid != h.collected {
		h.fail("%d are noted as paid, %d were", paid, h.collected)
	}
	if owed > 0 && open > 0 {
		h.fail("%d are owed to the organization, which has %d to pay", owed, open)
	}
	h.checkPayments()
	if h.sub != "" {
		h.checkStatus(invoices)
	}
}

// checkPayments compares what was paid of invoices with the payments.
func (h *history) checkPayments() {
	h.Helper()
	var wrong int
	err := h.in.App.Database().Read(h.Context(), access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM invoice i WHERE amount_paid <> COALESCE((SELECT SUM(amount) FROM payment p
			WHERE p.organization_id = i.organization_id AND p.invoice_id = i.id), 0)`).Scan(&wrong)
	})
	if err != nil || wrong > 0 {
		h.fail("%d invoices have other payments than they say, %v", wrong, err)
	}
}

func (h *history) checkSums(i *shownInvoice) {
	h.Helper()
	var amount, off, levied int64
	for _, l := range i.Lines {
		amount, off, levied = amount+l.Amount, off+l.Discount, levied+l.Tax
	}
	net, rate := i.Subtotal-i.Discount, int64(taxRate)
	if h.untaxed[i.IRI] {
		rate = 0
	}
	if amount != i.Subtotal || off != i.Discount || levied != i.Tax || i.Tax != (net*rate+50)/100 || i.Total != net+i.Tax || i.Balance != i.Total-i.AmountPaid-i.AmountCredited {
		h.fail("invoice %s does not add up: %+v", i.Number, i)
	}
	if open := i.Balance > 0; open != (i.Status == "open") {
		h.fail("invoice %s is %s with %d to pay", i.Number, i.Status, i.Balance)
	}
}

// checkNew checks an invoice that was just made.
func (h *history) checkNew(i *shownInvoice) {
	h.Helper()
	if i.Reason == "subscription_update" {
		return // see want
	}
	var t terms
	for _, l := range i.Lines {
		switch {
		case l.Kind == "seats":
			t.seats = l.Quantity
		case l.UnitAmount == bankFlat:
			t.banks = l.Quantity
		}
	}
	if i.Subtotal != flat+perSeat*t.seats+bankFlat*t.banks || h.sub != "" && t != h.now {
		h.fail("a period with %+v costs %d for %+v", h.now, i.Subtotal, t)
	}
	if h.sub != "" && i.Discount > 0 != h.discount || i.Discount > 0 && i.Discount != (i.Subtotal+5)/10 {
		h.fail("%d are taken off %d, a discount is in force: %v", i.Discount, i.Subtotal, h.discount)
	}
	if h.upcoming >= 0 && i.Total != h.upcoming {
		h.fail("the next period was said to come to %d: %+v", h.upcoming, i)
	}
	h.upcoming = -1
	for _, p := range h.whole[i.Subscription] {
		if i.PeriodStart.Before(p.to) && p.from.Before(i.PeriodEnd) {
			h.fail("%v to %v is charged twice", i.PeriodStart, i.PeriodEnd)
		}
	}
	h.whole[i.Subscription] = append(h.whole[i.Subscription], period{i.PeriodStart, i.PeriodEnd})
}

// checkStatus compares the subscription with what is owed, and the seats that were
// billed with those that are granted.
func (h *history) checkStatus(invoices []shownInvoice) {
	h.Helper()
	sub := h.subscription()
	now := h.in.Clock.Now()
	overdue := slices.ContainsFunc(invoices, func(i shownInvoice) bool {
		return i.Subscription == h.sub && i.Status == "open" && !i.DueAt.After(now)
	})
	if late := sub.Status == "past_due" || sub.Status == "unpaid"; late != overdue && sub.Status != "trialing" {
		h.fail("the subscription is %s, overdue is %v", sub.Status, overdue)
	}
	var organization struct{ Seats struct{ Limit int64 } }
	h.do(h.owner, http.MethodGet, "/organizations/demo", "").JSON(h, &organization)
	if sub.Seats != h.now.seats || organization.Seats.Limit != sub.Seats {
		h.fail("%d seats are sold, %d granted, %+v known", sub.Seats, organization.Seats.Limit, h.now)
	}
	if sub.banks() != h.now.banks {
		h.fail("product bank is there %d times, want %+v", sub.banks(), h.now)
	}
	if sub.Status == "trialing" {
		return
	}
	var billed terms
	for _, i := range invoices {
		if i.Subscription == h.sub && i.PeriodEnd.Equal(sub.CurrentPeriodEnd) {
			for _, l := range i.Lines {
				switch {
				case l.Kind == "seats":
					billed.seats += l.Quantity
				case l.UnitAmount == bankFlat:
					billed.banks += l.Quantity
				}
			}
		}
	}
	if billed != h.now {
		h.fail("%+v are billed, %+v granted", billed, h.now)
	}
}

// banks is how often the subscription has the product bank.
func (s *shownSubscription) banks() int64 {
	for _, p := range s.Products {
		if p.Product == "/products/bank" {
			return p.Quantity
		}
	}
	return 0
}
