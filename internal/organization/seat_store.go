package organization

import (
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/page"
)

// readSeats reads how many seats the organization uses and has reserved at a
// moment, and the limit that operators set. The members are locked if the
// numbers must hold.
func readSeats(tx *db.Tx, scope access.Scope, now time.Time) (seats Seats, err error) {
	err = orMissing(tx.Row(`SELECT seat_limit,
			COALESCE((SELECT rows FROM row_count WHERE organization_id = $1 AND resource = 'seat'), 0),
			(SELECT count(*) FROM seat_reservation WHERE organization_id = $1 AND expires_at > $2)
		FROM organization WHERE id = $1`, scope.Organization(), now).Scan(&seats.Limit, &seats.Used, &seats.Reserved))
	return seats, err
}

// seatsOf fills the seats of the organizations, with the limits that operators
// set. The transaction's scope is the instance.
func seatsOf(tx *db.Tx, items []Organization, now time.Time) error {
	place := make(map[ident.ID]*Organization, len(items))
	ids := make([]any, len(items), len(items)+1)
	for i := range items {
		items[i].Seats = Seats{Limit: items[i].SeatLimit}
		ids[i], place[items[i].ID] = items[i].ID, &items[i]
	}
	list := placeholders(len(ids))
	err := perOrganization(tx, `SELECT organization_id, rows FROM row_count WHERE resource = 'seat' AND organization_id IN (`+list+`)`, ids,
		func(id ident.ID, used int64) { place[id].Seats.Used = used })
	if err != nil {
		return err
	}
	return perOrganization(tx, `SELECT organization_id, count(*) FROM seat_reservation
		WHERE organization_id IN (`+list+`) AND `+db.ByClock("seat_reservation.expires_at", "seat_reservation.organization_id")+` > `+placeholder(len(ids)+1)+` GROUP BY organization_id`, append(ids, now),
		func(id ident.ID, reserved int64) { place[id].Seats.Reserved = reserved })
}

// perOrganization reads rows of an organization and a number.
func perOrganization(tx *db.Tx, sql string, args []any, each func(id ident.ID, n int64)) error {
	rows := tx.Query(sql, args...)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		each(id, n)
	}
	return rows.Err()
}

func insertReservation(tx *db.Tx, scope access.Scope, r *Reservation, now time.Time) {
	tx.Queue(`INSERT INTO seat_reservation (organization_id, id, email, email_fold, role, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		scope.Organization(), r.ID, r.Email, db.Fold(r.Email), r.Role, now, r.ExpiresAt)
}

// deleteReservation gives up the seat that is kept under the id, if one is, and
// those that nobody came for in time.
func deleteReservation(tx *db.Tx, scope access.Scope, id ident.ID, now time.Time) {
	tx.Queue(`DELETE FROM seat_reservation WHERE organization_id = $1 AND (id = $2 OR expires_at <= $3)`, scope.Organization(), id, now)
}

// taken are all that may take a seat, members and reservations, as one table with
// the columns of seats. Both halves are plain and agree in types and collation (the
// empty cut of an address is a text that collates like one): the engines then
// read both in the order of their indexes, side by side, instead of sorting all.
const taken = `(SELECT organization_id, id, 'used' AS state, name, name_fold, email, email_fold, role, status, joined_at AS since, CAST(NULL AS timestamptz) AS until
		FROM organization_user
	UNION ALL SELECT organization_id, id, 'reserved', CAST(substr(email, 1, 0) AS text), CAST(substr(email, 1, 0) AS text), email, email_fold, role, CAST('active' AS text), created_at, CAST(expires_at AS timestamptz)
		FROM seat_reservation) AS seat`

// takenNow are the seats of an organization that are taken at the moment in $2.
const takenNow = `organization_id = $1 AND status = 'active' AND role <> 'guest' AND (until IS NULL OR until > $2)`

// seatColumns has what is ordered by, too: SQLite reads side by side only then.
const seatColumns = `organization_id, id, state, name, email, role, since, until, name_fold, email_fold`

func (s *Seat) scan(into func(...any) error) error {
	var fold string
	return into(&s.Organization, &s.ID, &s.State, &s.Name, &s.Email, &s.Role, &s.Since, &s.Until, &fold, &fold)
}

var seatListing = db.Listing{
	Table: "seat", From: taken, Where: takenNow, Select: seatColumns, Order: "id",
	Total: `SELECT COALESCE((SELECT rows FROM row_count WHERE organization_id = $1 AND resource = 'seat'), 0) +
		(SELECT count(*) FROM seat_reservation WHERE organization_id = $1 AND expires_at > $2)`,
	Columns: map[string]db.Column{
		"state": {SQL: "state", NotNull: true},
		"name":  {SQL: "name", Fold: "name_fold", NotNull: true},
		"email": {SQL: "email", Fold: "email_fold", NotNull: true},
		"role":  {SQL: "role", NotNull: true},
		"since": {SQL: "since", NotNull: true},
		"until": {SQL: "until"},
	},
}

func listSeats(tx *db.Tx, scope access.Scope, now time.Time, q *page.Query) (page.Result[Seat], error) {
	return db.PageOf(&seatListing, tx, scope, q, []any{now}, (*Seat).scan)
}

func findSeat(tx *db.Tx, scope access.Scope, now time.Time, id ident.ID, s *Seat) error {
	return orMissing(s.scan(tx.Row(`SELECT `+seatColumns+` FROM `+taken+` WHERE `+takenNow+` AND id = $3`, scope.Organization(), now, id).Scan))
}
