package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestReach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address          string
		public, loopback bool
	}{
		{"8.8.8.8", true, false},
		{"2606:4700::1111", true, false},
		{"::ffff:8.8.8.8", true, false},
		{"127.0.0.1", false, true},
		{"::1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"10.1.2.3", false, false},
		{"192.168.1.1", false, false},
		{"169.254.169.254", false, false}, // where clouds keep credentials
		{"100.64.0.1", false, false},
		{"0.0.0.0", false, false},
		{"255.255.255.255", false, false},
		{"224.0.0.1", false, false},
		{"fe80::1", false, false},
		{"fd00::1", false, false},
		{"64:ff9b::a00:1", false, false},
		{"2002:a00:1::", false, false},
	} {
		a := netip.MustParseAddr(test.address)
		if Public.holds(a) != test.public || Loopback.holds(a) != test.loopback {
			t.Errorf("%s: public %v, loopback %v", a, Public.holds(a), Loopback.holds(a))
		}
	}
}

// TestClientStaysInReach dials a server of this machine by its address and by a
// name, and follows no redirect.
func TestClientStaysInReach(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/further", http.StatusFound)
	}))
	defer server.Close()
	if _, err := New(Public).Get(server.URL); !errors.Is(err, ErrReach) || calls != 0 {
		t.Errorf("public: %v, %d calls", err, calls)
	}
	answer, err := New(Loopback).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound || calls != 1 {
		t.Errorf("status %d after %d calls", answer.StatusCode, calls)
	}
}
