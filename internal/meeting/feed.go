package meeting

import (
	"io"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/secret"
)

// What a feed tells.
const (
	Everything = "everything" // meetings with all that is known of them
	BusyOnly   = "busy"       // no more than when the member is busy
)

// Feed is a secret address under which a member's calendar program reads the
// meetings of the employee whom they are linked to. It is a capability: who has
// the address needs no sign-in, as long as the member stays one.
type Feed struct {
	ID        ident.ID
	User      ident.ID
	Content   string
	URL       null.Value[string] // known only when the secret was just made
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time

	hash []byte // of the secret
}

// renew gives the feed a new secret, which ends the one before. base is where
// feeds are.
func (f *Feed) renew(random io.Reader, base string) error {
	plain, hash, err := secret.NewToken(random)
	if err != nil {
		return err
	}
	f.hash, f.URL = hash, null.Of(base+plain+".ics")
	return nil
}

// What of a member's calendar a feed holds: windows that touch the time from
// feedPast ago to feedFuture ahead, the first maxFeed of them.
const (
	feedPast   = 60 * 24 * time.Hour
	feedFuture = 400 * 24 * time.Hour
	maxFeed    = 1000
)

// feedRefresh is how often a calendar program may well look.
const feedRefresh = 30 * time.Minute

// feedStretch is the stretch of time that a feed holds. It moves on once a day, so
// that a feed stays the same in between.
func feedStretch(now time.Time) stretch {
	today := now.UTC().Truncate(24 * time.Hour)
	return stretchOf(today.Add(-feedPast), today.Add(feedFuture))
}
