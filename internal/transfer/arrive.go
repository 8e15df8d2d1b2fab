package transfer

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
)

// person is a member in an archive.
type person = organization.Member

// people reads the members in the archive.
func (w *work) people() (list []person, err error) {
	err = w.each("organization_user", func(row map[string]any) error {
		var m person
		m.ID, _ = row["id"].(ident.ID)
		m.User, _ = row["user_id"].(ident.ID)
		m.Name, _ = row["name"].(string)
		m.Email, _ = row["email"].(string)
		m.Role, _ = row["role"].(string)
		m.Status, _ = row["status"].(string)
		m.JoinedAt, _ = row["joined_at"].(time.Time)
		m.Version, _ = row["version"].(int64)
		m.CreatedAt, _ = row["created_at"].(time.Time)
		m.UpdatedAt, _ = row["updated_at"].(time.Time)
		list = append(list, m)
		return nil
	})
	return list, err
}

// arrival reads the organization's own row, and takes from it what only this
// instance can give.
func (w *work) arrival() (a organization.Arrival, err error) {
	err = w.each("organization", func(row map[string]any) error {
		text := func(name string) null.Value[string] {
			s, ok := row[name].(string)
			return null.Value[string]{V: s, Valid: ok}
		}
		a.ID, a.Owner, a.Guest, a.Begin = w.t.Organization, w.t.User, w.t.Operator, !w.t.Operator || w.plan.copies()
		a.Type, a.Status, a.Name, a.Slug = text("type").V, text("status").V, text("name").V, text("slug").V
		a.StatusReason, a.StripeCustomerID = text("status_reason"), text("stripe_customer_id")
		a.IconSet, a.LogoSet = text("icon"), text("logo")
		a.ManualBilling, _ = row["manual_billing"].(bool)
		a.Production, _ = row["production"].(bool)
		a.SeatLimit.V, a.SeatLimit.Valid = row["seat_limit"].(int64)
		a.Version, _ = row["version"].(int64)
		a.CreatedAt, _ = row["created_at"].(time.Time)
		return nil
	})
	if a.Status == organization.Closing {
		a.Status, a.StatusReason = organization.Active, null.Value[string]{}
	}
	if w.plan.copies() {
		a.StripeCustomerID = null.Value[string]{}
		a.IconSet.V, a.LogoSet.V = w.plan.addresses.Replace(a.IconSet.V), w.plan.addresses.Replace(a.LogoSet.V)
	}
	if !w.t.Operator {
		switch a.Type {
		case organization.Demo:
			a.Type = organization.Sandbox
		case organization.Internal:
			a.Type = organization.Standard
		}
		a.StripeCustomerID, a.ManualBilling, a.Production, a.SeatLimit = null.Value[string]{}, false, false, null.Value[int64]{}
	}
	a.After = w.t.origin()
	return a, err
}

// show stores people and counters and shows the organization, in one transaction.
func (w *work) show(ctx context.Context, people []person) error {
	a, err := w.arrival()
	if err != nil {
		return err
	}
	scope := w.job.Scope
	return w.db.Write(db.ThroughHold(ctx), access.Instance(), func(tx *db.Tx) error {
		t := w.t
		t.State, t.Done, t.UpdatedAt = Done, t.Rows, w.moment()
		t.FinishedAt, t.ExpiresAt = null.Of(t.UpdatedAt), null.Of(t.UpdatedAt) // and with it the file, if this run ends here
		if err := update(tx, &t, Running); err != nil {
			return err
		}
		if err := w.settle(tx, scope, people); err != nil {
			return err
		}
		w.setCounts(tx)
		setHead(tx, scope, w.head.seq, w.head.hash)
		arrival := a
		if err := w.organizations.Arrive(tx, &arrival); err != nil {
			return err
		}
		for _, do := range w.arrived {
			if err := do(tx, scope); err != nil {
				return err
			}
		}
		return w.job.Complete(tx)
	})
}

// settle makes the people of the archive members: those who are here with their
// address, and others as new users without a password. Nobody becomes a member because
// somebody other than an operator wants it: then they are told to whoever invites, and
// Arrive makes the one who imports a member.
func (w *work) settle(tx *db.Tx, scope access.Scope, people []person) error {
	users := make(map[ident.ID]ident.ID, len(people))
	var others []person
	for i := range people {
		m := people[i]
		if !w.t.Operator {
			if user := w.plan.users[m.User]; user == w.t.User {
				users[m.User] = user
			} else {
				others = append(others, m)
			}
			continue
		}
		user, name, email, err := w.adopt(tx, w.plan.users[m.User], m.Email, m.Name)
		if err != nil {
			return err
		}
		users[m.User] = user
		m.ID, m.User, m.Name, m.Email = w.plan.id(m.ID), user, name, email
		if err := w.organizations.AddArrived(tx, scope, &m); err != nil {
			return err
		}
	}
	for _, note := range w.named {
		if err := note(tx, scope, w.t.User, others); err != nil {
			return err
		}
	}
	for _, l := range w.plan.links {
		if user, ok := users[l.user]; ok {
			linkEmployee(tx, scope, l.employee, user)
		}
	}
	return nil
}

// setCounts sets the counters of all rows that came in.
func (w *work) setCounts(tx *db.Tx) {
	var without []archive.Table
	leaves := w.t.leaves()
	for _, t := range archive.Tables() {
		counted := t.Name != "organization_user" || w.t.Operator // else Arrive counts
		if t.Role == archive.Trace || t.Role == archive.Instance || leaves(t.Name) || !counted || w.a.File(t.Name) == nil {
			without = append(without, t)
		}
	}
	for _, c := range w.a.Manifest.Counts {
		if c.Resource == "seat" && !w.t.Operator { // as members
			continue
		}
		if !archive.Counted(without, c.Resource) {
			archive.SetCount(tx, w.t.Organization, c)
		}
	}
}
