package audit

import (
	"bytes"
	"fmt"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// Verify reads the chains of all organizations, under a Scope that sees them,
// and returns how many entries there are. The error names the first entry that
// is missing or was changed.
func Verify(tx *db.Tx) (entries int64, err error) {
	heads, err := readHeads(tx)
	if err != nil {
		return 0, err
	}
	ends := map[ident.ID]head{}
	rows := tx.Query(`SELECT organization_id, seq, id, at, actor, actor_name, operator, address, agent,
			action, resource, resource_key, before, after, previous_hash, hash, api_key_id
		FROM audit_log ORDER BY organization_id, seq`)
	defer rows.Close()
	for rows.Next() {
		var r record
		var hash []byte
		if err := r.scan(rows, &hash); err != nil {
			return entries, err
		}
		end := ends[r.organization]
		if r.seq != end.seq+1 {
			return entries, broken(r.organization, end.seq+1, "is missing")
		}
		if how := r.flaw(end, hash); how != "" {
			return entries, broken(r.organization, r.seq, how)
		}
		ends[r.organization] = head{r.seq, hash}
		entries++
	}
	if err := rows.Err(); err != nil {
		return entries, err
	}
	for organization, h := range heads {
		if end := ends[organization]; end.seq != h.seq || !bytes.Equal(end.hash, h.hash) {
			return entries, broken(organization, end.seq+1, "is missing at the end")
		}
		delete(ends, organization)
	}
	for organization, end := range ends {
		return entries, broken(organization, end.seq, "is not known as the last")
	}
	return entries, nil
}

// flaw says what is wrong with an entry that stands after another and has the
// hash; empty when nothing is.
func (r *record) flaw(before head, hash []byte) string {
	if want := r.hash(); !bytes.Equal(hash, want[:]) {
		return "was changed"
	}
	if !bytes.Equal(r.previous, before.hash) {
		return "does not follow the one before: one of them was replaced"
	}
	return ""
}

func broken(organization ident.ID, seq int64, how string) error {
	return fmt.Errorf("audit: entry %d of organization %s %s", seq, organization, how)
}

// head is where a chain ends.
type head struct {
	seq  int64
	hash []byte
}

func readHeads(tx *db.Tx) (map[ident.ID]head, error) {
	heads := map[ident.ID]head{}
	rows := tx.Query(`SELECT organization_id, seq, hash FROM audit_head`)
	defer rows.Close()
	for rows.Next() {
		var organization ident.ID
		var h head
		if err := rows.Scan(&organization, &h.seq, &h.hash); err != nil {
			return nil, err
		}
		h.hash = bytes.Clone(h.hash)
		heads[organization] = h
	}
	return heads, rows.Err()
}

func (r *record) scan(rows *db.Rows, hash *[]byte) error {
	var actor, key null.Value[ident.ID]
	var before, after null.Value[string]
	var at time.Time
	err := rows.Scan(&r.organization, &r.seq, &r.id, &at, &actor, &r.who.Username, &r.who.Operator, &r.who.Address, &r.who.Agent,
		&r.Action, &r.Resource, &r.Key, &before, &after, &r.previous, hash, &key)
	r.at, r.who.User, r.who.Key = at, actor.V, key.V
	if before.Valid {
		r.Before = []byte(before.V)
	}
	if after.Valid {
		r.After = []byte(after.V)
	}
	r.previous, *hash = bytes.Clone(r.previous), bytes.Clone(*hash)
	return err
}
