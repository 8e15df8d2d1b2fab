package billing

import (
	"time"

	"sede/internal/product"
)

// Period returns the n-th period, from 0 on, of those that begin at the anchor,
// as [from, to). Each begins on the anchor's day of the month at its time in UTC,
// or on the last day of a month that is shorter; later ones are on the anchor's
// day again.
func Period(anchor time.Time, interval string, n int64) (from, to time.Time) {
	return begin(anchor, interval, n), begin(anchor, interval, n+1)
}

func begin(anchor time.Time, interval string, n int64) time.Time {
	months := int(n)
	if interval == product.Yearly {
		months *= 12
	}
	anchor = anchor.UTC()
	year, month, day := anchor.Date()
	last := time.Date(year, month+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC) // of the month that is meant
	hour, minute, second := anchor.Clock()
	return time.Date(last.Year(), last.Month(), min(day, last.Day()), hour, minute, second, 0, time.UTC)
}
