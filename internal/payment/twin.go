package payment

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/product"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

// A subscription has a twin at Stripe. Its items are products with ids that sede
// gives, one for the flat price and one for seats. Its metadata says which
// subscription it is the twin of, up to which change Stripe has learned what people
// want, which discount and which payment method sede set, a hash of what it told of the
// customer, and what is paid for in the period beyond what the
// items say. That is written in the call that charges, or that takes something off the
// items, so that no crash can lie between the two.
const (
	metaSubscription = "sede_subscription"
	metaWanted       = "sede_wanted"
	metaCoupon       = "sede_coupon"
	metaCharged      = "sede_charged"
	metaMethod       = "sede_method"
	metaBuyer        = "sede_buyer"
)

// chargedOf are the items that are paid for in the period.
func chargedOf(at *stripe.Subscription) []stripe.Item {
	items := slices.Clone(at.Items)
	period, list, _ := strings.Cut(at.Metadata[metaCharged], ":")
	if period != strconv.FormatInt(at.PeriodFrom.Unix(), 10) {
		return items // nothing was changed since the period began
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, number, _ := strings.Cut(pair, "=")
		if quantity, err := strconv.ParseInt(number, 10, 64); err == nil {
			items = set(items, stripe.Item{Product: productPrefix + name}, quantity)
		}
	}
	return items
}

// writeCharged says what is paid for, as far as the items don't.
func writeCharged(charged, items []stripe.Item, period time.Time) string {
	var pairs []string
	for _, c := range charged {
		if c.Quantity != quantityOf(items, c.Product) {
			pairs = append(pairs, strings.TrimPrefix(c.Product, productPrefix)+"="+strconv.FormatInt(c.Quantity, 10))
		}
	}
	return strconv.FormatInt(period.Unix(), 10) + ":" + strings.Join(pairs, ",")
}

// most returns the items with the larger of both quantities.
func most(a, b []stripe.Item) []stripe.Item {
	items := slices.Clone(a)
	for _, i := range b {
		items = set(items, i, max(i.Quantity, quantityOf(a, i.Product)))
	}
	return items
}

const (
	productPrefix = "sede_"
	flatSuffix    = "_flat"
	seatsSuffix   = "_seats"
)

// itemsOf are the items of terms, in the order of their products.
func itemsOf(t subscription.Terms) (items []stripe.Item) {
	for _, b := range t.Products {
		if b.Quantity > 0 && (b.Flat > 0 || b.PerSeat == 0) {
			items = append(items, stripe.Item{Product: productPrefix + b.Product + flatSuffix, Unit: b.Flat, Quantity: b.Quantity})
		}
		if b.PerSeat > 0 {
			items = append(items, stripe.Item{Product: productPrefix + b.Product + seatsSuffix, Unit: b.PerSeat, Quantity: t.Seats})
		}
	}
	slices.SortFunc(items, func(a, b stripe.Item) int { return cmp.Compare(a.Product, b.Product) })
	return items
}

// productOf is what an item is of here, and whether it is seats.
func productOf(item string) (id string, seats bool) {
	id = strings.TrimPrefix(item, productPrefix)
	if of, is := strings.CutSuffix(id, seatsSuffix); is {
		return of, true
	}
	return strings.TrimSuffix(id, flatSuffix), false
}

func quantityOf(items []stripe.Item, product string) int64 {
	for _, i := range items {
		if i.Product == product {
			return i.Quantity
		}
	}
	return 0
}

// step is one change of the twin.
type step struct {
	name  string // in the idempotency key
	items []stripe.Item
	// charged says that more is charged, for the rest of the period.
	charged bool
}

