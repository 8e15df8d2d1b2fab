package account

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

// Who may do what with API keys. Those who run the organization see and revoke
// all of its keys, others their own.
var (
	mayReadKeys  = access.Within(access.Readers)
	mayMakeKeys  = access.Within(access.Readers).ToChange().InPerson()
	mayRevokeKey = access.Within(access.Readers).EvenSuspended().InPerson()
)

// SetScopes says which scopes API keys can have. It is called once, before the
// first request.
func (s *Service) SetScopes(scopes []string) { s.scopes = scopes }

// admitKey returns what an API key stands for. A key that was seen before is not
// looked up again; that it expires is always looked at.
func (s *Service) admitKey(ctx context.Context, text string) (pass, error) {
	hash, ok := hashKey(text)
	if !ok {
		return pass{}, invalidKey()
	}
	p, seen := s.keyPasses.get(hash)
	if !seen {
		if !summed(text) {
			return pass{}, invalidKey()
		}
		mark, found := s.keyPasses.mark(), false
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			p, found, err = findKeyPass(tx, hash[:])
			return err
		})
		if err != nil {
			return pass{}, err
		}
		if !found {
			return pass{}, invalidKey()
		}
		p.used = new(lastUse)
		s.keyPasses.put(hash, p, mark)
	}
	if s.now.Now().Unix() >= p.expires {
		return pass{}, expiredKey()
	}
	return p, nil
}

// seesAllKeys reports whether the caller sees the keys of others.
func seesAllKeys(who *access.Caller) bool { return who.Operator || access.Admins.Has(who.Role) }

// Keys returns a page of the organization's API keys that the caller sees.
func (s *Service) Keys(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[APIKey], err error) {
	if err := mayReadKeys.Check(who); err != nil {
		return r, err
	}
	only := null.Value[ident.ID]{V: who.User, Valid: !seesAllKeys(who)}
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = listAPIKeys(tx, who.Scope(), only, q)
		return err
	})
	return r, err
}

// Key loads one API key. One that the caller does not see is Missing.
func (s *Service) Key(ctx context.Context, who *access.Caller, id ident.ID, k *APIKey) error {
	if err := mayReadKeys.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return s.seenKey(tx, who, id, k) })
}

func (s *Service) seenKey(tx *db.Tx, who *access.Caller, id ident.ID, k *APIKey) error {
	err := findAPIKey(tx, who.Scope(), id, k)
	if err == nil && k.User != who.User && !seesAllKeys(who) {
		err = fault.Missing()
	}
	return err
}

// CreateKey makes an API key for the caller in the chosen organization, of which
// they are a member, and puts the key itself into it. It is a Conflict when they
// have too many.
func (s *Service) CreateKey(ctx context.Context, who *access.Caller, k *APIKey) error {
	if err := mayMakeKeys.Check(who); err != nil {
		return err
	}
	if who.Role == access.None {
		return fault.New(fault.Forbidden, "Only members of an organization make API keys in it.")
	}
	secret, err := newKey(s.random)
	if err != nil {
		return err
	}
	hash, _ := hashKey(secret)
	k.ID, k.User, k.Hint, k.Secret = s.ids.New(), who.User, secret[:keyHint], null.Of(secret)
	k.CreatedAt = s.now.Now().Truncate(time.Second)
	slices.Sort(k.Scopes)
	k.Scopes = slices.Compact(k.Scopes)
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := lockUser(tx, who.User); err != nil {
			return err
		}
		n, err := countAPIKeys(tx, who.Scope(), who.User)
		if err != nil {
			return err
		}
		if n >= mostKeys {
			return fault.New(fault.Conflict, "You have %d API keys here, which is the most there can be. Revoke those that nobody needs.", mostKeys)
		}
		insertAPIKey(tx, who.Scope(), k, hash[:])
		return s.recordKey(tx, who, audit.Entry{Action: "create", Key: k.ID.String(), After: hydra.JSON(apiKeyFields, k)})
	})
}

// RevokeKey ends an API key at once. One that the caller does not see is Missing.
func (s *Service) RevokeKey(ctx context.Context, who *access.Caller, id ident.ID) error {
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var k APIKey
		if err := s.seenKey(tx, who, id, &k); err != nil {
			return err
		}
		if err := mayRevokeKey.Check(who); err != nil {
			return err
		}
		if gone, err := deleteAPIKey(tx, who.Scope(), id); err != nil || !gone {
			return err
		}
		if err := s.Changed(tx, k.User); err != nil {
			return err
		}
		return s.recordKey(tx, who, audit.Entry{Action: "revoke", Key: id.String(), Before: hydra.JSON(apiKeyFields, &k)})
	})
}

// RevokeKeysOf ends the API keys that the user made in the organization of the
// scope, who is no member there any more.
func (s *Service) RevokeKeysOf(tx *db.Tx, scope access.Scope, who *access.Caller, user ident.ID) error {
	keys, err := keysOf(tx, scope, user)
	if err != nil {
		return err
	}
	for n := range keys {
		if _, err := deleteAPIKey(tx, scope, keys[n].ID); err != nil {
			return err
		}
		if err := s.recordKey(tx, who, audit.Entry{Action: "revoke", Key: keys[n].ID.String(), Before: hydra.JSON(apiKeyFields, &keys[n])}); err != nil {
			return err
		}
	}
	return nil
}

// recordKey writes an entry of the organization's audit log.
func (s *Service) recordKey(tx *db.Tx, who *access.Caller, e audit.Entry) error {
	e.Resource = "ApiKey"
	return s.audit.Append(tx, who, e)
}
