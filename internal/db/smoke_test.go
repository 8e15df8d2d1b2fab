package db_test

import (
	"context"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t0 := time.Now()
	names, err := d.Migrate(ctx)
	t.Log(names, err, time.Since(t0))
	t0 = time.Now()
	names, err = d.Migrate(ctx)
	t.Log(names, err, time.Since(t0))
	ids := ident.NewSource(nil, nil)
	id := ids.New()
	err = d.Write(ctx, access.System(id), func(tx *db.Tx) error {
		db.Count(tx, tx.Scope(), "x", 3)
		_, err := tx.Exec("INSERT INTO idempotency VALUES ($1,$2,$3,$4,$5,$6,$7,$8)", id, "k", "r", []byte{1}, null.Of(2), nil, []byte(nil), time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Write(ctx, access.System(id), func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO idempotency VALUES ($1,$2,$3,$4,$5,$6,$7,$8)", id, "k", "r", []byte{1}, null.Of(2), nil, []byte(nil), time.Now())
		return err
	})
	if !db.IsUnique(err, "idempotency_pkey") {
		t.Fatal(err)
	}
	err = d.Read(ctx, access.System(id), func(tx *db.Tx) error {
		var n int
		if err := tx.Row("SELECT rows FROM row_count WHERE organization_id=$1", id).Scan(&n); err != nil {
			return err
		}
		var k string
		var at time.Time
		var h null.Value[string]
		err := tx.Row("SELECT key, created_at, headers FROM idempotency WHERE credential=$1", id).Scan(&k, &at, &h)
		t.Log(n, k, at, h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(d.Status(ctx))
	t.Log(d.Check(ctx))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
