package account

import (
	"errors"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// The tables here belong to the instance, not to an organization: transactions
// run under access.Instance.

const userColumns = `id, username, email_verified_at, name, language, time_zone, operator, version, created_at, updated_at`

func (u *User) scan(into func(...any) error) error {
	return into(&u.ID, &u.Username, &u.VerifiedAt, &u.Name, &u.Language, &u.TimeZone, &u.Operator, &u.Version, &u.CreatedAt, &u.UpdatedAt)
}

var userListing = db.Listing{
	Table:  "app_user",
	Select: userColumns,
	Columns: map[string]db.Column{
		"username":  {SQL: "username", Fold: "username_fold", NotNull: true},
		"name":      {SQL: "name", Fold: "name_fold", NotNull: true},
		"operator":  {SQL: "operator", NotNull: true},
		"createdAt": {SQL: "created_at", NotNull: true},
		"updatedAt": {SQL: "updated_at", NotNull: true},

		"emailVerifiedAt": {SQL: "email_verified_at"},
	},
	Counted: true,
	Wide:    true,
}

func listUsers(tx *db.Tx, q *page.Query) (page.Result[User], error) {
	return db.PageOf(&userListing, tx, access.Instance(), q, nil, (*User).scan)
}

// findUser loads a user; Missing when there is none with the id.
func findUser(tx *db.Tx, id ident.ID, u *User) error {
	return missing(u.scan(tx.Row(`SELECT `+userColumns+` FROM app_user WHERE id = $1`, id).Scan))
}

// lockUser holds the name and username of a user until the transaction ends.
func lockUser(tx *db.Tx, user ident.ID) error { return tx.Lock("account/user/" + user.String()) }

// lockEmail holds an address until the transaction ends: nobody else registers
// it meanwhile.
func lockEmail(tx *db.Tx, email string) error { return tx.Lock("account/email/" + email) }

// findUsername loads a user by the normalised e-mail address; Missing when there
// is none.
func findUsername(tx *db.Tx, username string, u *User) error {
	return missing(u.scan(tx.Row(`SELECT `+userColumns+` FROM app_user WHERE username = $1`, username).Scan))
}

func missing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Missing()
	}
	return err
}

// findPassword returns the id and the password hash that belong to a username;
// the zero id when nobody has it.
func findPassword(tx *db.Tx, username string) (user ident.ID, hash string, err error) {
	err = tx.Row(`SELECT id, password_hash FROM app_user WHERE username = $1`, username).Scan(&user, &hash)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return user, hash, err
}

func insertUser(tx *db.Tx, u *User, hash string) error {
	if err := lockEmail(tx, u.Username); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO app_user (id, username, username_fold, email_verified_at, name, name_fold, language, time_zone,
			operator, password_hash, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		u.ID, u.Username, db.Fold(u.Username), u.VerifiedAt, u.Name, db.Fold(u.Name), u.Language, u.TimeZone,
		u.Operator, hash, u.Version, u.CreatedAt, u.UpdatedAt)
	if db.IsUnique(err, "app_user_username") {
		return usernameTaken()
	}
	if err == nil {
		db.Count(tx, access.Instance(), "app_user", 1)
	}
	return err
}

func usernameTaken() error {
	return fault.Broken(fault.Violation{Path: "username", Text: fault.Textf("This value is already used."), Code: fault.CodeUnique})
}

// updateUser stores the user if it still has the version before its own; else
// somebody was faster.
func updateUser(tx *db.Tx, u *User) error {
	changed, err := tx.Exec(`UPDATE app_user SET name = $2, name_fold = $3, language = $4, time_zone = $5, operator = $6,
			version = $7, updated_at = $8, username = $9, username_fold = $10, email_verified_at = $11
		WHERE id = $1 AND version = $7 - 1`,
		u.ID, u.Name, db.Fold(u.Name), u.Language, u.TimeZone, u.Operator, u.Version, u.UpdatedAt,
		u.Username, db.Fold(u.Username), u.VerifiedAt)
	if db.IsUnique(err, "app_user_username") {
		return usernameTaken()
	}
	if err == nil && changed == 0 {
		return fault.New(fault.Conflict, "Somebody else has changed this in the meantime. Read it again and repeat your change.")
	}
	return err
}

