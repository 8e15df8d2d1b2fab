package bank

import (
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const integrationColumns = `id, provider, status, country, access_mode, target, name, consent_id, consent_given_at, consent_ends_at,
	error, pull_status, pull_added, pull_skipped, pulled_at, revoked_at, confirmed_at, erasing, erased_at,
	next_pull_at, reminded, next_at, renewal_status, renewal_error, version, created_at, updated_at`

func (i *Integration) scan(into func(...any) error) error {
	return into(&i.ID, &i.Provider, &i.Status, &i.Country, &i.AccessMode, &i.Target, &i.Name, &i.Consent, &i.ConsentGivenAt, &i.ConsentEndsAt,
		&i.Error, &i.PullStatus, &i.PullAdded, &i.PullSkipped, &i.PulledAt, &i.RevokedAt, &i.ConfirmedAt, &i.Erasing, &i.ErasedAt,
		&i.NextPullAt, &i.Reminded, &i.nextAt, &i.RenewalStatus, &i.RenewalError,
		&i.Version, &i.CreatedAt, &i.UpdatedAt)
}

var integrationListing = db.Listing{
	Table:  "bank_integration",
	Select: integrationColumns,
	Columns: map[string]db.Column{
		"provider":  {SQL: "provider", NotNull: true},
		"status":    {SQL: "status", NotNull: true},
		"country":   {SQL: "country"},
		"name":      {SQL: "name", Fold: "name_fold"},
		"createdAt": {SQL: "created_at", NotNull: true},
		"updatedAt": {SQL: "updated_at", NotNull: true},
	},
	Order:   "id",
	Counted: true,
}

func listIntegrations(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Integration], error) {
	return db.PageOf(&integrationListing, tx, scope, q, nil, (*Integration).scan)
}

func orMissing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// countPending is how many connections wait for somebody to sign in for the first time.
func countPending(tx *db.Tx, scope access.Scope) (n int64, err error) {
	err = tx.Row(`SELECT count(*) FROM bank_integration WHERE organization_id = $1 AND status = '`+StatusPending+`'`, scope.Organization()).Scan(&n)
	return n, err
}

