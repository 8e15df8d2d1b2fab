package db

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
)

// An organization is held while many transactions together remove its data or
// bring it back: Writes in its scope are refused, but for those under ThroughHold.
// Holds are rows, so they outlive the process. Writes in the scope of the instance
// are not refused; what they change in an organization must not matter then, or
// look itself.

// errHeld marks the answer to Writes while the organization is held.
var errHeld = errors.New("db: the organization is held")

// held is that answer.
func held() error {
	e := fault.New(fault.Conflict, "The data of this organization is being removed or brought back at the moment. Try again when that is done.")
	e.RetryAfter = 5 * time.Second
	return fmt.Errorf("%w: %w", errHeld, e)
}

// IsHeld reports whether err is the refusal to write into a held organization.
func IsHeld(err error) bool { return errors.Is(err, errHeld) }

// Hold refuses other Writes of the organization from the commit on, until Release.
// It waits for those under way and fails like them when the organization is held
// already. The transaction is one of the instance.
func Hold(tx *Tx, organization ident.ID, reason string, since time.Time) error {
	if tx.pg != nil {
		if err := tx.lockRow(lockSQL, holdName(organization)).Scan(new(bool)); err != nil {
			return err
		}
	} else {
		tx.db.holds.look.Store(true)
	}
	n, err := tx.Exec(`INSERT INTO organization_hold (organization_id, reason, since) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id) DO NOTHING`, organization, reason, since)
	if err == nil && n == 0 {
		return held()
	}
	return err
}

// Release ends a hold, from the commit on.
func Release(tx *Tx, organization ident.ID) {
	tx.Queue(`DELETE FROM organization_hold WHERE organization_id = $1`, organization)
}

// CheckHold fails when the organization is held, for transactions of the instance
// and Reads. Nobody can hold it before a Write ends that has checked.
func CheckHold(tx *Tx, organization ident.ID) error {
	if tx.pg != nil && tx.write {
		if err := tx.lockRow("SELECT pg_advisory_xact_lock_shared($1) IS NULL", holdName(organization)).Scan(new(bool)); err != nil {
			return err
		}
	}
	var there bool
	err := tx.Row(`SELECT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = $1)`, organization).Scan(&there)
	if err == nil && there {
		err = held()
	}
	return err
}

// EnterAll lets a transaction of the instance into several organizations: it returns
// those that are held, in which nothing may be written, and learns the clocks of all.
// On PostgreSQL nobody can hold another of them before the transaction ends.
func EnterAll(tx *Tx, organizations []ident.ID) (held map[ident.ID]bool, err error) {
	for _, id := range organizations {
		if tx.pg != nil {
			tx.Ahead("SELECT pg_advisory_xact_lock_shared($1) IS NULL", lockKey(holdName(id)))
		}
		tx.clock(id, 0)
	}
	if tx.pg != nil || tx.db.holds.look.Load() {
		if held, err = tx.heldOf(organizations); err != nil {
			return nil, err
		}
	}
	if tx.pg != nil || tx.db.clocks.Load() {
		err = tx.learnClocks(organizations)
	}
	return held, err
}

func (tx *Tx) heldOf(organizations []ident.ID) (map[ident.ID]bool, error) {
	held := map[ident.ID]bool{}
	rows := tx.Query(tx.selectListed("organization_id", "organization_hold", "1 = 1", "organization_id", "$1", KindID), tx.idList(organizations))
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		held[id] = true
	}
	return held, rows.Err()
}

type throughHoldKey struct{}

// ThroughHold returns a context under which Writes of held organizations are not
// refused: for those who hold them.
func ThroughHold(ctx context.Context) context.Context {
	return context.WithValue(ctx, throughHoldKey{}, true)
}

func throughHold(ctx context.Context) bool { return ctx.Value(throughHoldKey{}) != nil }

// holdName is the lock that those who write into an organization share.
func holdName(organization ident.ID) string { return "sede.hold/" + organization.String() }

// holds is what a DB knows of holds.
type holds struct {
	known atomic.Bool // the schema has holds
	look  atomic.Bool // SQLite: there may be some
}

// learn notes that the schema has holds.
func (d *DB) learnHolds(ctx context.Context) error {
	var there, ahead bool
	err := d.Read(ctx, access.Instance(), func(tx *Tx) error {
		return tx.Row(`SELECT EXISTS (SELECT 1 FROM organization_hold), EXISTS (SELECT 1 FROM organization_clock)`).Scan(&there, &ahead)
	})
	d.holds.look.Store(there)
	d.clocks.Store(ahead)
	d.holds.known.Store(err == nil)
	return err
}

// entering reports whether a Write has to be let into an organization.
func (tx *Tx) entering() bool {
	return tx.write && !tx.scope.Organization().IsZero() && tx.db.holds.known.Load() && !throughHold(tx.ctx)
}

// enterLite refuses a Write into a held organization on SQLite. When there are no
// holds at all it costs nothing.
func (tx *Tx) enterLite() error {
	if !tx.db.holds.look.Load() || !tx.entering() {
		return nil
	}
	var all, here int64
	err := tx.Row(`SELECT count(*), count(CASE WHEN organization_id = $1 THEN 1 END) FROM organization_hold`, tx.scope.Organization()).Scan(&all, &here)
	switch {
	case err != nil:
		return err
	case here > 0:
		return held()
	case all == 0:
		tx.db.holds.look.Store(false) // abort takes that back
	}
	return nil
}

const enterSQL = "SELECT enter_organization_clock($1, $2)"

// orHeld turns the refusal of enter_organization into that for people.
func orHeld(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "SE001" {
		return held()
	}
	return err
}
