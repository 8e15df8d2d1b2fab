package sedetest

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sede/internal/db"
)

// Vacuum does what PostgreSQL does by itself a minute after many rows were added or
// removed, which it must not in tests. On SQLite there is nothing to do.
func (in *Instance) Vacuum() {
	in.t.Helper()
	if in.App.Database().Engine() != db.PostgreSQL {
		return
	}
	c, err := pgx.Connect(context.Background(), in.config.Database)
	if err != nil {
		in.t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // what was done is done
	if _, err := c.Exec(context.Background(), "VACUUM (ANALYZE)"); err != nil {
		in.t.Fatal(err)
	}
}
