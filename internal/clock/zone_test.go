package clock

import (
	"testing"
	"time"
)

// TestChangesAreThose compares the changes with what the offset does from day to
// day, over years in and beyond the tables of zones, leap years among them.
func TestChangesAreThose(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Lisbon", "Australia/Lord_Howe", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Kathmandu", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Date(2050, 1, 1, 0, 0, 0, 0, zone)
		last := LastChange(time.Date(2024, 1, 1, 0, 0, 0, 0, zone))
		for at := time.Date(2024, 1, 1, 0, 0, 0, 0, zone); at.Before(end); at = at.Add(day) {
			next := NextChange(at)
			if !next.IsZero() && !next.After(at) {
				t.Fatalf("%s: after %s comes %s", name, at, next)
			}
			_, before := at.Zone()
			_, after := at.Add(day).Zone()
			within := !next.IsZero() && !next.After(at.Add(day))
			if before != after && !within {
				t.Fatalf("%s: no change after %s", name, at)
			}
			if got := LastChange(at); !got.Equal(last) {
				t.Fatalf("%s: the last change before %s was %s, want %s", name, at, got, last)
			}
			if within {
				last = next
			}
		}
	}
}
