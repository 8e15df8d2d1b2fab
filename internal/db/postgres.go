package db

import (
	"context"
	"github.com/jackc/pgx/v5/pgxpool"
	"sede/internal/access"
)

type postgres struct{ pool *pgxpool.Pool }
type pgSession struct{}
type pgValues struct{}

func openPostgres(ctx context.Context, cfg *Config) (*postgres, error) { panic(0) }
func (*postgres) close() error                                         { panic(0) }
func (*postgres) read(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	panic(0)
}
func (*postgres) write(ctx context.Context, d *DB, scope access.Scope, fn func(*Tx) error) error {
	panic(0)
}
func (*postgres) status(ctx context.Context, d *DB, s *Status) error    { panic(0) }
func (*pgSession) query(tx *Tx, r *Rows, sql string, args []any) error  { panic(0) }
func (*pgSession) exec(tx *Tx, sql string, args []any) (int64, error)   { panic(0) }
func (*pgSession) queue(tx *Tx, sql string, args []any) error           { panic(0) }
func (*pgSession) ahead(tx *Tx, a *ahead, sql string, args []any) error { panic(0) }
func (*pgSession) flushAhead(tx *Tx) error                              { panic(0) }
func (*pgSession) next(r *Rows) (bool, error)                           { panic(0) }
func (*pgSession) finish(r *Rows) error                                 { panic(0) }
func scanPg(v *pgValues, dest []any) error                              { panic(0) }
