// Package subscription keeps what an organization has bought: products at the
// price of the day, a number of seats, and what follows from time, from payments
// and from changes.
//
// A subscription is charged at the beginning of each period. What is added within
// a period acts at once and is charged for the rest of it; what is taken away
// stays until its end and is left out of the next. Sede makes the invoices itself, or
// a Provider does, which then says what the state is.
//
//	trialing ──────────► active ◄────────── paid
//	   │    trial ends    │  ▲               ▲
//	   │           due, not paid             │
//	   │                  ▼  │               │
//	   │              past_due ── grace ──► unpaid
//	   ▼                  ▼                  ▼
//	canceled: at the end of the period, or at once
//
// While it is past_due the service goes on; while it is unpaid no period begins, no
// invoices are made and nothing is deleted. Paid after the end of its period, it
// begins a new one at that moment. An organization has one subscription at most that
// is not canceled; the database holds it to that.
package subscription

import (
	"slices"
	"strconv"
	"time"

	"sede/internal/billing"
	"sede/internal/coupon"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// The states of subscriptions. They are those of Stripe.
const (
	Incomplete        = "incomplete"
	IncompleteExpired = "incomplete_expired"
	Trialing          = "trialing"
	Active            = "active"
	PastDue           = "past_due"
	Unpaid            = "unpaid"
	Paused            = "paused"
	Canceled          = "canceled"
)

var statuses = []string{Incomplete, IncompleteExpired, Trialing, Active, PastDue, Unpaid, Paused, Canceled}

// Subscription is what an organization has bought.
type Subscription struct {
	ID           ident.ID
	Organization ident.ID
	Address      ident.ID // zero until the default fills it
	Type         string   // the interval
	Currency     string
	Products     []Bought
	Seats        int64
	Status       string
	FirstUnpaid  bool // the first invoice is not paid
	Metadata     []Pair
	Scheduled    *Terms // what the next period begins with; nil: no change
	Changes      bool   // something is scheduled; false in a body drops it
	Coupon       null.Value[ident.ID]
	CouponLeft   null.Value[int64] // how often it still acts; null: forever

	TrialEndsAt       null.Value[time.Time]
	Anchor            time.Time
	Period            int64 // counted from 0 since the anchor
	PeriodFrom        time.Time
	PeriodTo          time.Time
	PastDueSince      null.Value[time.Time]
	CancelAtPeriodEnd bool
	CancelReason      null.Value[string]
	CanceledAt        null.Value[time.Time]
	EndedAt           null.Value[time.Time]
	NextAt            null.Value[time.Time] // when something happens by itself, by the instance's clock
	Version           int64
	CreatedAt         time.Time
	UpdatedAt         time.Time

	Provider      string               // who bills it; empty: sede
	External      null.Value[string]   // the provider's id
	PaymentMethod null.Value[ident.ID] // what pays
	OwnMethod     null.Value[ident.ID] // what somebody chose to pay; null: the organization's default
	Wanted        int64                // grows with what the provider must learn
	WantedAt      null.Value[time.Time]
	// DiscountNumber counts the discounts that it was given so far. The same coupon again
	// is another.
	DiscountNumber int64

	// What is filled for answers and read from bodies only.
	Discount   *coupon.Coupon
	CouponCode string
	Preview    *Preview
}

// Bought is one product of a subscription with the price it was bought at.
type Bought struct {
	Product  string   `json:"product"`
	Quantity int64    `json:"quantity"`
	Flat     int64    `json:"flat"`
	PerSeat  int64    `json:"perSeat"`
	Modules  []string `json:"modules"`
}

// Pair is one entry of the metadata.
type Pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Terms are what can change from one period to the next.
type Terms struct {
	Products []Bought `json:"products"`
	Seats    int64    `json:"seats"`
}

// Preview is what would be charged now, and the token that makes it a promise.
type Preview struct {
	billing.Bill
	Token string
}

// live reports whether the subscription has not ended.
func (s *Subscription) live() bool { return s.Status != Canceled && s.Status != IncompleteExpired }

// active reports whether what was bought can be used.
func (s *Subscription) active() bool {
	return s.Status == Trialing || s.Status == Active || s.Status == PastDue
}

// awaiting reports whether the customer owes something that is asked for.
func (s *Subscription) awaiting() bool {
	return s.Status == Incomplete || s.Status == PastDue || s.Status == Unpaid || s.live() && s.FirstUnpaid
}

// modules are the codes that the products grant, in order, each once.
func (s *Subscription) modules() []string {
	codes := []string{}
	for _, b := range s.Products {
		codes = append(codes, b.Modules...)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// grants are the modules that can be used as things stand, and until when all
// can because they are being tried.
func (s *Subscription) grants() (modules []string, trialEndsAt null.Value[time.Time]) {
	if s.active() {
		modules = s.modules()
	}
	if s.Status == Trialing {
		trialEndsAt = s.TrialEndsAt
	}
	return modules, trialEndsAt
}

func (s *Subscription) terms() Terms { return Terms{Products: s.Products, Seats: s.Seats} }

// planned are the terms from the next period on.
func (s *Subscription) planned() Terms {
	if s.Scheduled != nil {
		return *s.Scheduled
	}
	return s.terms()
}

// same reports whether the terms are the same, whatever the prices.
func (t Terms) same(o Terms) bool { return t.Seats == o.Seats && sameProducts(t.Products, o.Products) }

// items are the products as invoices charge them.
func items(products []Bought) []billing.Item {
	list := make([]billing.Item, len(products))
	for i, b := range products {
		list[i] = billing.Item{Product: b.Product, Quantity: b.Quantity, Flat: b.Flat, PerSeat: b.PerSeat}
	}
	return list
}

// find returns the product among those bought, nil if it is not there.
func findBought(list []Bought, product string) *Bought {
	i := slices.IndexFunc(list, func(b Bought) bool { return b.Product == product })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// change compares the terms that are wanted with those in force. What is more
// acts now: it returns the terms from now on and the items, each with its number
// of seats, that are charged for the rest of the period. What is less is
// scheduled; nil when nothing is.
func change(current, wanted Terms) (now Terms, added []addition, scheduled *Terms) {
	now = Terms{Seats: max(current.Seats, wanted.Seats), Products: slices.Clone(current.Products)}
	more := now.Seats - current.Seats
	for i := range now.Products {
		b := &now.Products[i]
		if b.PerSeat > 0 && more > 0 {
			added = append(added, addition{billing.Item{Product: b.Product, PerSeat: b.PerSeat}, more})
		}
		if w := findBought(wanted.Products, b.Product); w != nil && w.Quantity > b.Quantity {
			added = append(added, addition{billing.Item{Product: b.Product, Quantity: w.Quantity - b.Quantity, Flat: b.Flat}, 0})
			b.Quantity = w.Quantity
		}
	}
	for _, w := range wanted.Products {
		if findBought(current.Products, w.Product) == nil {
			now.Products = append(now.Products, w)
			added = append(added, addition{billing.Item{Product: w.Product, Quantity: w.Quantity, Flat: w.Flat, PerSeat: w.PerSeat}, now.Seats})
		}
	}
	if wanted.Seats != now.Seats || !sameProducts(wanted.Products, now.Products) {
		scheduled = &wanted
	}
	return now, added, scheduled
}

// addition is something that is charged for the rest of a period.
type addition struct {
	billing.Item
	seats int64
}

// sameProducts reports whether the lists hold the same, in any order.
func sameProducts(a, b []Bought) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if y := findBought(b, x.Product); y == nil || y.Quantity != x.Quantity {
			return false
		}
	}
	return true
}

// maxSeats is the most seats that can be bought.
const maxSeats = 1_000_000

// Validate returns the broken rules that involve several fields.
func (s *Subscription) Validate() (list []fault.Violation) {
	if len(s.Products) == 0 {
		list = append(list, fault.Violation{Path: "products", Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")})
	}
	for i, b := range s.Products {
		if findBought(s.Products[:i], b.Product) != nil {
			list = append(list, used("products["+strconv.Itoa(i)+"].product"))
		}
	}
	for i, p := range s.Metadata {
		if slices.ContainsFunc(s.Metadata[:i], func(o Pair) bool { return o.Key == p.Key }) {
			list = append(list, used("metadata["+strconv.Itoa(i)+"].key"))
		}
	}
	return list
}

func used(path string) fault.Violation {
	return fault.Violation{Path: path, Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")}
}
