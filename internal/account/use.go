package account

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
)

// lastUse is the minute in which a token or key was last noted as used, in Unix
// minutes.
type lastUse struct{ minute atomic.Int64 }

// use says when a session or an API key was used.
type use struct {
	key bool
	at  time.Time
}

// uses collects the uses of sessions and keys until they are written down, which
// no request waits for. It is safe for concurrent use.
type uses struct {
	mu sync.Mutex
	of map[ident.ID]use
}

// maxUses bounds what is collected between two writings.
const maxUses = 100_000

// note collects a use, once a minute for each token and key.
func (u *uses) note(last *lastUse, c *access.Caller, now time.Time) {
	minute := now.Unix() / 60
	before := last.minute.Load()
	if before == minute || !last.minute.CompareAndSwap(before, minute) {
		return
	}
	id, is := c.Session, use{key: !c.Key.IsZero(), at: now.Truncate(time.Second)}
	if is.key {
		id = c.Key
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.of) < maxUses {
		u.of[id] = is
	}
}

// take returns what was collected and begins anew.
func (u *uses) take() map[ident.ID]use {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.of
	u.of = map[ident.ID]use{}
	return taken
}

// putBack collects again what could not be written down, unless it was used
// since.
func (u *uses) putBack(ids []ident.ID, taken map[ident.ID]use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if _, later := u.of[id]; !later {
			u.of[id] = taken[id]
		}
	}
}

// usesPerWrite is how many uses one transaction writes down.
const usesPerWrite = 100

// chores are what every process does for itself: it writes down what was used.
func (s *Service) chores() []jobs.Chore {
	return []jobs.Chore{{Name: "account.uses", Every: time.Minute / 2, Do: s.writeUses}}
}

// writeUses writes down the uses of sessions and keys since it last did, in the
// order of their ids, so that processes do not wait for each other crosswise.
func (s *Service) writeUses(ctx context.Context) error {
	taken := s.uses.take()
	ids := slices.SortedFunc(maps.Keys(taken), func(a, b ident.ID) int { return bytes.Compare(a[:], b[:]) })
	for len(ids) > 0 {
		some := ids[:min(usesPerWrite, len(ids))]
		err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			for _, id := range some {
				if is := taken[id]; is.key {
					touchKey(tx, id, is.at)
				} else {
					touchSession(tx, id, is.at)
				}
			}
			return nil
		})
		if err != nil {
			s.uses.putBack(ids, taken)
			return err
		}
		ids = ids[len(some):]
	}
	return nil
}
