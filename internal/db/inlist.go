package db

import (
	"encoding/hex"
	"strconv"
	"time"

	"sede/internal/ident"
)

// Lists of any length are one argument, so that all share one statement.

// selectListed is a SELECT of rows whose key is in a list, each found by itself in
// the index of the key: CROSS JOIN on SQLite and LATERAL on PostgreSQL leave no
// choice, while with IN all rows of the organization may be read. columns and where are of the table; the list is the
// argument of the placeholder, and names nothing twice. ORDER BY
// may follow.
func (tx *Tx) selectListed(columns, table, where, key, placeholder string, kind Kind) string {
	if tx.lite != nil {
		value := "value"
		if kind == KindID {
			value = "unhex(value)"
		}
		return tx.selectFrom(columns, table, where, key, "(SELECT "+value+" AS wanted FROM json_each("+placeholder+"))")
	}
	array := "bigint[]"
	if kind == KindID {
		array = "uuid[]"
	}
	return tx.selectFrom(columns, table, where, key, "unnest(CAST(CAST("+placeholder+" AS text) AS "+array+"))")
}

// selectFrom is selectListed with a subquery that has the list in its only column, named wanted.
func (tx *Tx) selectFrom(columns, table, where, key, list string) string {
	if tx.lite != nil {
		return "SELECT " + columns + " FROM " + list + " AS listed CROSS JOIN " + table + " WHERE " + where + " AND " + key + " = listed.wanted"
	}
	return "SELECT " + columns + " FROM " + list + " AS listed (wanted) CROSS JOIN LATERAL (SELECT * FROM " + table +
		" WHERE " + where + " AND " + key + " = listed.wanted OFFSET 0) AS " + table
}

// idList is the argument for a list of ids.
func (tx *Tx) idList(list []ident.ID) string {
	if tx.lite == nil {
		return writeList('{', '}', 37*len(list), list, func(b []byte, id ident.ID) []byte { return id.Append(b) })
	}
	return writeList('[', ']', 35*len(list), list, func(b []byte, id ident.ID) []byte { return append(hex.AppendEncode(append(b, '"'), id[:]), '"') })
}

// numberList is the argument for a list of integers.
func (tx *Tx) numberList(list []int64) string {
	add := func(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }
	if tx.lite == nil {
		return writeList('{', '}', 12*len(list), list, add)
	}
	return writeList('[', ']', 12*len(list), list, add)
}

func writeList[T any](open, end byte, size int, list []T, add func([]byte, T) []byte) string {
	b := append(make([]byte, 0, size+2), open)
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = add(b, v)
	}
	return string(append(b, end))
}

// Pair is what two columns of a row hold.
type Pair struct {
	At    time.Time
	Bytes []byte
}

// SelectPairs is a SELECT of the rows of a table whose two columns are a pair of a
// list, each pair found by itself in an index. where is of the table; the list,
// which names nothing twice, is the argument of the placeholder, see PairList. ORDER
// BY may follow.
func (tx *Tx) SelectPairs(columns, table, where string, keys [2]string, placeholder string) string {
	where += " AND " + keys[0] + " = listed.at AND " + keys[1] + " = listed.bytes"
	if tx.lite != nil {
		return "SELECT " + columns + " FROM (SELECT value ->> 0 AS at, unhex(value ->> 1) AS bytes FROM json_each(" + placeholder + ")) AS listed" +
			" CROSS JOIN " + table + " WHERE " + where
	}
	return "SELECT " + columns + " FROM (SELECT timestamptz 'epoch' + split_part(pair, ' ', 1)::bigint * interval '1 microsecond' AS at," +
		" decode(split_part(pair, ' ', 2), 'hex') AS bytes FROM unnest(CAST(CAST(" + placeholder + " AS text) AS text[])) AS pair) AS listed" +
		" CROSS JOIN LATERAL (SELECT * FROM " + table + " WHERE " + where + " OFFSET 0) AS " + table
}

// PairList is the argument for a list of pairs.
func (tx *Tx) PairList(list []Pair) string {
	if tx.lite == nil {
		return writeList('{', '}', 60*len(list), list, func(b []byte, p Pair) []byte {
			b = append(strconv.AppendInt(append(b, '"'), p.At.UnixMicro(), 10), ' ')
			return append(hex.AppendEncode(b, p.Bytes), '"')
		})
	}
	return writeList('[', ']', 60*len(list), list, func(b []byte, p Pair) []byte {
		b = append(strconv.AppendInt(append(b, '['), p.At.UnixMicro(), 10), ',', '"')
		return append(hex.AppendEncode(b, p.Bytes), '"', ']')
	})
}
