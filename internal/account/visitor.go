package account

import (
	"context"

	"sede/internal/access"
	"sede/internal/ident"
)

// Visitor returns who sends the request of the context and is not signed in, as
// the audit log shows them: somebody of whom only the origin is known.
func (s *Service) Visitor(ctx context.Context) *access.Caller {
	from, _ := s.sender(ctx)
	return from.caller()
}

// Acting returns the user as the audit log shows them, who has proved by other
// means than a token who they are.
func (s *Service) Acting(ctx context.Context, u *User) *access.Caller {
	who := s.Visitor(ctx)
	who.User, who.Username, who.Verified, who.Operator = u.ID, u.Username, u.VerifiedAt.Valid, u.Operator
	return who
}

// CheckPassword checks the password of the user with the e-mail address, as a
// sign-in does and with its limits, and returns the user's id. No such user and a
// wrong password are Unauthorized alike.
func (s *Service) CheckPassword(ctx context.Context, email, password string) (ident.ID, error) {
	from, _ := s.sender(ctx)
	user, _, err := s.checkPassword(ctx, newAttempt(from, email), password)
	return user, err
}