// setHash replaces a password hash if it is still the one given as old; an
// empty old replaces any. It reports whether it did.
func setHash(tx *db.Tx, user ident.ID, old, hash string) (bool, error) {
	changed, err := tx.Exec(`UPDATE app_user SET password_hash = $2 WHERE id = $1 AND (password_hash = $3 OR $3 = '')`,
		user, hash, old)
	return changed == 1, err
}

// touchUser notes a sign-in with the password that has the hash. It reports
// whether that is still the password. Until the commit nobody else changes it.
func touchUser(tx *db.Tx, user ident.ID, hash string, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE app_user SET signed_in_at = $3 WHERE id = $1 AND password_hash = $2`, user, hash, now)
	return changed == 1, err
}

// session is one row of user_session.
type session struct {
	id           ident.ID
	user         ident.ID
	organization null.Value[ident.ID]
	createdAt    time.Time
	expiresAt    time.Time
}

func insertSession(tx *db.Tx, s *session, from Origin) {
	tx.Queue(`INSERT INTO user_session (id, user_id, organization_id, address, agent, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.id, s.user, s.organization, from.Address, from.Agent, s.createdAt, s.expiresAt)
}

// extendSession gives a session more time and holds it until the commit. It
// reports whether the session is there and was not revoked.
func extendSession(tx *db.Tx, id ident.ID, until time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE user_session SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, until)
	return changed == 1, err
}

// revokeSession ends a session. It reports whether there was something to end.
func revokeSession(tx *db.Tx, id ident.ID, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE user_session SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, now)
	return changed == 1, err
}

// revokeSessions ends all sessions of a user but one, which may be zero, and
// returns how many.
func revokeSessions(tx *db.Tx, user, but ident.ID, now time.Time) (int64, error) {
	return tx.Exec(`UPDATE user_session SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND expires_at > $3`,
		user, but, now)
}

// touchSession notes when a token of a session was used.
func touchSession(tx *db.Tx, id ident.ID, at time.Time) {
	tx.Queue(`UPDATE user_session SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)`, id, at)
}

// sweepSessions removes what a user's expired sessions left behind.
func sweepSessions(tx *db.Tx, user ident.ID, now time.Time) {
	tx.Queue(`DELETE FROM refresh_token WHERE session_id IN
		(SELECT id FROM user_session WHERE user_id = $1 AND expires_at <= $2)`, user, now)
	tx.Queue(`DELETE FROM user_session WHERE user_id = $1 AND expires_at <= $2`, user, now)
}

// refreshToken is one row of refresh_token.
type refreshToken struct {
	hash      []byte
	session   ident.ID
	createdAt time.Time
	expiresAt time.Time
}

