package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/organization"
	"sede/internal/stripe"
	"sede/internal/subscription"
	"sede/internal/tax"
)

type twinArgs struct {
	Subscription ident.ID `json:"subscription"`
}

var doTwin = jobs.Kind[twinArgs]{Name: "payment.subscription"}

// Bills reports whether Stripe bills the organization in scope.
func (s *Service) Bills(tx *db.Tx, scope access.Scope) (bool, error) {
	if s.client == nil {
		return false, nil
	}
	p, err := s.organizations.Payer(tx, scope)
	return !p.Manual, err
}

// Pays returns the payment method that pays when somebody chooses one, which must be
// one that was given.
func (s *Service) Pays(tx *db.Tx, scope access.Scope, method null.Value[ident.ID]) (null.Value[ident.ID], error) {
	if !method.Valid {
		return methodOf(tx, scope, "")
	}
	var m Method
	err := find(tx, scope, method.V, &m)
	switch {
	case fault.Is(err, fault.NotFound):
		return method, fault.Broken(fault.Violation{Path: "paymentMethod", Text: fault.Textf("Item not found for %q.", "/payment-methods/"+method.V.String())})
	case err == nil && m.Status != Active:
		return method, fault.New(fault.Conflict, "Nobody has given this payment method yet.")
	}
	return method, err
}

// Changed has Stripe learn what changed of a subscription.
func (s *Service) Changed(tx *db.Tx, scope access.Scope, id ident.ID) {
	doTwin.Enqueue(tx, s.jobs, scope, twinArgs{id}, jobs.Options{})
}

// carryOut tells Stripe what is wanted of a subscription, until nothing more is, and
// loads what came of it.
func (s *Service) carryOut(ctx context.Context, job *jobs.Job[twinArgs]) error {
	if s.client == nil {
		return jobs.Discard(errGone)
	}
	return jobFailure(s.pushTwin(ctx, job.Scope.Organization(), job.Args.Subscription))
}

// mostRounds bounds how often a subscription that changes while Stripe is told is
// told again at once.
const mostRounds = 5

func (s *Service) pushTwin(ctx context.Context, organization, id ident.ID) error {
	for range mostRounds {
		w, err := s.wanted(ctx, organization, id)
		if err != nil {
			return err
		}
		at, err := s.find(ctx, &w)
		if err != nil {
			return err
		}
		if at == nil && w.Over {
			return nil
		}
		if at == nil {
			if at, err = s.startTwin(ctx, &w); err != nil {
				return err
			}
			if err := s.pullTwin(ctx, organization, at.ID); err != nil { // which notes its id
				return err
			}
		}
		if err := s.change(ctx, &w, at); err != nil {
			return err
		}
		if err := s.pullTwin(ctx, organization, at.ID); err != nil {
			return err
		}
		after, err := s.wanted(ctx, organization, id)
		if err != nil || after.Wanted == w.Wanted {
			return err
		}
	}
	return jobs.Snooze(time.Second)
}

// wish is what is wanted of a subscription, and whose it is.
type wish struct {
	subscription.Twin
	payer organization.Payer
	buyer billing.Party
	scope access.Scope
	// method is Stripe's id of the payment method that somebody chose; empty: the
	// customer's default, also where the one that was chosen is gone.
	method string
}

func (s *Service) wanted(ctx context.Context, organization, id ident.ID) (w wish, err error) {
	scope := access.System(organization)
	err = s.db.Read(ctx, scope, func(tx *db.Tx) error {
		w = wish{scope: scope}
		if w.Twin, err = s.subscriptions.Twin(tx, scope, id); err != nil {
			return err
		}
		if w.payer, err = s.organizations.Payer(tx, scope); err != nil {
			return err
		}
		if w.method, err = chosen(tx, scope, w.OwnMethod); err != nil {
			return err
		}
		w.buyer, err = s.invoices.Buyer(tx, scope, w.Address)
		return err
	})
	return w, err
}

// chosen is Stripe's id of a payment method that can pay; empty: there is none.
func chosen(tx *db.Tx, scope access.Scope, id null.Value[ident.ID]) (external string, err error) {
	var m Method
	if !id.Valid {
		return "", nil
	}
	if err = find(tx, scope, id.V, &m); fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return m.External.V, err // empty while it is pending
}

