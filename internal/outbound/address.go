package outbound

import (
	"net/netip"
	"net/url"

	"sede/internal/fault"
)

// CheckAddress says what is wrong with an address that somebody gives, of another
// program or of a page where people are sent back to; a zero Text: nothing. It must be
// https, or where local lets it lead to this machine, and hold no password.
func CheckAddress(address string, local bool) fault.Text {
	u, err := url.Parse(address)
	safe := err == nil && (u.Scheme == "https" || local && u.Scheme == "http" && IsLocal(u.Hostname()))
	if !safe || u.Hostname() == "" || u.User != nil {
		return fault.Textf("This value should be an address that begins with https://.")
	}
	return fault.Text{}
}

// IsLocal reports whether the name of a host is one that this machine has for itself.
func IsLocal(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// IsInside reports whether the host of an address is one that nobody on the internet
// has: an IP address of a network of its own, or a name of this machine unless local
// lets it lead there. Other names are looked at when they are dialled.
func IsInside(address string, local bool) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if IsLocal(host) {
		return !local
	}
	at, err := netip.ParseAddr(host)
	return err == nil && !Public.holds(at)
}
