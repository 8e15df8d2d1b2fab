package sandbox

import (
	"strings"
	"testing"
)

// TestIncoming signs in with money that came in: it is there, chains, and leaves the
// balances of later days as they are.
func TestIncoming(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "12 a": 1, "12.5 a b\r\n\n 0,01 c ": 2, "12": -1, "-1 a": -1, "0 a": -1, "1.234 a": -1, "x a": -1, "1e3 a": -1,
		"99999999999999999999 a": -1, "1 " + strings.Repeat("ä", maxTitle): 1, "1 " + strings.Repeat("a", maxTitle+1): -1, strings.Repeat("1 a\n", maxIncoming+1): -1} {
		list, ok := parseIncoming(text)
		if ok != (want >= 0) || ok && len(list) != want {
			t.Errorf("%.30q: %v %v", text, list, ok)
		}
	}
	target, of, _ := findTarget("Sandbox1Api_pt")
	plain, rich := holder{Person: "ana"}, holder{Person: "ana", Incoming: []incoming{{119_00, "INV-1"}, {5, "x"}}}
	now := opening.AddDate(1, 0, 0)
	rich.Day = dayOf(now) - 10
	without, with := accountsOf(target, of, &plain)[0].history(now, &plain), accountsOf(target, of, &rich)[0].history(now, &rich)
	if len(with) != len(without)+3 || with[len(with)-1].balance != without[len(without)-1].balance {
		t.Errorf("%d and %d transactions", len(with), len(without))
	}
	for i := 1; i < len(with); i++ {
		if with[i].balance != with[i-1].balance+with[i].amount {
			t.Fatalf("balances do not chain at %d", i)
		}
	}
}
