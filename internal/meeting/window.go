package meeting

import (
	"time"

	"sede/internal/ident"
)

// What touches a stretch of time is looked up in an ordinary index, the same on
// both databases. Each row has the class of its length: class k holds lengths
// up to the k-th bound. What touches [a, b) then begins after a minus the bound
// of its class and before b, so that each class is one range of an index by
// class and beginning. Of the rows that are read in vain, each is at most one
// bound away, whatever the number of meetings before and after.

// bounds are the longest lengths of the classes.
var bounds = [...]time.Duration{2 * time.Hour, 24 * time.Hour, 8 * 24 * time.Hour, 62 * 24 * time.Hour, maxWindow}

// classes is the SQL of a table of the classes and their bounds in seconds; a
// test holds it to bounds. Meetings are joined to it with CROSS JOIN: SQLite then
// goes through the classes first, even where its statistics are of a time with
// few meetings.
const classes = `WITH class (span, reach) AS (VALUES
	(CAST(0 AS bigint), CAST(7200 AS bigint)), (1, 86400), (2, 691200), (3, 5356800), (4, 31622400)) `

// spanOf returns the class of a length.
func spanOf(length time.Duration) int64 {
	for class, bound := range bounds {
		if length <= bound {
			return int64(class)
		}
	}
	return int64(len(bounds) - 1)
}

// stretch is a stretch of time in seconds since 1970, half-open.
type stretch struct{ from, to int64 }

// always is every stretch there is: times have years from 1 to 9999.
var always = stretch{from: -1 << 36, to: 1 << 38}

func stretchOf(from, to time.Time) stretch { return stretch{from.Unix(), to.Unix()} }

// interval is a stretch of time, half-open.
type interval struct{ from, to time.Time }

// overlaps reports whether the two have time in common.
func (i interval) overlaps(other interval) bool {
	return i.from.Before(other.to) && other.from.Before(i.to)
}

// taken is time that a scheduled meeting occupies.
type taken struct {
	id ident.ID
	interval
}