// find loads the twin; nil: there is none yet. One whose id was lost is known by its
// metadata.
func (s *Service) find(ctx context.Context, w *wish) (*stripe.Subscription, error) {
	if w.External.Valid {
		at, err := s.client.Subscription(ctx, w.External.V)
		return &at, err
	}
	if !w.payer.Customer.Valid {
		return nil, nil
	}
	list, err := s.client.Subscriptions(ctx, w.payer.Customer.V)
	i := slices.IndexFunc(list, func(at stripe.Subscription) bool { return at.Metadata[metaSubscription] == w.ID.String() })
	if i < 0 || err != nil {
		return nil, err
	}
	return &list[i], nil
}

// startTwin begins the subscription at Stripe.
func (s *Service) startTwin(ctx context.Context, w *wish) (*stripe.Subscription, error) {
	customer := w.payer.Customer.V
	if !w.payer.Customer.Valid {
		made, err := s.makeCustomer(ctx, w.scope, w.payer)
		if err != nil {
			return nil, err
		}
		customer = made
	}
	if err := s.describe(ctx, w, customer); err != nil {
		return nil, err
	}
	if err := s.catalogue(ctx, w); err != nil {
		return nil, err
	}
	rates, err := s.taxRates(ctx, w.Treatment)
	if err != nil {
		return nil, err
	}
	start := w.start(customer, rates)
	start.Metadata = s.meta(w)
	if w.TrialEndsAt.Valid && w.TrialEndsAt.V.After(s.now.Now()) {
		start.TrialEnd = w.TrialEndsAt.V
	}
	start.PaymentMethod = w.method
	var at stripe.Subscription
	err = s.keyed(ctx, w.key("start"), func(key string) error {
		at, err = s.client.StartSubscription(ctx, key, start)
		return err
	})
	return &at, err
}

// key is the idempotency key of a step towards what is wanted.
func (w *wish) key(step string) string {
	return "subscription:" + w.ID.String() + ":" + strconv.FormatInt(w.Wanted, 10) + ":" + step
}

func (s *Service) meta(w *wish) map[string]string {
	return map[string]string{metaSubscription: w.ID.String(), metaWanted: strconv.FormatInt(w.Wanted, 10), metaCoupon: couponOf(&w.Twin).ID,
		metaMethod: w.method, metaBuyer: hash(w.customer())}
}

// customer is what Stripe is told of who pays.
func (w *wish) customer() stripe.CustomerData {
	d := stripe.CustomerData{Name: w.buyer.Name, Email: w.buyer.Email, Country: w.buyer.Country, Exempt: "none"}
	if len(w.buyer.Lines) > 1 {
		d.Street, d.City = w.buyer.Lines[0], w.buyer.Lines[1]
	}
	if w.Treatment.Category == tax.ReverseCharge {
		d.Exempt = "reverse"
	}
	return d
}

// describe tells Stripe who the customer is.
func (s *Service) describe(ctx context.Context, w *wish, customer string) error {
	d := w.customer()
	return s.keyed(ctx, w.key("customer"+hash(d)), func(key string) error {
		_, err := s.client.UpdateCustomer(ctx, key, customer, d)
		return err
	})
}

// catalogue makes the products and the coupon that the subscription needs, where
// they are not there.
func (s *Service) catalogue(ctx context.Context, w *wish) error {
	for _, terms := range []subscription.Terms{w.Now(), w.Next()} {
		for _, i := range itemsOf(terms) {
			of, seats := productOf(i.Product)
			name, role := of, "flat"
			if seats {
				name, role = of+" (seats)", "seats"
			}
			err := s.keyed(ctx, "product:"+i.Product, func(key string) error {
				return s.client.EnsureProduct(ctx, key, i.Product, name, map[string]string{"product": of, "role": role})
			})
			if err != nil {
				return err
			}
		}
	}
	c := couponOf(&w.Twin)
	if c.ID == "" {
		return nil
	}
	return s.keyed(ctx, "coupon:"+c.ID, func(key string) error { return s.client.EnsureCoupon(ctx, key, c) })
}

// taxRates are Stripe's ids of how the subscription is taxed, not nil.
func (s *Service) taxRates(ctx context.Context, t tax.Treatment) ([]string, error) {
	if t.Rate == 0 {
		return []string{}, nil
	}
	var id string
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		id, err = taxRate(tx, t)
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		return []string{id}, err
	}
	err = s.keyed(ctx, "tax:"+t.Country+":"+strconv.FormatInt(t.Rate, 10), func(key string) error {
		id, err = s.client.CreateTaxRate(ctx, key, "VAT", t.Country, float64(t.Rate)/100)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		id, err = keepTaxRate(tx, t, id)
		return err
	})
	return []string{id}, err
}

