package account

import (
	"errors"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// What stands behind links in mails. The tables belong to the instance.

func insertSignUp(tx *db.Tx, u *signUp) {
	tx.Queue(`INSERT INTO sign_up (hash, email, name, password_hash, language, time_zone, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		u.hash, u.email, u.name, u.password, u.language, u.timeZone, u.createdAt, u.expiresAt)
}

// countSignUps returns how many sign-ups with the address there were since a time.
func countSignUps(tx *db.Tx, email string, since time.Time) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM sign_up WHERE email = $1 AND created_at > $2`, email, since).Scan(&n)
	return n, err
}

// findSignUp loads the sign-up whose token has the hash; false when there is none
// or it has expired.
func findSignUp(tx *db.Tx, hash []byte, now time.Time) (u signUp, found bool, err error) {
	var used null.Value[time.Time]
	err = tx.Row(`SELECT hash, email, name, password_hash, language, time_zone, created_at, expires_at, used_at FROM sign_up
		WHERE hash = $1 AND expires_at > $2`, hash, now).
		Scan(&u.hash, &u.email, &u.name, &u.password, &u.language, &u.timeZone, &u.createdAt, &u.expiresAt, &used)
	if errors.Is(err, db.ErrNoRows) {
		return u, false, nil
	}
	u.used = used.Valid
	return u, err == nil, err
}

// useSignUp notes that the account was made. The password is kept with it only.
func useSignUp(tx *db.Tx, hash []byte, now time.Time) {
	tx.Queue(`UPDATE sign_up SET used_at = $2, password_hash = '' WHERE hash = $1`, hash, now)
}

func deleteSignUp(tx *db.Tx, hash []byte) { tx.Queue(`DELETE FROM sign_up WHERE hash = $1`, hash) }

// deleteOtherSignUps removes the sign-ups with the address but one.
func deleteOtherSignUps(tx *db.Tx, email string, but []byte) {
	tx.Queue(`DELETE FROM sign_up WHERE email = $1 AND hash <> $2`, email, but)
}

func insertMailedToken(tx *db.Tx, t *mailedToken) {
	tx.Queue(`INSERT INTO mailed_token (hash, purpose, user_id, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.hash, string(t.purpose), t.user, t.email, t.createdAt, t.expiresAt)
}

// countMailedTokens returns how many tokens a user got for a purpose since a time.
func countMailedTokens(tx *db.Tx, user ident.ID, what linkPurpose, since time.Time) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM mailed_token WHERE user_id = $1 AND purpose = $2 AND created_at > $3`, user, string(what), since).Scan(&n)
	return n, err
}

// findMailedToken loads the token with the hash, a used one too; deadLink when
// there is none or it has expired.
func findMailedToken(tx *db.Tx, hash []byte, now time.Time) (t mailedToken, err error) {
	var what string
	var used null.Value[time.Time]
	err = tx.Row(`SELECT hash, purpose, user_id, email, created_at, expires_at, used_at FROM mailed_token
		WHERE hash = $1 AND expires_at > $2`, hash, now).
		Scan(&t.hash, &what, &t.user, &t.email, &t.createdAt, &t.expiresAt, &used)
	if errors.Is(err, db.ErrNoRows) {
		return t, deadLink()
	}
	t.purpose, t.used = linkPurpose(what), used.Valid
	return t, err
}

// useMailedToken marks a token as used.
func useMailedToken(tx *db.Tx, hash []byte, now time.Time) {
	tx.Queue(`UPDATE mailed_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL`, hash, now)
}

// deleteMailedTokens removes the tokens of a user for a purpose.
func deleteMailedTokens(tx *db.Tx, user ident.ID, what linkPurpose) {
	tx.Queue(`DELETE FROM mailed_token WHERE user_id = $1 AND purpose = $2`, user, string(what))
}

// sweepLinks removes what has expired.
func sweepLinks(tx *db.Tx, now time.Time) {
	tx.Queue(`DELETE FROM sign_up WHERE expires_at <= $1`, now)
	tx.Queue(`DELETE FROM mailed_token WHERE expires_at <= $1`, now)
}
