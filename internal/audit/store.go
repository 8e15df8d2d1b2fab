package audit

import (
	"bytes"
	"errors"
	"strconv"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

const columns = `id, seq, at, actor, actor_name, operator, address, agent, action, resource, resource_key,
	before, after, previous_hash, hash, api_key_id`

func (r *Item) scan(into func(...any) error) error {
	var before, after null.Value[string]
	err := into(&r.ID, &r.Number, &r.CreatedAt, &r.Actor, &r.ActorName, &r.Operator, &r.Address, &r.Agent,
		&r.Action, &r.Resource, &r.Key, &before, &after, &r.PreviousHash, &r.Hash, &r.APIKey)
	r.Before, r.After = jsonOf(before), jsonOf(after)
	r.PreviousHash, r.Hash = bytes.Clone(r.PreviousHash), bytes.Clone(r.Hash)
	return err
}

// jsonOf is the JSON of a column, nil for null.
func jsonOf(text null.Value[string]) []byte {
	if !text.Valid {
		return nil
	}
	return []byte(text.V)
}

var listing = db.Listing{
	Table:  "audit_log",
	Select: columns,
	Columns: map[string]db.Column{
		"number":    {SQL: "seq", NotNull: true},
		"createdAt": {SQL: "at", NotNull: true},
		"actor":     {SQL: "actor"},
		"action":    {SQL: "action", NotNull: true},
		"resource":  {SQL: "resource", NotNull: true},
		"key":       {SQL: "resource_key", NotNull: true},
	},
	Order: "at DESC, seq DESC",
	Key:   "seq",
}

// list reads a page. When nothing is filtered or ordered the numbers of the
// entries say where it begins and how many there are.
func list(tx *db.Tx, scope access.Scope, q *page.Query) (r page.Result[Item], err error) {
	var end head
	whole := len(q.Filters) == 0 && len(q.Order) == 0
	if whole {
		if end, err = findHead(tx, scope); err != nil {
			return r, err
		}
		from := end.seq - min(int64(q.Number-1), end.seq)*int64(q.Size)
		q = &page.Query{Number: 1, Size: q.Size, Order: []page.Order{{Field: "number", Descending: true}},
			Filters: []page.Filter{{Field: "number", Op: page.Before, Values: []page.Value{{Int: from, Kind: page.Int}}}}}
	}
	r, err = db.PageOf(&listing, tx, scope, q, nil, (*Item).scan)
	if whole {
		r.Total = page.Total{Rows: end.seq, Exact: true}
	}
	return r, err
}

// find loads an entry; Missing when the chain has none with that id.
func find(tx *db.Tx, scope access.Scope, id ident.ID, r *Item) error {
	err := r.scan(tx.Row(`SELECT `+columns+` FROM audit_log WHERE organization_id = $1 AND id = $2`, scope.Organization(), id).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// findHead returns where a chain ends, the zero head when it has not begun.
func findHead(tx *db.Tx, scope access.Scope) (h head, err error) {
	err = tx.Row(`SELECT seq, hash FROM audit_head WHERE organization_id = $1`, scope.Organization()).Scan(&h.seq, &h.hash)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	h.hash = bytes.Clone(h.hash)
	return h, err
}

// after reads the wanted entries after number n up to number end, the oldest
// first, until keep wants no more.
func after(tx *db.Tx, scope access.Scope, w selection, n, end int64, keep func(*Item) (more bool)) error {
	args := []any{scope.Organization(), n, end}
	sql := `SELECT ` + columns + ` FROM audit_log WHERE organization_id = $1 AND seq > $2 AND seq <= $3`
	for _, c := range w {
		args = append(args, c.value)
		sql += " AND " + c.sql + " $" + strconv.Itoa(len(args))
	}
	rows := tx.Query(sql+` ORDER BY seq`, args...)
	defer rows.Close()
	for rows.Next() {
		var r Item
		if err := r.scan(rows.Scan); err != nil {
			return err
		}
		if !keep(&r) {
			return nil
		}
	}
	return rows.Err()
}
