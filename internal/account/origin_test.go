package account

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		proxies   proxies
		remote    string
		forwarded []string
		want      string
	}{
		{nil, "192.0.2.1:1234", nil, "192.0.2.1"},
		{nil, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{nil, "[2001:db8::1]:1234", nil, "2001:db8::1"},
		{nil, "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{nil, "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{nil, "@", nil, ""},
		{nil, "", nil, ""},
		{trusted, "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{trusted, "10.1.2.3:1234", nil, "10.1.2.3"},
		{trusted, "10.1.2.3:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{trusted, "10.1.2.3:1234", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{trusted, "10.1.2.3:1234", []string{"203.0.113.9", "198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		{trusted, "10.1.2.3:1234", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		{trusted, "[fd00::1]:1234", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		{trusted, "10.1.2.3:1234", []string{"198.51.100.7:80"}, "198.51.100.7"},
		{trusted, "10.1.2.3:1234", []string{"unknown, 10.0.0.2"}, "10.0.0.2"},
		{trusted, "10.1.2.3:1234", []string{"'; DROP TABLE"}, "10.1.2.3"},
		{trusted, "[::ffff:10.1.2.3]:1234", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := c.proxies.address(r); got != c.want {
			t.Errorf("%s for %v is %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestAgentCanBeStored(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"": "", "curl/8": "curl/8", "a\xffb": "ab", strings.Repeat("é", 200): strings.Repeat("é", 127),
	} {
		if got := agent(&http.Request{Header: http.Header{"User-Agent": {sent}}}); got != want {
			t.Errorf("agent(%q) = %q", sent, got)
		}
	}
}
