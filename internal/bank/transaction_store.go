package bank

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const accountColumns = `id, integration_id, identity, kind, name, iban, last_digits, currency, balance, available, partial, kept_since, version, created_at, updated_at`

func (a *Account) scan(into func(...any) error) error {
	return into(&a.ID, &a.Integration, &a.identity, &a.Kind, &a.Name, &a.IBAN, &a.LastDigits, &a.Currency, &a.Balance, &a.Available, &a.Partial, &a.KeptSince,
		&a.Version, &a.CreatedAt, &a.UpdatedAt)
}

var accountListing = db.Listing{
	Table:  "bank_account",
	Select: accountColumns,
	Columns: map[string]db.Column{
		"integration": {SQL: "integration_id", NotNull: true},
		"kind":        {SQL: "kind", NotNull: true},
		"name":        {SQL: "name_fold", Fold: "name_fold", NotNull: true},
		"iban":        {SQL: "iban"},
		"currency":    {SQL: "currency", NotNull: true},
		"balance":     {SQL: "balance"},
		"createdAt":   {SQL: "created_at", NotNull: true},
		"updatedAt":   {SQL: "updated_at", NotNull: true},
	},
	Order:   "id",
	Counted: true,
}

func listAccounts(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Account], error) {
	return db.PageOf(&accountListing, tx, scope, q, nil, (*Account).scan)
}

