package sedetest

import (
	"slices"
	"time"
)

// P99 is what 99 of 100 in the list did not take longer than.
func P99(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)*99/100]
}
