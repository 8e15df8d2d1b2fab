package account

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/secret"
)

// refreshLife is how long a refresh token is good, and its session with it.
const refreshLife = 30 * 24 * time.Hour

// Origin is where a request comes from.
type Origin struct {
	Address string // IP address
	Agent   string // User-Agent
}

// caller is somebody of whom only the origin is known.
func (o Origin) caller() *access.Caller { return &access.Caller{Address: o.Address, Agent: o.Agent} }

// Tokens is what a sign-in and a refresh answer with.
type Tokens struct {
	Token          string
	RefreshToken   string
	RefreshExpires time.Time
}

// SignIn checks a password and begins a session. organization, an id or slug or
// empty, is the one that the tokens are for; empty chooses the user's only one.
//
// A wrong password and an unknown username are Unauthorized and take the same
// steps: a look-up, a hashing, the count of failures. Too many failures of the
// username or the address are TooManyRequests, whether or not the user exists.
// An organization that the user can't choose is NotFound, and nothing begins.
func (s *Service) SignIn(ctx context.Context, from Origin, username, password, organization string) (Tokens, error) {
	user, hash, err := s.checkPassword(ctx, newAttempt(from, username), password)
	if err != nil {
		return Tokens{}, err
	}
	p, _, err := s.load(ctx, user, ident.ID{})
	switch {
	case err != nil:
		return Tokens{}, err
	case p == nil:
		return Tokens{}, errCredentials()
	}
	now := s.now.Now().Truncate(time.Microsecond)
	begun := session{id: s.ids.New(), user: user, createdAt: now, expiresAt: now.Add(refreshLife)}
	if organization != "" {
		m, err := s.find(ctx, p, organization)
		if fault.Is(err, fault.NotFound) {
			return Tokens{}, fault.New(fault.NotFound, `The organization in "organization" was not found.`)
		}
		if err != nil {
			return Tokens{}, err
		}
		begun.organization = null.Of(m.Organization)
	}
	return s.begin(ctx, from, p, &begun, hash)
}

// begin stores a new session and its first refresh token, if the hash is still
// the user's.
func (s *Service) begin(ctx context.Context, from Origin, p *profile, begun *session, hash string) (Tokens, error) {
	tokens, row, err := s.newTokens(ctx, p, begun)
	if err != nil {
		return Tokens{}, err
	}
	who := from.caller()
	who.User, who.Session, who.Username, who.Operator = begun.user, begun.id, p.username, p.operator
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		same, err := touchUser(tx, begun.user, hash, begun.createdAt)
		if err != nil {
			return err
		}
		if !same {
			return errCredentials()
		}
		sweepSessions(tx, begun.user, begun.createdAt)
		insertSession(tx, begun, from)
		insertRefreshToken(tx, &row)
		return s.record(tx, who, "sign-in", "Session", begun.id.String(), nil, nil)
	})
	if err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// newTokens makes the next tokens of a session and the row of the refresh token.
func (s *Service) newTokens(ctx context.Context, p *profile, of *session) (Tokens, refreshToken, error) {
	token, err := s.issue(ctx, of.user, of.id, p, p.chosen(of.organization))
	if err != nil {
		return Tokens{}, refreshToken{}, err
	}
	refresh, hash, err := secret.NewToken(s.random)
	if err != nil {
		return Tokens{}, refreshToken{}, err
	}
	now := s.now.Now().Truncate(time.Microsecond)
	t := Tokens{Token: token, RefreshToken: refresh, RefreshExpires: now.Add(refreshLife)}
	row := refreshToken{hash: hash, session: of.id, createdAt: now, expiresAt: t.RefreshExpires}
	return t, row, nil
}

// chosen returns the membership that a session's tokens are for: in the
// organization chosen at sign-in for as long as the user can choose it, or, when
// none was chosen, in the only one.
func (p *profile) chosen(organization null.Value[ident.ID]) Membership {
	switch {
	case organization.Valid:
		if m, member := in(p.memberships, organization.V); member || p.operator {
			return m
		}
	case len(p.memberships) == 1:
		return p.memberships[0]
	}
	return Membership{}
}

func errRefreshToken() error { return fault.New(fault.Unauthorized, "Invalid JWT Refresh Token") }

// Refresh exchanges a refresh token for new tokens of its session. Each works
// once; of two uses at the same time one works. A second use ends the session.
// Failures are Unauthorized. When the exchange is stored nothing is left that
// could fail.
func (s *Service) Refresh(ctx context.Context, from Origin, plain string) (Tokens, error) {
	hash := secret.HashToken(plain)
	var of session
	var found bool
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		of, found, err = findSessionOf(tx, hash)
		return err
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case !found:
		return Tokens{}, fault.New(fault.Unauthorized, "JWT Refresh Token Not Found")
	}
	p, live, err := s.load(ctx, of.user, of.id)
	switch {
	case err != nil:
		return Tokens{}, err
	case p == nil || !live:
		return Tokens{}, errRefreshToken()
	}
	tokens, next, err := s.newTokens(ctx, p, &of)
	if err != nil {
		return Tokens{}, err
	}
	who := from.caller()
	who.User, who.Session, who.Username, who.Operator = of.user, of.id, p.username, p.operator
	rotated := false
	err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		rotated, err = s.rotate(tx, who, hash, &next)
		return err
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case !rotated:
		return Tokens{}, errRefreshToken()
	}
	return tokens, nil
}

// rotate uses up the refresh token with the hash and stores the next one. It
// reports whether it did: not when the token is expired or was used before, and
// not when the session has ended. The session's row is held before the token is
// marked, so that uses at the same time take turns.
func (s *Service) rotate(tx *db.Tx, who *access.Caller, hash []byte, next *refreshToken) (bool, error) {
	expires, err := findRefreshToken(tx, hash)
	if err != nil || !next.createdAt.Before(expires) {
		return false, err
	}
	live, err := extendSession(tx, who.Session, next.expiresAt)
	if err != nil || !live {
		return false, err
	}
	first, err := useRefreshToken(tx, hash, next.createdAt)
	switch {
	case err != nil:
		return false, err
	case !first:
		return false, s.end(tx, who, "refresh-token-reused")
	}
	sweepRefreshTokens(tx, who.Session, next.createdAt)
	insertRefreshToken(tx, next)
	return true, nil
}

// SignOut ends the session that the caller's token belongs to. Ending it twice
// is fine.
func (s *Service) SignOut(ctx context.Context, who *access.Caller) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error { return s.end(tx, who, "sign-out") })
}

// EndSessions ends all sessions of a user, on all devices.
func (s *Service) EndSessions(ctx context.Context, who *access.Caller, user ident.ID) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error { return s.endAll(tx, who, user, ident.ID{}) })
}

// end ends the caller's session and records why.
func (s *Service) end(tx *db.Tx, who *access.Caller, why string) error {
	ended, err := revokeSession(tx, who.Session, s.now.Now().Truncate(time.Microsecond))
	if err != nil || !ended {
		return err
	}
	if err := s.Changed(tx, who.User); err != nil {
		return err
	}
	return s.record(tx, who, why, "Session", who.Session.String(), nil, nil)
}

// endAll ends all sessions of a user but one, which may be zero.
func (s *Service) endAll(tx *db.Tx, who *access.Caller, user, but ident.ID) error {
	ended, err := revokeSessions(tx, user, but, s.now.Now().Truncate(time.Microsecond))
	if err != nil {
		return err
	}
	if err := s.Changed(tx, user); err != nil || ended == 0 {
		return err
	}
	return s.record(tx, who, "end-sessions", "User", user.String(), nil, nil)
}