func findAccount(tx *db.Tx, scope access.Scope, id ident.ID, a *Account) error {
	return orMissing(a.scan(tx.Row(`SELECT `+accountColumns+` FROM bank_account WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// anyPartial reports whether the bank told a part only of an account of the connection.
func anyPartial(tx *db.Tx, scope access.Scope, integration ident.ID) (partial bool, err error) {
	err = tx.Row(`SELECT EXISTS (SELECT 1 FROM bank_account WHERE organization_id = $1 AND integration_id = $2 AND partial)`,
		scope.Organization(), integration).Scan(&partial)
	return partial, err
}

func findAccountBy(tx *db.Tx, scope access.Scope, identity string, a *Account) error {
	return orMissing(a.scan(tx.Row(`SELECT `+accountColumns+` FROM bank_account WHERE organization_id = $1 AND identity = $2`, scope.Organization(), identity).Scan))
}

func insertAccount(tx *db.Tx, scope access.Scope, a *Account) error {
	_, err := tx.Exec(`INSERT INTO bank_account (organization_id, id, integration_id, identity, kind, name, name_fold, iban, last_digits, currency,
			balance, available, partial, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		scope.Organization(), a.ID, a.Integration, a.identity, a.Kind, a.Name, db.Fold(a.Name), a.IBAN, a.LastDigits, a.Currency,
		a.Balance, a.Available, a.Partial, a.Version, a.CreatedAt, a.UpdatedAt)
	if err == nil {
		db.Count(tx, scope, "bank_account", 1)
	}
	return err
}

func updateAccount(tx *db.Tx, scope access.Scope, a *Account) error {
	_, err := tx.Exec(`UPDATE bank_account SET integration_id = $3, name = $4, name_fold = $5, balance = $6, available = $7, partial = $8,
			version = $9, updated_at = $10, kept_since = $11 WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), a.ID, a.Integration, a.Name, db.Fold(a.Name), a.Balance, a.Available, a.Partial, a.Version, a.UpdatedAt, a.KeptSince)
	return err
}

const transactionColumns = `id, account_id, status, transaction_on, booked_on, amount, currency, balance, title, party, party_iban, kind, symbols, labels,
	version, created_at, updated_at`

func (t *Transaction) scan(into func(...any) error) error {
	var labels string
	err := into(&t.ID, &t.Account, &t.Status, &t.On, &t.BookedOn, &t.Amount, &t.Currency, &t.Balance, &t.Title, &t.Party, &t.PartyIBAN, &t.Kind,
		&t.Symbols, &labels, &t.Version, &t.CreatedAt, &t.UpdatedAt)
	t.Labels = splitLabels(labels)
	return err
}

var transactionListing = db.Listing{
	Table:  "bank_transaction",
	Select: transactionColumns,
	Columns: map[string]db.Column{
		"account":       {SQL: "account_id", NotNull: true},
		"status":        {SQL: "status", NotNull: true},
		"transactionOn": {SQL: "transaction_on", NotNull: true, Fixed: db.KindTime},
		"bookedOn":      {SQL: "booked_on"},
		"amount":        {SQL: "amount", NotNull: true, Fixed: db.KindInt},
		"currency":      {SQL: "currency", NotNull: true},
		"text":          {SQL: "text_fold", Fold: "text_fold", NotNull: true},
		"partyIban":     {SQL: "party_iban"},
		"labels":        {SQL: "labels", NotNull: true},
		"updatedAt":     {SQL: "updated_at", NotNull: true},
	},
	Order:   "transaction_on DESC, id DESC",
	Texts:   []string{"text", "labels"},
	Counted: true,
}

func listTransactions(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Transaction], error) {
	q, err := byAccounts(tx, scope, q)
	if err != nil {
		return page.Result[Transaction]{}, err
	}
	return db.PageOf(&transactionListing, tx, scope, q, nil, (*Transaction).scan)
}

// byAccounts asks for accounts in place of their currencies, which are few: where all
// accounts have the currency, as in most organizations, nothing is left to filter.
func byAccounts(tx *db.Tx, scope access.Scope, q *page.Query) (*page.Query, error) {
	at := slices.IndexFunc(q.Filters, func(f page.Filter) bool { return f.Field == "currency" && f.Op == page.Equal })
	if at < 0 {
		return q, nil
	}
	wanted := q.Filters[at]
	accounts, all := page.Filter{Field: "account", Op: page.Equal}, true
	rows := tx.Query(`SELECT id, currency FROM bank_account WHERE organization_id = $1 ORDER BY id`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var currency string
		if err := rows.Scan(&id, &currency); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(wanted.Values, func(v page.Value) bool { return v.Text == currency }) {
			accounts.Values = append(accounts.Values, page.Value{Kind: page.ID, ID: id})
		} else {
			all = false
		}
	}
	changed := *q
	if changed.Filters = slices.Delete(slices.Clone(q.Filters), at, at+1); !all || len(accounts.Values) == 0 {
		changed.Filters = append(changed.Filters, accounts)
	}
	return &changed, rows.Err()
}

func findTransaction(tx *db.Tx, scope access.Scope, id ident.ID, t *Transaction) error {
	return orMissing(t.scan(tx.Row(`SELECT `+transactionColumns+` FROM bank_transaction WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// exportAfter adds to the list the wanted transactions that come after one, the
// newest first.
func exportAfter(tx *db.Tx, scope access.Scope, filters []condition, last *Transaction, list []exported) ([]exported, error) {
	args := []any{scope.Organization()}
	where := ""
	add := func(before string, values ...any) {
		args = append(args, values...)
		where += " AND " + before + placeholders(len(args)-len(values)+1, len(values))
	}
	for _, f := range filters {
		add(f.sql, f.value)
		if strings.HasSuffix(f.sql, "LIKE ") {
			where += ` ESCAPE '\'`
		}
	}
	if last != nil {
		add("(t.transaction_on, t.id) < (", last.On, last.ID)
		where += ")"
	}
	rows := tx.Query(`SELECT t.id, t.account_id, t.status, t.transaction_on, t.booked_on, t.amount, t.currency, t.balance, t.title, t.party, t.party_iban,
			t.kind, t.symbols, t.labels, t.version, t.created_at, t.updated_at, COALESCE(a.iban, a.name)
		FROM bank_transaction t JOIN bank_account a ON a.organization_id = t.organization_id AND a.id = t.account_id
		WHERE t.organization_id = $1`+where+` ORDER BY t.transaction_on DESC, t.id DESC LIMIT `+strconv.Itoa(exportPage), args...)
	defer rows.Close()
	for rows.Next() {
		var e exported
		err := e.scan(func(into ...any) error { return rows.Scan(append(into, &e.account)...) })
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// exportListed adds the transactions with the ids to the list.
func exportListed(tx *db.Tx, scope access.Scope, q *page.Query, ids []ident.ID, list []exported) ([]exported, error) {
	names := map[ident.ID]string{}
	rows := tx.Query(`SELECT id, COALESCE(iban, name) FROM bank_account WHERE organization_id = $1`, scope.Organization())
	for rows.Next() {
		var id ident.ID
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			rows.Close()
			return nil, err
		}
		names[id] = name
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	err := transactionListing.Each(tx, scope, q, ids, func(rows *db.Rows) error {
		var e exported
		err := e.scan(rows.Scan)
		e.account = names[e.Account]
		list = append(list, e)
		return err
	})
	return list, err
}

// storedWith loads the transactions of an account that have the days and the
// fingerprints of the part.
func storedWith(tx *db.Tx, scope access.Scope, account ident.ID, part []Transaction, prints []fingerprint) (map[fingerprint][]stored, error) {
	found := make(map[fingerprint][]stored, len(prints))
	wanted := make([]db.Pair, 0, len(prints))
	for i := range prints {
		if _, twice := found[prints[i]]; !twice {
			found[prints[i]] = nil
			wanted = append(wanted, db.Pair{At: part[i].On, Bytes: prints[i][:]})
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	rows := tx.Query(tx.SelectPairs("fingerprint, id, balance, ordinal, transaction_on, booked_on, kind, labels", "bank_transaction",
		"organization_id = $1 AND account_id = $2", [2]string{"transaction_on", "fingerprint"}, "$3")+" ORDER BY fingerprint, ordinal",
		scope.Organization(), account, tx.PairList(wanted))
	defer rows.Close()
	for rows.Next() {
		var s stored
		var print []byte
		var t Transaction
		var labels string
		if err := rows.Scan(&print, &s.id, &s.balance, &s.ordinal, &t.On, &t.BookedOn, &t.Kind, &labels); err != nil {
			return nil, err
		}
		t.Labels = splitLabels(labels)
		s.day, s.details = t.day(), detailsOf(&t)
		key := fingerprint(print)
		found[key] = append(found[key], s)
	}
	return found, rows.Err()
}

func placeholders(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

func searchText(t *Transaction) string { return db.Fold(searchable(t)) }

// fresh is a transaction to be inserted.
type fresh struct {
	*Transaction
	print   fingerprint
	ordinal int64
}

// insertRows is how many rows one statement inserts.
const insertRows = 25

// insertColumns are those of a row, insertOne and insertMany the statements for one
// row and for insertRows.
const insertColumns = 21

var insertOne, insertMany = insertSQL(1), insertSQL(insertRows)

func insertSQL(rows int) string {
	values := make([]string, rows)
	for i := range values {
		values[i] = "(" + placeholders(1+i*insertColumns, insertColumns) + ")"
	}
	return `INSERT INTO bank_transaction (organization_id, id, account_id, fingerprint, ordinal, status, transaction_on, booked_on, amount, currency,
			balance, title, party, party_iban, kind, symbols, labels, text_fold, version, created_at, updated_at) VALUES ` + strings.Join(values, ", ")
}

// insertTransactions inserts in the order of ids, which is that of the pages of the
// database too.
func insertTransactions(tx *db.Tx, scope access.Scope, list []fresh) {
	slices.SortFunc(list, func(a, b fresh) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	args := make([]any, 0, insertRows*insertColumns)
	for len(list) > 0 {
		n, sql := 1, insertOne
		if len(list) >= insertRows {
			n, sql = insertRows, insertMany
		}
		args = args[:0]
		for i := range list[:n] {
			t := &list[i]
			args = append(args, scope.Organization(), t.ID, t.Account, t.print[:], t.ordinal, t.Status, t.On, t.BookedOn, t.Amount, t.Currency,
				t.Balance, t.Title, t.Party, t.PartyIBAN, t.Kind, t.Symbols, joinLabels(t.Labels), searchText(t.Transaction), t.Version, t.CreatedAt, t.UpdatedAt)
		}
		tx.Queue(sql, args...)
		list = list[n:]
	}
}

// refineTransaction stores what may change of a transaction that is known.
func refineTransaction(tx *db.Tx, scope access.Scope, id ident.ID, t *Transaction, at time.Time) {
	tx.Queue(`UPDATE bank_transaction SET booked_on = $3, kind = $4, labels = $5, balance = COALESCE($6, balance), text_fold = $7,
			version = version + 1, updated_at = $8
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id, t.BookedOn, t.Kind, joinLabels(t.Labels), t.Balance, searchText(t), at)
}

// bookTransaction makes a pending transaction the booked one.
func bookTransaction(tx *db.Tx, scope access.Scope, id ident.ID, t *Transaction, print fingerprint, ordinal int64, at time.Time) {
	tx.Queue(`UPDATE bank_transaction SET fingerprint = $3, ordinal = $4, status = $5, booked_on = $6, balance = $7, title = $8, party = $9,
			party_iban = $10, kind = $11, symbols = $12, labels = $13, text_fold = $14, version = version + 1, updated_at = $15
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id, print[:], ordinal, t.Status, t.BookedOn, t.Balance, t.Title, t.Party, t.PartyIBAN, t.Kind, t.Symbols,
		joinLabels(t.Labels), searchText(t), at)
}

// held is a pending transaction that is there.
type held struct {
	id     ident.ID
	on     time.Time
	amount int64
	words  []string // of its text
}

// maxPending is how many pending transactions of an account are looked at.
const maxPending = 5000

func pendingOf(tx *db.Tx, scope access.Scope, account ident.ID) (list []held, err error) {
	rows := tx.Query(`SELECT id, transaction_on, amount, text_fold FROM bank_transaction
		WHERE organization_id = $1 AND account_id = $2 AND status = '`+Pending+`' ORDER BY transaction_on, id LIMIT `+strconv.Itoa(maxPending),
		scope.Organization(), account)
	defer rows.Close()
	for rows.Next() {
		var h held
		var text string
		if err := rows.Scan(&h.id, &h.on, &h.amount, &text); err != nil {
			return nil, err
		}
		h.words = words(text)
		list = append(list, h)
	}
	return list, rows.Err()
}

// eraseBatch is how many transactions are erased at once.
const eraseBatch = 1000

// eraseSome removes transactions of the accounts of a connection, up to a batch,
// and returns how many. When none is left the accounts go too.
func eraseSome(tx *db.Tx, scope access.Scope, integration ident.ID) (int64, error) {
	n, err := tx.Exec(`DELETE FROM bank_transaction WHERE organization_id = $1 AND id IN (
			SELECT t.id FROM bank_transaction t JOIN bank_account a ON a.organization_id = t.organization_id AND a.id = t.account_id
			WHERE a.organization_id = $1 AND a.integration_id = $2 LIMIT `+strconv.Itoa(eraseBatch)+`)`, scope.Organization(), integration)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		db.Count(tx, scope, "bank_transaction", -n)
	}
	if n == eraseBatch {
		return n, nil
	}
	_, err = tx.Exec(`DELETE FROM bank_month WHERE organization_id = $1 AND account_id IN (
			SELECT id FROM bank_account WHERE organization_id = $1 AND integration_id = $2)`, scope.Organization(), integration)
	if err != nil {
		return n, err
	}
	_, err = tx.Exec(`DELETE FROM bank_transaction_removed WHERE organization_id = $1 AND account_id IN (
			SELECT id FROM bank_account WHERE organization_id = $1 AND integration_id = $2)`, scope.Organization(), integration)
	if err != nil {
		return n, err
	}
	accounts, err := tx.Exec(`DELETE FROM bank_account WHERE organization_id = $1 AND integration_id = $2`, scope.Organization(), integration)
	if err == nil && accounts > 0 {
		db.Count(tx, scope, "bank_account", -accounts)
	}
	return n, err
}

// loadRecord and changeRecord keep what the Sandbox bank remembers.
func loadRecord(tx *db.Tx, key string) (content []byte, err error) {
	var c null.Value[[]byte]
	err = tx.Row(`SELECT content FROM sandbox_bank_record WHERE record_key = $1`, key).Scan(&c)
	if err != nil {
		return nil, orNothing(err)
	}
	return c.V, nil
}

func storeRecord(tx *db.Tx, key string, content []byte, until time.Time) {
	tx.Queue(`INSERT INTO sandbox_bank_record (record_key, content, keep_until) VALUES ($1, $2, $3)
		ON CONFLICT (record_key) DO UPDATE SET content = excluded.content, keep_until = excluded.keep_until`, key, content, until)
}

func forgetRecords(tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM sandbox_bank_record WHERE record_key IN (
		SELECT record_key FROM sandbox_bank_record WHERE keep_until < $1 ORDER BY keep_until LIMIT 500)`, before)
}