// steps lead from the items that the twin has to those that it is to have. What is
// more than was charged for the period is charged from now on; what is less takes
// effect with the next invoice, and nothing is paid back. charged are the items of
// the period that are paid for, now those in force, next those of the next period.
func steps(has, charged, now, next []stripe.Item, trial bool) (list []step) {
	if trial {
		return changes("next", has, next, false)
	}
	base, target := raise(has, charged, now)
	if more := changes("more", base, target, true); more != nil {
		list = append(list, changes("base", has, base, false)...)
		list = append(list, more...)
	}
	return append(list, changes("next", target, next, false)...)
}

// raise returns the items between which lies what is charged: with what is paid for,
// and with what is in force, of those products of which more is in force. Both are
// what the twin has when nothing is charged.
func raise(has, charged, now []stripe.Item) (base, target []stripe.Item) {
	base, target = slices.Clone(has), slices.Clone(has)
	for _, n := range now {
		if paid := quantityOf(charged, n.Product); n.Quantity > paid {
			base, target = set(base, n, paid), set(target, n, n.Quantity)
		}
	}
	return base, target
}

// set returns the items with another quantity of one.
func set(items []stripe.Item, of stripe.Item, quantity int64) []stripe.Item {
	items = slices.Clone(items)
	for i := range items {
		if items[i].Product == of.Product {
			items[i].Quantity = quantity
			return items
		}
	}
	of.ID, of.Quantity = "", quantity
	return append(items, of)
}

// changes is the step from some items to others, or none.
func changes(name string, from, to []stripe.Item, charged bool) []step {
	var items []stripe.Item
	for _, t := range to {
		old := slices.IndexFunc(from, func(i stripe.Item) bool { return i.Product == t.Product })
		switch {
		case old < 0 && t.Quantity > 0:
			t.ID = ""
			items = append(items, t)
		case old >= 0 && from[old].Quantity != t.Quantity:
			items = append(items, stripe.Item{ID: from[old].ID, Product: t.Product, Unit: t.Unit, Quantity: t.Quantity})
		}
	}
	for _, f := range from {
		if f.Quantity > 0 && !slices.ContainsFunc(to, func(i stripe.Item) bool { return i.Product == f.Product }) {
			items = append(items, stripe.Item{ID: f.ID, Product: f.Product})
		}
	}
	if len(items) == 0 {
		return nil
	}
	return []step{{name: name, items: items, charged: charged}}
}

// interval is Stripe's word for a type of subscription.
func interval(of string) string {
	if of == product.Yearly {
		return stripe.Year
	}
	return stripe.Month
}

// couponOf is the discount of a subscription as Stripe has it; the empty one: none.
func couponOf(t *subscription.Twin) stripe.Coupon {
	c := t.Discount
	if c == nil {
		return stripe.Coupon{}
	}
	r := stripe.Coupon{ID: productPrefix + c.ID.String() + "_" + t.Type, Name: cut(cmp.Or(c.Name, c.Code), 40), Duration: c.Duration,
		PercentOff: float64(c.Percent.V), AmountOff: c.Amount.V, Currency: strings.ToLower(c.Currency.V)}
	if c.Duration == coupon.Repeating {
		r.Months = c.Periods.V
		if t.Type == product.Yearly {
			r.Months *= 12
		}
	}
	for _, target := range c.AppliesTo {
		for _, b := range t.Products {
			if b.Product != target.Product {
				continue
			}
			for _, i := range itemsOf(subscription.Terms{Products: []subscription.Bought{b}, Seats: 1}) {
				r.Products = append(r.Products, i.Product)
			}
		}
	}
	return r
}

// markOf names the discount that sede sets: the coupon, and the number of the discount.
func markOf(t *subscription.Twin) string {
	id := couponOf(t).ID
	if t.DiscountNumber == 0 {
		return id
	}
	return id + ":" + strconv.FormatInt(t.DiscountNumber, 10)
}

// markAt is the coupon that sede set, and the number of the discount.
func markAt(at *stripe.Subscription) (coupon string, number int64) {
	coupon, text, _ := strings.Cut(at.Metadata[metaCoupon], ":")
	number, _ = strconv.ParseInt(text, 10, 64) // 0 where it was set without one
	return coupon, number
}

