package account

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks of those who may say for whom they pass requests on.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// origin returns where a request comes from. The header X-Forwarded-For counts
// only as far as trusted proxies wrote it: from its end, up to the first address
// that is none of theirs.
func (s *Service) origin(r *http.Request) Origin {
	return Origin{Address: s.proxies.address(r), Agent: agent(r)}
}

// requestKey is the context key of a request.
type requestKey struct{}

// WithRequest returns the context of a request that may change something. Use
// cases that need no sign-in learn from it who sends it.
func (s *Service) WithRequest(r *http.Request) context.Context {
	return context.WithValue(r.Context(), requestKey{}, r)
}

// sender returns where the request of the context comes from, and the language
// that it asks for; nothing for work without a request.
func (s *Service) sender(ctx context.Context) (from Origin, language string) {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		return Origin{}, ""
	}
	return s.origin(r), r.Header.Get("Accept-Language")
}

// Address is where the request comes from, for logs and limits.
func (s *Service) Address(r *http.Request) string { return s.proxies.address(r) }

// address returns the IP address of who sends the request, as netip writes it.
func (p proxies) address(r *http.Request) string {
	if len(p) == 0 {
		if host, ok := plainHost(r.RemoteAddr); ok {
			return host
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	client := peer.Addr().Unmap().WithZone("")
	if !p.trust(client) {
		return client.String()
	}
	forwarded := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(forwarded) - 1; i >= 0; i-- {
		next, ok := parseForwarded(forwarded[i])
		if !ok {
			break
		}
		client = next
		if !p.trust(client) {
			break
		}
	}
	return client.String()
}

// plainHost returns the address of an IPv4 host and port without looking
// closer, since net/http wrote it.
func plainHost(remote string) (string, bool) {
	if remote == "" || remote[0] == '[' {
		return "", false
	}
	colon := strings.LastIndexByte(remote, ':')
	if colon < 0 {
		return "", false
	}
	return remote[:colon], true
}

// parseForwarded reads one entry of X-Forwarded-For, with or without a port.
func parseForwarded(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	a, err := netip.ParseAddr(strings.Trim(entry, "[]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(entry)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// maxAgent bounds the User-Agent that is kept, in bytes.
const maxAgent = 255

// agent returns the User-Agent as text that can be stored.
func agent(r *http.Request) string {
	values := r.Header["User-Agent"]
	if len(values) == 0 {
		return ""
	}
	v := values[0]
	if len(v) > maxAgent {
		v = v[:maxAgent]
	}
	return strings.ToValidUTF8(v, "")
}
