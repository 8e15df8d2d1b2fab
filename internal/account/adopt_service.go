package account

import (
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
)

// Lookup finds the user with the e-mail address, and tells whether the id is free
// for a new one. It is a transaction of the instance.
func (s *Service) Lookup(tx *db.Tx, email string, id ident.ID) (user ident.ID, found, free bool, err error) {
	var u User
	err = findUsername(tx, email, &u)
	if err == nil {
		return u.ID, true, false, nil
	}
	if !fault.Is(err, fault.NotFound) {
		return ident.ID{}, false, false, err
	}
	err = findUser(tx, id, &u)
	if fault.Is(err, fault.NotFound) {
		return ident.ID{}, false, true, nil
	}
	return ident.ID{}, false, false, err
}

// Adopt returns the user with the id, whose address may have become another one since
// Lookup, or else the one with the e-mail address. Where there is neither it makes one
// with both, without a password and with an address that nobody has verified: they come
// in when they ask for a new password. It is a transaction of the instance.
func (s *Service) Adopt(tx *db.Tx, who *access.Caller, id ident.ID, email, name string) (User, error) {
	var u User
	if err := findUser(tx, id, &u); err == nil || !fault.Is(err, fault.NotFound) {
		return u, err
	}
	u, found, err := s.FindByEmail(tx, email)
	if err != nil || found {
		return u, err
	}
	username, ok := NormalizeUsername(email)
	if !ok {
		return User{}, fault.Broken(invalidEmail("username"))
	}
	if name == "" {
		name, _, _ = strings.Cut(username, "@")
	}
	now := s.now.Now().Truncate(time.Second)
	u = User{ID: id, Username: username, Name: name, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := insertUser(tx, &u, ""); err != nil {
		return User{}, err
	}
	return u, s.record(tx, who, "create", "User", u.ID.String(), nil, hydra.JSON(fields, &u))
}