// usedUp reports whether the discount in force is one that Stripe had and that has run
// out.
func usedUp(at *stripe.Subscription, t *subscription.Twin) bool {
	set, number := markAt(at)
	return t.Discount != nil && t.Discount.Duration != coupon.Forever && at.Coupon == "" && set == couponOf(t).ID && number == t.DiscountNumber
}

// couponID is which coupon of ours one of Stripe's is.
func couponID(external string) (id ident.ID, is bool) {
	text, ours := strings.CutPrefix(external, productPrefix)
	text, _, of := strings.Cut(text, "_")
	id, err := ident.Parse(text)
	return id, ours && of && err == nil
}

func cut(s string, most int) string {
	for len(s) > most {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// synced reports whether Stripe has learned all that people want.
func synced(at *stripe.Subscription, t *subscription.Twin) bool {
	return at.Metadata[metaWanted] == strconv.FormatInt(t.Wanted, 10)
}

// stateOf is what Stripe says of a twin.
func stateOf(at *stripe.Subscription, t *subscription.Twin) subscription.State {
	m := subscription.State{External: at.ID, Status: at.Status, PeriodFrom: at.PeriodFrom, PeriodTo: at.PeriodTo,
		CanceledAt: orNone(at.CanceledAt), EndedAt: orNone(at.EndedAt), FirstInvoiceIsOpen: at.Status == subscription.Incomplete}
	if m.MethodKnown = synced(at, t); m.MethodKnown {
		m.CancelAtPeriodEnd = null.Of(at.CancelAtPeriodEnd)
	}
	m.DiscountUsed = usedUp(at, t)
	return m
}

func orNone(t time.Time) null.Value[time.Time] {
	return null.Value[time.Time]{V: t, Valid: !t.IsZero()}
}

// invoiceOf is an invoice of Stripe's as one of ours.
func invoiceOf(i *stripe.Invoice, t *subscription.Twin, buyer billing.Party, first bool) billing.Invoice {
	r := billing.Invoice{Subscription: t.ID, Number: orNull(i.Number), Status: i.Status, Reason: reasonOf(i.Reason, first), Buyer: buyer, AmountPaid: i.Paid,
		Seller: billing.Party{Name: i.Account, Lines: []string{}, Country: i.AccountCountry}, PaymentURL: orNull(i.PayURL),
		PeriodFrom: i.PeriodFrom, PeriodTo: i.PeriodTo, IssuedAt: orNone(i.Issued), DueAt: orNone(i.Due), PaidAt: orNone(i.PaidAt),
		Charge: billing.Charge{Currency: strings.ToUpper(i.Currency), Lines: []billing.Line{}, Subtotal: i.Subtotal, Discount: i.Discount,
			Treatment: t.Treatment, Tax: i.Tax, Total: i.Total}}
	if i.Discount > 0 && t.Discount != nil {
		r.DiscountText = null.Of(cmp.Or(t.Discount.Name, t.Discount.Code))
	}
	if r.Number.Valid && r.Status != billing.Void {
		r.AmountPaid += i.Covered
	}
	for _, l := range i.Lines {
		of, seats := productOf(l.Product)
		kind := billing.Flat
		if seats {
			kind = billing.Seats
		}
		r.Lines = append(r.Lines, billing.Line{Product: of, Kind: kind, Description: l.Description, Quantity: l.Quantity, UnitAmount: l.Unit,
			Prorated: l.Prorated, From: l.From, To: l.To, Amount: l.Amount, Discount: l.Discount, Tax: l.Tax})
	}
	return r
}

func reasonOf(reason string, first bool) string {
	switch {
	case reason == billing.ReasonUpdate:
		return billing.ReasonUpdate
	case first:
		return billing.ReasonCreate
	}
	return billing.ReasonCycle
}