// findSessionOf loads the session that a refresh token belongs to; false when
// there is no such token.
func findSessionOf(tx *db.Tx, hash []byte) (s session, found bool, err error) {
	err = tx.Row(`SELECT s.id, s.user_id, s.organization_id, s.created_at, s.expires_at
		FROM refresh_token t JOIN user_session s ON s.id = t.session_id WHERE t.hash = $1`, hash).
		Scan(&s.id, &s.user, &s.organization, &s.createdAt, &s.expiresAt)
	if errors.Is(err, db.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// findRefreshToken returns when a refresh token expires; the zero time when
// there is no such token.
func findRefreshToken(tx *db.Tx, hash []byte) (expires time.Time, err error) {
	err = tx.Row(`SELECT expires_at FROM refresh_token WHERE hash = $1`, hash).Scan(&expires)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, nil
	}
	return expires, err
}

// useRefreshToken marks a refresh token as used. It reports whether this was the
// first use; of two at once exactly one is.
func useRefreshToken(tx *db.Tx, hash []byte, now time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE refresh_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL`, hash, now)
	return changed == 1, err
}

func insertRefreshToken(tx *db.Tx, r *refreshToken) {
	tx.Queue(`INSERT INTO refresh_token (hash, session_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
		r.hash, r.session, r.createdAt, r.expiresAt)
}

// sweepRefreshTokens removes the expired refresh tokens of a session.
func sweepRefreshTokens(tx *db.Tx, session ident.ID, now time.Time) {
	tx.Queue(`DELETE FROM refresh_token WHERE session_id = $1 AND expires_at <= $2`, session, now)
}

// findProfile loads what a user may do, and whether the session or API key still
// counts; false when there is no such user.
func findProfile(tx *db.Tx, user, credential ident.ID) (p profile, live, found bool, err error) {
	err = tx.Row(`SELECT username, email_verified_at IS NOT NULL, operator,
			EXISTS (SELECT 1 FROM user_session WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL)
			OR EXISTS (SELECT 1 FROM api_key WHERE id = $2 AND user_id = $1)
		FROM app_user WHERE id = $1`, user, credential).Scan(&p.username, &p.verified, &p.operator, &live)
	if errors.Is(err, db.ErrNoRows) {
		return p, false, false, nil
	}
	return p, live, err == nil, err
}

func listKeys(tx *db.Tx) (keys []signingKey, err error) {
	rows := tx.Query(`SELECT kid, public_key, sealed, use_from, created_at FROM signing_key ORDER BY use_from, kid`)
	defer rows.Close()
	for rows.Next() {
		var k signingKey
		var public []byte
		if err := rows.Scan(&k.kid, &public, &k.sealed, &k.useFrom, &k.createdAt); err != nil {
			return nil, err
		}
		k.public = public
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func insertKey(tx *db.Tx, k *signingKey) {
	tx.Queue(`INSERT INTO signing_key (kid, public_key, sealed, use_from, created_at) VALUES ($1, $2, $3, $4, $5)`,
		k.kid, []byte(k.public), k.sealed, k.useFrom, k.createdAt)
}

func deleteKey(tx *db.Tx, kid string) { tx.Queue(`DELETE FROM signing_key WHERE kid = $1`, kid) }

func deleteKeys(tx *db.Tx) { tx.Queue(`DELETE FROM signing_key`) }

// keptChanges is how many changes of access are kept for processes to catch up
// with. One that missed more forgets everything.
const keptChanges = 1000

// insertChange notes that the access of a user changed. Writers take turns from
// here to their commits, so that epochs appear in their order.
func insertChange(tx *db.Tx, user ident.ID) error {
	var epoch int64
	if err := tx.Row(`UPDATE access_epoch SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch`).Scan(&epoch); err != nil {
		return err
	}
	tx.Queue(`INSERT INTO access_change (epoch, user_id) VALUES ($1, $2)`, epoch, user)
	tx.Queue(`DELETE FROM access_change WHERE epoch <= $1`, epoch-keptChanges)
	return nil
}

// currentEpoch returns the number of the last change.
func currentEpoch(tx *db.Tx) (epoch int64, err error) {
	err = tx.Row(`SELECT epoch FROM access_epoch WHERE id = 1`).Scan(&epoch)
	return epoch, err
}

// listChanges returns the users whose access changed after an epoch, the epoch
// of the last change, and whether changes in between are gone.
func listChanges(tx *db.Tx, after int64) (users []ident.ID, last int64, gap bool, err error) {
	last = after
	rows := tx.Query(`SELECT epoch, user_id FROM access_change WHERE epoch > $1 ORDER BY epoch`, after)
	defer rows.Close()
	for rows.Next() {
		var epoch int64
		var user ident.ID
		if err := rows.Scan(&epoch, &user); err != nil {
			return nil, after, false, err
		}
		gap = gap || epoch != last+1
		last = epoch
		users = append(users, user)
	}
	return users, last, gap, rows.Err()
}
