package account

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
)

const (
	tokenLife   = time.Hour
	tokenLeeway = time.Minute // how far ahead another process's clock may be
	maxToken    = 4096        // bytes
	audience    = "sede"
)

// claims are what a token says (RFC 7519). Times are Unix seconds.
type claims struct {
	Issuer           string   `json:"iss"`
	Audience         string   `json:"aud"`
	Subject          string   `json:"sub"`
	Session          string   `json:"sid"`
	IssuedAt         int64    `json:"iat"`
	NotBefore        int64    `json:"nbf"`
	Expires          int64    `json:"exp"`
	Username         string   `json:"username"`
	Roles            []string `json:"roles"`
	Organization     string   `json:"org,omitempty"`
	OrganizationRole string   `json:"org_role,omitempty"`
}

// pass is what a verified token or API key comes down to.
type pass struct {
	user         ident.ID
	session      ident.ID // zero for a key
	key          ident.ID // zero for a token
	grants       access.Grants
	organization ident.ID // zero: none was chosen
	notBefore    int64
	expires      int64
	used         *lastUse
}

// credential is what must still be there: the session or the key.
func (p *pass) credential() ident.ID {
	if !p.key.IsZero() {
		return p.key
	}
	return p.session
}

// invalid is the answer for a pass that is no longer good.
func (p *pass) invalid() error {
	if !p.key.IsZero() {
		return invalidKey()
	}
	return invalidToken()
}

// issue signs a token for a session.
func (s *Service) issue(ctx context.Context, user, session ident.ID, p *profile, chosen Membership) (string, error) {
	keys, err := s.keys.current(ctx)
	if err != nil {
		return "", err
	}
	if keys.signer == nil {
		return "", keys.reason
	}
	now := s.now.Now().Unix()
	c := claims{
		Issuer: s.issuer, Audience: audience, Subject: user.String(), Session: session.String(),
		IssuedAt: now, NotBefore: now, Expires: now + int64(tokenLife/time.Second),
		Username: p.username, Roles: []string{"ROLE_USER"},
	}
	if p.operator {
		c.Roles = append(c.Roles, "ROLE_OPERATOR")
	}
	if !chosen.Organization.IsZero() {
		c.Organization, c.OrganizationRole = chosen.Organization.String(), chosen.Role.String()
	}
	return jwt.Signed(keys.signer).Claims(c).Serialize()
}

var (
	signatures     = []jose.SignatureAlgorithm{jose.EdDSA}
	errNotAccepted = errors.New("account: token not accepted")
)

// verify checks a token's signature and who it is for, not yet its times. It
// fails with errNotAccepted, or with the database's error.
func (s *Service) verify(ctx context.Context, token string) (p pass, err error) {
	if len(token) > maxToken {
		return p, errNotAccepted
	}
	parsed, err := jwt.ParseSigned(token, signatures)
	if err != nil || len(parsed.Headers) != 1 {
		return p, errNotAccepted
	}
	key, err := s.keys.verifier(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return p, err
	}
	var c claims
	if key == nil || parsed.Claims(key, &c) != nil || c.Issuer != s.issuer || c.Audience != audience {
		return p, errNotAccepted
	}
	p.notBefore, p.expires = c.NotBefore, c.Expires
	return p, errors.Join(readID(c.Subject, &p.user), readID(c.Session, &p.session), readOptionalID(c.Organization, &p.organization))
}

func readID(text string, id *ident.ID) (err error) {
	if *id, err = ident.Parse(text); err != nil {
		return errNotAccepted
	}
	return nil
}

func readOptionalID(text string, id *ident.ID) error {
	if text == "" {
		return nil
	}
	return readID(text, id)
}

// bearer returns the token of the Authorization header (RFC 6750); false when
// there is none.
func bearer(r *http.Request) (string, bool) {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return "", false
	}
	const scheme = "Bearer "
	v := values[0]
	if len(v) <= len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(v[len(scheme):]), true
}

func invalidToken() error { return fault.New(fault.Unauthorized, "Invalid JWT Token") }
func expiredToken() error { return fault.New(fault.Unauthorized, "Expired JWT Token") }

