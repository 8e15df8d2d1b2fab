// Package archive knows what becomes of the rows of every table when an
// organization is cleared, archived, imported or removed, and does it: it counts,
// removes, writes and reads the rows of one organization, table by table, whatever
// they mean. It knows tables by their names and no feature.
//
// A new table needs a line in Tables, or a test fails.
package archive

import "slices"

// Role says whose the rows of a table are and what becomes of them.
type Role uint8

// The roles of tables.
const (
	Working  Role = iota + 1 // what people work with: clearing removes it
	Kept                     // the organization itself, its people, settings and money: clearing leaves it
	Trace                    // what sede notes of the organization for itself: in no archive
	Instance                 // of no organization
	Derived                  // made from working data: removed behind it, in no archive, made anew from what is brought back
)

// Table says what becomes of the rows of one table.
type Table struct {
	Name string
	Role Role
	// Owner is the column with the organization's id; empty: organization_id.
	Owner string
	// Key is the primary key without Owner; nil: id.
	Key []string
	// Lasting is a condition in SQL: rows for which it holds stay for good, and the
	// database refuses to remove them. Empty: none do.
	Lasting string
	// Secret names columns that no archive carries: they are null in it. All: the
	// table is in no archive, since its rows are nothing without a secret.
	Secret []string
	// People are the columns with ids of users, Others those with ids of what is
	// another organization's or the instance's. All other ids are the organization's.
	People, Others []string
	// Texts are the columns with JSON or a key in which ids and IRIs stand.
	Texts []string
	// Granted says that the instance has given the rows or keeps books on them: what
	// was bought, tried and billed.
	Granted bool
}

// All stands in Table.Secret for every column.
const All = "*"

// OwnerColumn is the column with the organization's id.
func (t *Table) OwnerColumn() string {
	if t.Owner == "" {
		return "organization_id"
	}
	return t.Owner
}

// KeyColumns is the primary key without the owner.
func (t *Table) KeyColumns() []string {
	if t.Key == nil {
		return []string{"id"}
	}
	return t.Key
}

// Tables lists all tables of the database, what is pointed at before what points
// at it: in this order rows can be added, in the opposite one removed.
func Tables() []Table {
	return []Table{
		{Name: "app_user", Role: Instance},
		{Name: "user_session", Role: Instance},
		{Name: "refresh_token", Role: Instance},
		{Name: "mailed_token", Role: Instance},
		{Name: "sign_up", Role: Instance},
		{Name: "signing_key", Role: Instance},
		{Name: "archive_key", Role: Instance},
		{Name: "access_change", Role: Instance},
		{Name: "access_epoch", Role: Instance},
		{Name: "idempotency", Role: Instance},
		{Name: "job_runner", Role: Instance},
		{Name: "job_schedule", Role: Instance},
		{Name: "language", Role: Instance},
		{Name: "product", Role: Instance},
		{Name: "coupon", Role: Instance},
		{Name: "invoice_issuer", Role: Instance},
		{Name: "sandbox_bank_record", Role: Instance},

		{Name: "organization", Role: Kept, Owner: "id", Key: []string{}},
		{Name: "organization_config", Role: Kept},
		{Name: "organization_address", Role: Kept},
		{Name: "organization_image", Role: Kept},
		{Name: "organization_mail_footer", Role: Kept, Key: []string{}},
		{Name: "organization_module", Role: Kept, Granted: true},
		{Name: "organization_user", Role: Kept, People: []string{"user_id"}},
		{Name: "organization_user_invitation", Role: Kept, Secret: []string{All}},
		{Name: "seat_reservation", Role: Kept, Secret: []string{All}},
		{Name: "api_key", Role: Kept, Secret: []string{All}},
		{Name: "meeting_feed", Role: Kept, Secret: []string{All}},
		{Name: "webhook_endpoint", Role: Kept, Secret: []string{All}},
		{Name: "subscription", Role: Kept, Granted: true, Others: []string{"coupon_id"}},
		{Name: "payment_method", Role: Kept, Secret: []string{"setup_url", "session_id"}, Granted: true},
		{Name: "stripe_event", Role: Instance},
		{Name: "stripe_tax_rate", Role: Instance, Key: []string{"country", "rate"}},
		{Name: "stripe_fetch", Role: Instance, Key: []string{"subject"}},
		{Name: "invoice", Role: Kept, Lasting: "number IS NOT NULL", Granted: true},
		{Name: "stripe_invoice", Role: Kept, Granted: true},
		{Name: "stripe_drift", Role: Trace},
		{Name: "credit_note", Role: Kept, Lasting: "1 = 1", Granted: true},
		{Name: "payment", Role: Kept, Lasting: "1 = 1", Granted: true},
		{Name: "payment_match", Role: Kept, Granted: true, Others: []string{"payer_id"}, Texts: []string{"parts"}},
		{Name: "audit_head", Role: Kept, Key: []string{}, Lasting: "1 = 1", Secret: []string{"told"}}, // of webhook endpoints
		{Name: "audit_log", Role: Kept, Key: []string{"seq"}, Lasting: "1 = 1", People: []string{"actor"}, Texts: []string{"resource_key", "before", "after"}},

		// Removed last, so that a search never misses a row that is still there, and
		// what the removal of rows leaves to do goes too.
		{Name: "text_pending", Role: Derived, Key: []string{"collection", "id"}},
		{Name: "text_block", Role: Derived, Key: []string{"collection", "number"}},
		{Name: "text_segment", Role: Derived, Key: []string{"collection", "base"}},

		{Name: "location", Role: Working},
		{Name: "employee", Role: Working, People: []string{"user_id"}},
		{Name: "meeting", Role: Working},
		{Name: "meeting_import", Role: Working, Key: []string{"employee_id", "uid", "occurrence"}},
		{Name: "meeting_invitation", Role: Working, Key: []string{"meeting_id"}},
		{Name: "bank_integration", Role: Working},
		{Name: "bank_consent", Role: Working, Secret: []string{"redirection", "session", "session_mark", "access"}},
		{Name: "bank_pull", Role: Working, Secret: []string{"session"}},
		{Name: "bank_attempt", Role: Working},
		{Name: "bank_account", Role: Working},
		{Name: "bank_transaction", Role: Working},
		{Name: "bank_transaction_removed", Role: Working},
		{Name: "bank_month", Role: Working, Key: []string{"account_id", "month"}},

		{Name: "organization_clearing", Role: Trace},
		{Name: "organization_clear_window", Role: Trace, Key: []string{}},
		{Name: "organization_transfer", Role: Trace},
		{Name: "organization_hold", Role: Trace, Key: []string{}},
		{Name: "organization_clock", Role: Trace, Key: []string{}},
		{Name: "row_count", Role: Trace, Key: []string{"resource"}},
		{Name: "mailbox", Role: Trace, Owner: "organization"},
		{Name: "job", Role: Trace},
	}
}

// Cleared lists the tables whose rows go when an organization is cleared, in the
// order of Tables.
func Cleared() []Table {
	return slices.DeleteFunc(Tables(), func(t Table) bool { return t.Role != Working && t.Role != Derived })
}

// OfRole lists the tables with that role, in the order of Tables.
func OfRole(role Role) (list []Table) {
	for _, t := range Tables() {
		if t.Role == role {
			list = append(list, t)
		}
	}
	return list
}
