package db

import (
	"time"

	"sede/internal/access"
	"sede/internal/ident"
)

// An organization's clock shows what the instance's does, unless it was set ahead, to
// try out what time brings. Tx.Now is the one place that knows. What is stored as
// the time of something in an organization is by its clock. The times at which sede
// looks at a row again are by the instance's (Tx.When), so that one index finds the
// rows of all organizations that are due; they are shifted when a clock is set.

// Now returns the time by the clock of the scope's organization, by the instance's
// for other scopes. When it can't be read the transaction fails.
func (tx *Tx) Now(scope access.Scope) time.Time {
	return tx.db.cfg.Clock.Now().Add(tx.AheadBy(scope))
}

// When returns the time by the instance's clock at which the organization's shows at.
func (tx *Tx) When(scope access.Scope, at time.Time) time.Time { return at.Add(-tx.AheadBy(scope)) }

// AheadBy returns how far the organization's clock is ahead of the instance's.
func (tx *Tx) AheadBy(scope access.Scope) time.Duration {
	organization := scope.Organization()
	if organization.IsZero() || !tx.db.holds.known.Load() || tx.lite != nil && !tx.db.clocks.Load() {
		return 0
	}
	if by, known := tx.clocks[organization]; known {
		return by
	}
	by, err := tx.readClock(organization)
	if err != nil {
		tx.fail(err)
		tx.clockless = err
		return 0
	}
	tx.clock(organization, by)
	return by
}

// clock notes how far an organization's clock is ahead.
func (tx *Tx) clock(organization ident.ID, by time.Duration) {
	if tx.clocks == nil {
		tx.clocks = map[ident.ID]time.Duration{}
	}
	tx.clocks[organization] = by
}

func (tx *Tx) readClock(organization ident.ID) (by time.Duration, err error) {
	var micros int64
	if tx.entered.ready && organization == tx.scope.Organization() {
		err = Row{tx: tx, ahead: &tx.entered}.Scan(&micros)
		return time.Duration(micros) * time.Microsecond, err
	}
	rows := tx.Query(`SELECT shows_at, set_at FROM organization_clock WHERE organization_id = $1`, organization)
	defer rows.Close()
	for rows.Next() {
		var shows, set time.Time
		if err := rows.Scan(&shows, &set); err != nil {
			return 0, err
		}
		by = shows.Sub(set)
	}
	return by, rows.Err()
}

func (tx *Tx) learnClocks(organizations []ident.ID) error {
	rows := tx.Query(tx.selectListed("organization_id, shows_at, set_at", "organization_clock", "1 = 1", "organization_id", "$1", KindID), tx.idList(organizations))
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var shows, set time.Time
		if err := rows.Scan(&id, &shows, &set); err != nil {
			return err
		}
		tx.clock(id, shows.Sub(set))
	}
	return rows.Err()
}

// SetClock has the organization's clock show a time, or, the zero time, what the
// instance's does. It waits for the organization's Writes, and they for its end. The
// transaction is one of the instance. It fails when the organization is held.
func SetClock(tx *Tx, organization ident.ID, shows time.Time) error {
	if tx.pg != nil {
		if err := tx.lockRow(lockSQL, holdName(organization)).Scan(new(bool)); err != nil {
			return err
		}
	}
	if err := CheckHold(tx, organization); err != nil {
		return err
	}
	delete(tx.clocks, organization)
	if shows.IsZero() {
		tx.Queue(`DELETE FROM organization_clock WHERE organization_id = $1`, organization)
		return nil
	}
	tx.db.clocks.Store(true)
	tx.Queue(`INSERT INTO organization_clock (organization_id, set_at, shows_at) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id) DO UPDATE SET set_at = excluded.set_at, shows_at = excluded.shows_at`,
		organization, tx.db.cfg.Clock.Now().Truncate(time.Microsecond), shows)
	return nil
}

// ByClock is the SQL for a column of times as the instance's clock shows them, which
// are by that of the organization in another column. Both are written with their
// table.
func ByClock(column, organization string) string {
	return `COALESCE((SELECT ` + column + ` - (shows_at - set_at) FROM organization_clock WHERE organization_clock.organization_id = ` + organization + `), ` + column + `)`
}

// Shift moves the times in a column of the organization's rows.
func Shift(tx *Tx, table, column string, organization ident.ID, by time.Duration) {
	if tx.lite != nil {
		tx.Queue(`UPDATE `+table+` SET `+column+` = `+column+` + $2 WHERE organization_id = $1 AND `+column+` IS NOT NULL`, organization, by.Microseconds())
		return
	}
	tx.Queue(`UPDATE `+table+` SET `+column+` = `+column+` + CAST($2 AS float8) * interval '1 second' WHERE organization_id = $1 AND `+column+` IS NOT NULL`,
		organization, by.Seconds())
}
