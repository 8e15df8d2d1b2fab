package sealing

import (
	"bytes"
	"fmt"
	"strings"

	"sede/internal/db"
	"sede/internal/secret"
)

// countKeys counts the sealed values of a column by their key.
func countKeys(tx *db.Tx, c *Column) (list []Count, err error) {
	rows := tx.Query(`SELECT substr(`+c.Name+`, 1, 5), count(*) FROM `+c.Table+`
		WHERE substr(`+c.Name+`, 1, 1) = $1 GROUP BY 1 ORDER BY 1`, secret.Mark())
	defer rows.Close()
	for rows.Next() {
		var mark []byte
		n := Count{Column: c.String()}
		if err := rows.Scan(&mark, &n.Values); err != nil {
			return nil, err
		}
		copy(n.Key[:], mark[1:])
		list = append(list, n)
	}
	return list, rows.Err()
}

// stale loads the next values that are sealed with another key than current.
func (p *pass) stale(tx *db.Tx, current secret.KeyID) (list []value, err error) {
	c, condition := &p.column, ""
	args := []any{secret.Mark(), secret.Mark(current), most}
	if p.after != nil {
		places := make([]string, len(c.Key))
		for i := range places {
			args = append(args, p.after[i])
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		condition = ` AND (` + strings.Join(c.Key, ", ") + `) > (` + strings.Join(places, ", ") + `)`
	}
	rows := tx.Query(`SELECT `+strings.Join(p.names, ", ")+`, `+c.Name+` FROM `+c.Table+`
		WHERE substr(`+c.Name+`, 1, 1) = $1 AND substr(`+c.Name+`, 1, 5) <> $2`+condition+`
		ORDER BY `+strings.Join(c.Key, ", ")+` LIMIT $3`, args...)
	defer rows.Close()
	into, values := cells(p.kinds)
	var sealed []byte
	into = append(into, &sealed)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		list = append(list, value{names: values(), sealed: bytes.Clone(sealed)})
	}
	return list, rows.Err()
}

// replace stores what was sealed again, unless somebody has changed it since.
func (p *pass) replace(tx *db.Tx, v value, fresh []byte) (int64, error) {
	c := &p.column
	args, places := []any{fresh, v.sealed}, make([]string, len(c.Key))
	for i, name := range c.Key {
		args = append(args, v.names[i])
		places[i] = fmt.Sprintf("%s = $%d", name, len(args))
	}
	return tx.Exec(`UPDATE `+c.Table+` SET `+c.Name+` = $1 WHERE `+strings.Join(places, " AND ")+` AND `+c.Name+` = $2`, args...)
}
