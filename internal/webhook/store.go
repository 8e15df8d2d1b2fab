package webhook

import (
	"errors"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/page"
)

const columns = `id, url, description, events, enabled, delivered_at, failed_at, failing_since, retry_at, error, secret, former_secret, former_until,
	version, created_at, updated_at`

func (e *Endpoint) scan(into func(...any) error) error {
	var events string
	err := into(&e.ID, &e.URL, &e.Description, &events, &e.Enabled, &e.DeliveredAt, &e.FailedAt, &e.FailingSince, &e.RetryAt, &e.Error, &e.secret, &e.former,
		&e.formerUntil, &e.Version, &e.CreatedAt, &e.UpdatedAt)
	e.Events = strings.Fields(events)
	return err
}

var listing = db.Listing{
	Table:  "webhook_endpoint",
	Select: columns,
	Columns: map[string]db.Column{
		"url":       {SQL: "url", NotNull: true},
		"enabled":   {SQL: "enabled", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
	},
	Order:   "id",
	Counted: true,
}

func list(tx *db.Tx, scope access.Scope, q *page.Query) (page.Result[Endpoint], error) {
	return db.PageOf(&listing, tx, scope, q, nil, (*Endpoint).scan)
}

func find(tx *db.Tx, scope access.Scope, id ident.ID, e *Endpoint) error {
	err := e.scan(tx.Row(`SELECT `+columns+` FROM webhook_endpoint WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// wanting lists the endpoints that get events of the type.
func wanting(tx *db.Tx, scope access.Scope, kind string) (ids []ident.ID, err error) {
	err = enabled(tx, scope, func(e *Endpoint) {
		if e.wants(kind) {
			ids = append(ids, e.ID)
		}
	})
	return ids, err
}

// wantedTypes are the types of events that some endpoint gets.
func wantedTypes(tx *db.Tx, scope access.Scope) (names []string, err error) {
	err = enabled(tx, scope, func(e *Endpoint) { names = append(names, e.Events...) })
	return names, err
}

// enabled reads the id and the events of each endpoint that is switched on.
func enabled(tx *db.Tx, scope access.Scope, each func(e *Endpoint)) error {
	rows := tx.Query(`SELECT id, events FROM webhook_endpoint WHERE organization_id = $1 AND enabled ORDER BY id`, scope.Organization())
	defer rows.Close()
	for rows.Next() {
		var e Endpoint
		var events string
		if err := rows.Scan(&e.ID, &events); err != nil {
			return err
		}
		e.Events = strings.Fields(events)
		each(&e)
	}
	return rows.Err()
}

// count is how many endpoints an organization has.
func count(tx *db.Tx, scope access.Scope) (n int64, err error) {
	err = tx.Row(`SELECT count(*) FROM webhook_endpoint WHERE organization_id = $1`, scope.Organization()).Scan(&n)
	return n, err
}

func insert(tx *db.Tx, scope access.Scope, e *Endpoint) {
	tx.Queue(`INSERT INTO webhook_endpoint (organization_id, id, url, description, events, enabled, secret, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		scope.Organization(), e.ID, e.URL, e.Description, strings.Join(e.Events, " "), e.Enabled, e.secret, e.Version, e.CreatedAt, e.UpdatedAt)
	db.Count(tx, scope, "webhook_endpoint", 1)
}

func update(tx *db.Tx, scope access.Scope, e *Endpoint) error {
	_, err := tx.Exec(`UPDATE webhook_endpoint SET url = $3, description = $4, events = $5, enabled = $6, secret = $7, former_secret = $8,
			former_until = $9, failing_since = $10, retry_at = $11, error = $12, version = $13, updated_at = $14
		WHERE organization_id = $1 AND id = $2`,
		scope.Organization(), e.ID, e.URL, e.Description, strings.Join(e.Events, " "), e.Enabled, e.secret, e.former, e.formerUntil, e.FailingSince,
		e.RetryAt, e.Error, e.Version, e.UpdatedAt)
	return err
}

// note stores how a delivery went. What people have set stays, and so does the
// version.
func note(tx *db.Tx, scope access.Scope, e *Endpoint) error {
	_, err := tx.Exec(`UPDATE webhook_endpoint SET delivered_at = $3, failed_at = $4, failing_since = $5, retry_at = $6, error = $7
		WHERE organization_id = $1 AND id = $2`, scope.Organization(), e.ID, e.DeliveredAt, e.FailedAt, e.FailingSince, e.RetryAt, e.Error)
	return err
}

func remove(tx *db.Tx, scope access.Scope, id ident.ID) error {
	n, err := tx.Exec(`DELETE FROM webhook_endpoint WHERE organization_id = $1 AND id = $2`, scope.Organization(), id)
	if err == nil && n > 0 {
		db.Count(tx, scope, "webhook_endpoint", -n)
	}
	return err
}
