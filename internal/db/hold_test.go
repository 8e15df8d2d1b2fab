package db_test

import (
	"errors"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// TestHold: a held organization is written to by nobody but those who hold it.
func TestHold(t *testing.T) {
	engines(t, func(t *testing.T, engine db.Engine) {
		d := empty(t, engine)
		_, err := d.Migrate(t.Context())
		must(t, err)
		ids := ident.NewSource(time.Now, nil)
		org, other := ids.New(), ids.New()
		now := time.Unix(1_900_000_000, 0)
		must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			for _, id := range []ident.ID{org, other} {
				tx.Queue(`INSERT INTO organization (id, type, status, name, name_fold, slug, manual_billing, production, version, created_at, updated_at)
					VALUES ($1, 'standard', 'active', 'A', 'a', $2, $3, $4, 1, $5, $5)`, id, id.String(), true, false, now)
			}
			return nil
		}))
		write := func(id ident.ID) error {
			return d.Write(t.Context(), access.System(id), func(tx *db.Tx) error {
				db.Count(tx, access.System(id), "thing", 1)
				return nil
			})
		}
		hold := func(after error) error {
			return d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
				if err := db.Hold(tx, org, "test", now); err != nil {
					return err
				}
				return after
			})
		}
		must(t, write(org))
		failed := errors.New("failed")
		if err := hold(failed); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		must(t, write(org)) // a hold that was undone is none
		must(t, hold(nil))
		if err := hold(nil); !db.IsHeld(err) {
			t.Error("held twice", err)
		}
		must(t, write(other))
		if err := write(org); !db.IsHeld(err) {
			t.Error("written while held:", err)
		}
		err = d.Write(t.Context(), access.System(org), func(tx *db.Tx) error { return tx.Row(`SELECT 1`).Scan(new(int)) })
		if !db.IsHeld(err) {
			t.Error("entered while held:", err)
		}
		must(t, d.Read(t.Context(), access.System(org), func(tx *db.Tx) error { return tx.Row(`SELECT 1`).Scan(new(int)) }))
		must(t, d.Write(db.ThroughHold(t.Context()), access.System(org), func(tx *db.Tx) error {
			db.Count(tx, access.System(org), "thing", 1)
			return nil
		}))
		must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			if err := db.CheckHold(tx, org); !db.IsHeld(err) {
				t.Error("not seen from the instance:", err)
			}
			return db.CheckHold(tx, other)
		}))
		must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			db.Release(tx, org)
			return nil
		}))
		must(t, write(org))
		must(t, write(org))
	})
}

// TestHoldWaits: whoever holds an organization waits for writes under way, so
// that none comes after the hold.
func TestHoldWaits(t *testing.T) {
	d := empty(t, db.PostgreSQL)
	_, err := d.Migrate(t.Context())
	must(t, err)
	ids := ident.NewSource(time.Now, nil)
	org := ids.New()
	now := time.Unix(1_900_000_000, 0)
	must(t, d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
		tx.Queue(`INSERT INTO organization (id, type, status, name, name_fold, slug, manual_billing, production, version, created_at, updated_at)
			VALUES ($1, 'standard', 'active', 'A', 'a', 'a-slug', $2, $3, 1, $4, $4)`, org, true, false, now)
		return nil
	}))
	inside, leave, holding := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	written := make(chan error, 1)
	go func() {
		written <- d.Write(t.Context(), access.System(org), func(tx *db.Tx) error {
			if err := tx.Row(`SELECT 1`).Scan(new(int)); err != nil {
				return err
			}
			close(inside)
			<-leave
			db.Count(tx, access.System(org), "thing", 1)
			return nil
		})
	}()
	<-inside
	go func() {
		holding <- d.Write(t.Context(), access.Instance(), func(tx *db.Tx) error { return db.Hold(tx, org, "test", now) })
	}()
	select {
	case err := <-holding:
		t.Fatal("the hold did not wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(leave)
	must(t, <-written)
	must(t, <-holding)
}
