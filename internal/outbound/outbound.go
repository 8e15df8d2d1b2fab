// Package outbound makes the HTTP clients with which sede calls other servers.
//
// A client dials only addresses of its Reach, looked at after the name was
// resolved, so that a name which points into the own network opens nothing there.
// It follows no redirects: the answer with the redirect is returned, so that
// headers with keys never travel to a host that nobody chose. It uses no proxy
// from the environment, since a proxy would dial in its stead. An address out of
// reach fails with ErrReach.
package outbound

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Reach is which addresses a client may dial.
type Reach uint8

const (
	// Public are the addresses of the internet.
	Public Reach = iota
	// Loopback are the addresses of the machine itself.
	Loopback
)

// ErrReach says that a host has an address that may not be dialled.
var ErrReach = errors.New("outbound: the host's address is out of reach")

const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 30 * time.Second
	idleTimeout   = 90 * time.Second
	maxHeader     = 64 << 10
)

// New returns a client. Its callers bound the whole exchange with a context.
func New(reach Reach) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !reach.holds(at.Addr()) {
			return ErrReach
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 4, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// holds reports whether the address may be dialled.
func (r Reach) holds(a netip.Addr) bool {
	a = a.Unmap()
	if r == Loopback {
		return a.IsLoopback()
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, network := range special {
		if network.Contains(a) {
			return false
		}
	}
	return true
}

// special are networks that are not the internet although they look like it, or
// that lead to others (IANA special-purpose registries, RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),   // shared by carriers
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // relays to IPv6
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, local
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, tunnels
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // tunnels to IPv4
	netip.MustParsePrefix("fec0::/10"),       // site-local
}