// change makes the twin what is wanted. The last step notes that it is.
func (s *Service) change(ctx context.Context, w *wish, at *stripe.Subscription) error {
	switch {
	case at.Over():
		return nil
	case !w.Over && synced(at, &w.Twin):
		return s.move(ctx, w, at)
	case w.Over:
		err := s.keyed(ctx, w.key("cancel"), func(key string) error {
			_, err := s.client.CancelSubscription(ctx, key, at.ID)
			return err
		})
		if stripe.Is(err, stripe.Gone) {
			return nil
		}
		return err
	}
	if err := s.catalogue(ctx, w); err != nil {
		return err
	}
	if at.Metadata[metaBuyer] != hash(w.customer()) {
		if err := s.describe(ctx, w, at.Customer); err != nil {
			return err
		}
	}
	rates, err := s.taxRates(ctx, w.Treatment)
	if err != nil {
		return err
	}
	charged, now, next := chargedOf(at), itemsOf(w.Now()), itemsOf(w.Next())
	for _, step := range steps(at.Items, charged, now, next, at.Status == subscription.Trialing) {
		d := stripe.Change{Currency: at.Currency, Interval: interval(w.Type), Items: withIDs(step.items, at), Metadata: map[string]string{}}
		if step.charged {
			charged = most(charged, now)
			d = w.charging(d, at, w.WantedAt.V, rates)
		}
		// Also when nothing is charged: what the items no longer say must not be forgotten.
		d.Metadata[metaCharged] = writeCharged(charged, expected(at.Items, step.items), at.PeriodFrom)
		changed, err := s.send(ctx, w.key(step.name+hash(d)), at.ID, d)
		if err != nil {
			return err
		}
		at.Items, at.Coupon, at.Metadata = changed.Items, changed.Coupon, changed.Metadata
	}
	d := stripe.Change{CancelAtPeriodEnd: &w.CancelAtPeriodEnd, TaxRates: rates, Metadata: s.meta(w), Coupon: newCoupon(at, &w.Twin),
		PaymentMethod: w.newMethod(at)}
	d.Metadata[metaCharged] = writeCharged(charged, at.Items, at.PeriodFrom)
	_, err = s.send(ctx, w.key("note"+hash(d)), at.ID, d)
	return err
}

// move tells Stripe where the customer is by now and how it is taxed, if that is news.
// Invoices that follow are taxed so.
func (s *Service) move(ctx context.Context, w *wish, at *stripe.Subscription) error {
	rates, err := s.taxRates(ctx, w.Treatment)
	buyer := hash(w.customer())
	if err != nil || at.Metadata[metaBuyer] == buyer && slices.Equal(rates, at.TaxRates) {
		return err
	}
	if err := s.describe(ctx, w, at.Customer); err != nil {
		return err
	}
	d := stripe.Change{TaxRates: rates, Metadata: map[string]string{metaBuyer: buyer}}
	_, err = s.send(ctx, w.key("move"+hash(d)), at.ID, d)
	return err
}

// send changes a twin.
func (s *Service) send(ctx context.Context, base, id string, d stripe.Change) (at stripe.Subscription, err error) {
	err = s.keyed(ctx, base, func(key string) error {
		at, err = s.client.ChangeSubscription(ctx, key, id, d)
		return err
	})
	return at, err
}

// expected are the items that a twin has after a step.
func expected(items, step []stripe.Item) []stripe.Item {
	for _, i := range step {
		items = set(items, i, i.Quantity)
	}
	return items
}

// charging completes a change for which more is charged from a time on: tax and
// discount are those that are wanted by now.
func (w *wish) charging(d stripe.Change, at *stripe.Subscription, from time.Time, rates []string) stripe.Change {
	d.ChargeAt, d.Metadata = latest(from, at.PeriodFrom), map[string]string{}
	if !slices.Equal(rates, at.TaxRates) {
		d.TaxRates = rates
	}
	if d.Coupon = newCoupon(at, &w.Twin); d.Coupon != nil {
		d.Metadata[metaCoupon] = *d.Coupon
	}
	if d.PaymentMethod = w.newMethod(at); d.PaymentMethod != nil {
		d.Metadata[metaMethod] = w.method
	}
	return d
}

