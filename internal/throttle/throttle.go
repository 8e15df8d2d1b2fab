// Package throttle bounds how often work is asked for. Work is of a class, such
// as reading or signing in, and is counted by the API key, the user, the
// organization and the address that asks for it. For each pair of a class and
// one of these there can be a policy, named after both, e.g. "read-user", with a
// quota: so many requests at once, and as many again spread evenly over a
// window (a token bucket). A request must be within all policies that apply to
// it; the first that is used up refuses it, and what is refused costs nothing.
//
// What is left is told in the header fields RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers, structured fields of RFC 9651).
//
// Counts are kept in memory: each process counts by itself and begins anew with
// every start. They are bounded, see table.
package throttle

import "time"

// Class is a kind of work that has limits of its own.
type Class uint8

// The classes.
const (
	ByMethod      Class = iota // Read for GET, else Write
	Read                       // what changes nothing
	Write                      // what changes something
	Heavy                      // what costs much: exports, archives, uploads
	SignIn                     // showing a password
	Refresh                    // exchanging a refresh token
	SignUp                     // making an account
	PasswordReset              // asking for a mail that lets its reader set a password, and using it
	Invitation                 // asking for mails to people who are not here yet
	Coupon                     // trying the code of a discount
	Webhook                    // signed messages of servers
	Ping                       // trying a webhook endpoint
	classes
)

var classNames = [classes]string{"", "read", "write", "heavy", "sign-in", "refresh", "sign-up", "password-reset", "invitation", "coupon", "webhook", "ping"}

// String returns the name that settings and header fields use, empty for
// ByMethod.
func (c Class) String() string { return classNames[c] }

// Partition is whose requests are counted together.
type Partition uint8

// The partitions. A request with an API key counts for the key and not for its
// user.
const (
	Key Partition = iota
	User
	Organization
	Address // an IPv4 address, or the /64 network that an IPv6 host chooses its addresses from
	partitions
)

var partitionNames = [partitions]string{"key", "user", "organization", "address"}

// String returns the name that settings and header fields use.
func (p Partition) String() string { return partitionNames[p] }

// Quota is how much one partition may ask for: Requests at once, and as many
// again spread over Window. The zero Quota is no limit.
type Quota struct {
	Requests int
	Window   time.Duration // whole seconds
}

// Limits are the quotas of all policies. The zero Limits are none.
type Limits [classes][partitions]Quota

// Default returns the limits that no normal work meets: generous for reading
// and writing, strict where guessing or mail to strangers is at stake.
func Default() Limits {
	minute := func(n int) Quota { return Quota{n, time.Minute} }
	quarter := func(n int) Quota { return Quota{n, 15 * time.Minute} }
	hour := func(n int) Quota { return Quota{n, time.Hour} }
	return Limits{
		Read:          {Key: minute(30_000), User: minute(6_000), Organization: minute(60_000), Address: minute(60_000)},
		Write:         {Key: minute(6_000), User: minute(3_000), Organization: minute(12_000), Address: minute(12_000)},
		Heavy:         {Key: minute(60), User: minute(60), Organization: minute(120), Address: minute(120)},
		SignIn:        {Address: quarter(120)},
		Refresh:       {Address: quarter(1_200)},
		SignUp:        {Address: hour(20)},
		PasswordReset: {User: hour(10), Address: hour(20)},
		Invitation:    {Key: hour(100), User: hour(100), Organization: hour(300), Address: hour(300)},
		Coupon:        {User: hour(30), Organization: hour(60), Address: hour(60)},
		Webhook:       {Address: minute(200_000)},
		Ping:          {Key: minute(10), User: minute(10), Organization: minute(20), Address: minute(20)},
	}
}

// Times returns the limits with every quota n times as large.
func (l Limits) Times(n int) Limits {
	for c := range l {
		for p := range l[c] {
			l[c][p].Requests = min(l[c][p].Requests*n, maxRequests)
		}
	}
	return l
}
