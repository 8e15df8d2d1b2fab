package jobs

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

const columns = `organization_id, id, kind, state, attempts, most_attempts, run_at, error, created_at, started_at, finished_at`

func (i *Item) scan(into func(...any) error) error {
	var organization ident.ID
	err := into(&organization, &i.ID, &i.Kind, &i.State, &i.Attempts, &i.MostAttempts, &i.RunAt, &i.Error,
		&i.CreatedAt, &i.StartedAt, &i.FinishedAt)
	i.Organization = null.Value[ident.ID]{V: organization, Valid: !organization.IsZero()}
	return err
}

var listing = db.Listing{
	Table:  "job",
	Select: columns,
	Wide:   true,
	Columns: map[string]db.Column{
		"kind":         {SQL: "kind", NotNull: true},
		"state":        {SQL: "state", NotNull: true},
		"organization": {SQL: "organization_id", NotNull: true},
		"attempts":     {SQL: "attempts", NotNull: true},
		"runAt":        {SQL: "run_at"},
		"createdAt":    {SQL: "created_at", NotNull: true},
		"finishedAt":   {SQL: "finished_at"},
	},
	Order: "id DESC",
}

func list(tx *db.Tx, q *page.Query) (page.Result[Item], error) {
	return db.PageOf(&listing, tx, access.Instance(), q, nil, (*Item).scan)
}

// find loads a job of any organization. One that is not there is Missing.
func find(tx *db.Tx, id ident.ID, i *Item) error {
	err := i.scan(tx.Row(`SELECT `+columns+` FROM job WHERE id = $1`, id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// retry has the job wait again, if it is still in the state it was found in.
func retry(tx *db.Tx, i *Item, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE job SET state = 'waiting', attempts = 0, run_at = $4, finished_at = NULL
		WHERE organization_id = $1 AND id = $2 AND state = $3`, i.Organization.V, i.ID, i.State, now)
	return changed > 0, err
}

// discard gives the job up, if it is still in the state it was found in.
func discard(tx *db.Tx, i *Item, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE job SET state = 'discarded', run_at = NULL, finished_at = $4
		WHERE organization_id = $1 AND id = $2 AND state = $3`, i.Organization.V, i.ID, i.State, now)
	return changed > 0, err
}