// newMethod is the payment method that the twin is to get of its own; nil: it has been
// told already. What somebody sets at Stripe's own page since stays.
func (w *wish) newMethod(at *stripe.Subscription) *string {
	if at.Metadata[metaMethod] == w.method {
		return nil
	}
	return &w.method
}

// newCoupon is the discount that the twin is to get; nil: the one that it has, or that
// it had and used up.
func newCoupon(at *stripe.Subscription, t *subscription.Twin) *string {
	c := couponOf(t)
	if at.Coupon == c.ID || c.ID != "" && at.Metadata[metaCoupon] == c.ID {
		return nil
	}
	return &c.ID
}

// hash tells changes and customers apart, so that one that is another has another
// idempotency key.
func hash(d any) string {
	content, err := json.Marshal(d)
	if err != nil {
		panic("payment: a change can't be encoded: " + err.Error())
	}
	sum := sha256.Sum256(content)
	return ":" + hex.EncodeToString(sum[:8])
}

// withIDs gives items the ids that they got in an earlier step.
func withIDs(items []stripe.Item, at *stripe.Subscription) []stripe.Item {
	for i := range items {
		for _, known := range at.Items {
			if known.Product == items[i].Product {
				items[i].ID = known.ID
			}
		}
	}
	return items
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// pullTwin loads a subscription with its invoices and stores the whole of it.
func (s *Service) pullTwin(ctx context.Context, organization ident.ID, external string) error {
	ticket, events, err := s.begin(ctx, external)
	if err != nil {
		return err
	}
	at, err := s.client.Subscription(ctx, external)
	if err != nil {
		return err
	}
	invoices, err := s.client.Invoices(ctx, external)
	if err != nil {
		return err
	}
	slices.Reverse(invoices) // the oldest first
	return s.loaded(ctx, organization, external, ticket, events, func(tx *db.Tx, scope access.Scope) error {
		id, err := s.twinOf(tx, scope, &at)
		if fault.Is(err, fault.NotFound) {
			return nil // not ours
		}
		if err != nil {
			return err
		}
		t, err := s.subscriptions.Twin(tx, scope, id)
		if err != nil {
			return err
		}
		state := stateOf(&at, &t)
		if state.PaymentMethod, err = methodOf(tx, scope, at.PaymentMethod); err != nil {
			return err
		}
		if err := s.mirrorInvoices(tx, scope, &t, invoices); err != nil {
			return err
		}
		return s.subscriptions.Mirror(tx, scope, id, state)
	})
}

// twinOf tells which subscription it is: by the id that was noted, else by what the
// twin says, if the organization has that one.
func (s *Service) twinOf(tx *db.Tx, scope access.Scope, at *stripe.Subscription) (ident.ID, error) {
	id, err := s.subscriptions.ByExternal(tx, scope, at.ID)
	if !fault.Is(err, fault.NotFound) {
		return id, err
	}
	if id, err = ident.Parse(at.Metadata[metaSubscription]); err != nil {
		return id, fault.Missing()
	}
	t, err := s.subscriptions.Twin(tx, scope, id)
	if err == nil && t.External.Valid {
		err = fault.Missing() // it has another twin
	}
	return id, err
}

// mirrorInvoices stores Stripe's invoices, the oldest first. Those that come to
// nothing, as in a trial, are none.
func (s *Service) mirrorInvoices(tx *db.Tx, scope access.Scope, t *subscription.Twin, invoices []stripe.Invoice) error {
	buyer, err := s.invoices.Buyer(tx, scope, t.Address)
	if err != nil {
		return err
	}
	first := true
	for i := range invoices {
		v := &invoices[i]
		if v.Subtotal == 0 && v.Total == 0 {
			continue
		}
		known, err := invoiceAt(tx, scope, v.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		id, err := s.invoices.Mirror(tx, scope, known, invoiceOf(v, t, buyer, first))
		if err != nil {
			return err
		}
		if first = false; known.IsZero() {
			noteInvoice(tx, scope, v.ID, id)
		}
	}
	return nil
}

// methodOf is the payment method with Stripe's id, else the default.
func methodOf(tx *db.Tx, scope access.Scope, external string) (id null.Value[ident.ID], err error) {
	methods, err := all(tx, scope)
	for _, m := range methods {
		if m.Status != Active || m.Removed {
			continue
		}
		if external != "" && m.External.V == external || external == "" && m.Default {
			id = null.Of(m.ID)
		}
	}
	return id, err
}
