package sealing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/secret"
)

// Service looks at sealed values and seals them again.
type Service struct {
	db    *db.DB
	box   *secret.Box
	audit *audit.Log
}

// New returns a Service for what box seals.
func New(d *db.DB, box *secret.Box, log *audit.Log) *Service {
	return &Service{db: d, box: box, audit: log}
}

// Counts tells how many values each column has under each key. It reads all of
// them.
func (s *Service) Counts(ctx context.Context) (list []Count, err error) {
	for _, c := range Columns() {
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
			counts, err := countKeys(tx, &c)
			list = append(list, counts...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// most is how many values one transaction seals again.
const most = 50

// SealAgain seals with the current key what is sealed with another, some values at
// a time, and tells done about each column. What somebody else changes meanwhile
// is left as they wrote it. It can end at any point and begin again: what is
// sealed with the current key is left alone.
func (s *Service) SealAgain(ctx context.Context, done func(Result)) (again, lost int64, err error) {
	tables, err := db.Schema(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range Columns() {
		p := pass{Service: s, column: c, names: c.named(), result: Result{Column: c.String()}}
		if err := p.describe(tables[c.Table]); err != nil {
			return again, lost, err
		}
		for more := true; more; {
			if more, err = p.step(ctx); err != nil {
				return again, lost, err
			}
		}
		again, lost = again+p.result.Again, lost+p.result.Lost
		done(p.result)
	}
	return again, lost, nil
}

// pass goes once through the values of a column, in the order of their keys.
type pass struct {
	*Service
	column Column
	names  []string  // the columns that tell place and purpose
	kinds  []db.Kind // of these
	after  []any     // key of the last value that was looked at
	result Result
}

func (p *pass) describe(table *db.Table) error {
	if table == nil {
		return fmt.Errorf("sealing: there is no table %s", p.column.Table)
	}
	for _, name := range p.names {
		column, ok := table.Column(name)
		if !ok || (column.Kind != db.KindID && column.Kind != db.KindText) {
			return fmt.Errorf("sealing: %s.%s names nothing", p.column.Table, name)
		}
		p.kinds = append(p.kinds, column.Kind)
	}
	return nil
}

// step seals some values again and reports whether there may be more. Reading
// comes before the transaction that writes, since it may pass by many that need
// nothing.
func (p *pass) step(ctx context.Context) (more bool, err error) {
	var found []value
	err = p.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		found, err = p.stale(tx, p.box.Keys()[0])
		return err
	})
	if err != nil || len(found) == 0 {
		return false, err
	}
	var again, lost int64
	err = p.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		again, lost = 0, 0
		for _, v := range found {
			fresh, err := p.box.Again(p.column.purpose(p.names, v.names), v.sealed)
			if errors.Is(err, secret.ErrSealed) {
				lost++
				continue
			}
			if err != nil {
				return err
			}
			n, err := p.replace(tx, v, fresh)
			if err != nil {
				return err
			}
			again += n
		}
		return nil
	})
	p.result.Again, p.result.Lost = p.result.Again+again, p.result.Lost+lost
	p.after = found[len(found)-1].names[:len(p.column.Key)]
	return len(found) == most, err
}

// Record notes in the audit log that everything was sealed again.
func (s *Service) Record(ctx context.Context, again int64) error {
	key := s.box.Keys()[0].String()
	after, err := json.Marshal(map[string]any{"key": key, "sealedAgain": again})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		return s.audit.Append(tx, nil, audit.Entry{Action: "rotate", Resource: "SecretKey", Key: key, After: after})
	})
}

// value is one that is not sealed with the current key.
type value struct {
	names  []any // what tells its place and purpose
	sealed []byte
}

// cells makes room for the columns that tell a value's place and purpose.
func cells(kinds []db.Kind) (into []any, values func() []any) {
	ids, texts := make([]ident.ID, len(kinds)), make([]string, len(kinds))
	for i, kind := range kinds {
		if kind == db.KindID {
			into = append(into, &ids[i])
		} else {
			into = append(into, &texts[i])
		}
	}
	return into, func() (list []any) {
		for i, kind := range kinds {
			if kind == db.KindID {
				list = append(list, ids[i])
			} else {
				list = append(list, string(bytes.Clone([]byte(texts[i]))))
			}
		}
		return list
	}
}
