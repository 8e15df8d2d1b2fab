package tax

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func day(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRatesHoldFromTheirDay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		country, day string
		rate         int64
	}{
		{"DE", "2020-06-30", 1900}, {"DE", "2020-07-01", 1600}, {"DE", "2020-12-31", 1600}, {"DE", "2021-01-01", 1900},
		{"EE", "2025-06-30", 2200}, {"EE", "2025-07-01", 2400}, {"RO", "2025-07-31", 1900}, {"RO", "2025-08-01", 2100},
		{"FI", "2024-08-31", 2400}, {"FI", "2024-09-01", 2550}, {"SK", "2030-01-01", 2300}, {"GB", "2030-01-01", 2000},
	} {
		if got, ok := Rate(test.country, day(t, test.day)); got != test.rate || !ok {
			t.Errorf("%s on %s: %d %v, want %d", test.country, test.day, got, ok, test.rate)
		}
	}
	if _, ok := Rate("PT", day(t, "1980-01-01")); ok {
		t.Error("a rate from before the table begins")
	}
	if _, ok := Rate("US", day(t, "2030-01-01")); ok {
		t.Error("the United States have a rate")
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(rates, func(a, b rate) int { return strings.Compare(a.country+a.from, b.country+b.from) }) {
		t.Error("the rates are not in order")
	}
	members := map[string]bool{}
	for _, r := range rates {
		day(t, r.from)
		if r.country != unitedKingdom {
			members[r.country] = true
		}
		if r.rate < 1500 || r.rate > 2700 { // article 97: 15 % at least
			t.Errorf("%s: %d", r.country, r.rate)
		}
	}
	if len(members) != 27 {
		t.Errorf("%d member states", len(members))
	}
}

func TestTreat(t *testing.T) {
	t.Parallel()
	at := day(t, "2030-01-02")
	for _, test := range []struct {
		seller, buyer Party
		want          Treatment
	}{
		{Party{"PT", "", false}, Party{"PT", "", false}, Treatment{Standard, "PT", 2300}},
		{Party{"PT", "", false}, Party{"PT", "PT501442600", false}, Treatment{Standard, "PT", 2300}},
		{Party{"PT", "", false}, Party{"PL", "", false}, Treatment{Standard, "PL", 2300}},
		{Party{"PT", "", false}, Party{"HU", "", false}, Treatment{Standard, "HU", 2700}},
		{Party{"PT", "", false}, Party{"PL", "PL5260250274", false}, Treatment{ReverseCharge, "", 0}},
		{Party{"PT", "", false}, Party{"GR", "EL094019245", false}, Treatment{ReverseCharge, "", 0}},
		{Party{"PT", "", false}, Party{"PL", "DE811907980", false}, Treatment{Standard, "PL", 2300}},
		{Party{"PT", "", false}, Party{"US", "", false}, Treatment{OutOfScope, "", 0}},
		{Party{"PT", "", false}, Party{"GB", "GB980780684", false}, Treatment{OutOfScope, "", 0}},
		{Party{"GB", "", false}, Party{"GB", "", false}, Treatment{Standard, "GB", 2000}},
		{Party{"GB", "", false}, Party{"PT", "", false}, Treatment{OutOfScope, "", 0}},
		{Party{"US", "", false}, Party{"US", "", false}, Treatment{OutOfScope, "", 0}},
		{Party{"PT", "", true}, Party{"PT", "PT501442600", false}, Treatment{Exempt, "", 0}},
		{Party{"PT", "", true}, Party{"PL", "", false}, Treatment{Exempt, "", 0}},
		{Party{"PT", "", true}, Party{"PL", "PL5260250274", true}, Treatment{ReverseCharge, "", 0}},
		{Party{"PT", "", true}, Party{"US", "", false}, Treatment{OutOfScope, "", 0}},
		{Party{"PT", "", false}, Party{"PT", "", true}, Treatment{Standard, "PT", 2300}},
	} {
		if got := Treat(test.seller, test.buyer, at); got != test.want {
			t.Errorf("%v to %v: %+v, want %+v", test.seller, test.buyer, got, test.want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ rate, net, want int64 }{{2300, 1000, 230}, {2550, 1, 0}, {2550, 2, 1}, {2300, -1000, -230}, {0, 999, 0}} {
		if got, err := (Treatment{Rate: test.rate}).Of(test.net); got != test.want || err != nil {
			t.Errorf("%d of %d: %d, %v, want %d", test.rate, test.net, got, err, test.want)
		}
	}
}
