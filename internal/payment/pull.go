package payment

import (
	"context"
	"slices"

	"sede/internal/access"
	"sede/internal/billing"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/stripe"
	"sede/internal/subscription"
)

// pullTwin loads a subscription with its invoices and stores the whole of it.
func (s *Service) pullTwin(ctx context.Context, organization ident.ID, external string) error {
	ticket, events, err := s.begin(ctx, external)
	if err != nil {
		return err
	}
	at, err := s.client.Subscription(ctx, external)
	if err != nil {
		return noTwin(err)
	}
	known, err := s.numbered(ctx, organization, external)
	if err != nil {
		return err
	}
	invoices, err := s.client.Invoices(ctx, external, known)
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

// Refresh loads the twin of a subscription, if it has one.
func (s *Service) Refresh(ctx context.Context, scope access.Scope, id ident.ID) error {
	if s.client == nil {
		return nil
	}
	var external string
	err := s.db.Read(ctx, scope, func(tx *db.Tx) error {
		t, err := s.subscriptions.Twin(tx, scope, id)
		external = t.External.V
		return err
	})
	if err != nil || external == "" {
		return err
	}
	return unavailable(s.pullTwin(ctx, scope.Organization(), external))
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

// numbered returns a function that tells which of Stripe's invoices of a subscription are
// stored with their number, so that their lines are known for good.
func (s *Service) numbered(ctx context.Context, organization ident.ID, external string) (func(invoice string) bool, error) {
	var ours map[string]ident.ID
	var m *billing.Mirroring
	scope := access.System(organization)
	err := s.db.Read(ctx, scope, func(tx *db.Tx) error {
		id, err := s.subscriptions.ByExternal(tx, scope, external)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if m, err = s.invoices.Mirroring(tx, scope, id); err != nil {
			return err
		}
		ours, err = invoicesAt(tx, scope)
		return err
	})
	return func(invoice string) bool {
		id, ok := ours[invoice]
		return ok && m.HasNumber(id)
	}, err
}

// mirrorInvoices stores Stripe's invoices, the oldest first. Those that come to
// nothing, as in a trial, are none.
func (s *Service) mirrorInvoices(tx *db.Tx, scope access.Scope, t *subscription.Twin, invoices []stripe.Invoice) error {
	buyer, err := s.invoices.Buyer(tx, scope, t.Address)
	if err != nil {
		return err
	}
	ours, err := invoicesAt(tx, scope)
	if err != nil {
		return err
	}
	m, err := s.invoices.Mirroring(tx, scope, t.ID)
	if err != nil {
		return err
	}
	first := true
	for i := range invoices {
		v := &invoices[i]
		if v.Subtotal == 0 && v.Total == 0 {
			continue
		}
		id, err := m.Store(ours[v.ID], invoiceOf(v, t, buyer, first))
		if err != nil {
			return err
		}
		if first = false; ours[v.ID].IsZero() {
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
