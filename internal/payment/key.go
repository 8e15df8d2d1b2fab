package payment

import (
	"context"
	"net/http"
	"strconv"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/stripe"
)

// An idempotency key is made of what is stored before the call: what is to be done, and
// how often an earlier key for it was used up. So a repetition after a crash has the
// same key, and is done once. A key is used up when Stripe answered with an error of its
// own, which it would repeat for a day, or knows the key with something else in the
// request. Whoever calls looks first what is there by now.

// keyed makes a call with its key.
func (s *Service) keyed(ctx context.Context, base string, call func(key string) error) error {
	var used int64
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		used, err = keysUsed(tx, base)
		return err
	})
	if err != nil {
		return err
	}
	key := base
	if used > 0 {
		key += ":again" + strconv.FormatInt(used, 10)
	}
	failed := call(key)
	if !isUsedUp(failed) {
		return failed
	}
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		useKey(tx, base, used+1)
		return nil
	})
	if err != nil {
		return err
	}
	return failed
}

func isUsedUp(err error) bool {
	return stripe.Is(err, stripe.KeyUsed) || stripe.StatusOf(err) >= http.StatusInternalServerError
}

// keysUsed counts the keys that were used up.
func keysUsed(tx *db.Tx, base string) (n int64, err error) {
	err = tx.Row(`SELECT COALESCE(MAX(taken), 0) FROM stripe_fetch WHERE subject = $1`, keySubject(base)).Scan(&n)
	return n, err
}

func useKey(tx *db.Tx, base string, n int64) {
	tx.Queue(`INSERT INTO stripe_fetch (subject, taken, applied) VALUES ($1, $2, 0) ON CONFLICT (subject) DO UPDATE SET taken = excluded.taken
		WHERE stripe_fetch.taken < excluded.taken`, keySubject(base), n)
}

func keySubject(base string) string { return "key:" + base }
