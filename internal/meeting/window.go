package meeting

import (
	"strconv"
	"strings"
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

// eachClass returns SQL that is put together from one SELECT for each class, in
// which {class} and {reach} are the class and its bound in seconds. They are written
// as numbers: joined to a table of the classes, a database with statistics from a
// time of few meetings goes through all meetings of an employee instead.
func eachClass(sql string) string {
	parts := make([]string, len(bounds))
	for class, bound := range bounds {
		parts[class] = strings.NewReplacer("{class}", strconv.Itoa(class), "{reach}", strconv.FormatInt(int64(bound/time.Second), 10)).Replace(sql)
	}
	return strings.Join(parts, " UNION ALL ")
}

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