// findIntegration loads a connection. One that is not there, or not in scope, is
// Missing.
func findIntegration(tx *db.Tx, scope access.Scope, id ident.ID, i *Integration) error {
	return orMissing(i.scan(tx.Row(`SELECT `+integrationColumns+` FROM bank_integration WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id).Scan))
}

// mostLiving bounds how many connections are looked at for the only one.
const mostLiving = 50

// living lists connections that are not ended, those with a consent first.
func living(tx *db.Tx, scope access.Scope) (list []Integration, err error) {
	rows := tx.Query(`SELECT `+integrationColumns+` FROM bank_integration WHERE organization_id = $1 AND status <> '`+StatusRevoked+`'
		ORDER BY CASE WHEN consent_id IS NULL THEN 1 ELSE 0 END, id LIMIT $2`, scope.Organization(), mostLiving)
	defer rows.Close()
	for rows.Next() {
		var i Integration
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

// mostEnding bounds how many connections one calendar tells of.
const mostEnding = 100

// endingIntegrations lists connections whose consent has an end, the next one first.
func endingIntegrations(tx *db.Tx, scope access.Scope) (list []Integration, err error) {
	rows := tx.Query(`SELECT `+integrationColumns+` FROM bank_integration
		WHERE organization_id = $1 AND consent_ends_at IS NOT NULL AND consent_id IS NOT NULL AND consent_given_at IS NOT NULL
			AND status IN ('`+StatusActive+`', '`+StatusExpiring+`', '`+StatusError+`')
		ORDER BY consent_ends_at, id LIMIT $2`, scope.Organization(), mostEnding)
	defer rows.Close()
	for rows.Next() {
		var i Integration
		if err := i.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

func insertIntegration(tx *db.Tx, scope access.Scope, i *Integration) {
	tx.Queue(`INSERT INTO bank_integration (organization_id, id, provider, status, country, access_mode, target, name, name_fold,
			consent_id, consent_given_at, consent_ends_at, error, pull_status, pull_added, pull_skipped, pulled_at, revoked_at, confirmed_at,
			erasing, erased_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		scope.Organization(), i.ID, i.Provider, i.Status, i.Country, i.AccessMode, i.Target, i.Name, fold(i.Name),
		i.Consent, i.ConsentGivenAt, i.ConsentEndsAt, i.Error, i.PullStatus, i.PullAdded, i.PullSkipped, i.PulledAt, i.RevokedAt, i.ConfirmedAt,
		i.Erasing, i.ErasedAt, i.Version, i.CreatedAt, i.UpdatedAt)
	db.Count(tx, scope, "bank_integration", 1)
}

// updateIntegration stores what can change. Who changes a connection holds its
// lock.
func updateIntegration(tx *db.Tx, scope access.Scope, i *Integration) error {
	_, err := tx.Exec(`UPDATE bank_integration SET status = $3, country = $4, access_mode = $5, target = $6, name = $7, name_fold = $8,
			consent_id = $9, consent_given_at = $10, consent_ends_at = $11, error = $12, pull_status = $13, pull_added = $14, pull_skipped = $15,
			pulled_at = $16, revoked_at = $17, confirmed_at = $18, erasing = $19, erased_at = $20, version = $21, updated_at = $22, next_pull_at = $23, reminded = $24, next_at = $25,
			renewal_status = $26, renewal_error = $27
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), i.ID, i.Status, i.Country, i.AccessMode, i.Target, i.Name, fold(i.Name),
		i.Consent, i.ConsentGivenAt, i.ConsentEndsAt, i.Error, i.PullStatus, i.PullAdded, i.PullSkipped,
		i.PulledAt, i.RevokedAt, i.ConfirmedAt, i.Erasing, i.ErasedAt, i.Version, i.UpdatedAt, i.NextPullAt, i.Reminded, i.nextAt,
		i.RenewalStatus, i.RenewalError)
	return err
}

func fold(text null.Value[string]) null.Value[string] {
	if text.Valid {
		text.V = db.Fold(text.V)
	}
	return text
}

// The states of consents.
const (
	consentPending = "pending" // a person was asked
	consentOffered = "offered" // granted, not proven yet, see offer
	consentLive    = "live"
	consentOver    = "over"
)

// consent is what a person granted, or was asked to. What is sealed is opened by
// the service.
type consent struct {
	id          ident.ID
	integration ident.ID
	state       string
	access      string // how often
	redirection null.Value[[]byte]
	session     null.Value[[]byte]
	mark        null.Value[[]byte]
	token       null.Value[[]byte] // the access id
	givenAt     null.Value[time.Time]
	endsAt      null.Value[time.Time]
	deadline    time.Time // until when somebody can sign in
	country     null.Value[string]
	target      null.Value[string]
	name        null.Value[string] // of the bank
	createdAt   time.Time
}

const consentColumns = `id, integration_id, state, access_mode, redirection, session, access, given_at, ends_at, deadline, country, target, name, created_at`

func (c *consent) scan(into func(...any) error) error {
	return into(&c.id, &c.integration, &c.state, &c.access, &c.redirection, &c.session, &c.token, &c.givenAt, &c.endsAt, &c.deadline,
		&c.country, &c.target, &c.name, &c.createdAt)
}

func findConsent(tx *db.Tx, scope access.Scope, id ident.ID, c *consent) error {
	return orMissing(c.scan(tx.Row(`SELECT `+consentColumns+` FROM bank_consent WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// consentsWith lists the consents of a connection with a state; there are few.
func consentsWith(tx *db.Tx, scope access.Scope, integration ident.ID, state string) (list []consent, err error) {
	rows := tx.Query(`SELECT `+consentColumns+` FROM bank_consent WHERE organization_id = $1 AND integration_id = $2 AND state = $3 ORDER BY id`,
		scope.Organization(), integration, state)
	defer rows.Close()
	for rows.Next() {
		var c consent
		if err := c.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func insertConsent(tx *db.Tx, scope access.Scope, c *consent) error {
	_, err := tx.Exec(`INSERT INTO bank_consent (organization_id, id, integration_id, state, access_mode, redirection, session, session_mark, access,
			given_at, ends_at, deadline, country, target, name, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		scope.Organization(), c.id, c.integration, c.state, c.access, c.redirection, c.session, c.mark, c.token, c.givenAt, c.endsAt, c.deadline,
		c.country, c.target, c.name, c.createdAt)
	return err
}

func updateConsent(tx *db.Tx, scope access.Scope, c *consent) error {
	_, err := tx.Exec(`UPDATE bank_consent SET state = $3, redirection = $4, session = $5, session_mark = COALESCE($6, session_mark), access = $7,
			given_at = $8, ends_at = $9, target = $10, name = $11
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), c.id, c.state, c.redirection, c.session, c.mark, c.token, c.givenAt, c.endsAt, c.target, c.name)
	return err
}

// liveIntegrations lists the connections that nobody has ended.
func liveIntegrations(tx *db.Tx, scope access.Scope) (list []ident.ID, err error) {
	rows := tx.Query(`SELECT id FROM bank_integration WHERE organization_id = $1 AND status <> '`+StatusRevoked+`' ORDER BY id`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// dropWaiting ends the consents of a connection that nobody has granted yet.
func dropWaiting(tx *db.Tx, scope access.Scope, integration ident.ID) {
	tx.Queue(`UPDATE bank_consent SET state = '`+consentOver+`', redirection = NULL
		WHERE organization_id = $1 AND integration_id = $2 AND state = '`+consentPending+`'`, scope.Organization(), integration)
}

// The steps of a pull. What a step names is begun before the bank is asked, so
// that an answer which is lost is known to be lost.
const (
	stepQueued   = "queued"
	stepOpening  = "opening"  // a session is asked for
	stepOpened   = "opened"   // there is one
	stepStarting = "starting" // it is used
	stepRunning  = "running"  // the bank works on the command
	stepOver     = "over"
)

// pull is one import.
type pull struct {
	id          ident.ID
	integration ident.ID
	consent     ident.ID
	attended    bool
	since       string
	step        string
	session     null.Value[[]byte]
	command     null.Value[string]
	tries       int64
	error       null.Value[string]
	added       int64
	skipped     int64
	startedAt   null.Value[time.Time]
	finishedAt  null.Value[time.Time]
	createdAt   time.Time

	otherwise         null.Value[string] // since when to import under the live consent if this, of an offered one, fails
	otherwiseAttended bool
}

const pullColumns = `id, integration_id, consent_id, attended, since, state, session, command, tries, error, added, skipped, started_at, finished_at, created_at,
	otherwise_since, otherwise_attended`

func (p *pull) scan(into func(...any) error) error {
	return into(&p.id, &p.integration, &p.consent, &p.attended, &p.since, &p.step, &p.session, &p.command, &p.tries, &p.error,
		&p.added, &p.skipped, &p.startedAt, &p.finishedAt, &p.createdAt, &p.otherwise, &p.otherwiseAttended)
}

func findPull(tx *db.Tx, scope access.Scope, id ident.ID, p *pull) error {
	return orMissing(p.scan(tx.Row(`SELECT `+pullColumns+` FROM bank_pull WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan))
}

// runningPull loads the pull of a connection that is not over; Missing when there
// is none.
func runningPull(tx *db.Tx, scope access.Scope, integration ident.ID, p *pull) error {
	return orMissing(p.scan(tx.Row(`SELECT `+pullColumns+` FROM bank_pull WHERE organization_id = $1 AND integration_id = $2 AND finished_at IS NULL`,
		scope.Organization(), integration).Scan))
}

func insertPull(tx *db.Tx, scope access.Scope, p *pull) error {
	_, err := tx.Exec(`INSERT INTO bank_pull (organization_id, id, integration_id, consent_id, attended, since, state, tries, added, skipped, created_at,
			otherwise_since, otherwise_attended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, $10)`,
		scope.Organization(), p.id, p.integration, p.consent, p.attended, p.since, p.step, p.createdAt, p.otherwise, p.otherwiseAttended)
	return err
}

// updatePull stores the pull if it is not over; else it is Missing.
func updatePull(tx *db.Tx, scope access.Scope, p *pull) error {
	n, err := tx.Exec(`UPDATE bank_pull SET state = $3, session = $4, command = $5, tries = $6, error = $7, added = $8, skipped = $9,
			started_at = $10, finished_at = $11
		WHERE organization_id = $1 AND id = $2 AND finished_at IS NULL`,
		scope.Organization(), p.id, p.step, p.session, p.command, p.tries, p.error, p.added, p.skipped, p.startedAt, p.finishedAt)
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// setOtherwise stores what is imported if a pull fails. Nothing else changes it.
func setOtherwise(tx *db.Tx, scope access.Scope, id ident.ID, since string, attended bool) {
	tx.Queue(`UPDATE bank_pull SET otherwise_since = $3, otherwise_attended = $4 WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), id, since, attended)
}

// insertAttempt writes down that the bank is about to count one more import.
func insertAttempt(tx *db.Tx, scope access.Scope, id ident.ID, p *pull, at time.Time) {
	tx.Queue(`INSERT INTO bank_attempt (organization_id, id, integration_id, pull_id, at) VALUES ($1, $2, $3, $4, $5)`,
		scope.Organization(), id, p.integration, p.id, at)
}

// dropAttempts removes what counts of a pull.
func dropAttempts(tx *db.Tx, scope access.Scope, pull ident.ID) {
	tx.Queue(`DELETE FROM bank_attempt WHERE organization_id = $1 AND pull_id = $2`, scope.Organization(), pull)
}

// attempts counts the imports of a connection after a time, and tells the first of
// the last most of them.
func attempts(tx *db.Tx, scope access.Scope, integration ident.ID, after time.Time, most int) (n int, first time.Time, err error) {
	rows := tx.Query(`SELECT at FROM bank_attempt WHERE organization_id = $1 AND integration_id = $2 AND at > $3 ORDER BY at DESC, id DESC`,
		scope.Organization(), integration, after)
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		if err := rows.Scan(&at); err != nil {
			return 0, first, err
		}
		if n++; n <= most {
			first = at
		}
	}
	return n, first, rows.Err()
}
