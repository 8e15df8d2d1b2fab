// Package account knows who calls: users and their passwords, sign-ins
// (sessions), and the tokens that stand for them.
//
// A sign-in answers with two tokens. The token is a JWT signed with Ed25519
// (RFC 7519, RFC 8037) that lives an hour; anybody verifies it with the public
// keys at /.well-known/jwks.json. The refresh token is 256 random bits, stored
// hashed, used once: each use answers with a new pair and gives the session
// another 30 days. A refresh token that comes a second time was stolen or
// copied, so its whole session ends (RFC 9700, 4.14.2), without a period of
// grace: nobody can tell a lost answer from a thief who was faster. Clients send
// one refresh at a time.
//
// People make their own accounts, replace forgotten passwords and change their
// addresses by links in mails. Nobody learns from any of it whether an address
// has an account: answers and the time they take are alike, since accounts are
// looked up by the jobs that write the mails.
//
// For sede itself a token is good only while its session is: requests look the
// session, the user and the memberships up in memory, and a change of any of
// them is forgotten at once in this process and within a second in others.
package account

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/language"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// User is somebody who can sign in.
type User struct {
	ID            ident.ID
	Username      string                // the e-mail address in its normal form
	VerifiedAt    null.Value[time.Time] // when mail to the address was shown to reach the user; nothing: not yet
	Name          string
	Language      null.Value[string] // BCP 47, canonical; nothing: as the request asks
	TimeZone      null.Value[string] // IANA; nothing: the organization's
	Operator      bool               // runs the instance
	Organizations []Membership       // nil: not shown
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Membership is what a user is in an organization.
type Membership struct {
	Organization ident.ID
	Slug         string
	Role         access.Role
	ReadOnly     bool            // the organization is suspended or closing
	Closing      bool            // it is closing
	Modules      []access.Module // what the organization has bought
}

// enter lets the caller into the organization.
func (m *Membership) enter(c *access.Caller, now time.Time) {
	c.Organization, c.Role, c.ReadOnly, c.Closing = m.Organization, m.Role, m.ReadOnly, m.Closing
	c.Modules = access.ModulesAt(m.Modules, now)
}

// NewUser is what a user starts with.
type NewUser struct {
	Username string
	Name     string // empty: the local part of the username
	Password string
	Language null.Value[string] // valid
	TimeZone null.Value[string] // valid
	Operator bool
	Verified bool // mail to the username is known to reach the user
}

// The bounds of an e-mail address in octets (RFC 5321, 4.5.3.1).
const (
	maxUsername = 254
	maxLocal    = 64
)

// NormalizeUsername returns the one form of an e-mail address that sede keeps
// and compares: without blanks around it, in lower case, the local part as RFC
// 8265 maps usernames, the domain in its ASCII form (RFC 5891). It is false for
// what is no e-mail address; quoted local parts and address literals are not
// taken. Normalising twice changes nothing.
func NormalizeUsername(text string) (string, bool) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexByte(text, '@')
	if at < 1 || len(text) > 4*maxUsername || !utf8.ValidString(text) {
		return "", false
	}
	local, err := precis.UsernameCaseMapped.String(text[:at])
	if err != nil || len(local) > maxLocal || !isDotAtom(local) {
		return "", false
	}
	domain, err := domainProfile().ToASCII(text[at+1:])
	if err != nil || domain == "" || strings.HasSuffix(domain, ".") || len(local)+1+len(domain) > maxUsername {
		return "", false
	}
	return local + "@" + domain, true
}

// domainProfile maps domains as a look-up does and refuses what no host can be
// named.
func domainProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
		idna.VerifyDNSLength(true), idna.BidiRule(), idna.CheckJoiners(true))
}

// isDotAtom reports whether the text can stand before the @ without quotes (RFC
// 5322, 3.2.3, with RFC 6531 for what is not ASCII).
func isDotAtom(local string) bool {
	return local != "" && local[0] != '.' && local[len(local)-1] != '.' &&
		!strings.Contains(local, "..") && !strings.ContainsAny(local, "\"(),:;<>@[\\] \t\r\n")
}

// The bounds of a new password in characters.
const (
	MinPassword = 10
	MaxPassword = 200
)

// checkPassword returns what is wrong with a new password: its length, or that
// it is the username. There are no rules of composition (NIST SP 800-63B).
func checkPassword(password, username string) *fault.Violation {
	same, _ := NormalizeUsername(password)
	v := fault.Violation{Path: "password"}
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		v.Text, v.Code = fault.Textf("This value contains characters that are not allowed."), fault.CodeRegex
	case n < MinPassword:
		v.Text, v.Code = fault.Textf("This value is too short. It should have %d characters or more.", MinPassword), fault.CodeTooShort
	case n > MaxPassword:
		v.Text, v.Code = fault.Textf("This value is too long. It should have %d characters or less.", MaxPassword), fault.CodeTooLong
	case same == username && same != "":
		v.Text, v.Code = fault.Textf("The password must not be the e-mail address."), fault.CodeEqual
	default:
		return nil
	}
	return &v
}

// normalizePassword returns the form of a password that is hashed, so that it
// does not matter how a keyboard composes its characters (NIST SP 800-63B).
func normalizePassword(password string) string { return norm.NFKC.String(password) }

// invalidEmail says that a field holds no e-mail address.
func invalidEmail(path string) fault.Violation {
	return fault.Violation{Path: path, Text: fault.Textf("This value is not a valid email address."), Code: fault.CodeEmail}
}

// maxName is the longest name in characters.
const maxName = 255

// check returns the normalised username and what is wrong with a new user.
func (n *NewUser) check() (username string, list []fault.Violation) {
	username, ok := NormalizeUsername(n.Username)
	if !ok {
		list = append(list, invalidEmail("username"))
	}
	switch {
	case utf8.RuneCountInString(n.Name) > maxName:
		list = append(list, fault.Violation{Path: "name", Text: fault.Textf("This value is too long. It should have %d characters or less.", maxName), Code: fault.CodeTooLong})
	case !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl):
		list = append(list, fault.Violation{Path: "name", Text: fault.Textf("This value contains characters that are not allowed."), Code: fault.CodeRegex})
	}
	if v := checkPassword(n.Password, username); v != nil {
		list = append(list, *v)
	}
	return username, list
}

// checkTimeZone says what is wrong with a time zone's name.
func checkTimeZone(name string) fault.Text {
	if !clock.IsZone(name) {
		return fault.Textf("This value is not a valid timezone.")
	}
	return fault.Text{}
}

// checkLanguage says what is wrong with a language tag.
func checkLanguage(tag string) fault.Text {
	if t, err := language.Parse(tag); err != nil || t == language.Und {
		return fault.Textf("This value is not a valid language.")
	}
	return fault.Text{}
}

// canonicalLanguage returns the canonical form of a valid tag.
func canonicalLanguage(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	return t.String()
}

// pick returns the membership in the organization that ref names by id or slug.
func pick(list []Membership, ref string) (Membership, bool) {
	id, err := ident.Parse(ref)
	for _, m := range list {
		if (err == nil && m.Organization == id) || (err != nil && m.Slug == ref) {
			return m, true
		}
	}
	return Membership{}, false
}

// in returns the membership in the organization, with no role if there is none.
func in(list []Membership, organization ident.ID) (Membership, bool) {
	for _, m := range list {
		if m.Organization == organization {
			return m, true
		}
	}
	return Membership{Organization: organization}, false
}
