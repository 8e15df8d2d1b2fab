package subscription

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const columns = `organization_id, id, address_id, type, currency, products, seats, status, first_unpaid, metadata, scheduled, coupon_id, coupon_left,
	trial_ends_at, anchor, period, period_from, period_to, past_due_since, cancel_at_period_end, cancel_reason, canceled_at, ended_at, next_at,
	version, created_at, updated_at, provider, external_id, payment_method_id, wanted, wanted_at, own_method_id, discount_number`

func (s *Subscription) scan(into func(...any) error) error {
	var products, metadata string
	var scheduled null.Value[string]
	err := into(&s.Organization, &s.ID, &s.Address, &s.Type, &s.Currency, &products, &s.Seats, &s.Status, &s.FirstUnpaid, &metadata, &scheduled,
		&s.Coupon, &s.CouponLeft, &s.TrialEndsAt, &s.Anchor, &s.Period, &s.PeriodFrom, &s.PeriodTo, &s.PastDueSince, &s.CancelAtPeriodEnd,
		&s.CancelReason, &s.CanceledAt, &s.EndedAt, &s.NextAt, &s.Version, &s.CreatedAt, &s.UpdatedAt, &s.Provider, &s.External, &s.PaymentMethod,
		&s.Wanted, &s.WantedAt, &s.OwnMethod, &s.DiscountNumber)
	if err != nil {
		return err
	}
	if s.Changes = scheduled.Valid; s.Changes {
		s.Scheduled = &Terms{}
		err = json.Unmarshal([]byte(scheduled.V), s.Scheduled)
	}
	return errors.Join(err, json.Unmarshal([]byte(products), &s.Products), json.Unmarshal([]byte(metadata), &s.Metadata))
}

// encoded returns what is stored as JSON.
func (s *Subscription) encoded() (products, metadata string, scheduled null.Value[string], err error) {
	text := func(v any) string {
		content, failed := json.Marshal(v)
		err = errors.Join(err, failed)
		return string(content)
	}
	if s.Scheduled != nil {
		scheduled = null.Of(text(s.Scheduled))
	}
	return text(s.Products), text(s.Metadata), scheduled, err
}

// same reports whether what is stored of both is the same.
func same(a, b *Subscription) bool {
	x, y := *a, *b
	for _, s := range []*Subscription{&x, &y} {
		s.Discount, s.Preview, s.CouponCode, s.Changes = nil, nil, "", false
	}
	return reflect.DeepEqual(x, y)
}

var listing = db.Listing{
	Table:  "subscription",
	Select: columns,
	Columns: map[string]db.Column{
		"status":    {SQL: "status", NotNull: true},
		"type":      {SQL: "type", NotNull: true},
		"seats":     {SQL: "seats", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
	},
	Order:   "id DESC",
	Counted: true,
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Subscription], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Subscription).scan)
}

// find loads a subscription. One that is not there, or not in scope, is Missing.
func find(tx *db.Tx, scope access.Scope, id ident.ID, s *Subscription) error {
	*s = Subscription{}
	return orMissing(s.scan(tx.Row(findSQL, scope.Organization(), id).Scan))
}

const findSQL = `SELECT ` + columns + ` FROM subscription WHERE organization_id = $1 AND id = $2`

// findAhead is find, but on PostgreSQL it travels with the next statement.
func findAhead(tx *db.Tx, scope access.Scope, id ident.ID) func(s *Subscription) error {
	row := tx.Ahead(findSQL, scope.Organization(), id)
	return func(s *Subscription) error {
		*s = Subscription{}
		return orMissing(s.scan(row.Scan))
	}
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// liveID returns the subscription that has not ended; Missing when there is none.
func liveID(tx *db.Tx, scope access.Scope) (id ident.ID, err error) {
	err = orMissing(tx.Row(`SELECT id FROM subscription WHERE organization_id = $1 AND live`, scope.Organization()).Scan(&id))
	return id, err
}

// hadAny reports whether the organization ever had a subscription.
func hadAny(tx *db.Tx, scope access.Scope) (had bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM subscription WHERE organization_id = $1)`, scope.Organization()).Scan(&had)
	return had, err
}

func insert(tx *db.Tx, scope access.Scope, s *Subscription) error {
	products, metadata, scheduled, err := s.encoded()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO subscription (organization_id, id, address_id, type, currency, products, seats, status, live, first_unpaid, metadata,
			scheduled, coupon_id, coupon_left, trial_ends_at, anchor, period, period_from, period_to, past_due_since, cancel_at_period_end,
			cancel_reason, canceled_at, ended_at, next_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`,
		scope.Organization(), s.ID, s.Address, s.Type, s.Currency, products, s.Seats, s.Status, s.live(), s.FirstUnpaid, metadata,
		scheduled, s.Coupon, s.CouponLeft, s.TrialEndsAt, s.Anchor, s.Period, s.PeriodFrom, s.PeriodTo, s.PastDueSince, s.CancelAtPeriodEnd,
		s.CancelReason, s.CanceledAt, s.EndedAt, s.NextAt, s.Version, s.CreatedAt, s.UpdatedAt)
	if err != nil {
		return err
	}
	db.Count(tx, scope, "subscription", 1)
	return nil
}

// update stores the next version of a subscription. Nobody else changes it: whoever
// does has the organization's billing lock.
func update(tx *db.Tx, scope access.Scope, s *Subscription) error {
	products, metadata, scheduled, err := s.encoded()
	if err != nil {
		return err
	}
	tx.Queue(`UPDATE subscription SET address_id = $3, products = $4, seats = $5, status = $6, live = $7, first_unpaid = $8, metadata = $9,
			scheduled = $10, coupon_id = $11, coupon_left = $12, anchor = $13, period = $14, period_from = $15, period_to = $16, past_due_since = $17,
			cancel_at_period_end = $18, cancel_reason = $19, canceled_at = $20, ended_at = $21, next_at = $22, version = $23, updated_at = $24
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), s.ID, s.Address, products, s.Seats, s.Status, s.live(), s.FirstUnpaid, metadata,
		scheduled, s.Coupon, s.CouponLeft, s.Anchor, s.Period, s.PeriodFrom, s.PeriodTo, s.PastDueSince,
		s.CancelAtPeriodEnd, s.CancelReason, s.CanceledAt, s.EndedAt, s.NextAt, s.Version, s.UpdatedAt)
	return nil
}

// held is one subscription of an organization, as far as the organization shows
// it.
type held struct {
	organization, id ident.ID
	live             bool
	status           string
	seats            int64
}

// pays reports whether the subscription is one that is paid for.
func (h *held) pays() bool { return h.status == Active || h.status == PastDue || h.status == Unpaid }

// heldBy returns the subscriptions of the organizations, the oldest first.
func heldBy(tx *db.Tx, organizations []ident.ID, onlyLive bool) (found []held, err error) {
	args := make([]any, len(organizations))
	var in strings.Builder
	for i, id := range organizations {
		args[i] = id
		in.WriteString(", $" + strconv.Itoa(i+1))
	}
	condition := ""
	if onlyLive {
		condition = " AND live"
	}
	rows := tx.Query(`SELECT organization_id, id, live, status, seats FROM subscription WHERE organization_id IN (`+in.String()[2:]+`)`+condition+` ORDER BY id`, args...)
	defer rows.Close()
	for rows.Next() {
		var h held
		if err := rows.Scan(&h.organization, &h.id, &h.live, &h.status, &h.seats); err != nil {
			return nil, err
		}
		h.status = strings.Clone(h.status)
		found = append(found, h)
	}
	return found, rows.Err()
}
