package organization

import (
	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Payer is how an organization is billed.
type Payer struct {
	Name     string
	Manual   bool               // by sede itself
	Customer null.Value[string] // at Stripe; null: there is none yet
}

// UseStripe says that Stripe bills organizations that are new from now on. With
// live it moves real money.
func (s *Service) UseStripe(live bool) { s.stripe, s.live = true, live }

// Payer tells how the organization in scope is billed.
func (s *Service) Payer(tx *db.Tx, scope access.Scope) (p Payer, err error) {
	return findPayer(tx, scope)
}

// SetCustomer notes the organization's customer at Stripe, unless it has one, and
// returns the one it has.
func (s *Service) SetCustomer(tx *db.Tx, scope access.Scope, customer string) (string, error) {
	return setCustomer(tx, scope, customer)
}

// DropCustomer forgets the organization's customer at Stripe, if it is that one.
func (s *Service) DropCustomer(tx *db.Tx, scope access.Scope, customer string) error {
	return dropCustomer(tx, scope, customer)
}

// OfCustomer returns the organization that is the customer at Stripe; Missing when
// there is none. The transaction's scope is the instance.
func (s *Service) OfCustomer(tx *db.Tx, customer string) (ident.ID, error) {
	return ofCustomer(tx, customer)
}

// checkBilling refuses to change who bills the organization: Stripe where it is not
// used or nothing may leave, and anybody while a subscription is live.
func (s *Service) checkBilling(tx *db.Tx, o *Organization) error {
	if !o.ManualBilling && !s.stripe {
		return fault.New(fault.Conflict, "Stripe is not used here. An operator of the server must set its key first.")
	}
	if !o.ManualBilling && o.Type == Demo && s.live {
		return fault.New(fault.Conflict, "A demo organization pays nothing.")
	}
	list := []Organization{{ID: o.ID}}
	for _, fill := range s.fill {
		if err := fill(tx, list); err != nil {
			return err
		}
	}
	if current := list[0].CurrentSubscription; current.Valid {
		return &fault.Error{Kind: fault.Conflict, Text: fault.Textf("This organization has a subscription already. Change it, or cancel it first."),
			Conflicts: fault.Items{{Resource: "Subscription", Key: current.V.String()}}}
	}
	return nil
}
