// Package stripe speaks Stripe's protocol through its official library: the calls
// that sede makes, and the signatures of what Stripe sends.
//
// It knows no feature and no database. Who calls gives the idempotency key of each
// write, and repeats a call that failed with the advice Retry with the same key; a
// call is then done once, however often it is made. Results are small values of
// sede's own, so that what the library calls things reaches no further than this
// package. Times are in UTC, amounts in minor units.
//
// The version of Stripe's API is the one that the library was made for, and goes
// with every call. The secret key is in no error and in no log.
package stripe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"sede/internal/outbound"
)

// Version is the version of Stripe's API that is spoken.
const Version = api.APIVersion

// Config says how Stripe is reached.
type Config struct {
	// Key is the secret key, sk_live_… or sk_test_…, or a restricted one.
	Key string
	// URL is in front of /v1. Empty: Stripe's own. Another is https, or http to an
	// address of this machine.
	URL string
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	api  *api.Client
	live bool
}

const (
	callTime  = 25 * time.Second
	maxAnswer = 16 << 20
)

// New returns a Client. The error says what is wrong with the Config, without the
// key.
func New(c Config) (*Client, error) {
	reach, base := outbound.Public, (*string)(nil)
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, errors.New("stripe: the address must be a scheme and a host, e.g. https://api.stripe.com")
		}
		switch {
		case u.Scheme == "http" && isLoopback(u.Hostname()):
			reach = outbound.Loopback
		case u.Scheme != "https":
			return nil, errors.New("stripe: the address must begin with https://")
		}
		base = api.String(strings.TrimSuffix(c.URL, "/"))
	}
	if !isKey(c.Key) {
		return nil, errors.New("stripe: the key must be a secret key (sk_…) or a restricted one (rk_…)")
	}
	caller := outbound.New(reach)
	caller.Timeout = callTime
	caller.Transport = bounded{caller.Transport}
	backends := api.NewBackendsWithConfig(&api.BackendConfig{
		URL: base, HTTPClient: caller, EnableTelemetry: api.Bool(false),
		// Jobs repeat what failed, with waits of their own.
		MaxNetworkRetries: api.Int64(0),
		// Its messages quote answers.
		LeveledLogger: &api.LeveledLogger{Level: api.LevelNull},
	})
	return &Client{api: api.NewClient(c.Key, api.WithBackends(backends)), live: strings.Contains(c.Key, "_live_")}, nil
}

// Live reports whether the key moves real money.
func (c *Client) Live() bool { return c.live }

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func isKey(key string) bool {
	secret := strings.HasPrefix(key, "sk_") || strings.HasPrefix(key, "rk_")
	return secret && len(key) <= 300 && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
}

// bounded cuts answers off that are too long to be one, and takes no redirect for
// an answer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil && answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return nil, errors.Join(errRedirect, answer.Body.Close())
	}
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}

var (
	errRedirect = errors.New("stripe: the server leads elsewhere")
	errEmpty    = errors.New("stripe: the answer is not what was asked for")
)

// arrived is the failure of a call, or of an answer without an id.
func arrived(id func() string, err error) error {
	if err == nil && id() == "" {
		return &Error{Kind: Retry, Status: http.StatusOK, Err: errEmpty}
	}
	return failure(err)
}

// write fills what all writes have: who waits, the key, the metadata.
func write(ctx context.Context, p *api.Params, key string) {
	p.Context = ctx
	if key != "" {
		p.SetIdempotencyKey(key)
	}
}

// at is a time of Stripe's, which is 0 where there is none.
func at(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// text is a parameter that is left out when it is empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// texts are a list of a parameter: nil leaves it out, an empty one clears it.
func texts(list []string) []*string {
	if list == nil {
		return nil
	}
	return api.StringSlice(list)
}