// admit returns what a token or an API key stands for. The signature of a token
// that was seen before is not checked again; its times always are.
func (s *Service) admit(ctx context.Context, token string) (pass, error) {
	if strings.HasPrefix(token, keyPrefix) {
		return s.admitKey(ctx, token)
	}
	p, seen := s.passes.get(token)
	if !seen {
		mark := s.passes.mark()
		var err error
		if p, err = s.verify(ctx, token); err != nil {
			if errors.Is(err, errNotAccepted) {
				return p, invalidToken()
			}
			return p, err
		}
		p.used = new(lastUse)
		s.passes.put(strings.Clone(token), p, mark)
	}
	switch now := s.now.Now().Unix(); {
	case now >= p.expires:
		return p, expiredToken()
	case now < p.notBefore-int64(tokenLeeway/time.Second):
		return p, invalidToken()
	}
	return p, nil
}

// Authenticate returns who sends the request: nil for nobody, an Unauthorized
// error for a token that is no good or whose session has ended, and for an API
// key that is no good or whose maker is no longer in its organization. The
// organization is the one that the header X-Organization names by id or slug,
// else the token's, else the user's only one. One that the user is no member of,
// or that is not there, is NotFound in the header and no choice in the token.
// Operators may name any. An API key is for its own organization and nobody
// runs the instance with one.
func (s *Service) Authenticate(r *http.Request) (*access.Caller, error) {
	token, ok := bearer(r)
	if !ok {
		return nil, nil
	}
	ctx := r.Context()
	if err := s.changes.follow(ctx, s); err != nil {
		return nil, err
	}
	p, err := s.admit(ctx, token)
	if err != nil {
		return nil, err
	}
	u, err := s.profile(ctx, p.user, p.credential())
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, p.invalid()
	}
	from := s.origin(r)
	c := &access.Caller{
		User: p.user, Session: p.session, Key: p.key, Grants: p.grants, Username: u.username, Verified: u.verified,
		Operator: u.operator && p.key.IsZero(), Address: from.Address, Agent: from.Agent,
	}
	now := s.now.Now()
	if p.key.IsZero() {
		err = s.choose(ctx, c, u, r.Header["X-Organization"], p.organization, now)
	} else {
		err = enter(c, u, r.Header["X-Organization"], p.organization, now)
	}
	if err != nil {
		return nil, err
	}
	s.uses.note(p.used, c, now)
	return c, nil
}

// enter sets the caller's organization and role to those of an API key.
func enter(c *access.Caller, u *profile, header []string, organization ident.ID, now time.Time) error {
	m, member := in(u.memberships, organization)
	if !member {
		return invalidKey()
	}
	if len(header) > 0 && header[0] != "" {
		if _, ok := pick([]Membership{m}, header[0]); !ok {
			return notChosen()
		}
	}
	m.enter(c, now)
	return nil
}

func notChosen() error {
	return fault.New(fault.NotFound, `The organization in "X-Organization" was not found.`)
}

// choose sets the caller's organization and role.
func (s *Service) choose(ctx context.Context, c *access.Caller, u *profile, header []string, claimed ident.ID, now time.Time) error {
	var m Membership
	switch {
	case len(header) > 0 && header[0] != "":
		var err error
		if m, err = s.find(ctx, u, header[0]); err != nil {
			if fault.Is(err, fault.NotFound) {
				return notChosen()
			}
			return err
		}
	case !claimed.IsZero():
		var member bool
		if m, member = in(u.memberships, claimed); !member && !u.operator {
			return nil
		}
	case len(u.memberships) == 1:
		m = u.memberships[0]
	}
	m.enter(c, now)
	return nil
}

// find returns what the user is in the organization that ref names by id or
// slug. One that the user can't choose is Missing.
func (s *Service) find(ctx context.Context, u *profile, ref string) (Membership, error) {
	if m, ok := pick(u.memberships, ref); ok {
		return m, nil
	}
	if !u.operator {
		return Membership{}, fault.Missing()
	}
	id, err := s.memberships.Find(ctx, ref)
	return Membership{Organization: id}, err
}
