// Package audit writes down every change: who made it, with which API key if with
// one, from where, what was there before and after. An entry is written in the
// transaction of the change, so that neither is there without the other.
//
// The entries of an organization form a chain. Each has the number that follows
// the one before and a SHA-256 hash over its own content and the hash before
// it, so that an entry that is changed, removed or moved breaks the chain from
// there on. The instance's own entries, such as sign-ins, form one more chain
// under the zero organization. The database refuses to change entries.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// Log appends entries. It is safe for concurrent use.
type Log struct {
	ids  *ident.Source
	now  clock.Clock
	tell func(tx *db.Tx, scope access.Scope, resource string, entry []byte) error
}

// New returns a Log.
func New(ids *ident.Source, now clock.Clock) *Log { return &Log{ids: ids, now: now} }

// Entry is one change as the feature that makes it tells it.
type Entry struct {
	Scope    access.Scope // whose chain; zero: the transaction's scope
	Action   string       // what was done, e.g. "create"
	Resource string       // the resource's name, e.g. "Location"
	Key      string       // the item's key
	Before   []byte       // the fields as a JSON object; nil when there was nothing
	After    []byte       // the same after the change; nil when nothing is left
}

// record is an Entry with everything that is hashed.
type record struct {
	Entry
	organization ident.ID
	seq          int64
	id           ident.ID
	at           time.Time
	who          access.Caller
	previous     []byte
}

// Append writes the entry into the chain of its scope. who is nil when sede itself acts. Writers of one
// organization's chain take turns from here to their commits.
func (l *Log) Append(tx *db.Tx, who *access.Caller, e Entry) error {
	if e.Scope == (access.Scope{}) {
		e.Scope = tx.Scope()
	}
	r := record{Entry: e, organization: e.Scope.Organization(), id: l.ids.New(), at: l.now.Now().Truncate(time.Microsecond)}
	if who != nil {
		r.who = *who
	}
	end, err := endOf(tx, r.organization)
	if err != nil {
		return err
	}
	r.seq, r.previous = end.seq+1, end.hash
	hash := r.hash()
	end.seq, end.hash = r.seq, hash[:]
	tx.Queue(`INSERT INTO audit_log (organization_id, seq, id, at, actor, actor_name, operator, address, agent,
			action, resource, resource_key, before, after, previous_hash, hash, api_key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		r.organization, r.seq, r.id, r.at, optionalID(r.who.User),
		r.who.Username, r.who.Operator, r.who.Address, r.who.Agent, e.Action, e.Resource, e.Key,
		optional(e.Before), optional(e.After), r.previous, hash[:], optionalID(r.who.Key))
	tx.Queue(`UPDATE audit_head SET seq = $2, hash = $3 WHERE organization_id = $1`, r.organization, end.seq, end.hash)
	if l.tell == nil || !end.wants(e.Resource) {
		return nil
	}
	return l.tell(tx, e.Scope, e.Resource, hydra.JSON(fields, r.item(hash[:])))
}

// Ahead has what Append needs to know travel with the next statement, for who takes
// the turn in the scope's chain together with another.
func (l *Log) Ahead(tx *db.Tx, scope access.Scope) { ahead(tx, scope.Organization()) }

// end is the end of a chain in the transaction whose turn it is to append.
type end struct {
	row  db.Row // until it is scanned
	read bool
	seq  int64
	hash []byte
	told null.Value[string] // see Tell
}

type endKey ident.ID

// ahead takes the turn in the chain of the organization, unless the transaction has it.
func ahead(tx *db.Tx, organization ident.ID) *end {
	if e, ok := tx.Kept(endKey(organization)).(*end); ok {
		return e
	}
	e := &end{row: tx.Ahead(`INSERT INTO audit_head (organization_id, seq, hash) VALUES ($1, 0, $2)
		ON CONFLICT (organization_id) DO UPDATE SET seq = audit_head.seq RETURNING seq, hash, told`, organization, []byte{})}
	tx.Keep(endKey(organization), e)
	return e
}

func endOf(tx *db.Tx, organization ident.ID) (*end, error) {
	e := ahead(tx, organization)
	if !e.read {
		if err := e.row.Scan(&e.seq, &e.hash, &e.told); err != nil {
			return nil, err
		}
		e.read = true
	}
	return e, nil
}

func optional(json []byte) null.Value[string] {
	return null.Value[string]{V: string(json), Valid: json != nil}
}

func optionalID(id ident.ID) null.Value[ident.ID] {
	return null.Value[ident.ID]{V: id, Valid: !id.IsZero()}
}

// hash covers every column but the hash itself, each with its length in front,
// so that no two different records hash the same bytes. Entries of API keys begin
// otherwise, so that those from before there were keys hash as they did.
func (r *record) hash() [sha256.Size]byte {
	b := make([]byte, 0, 512)
	part := func(content []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(content)))
		b = append(b, content...)
	}
	if r.who.Key.IsZero() {
		b = append(b, "sede audit 1"...)
	} else {
		b = append(append(b, "sede audit 2"...), r.who.Key[:]...)
	}
	b = append(b, r.organization[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.seq))
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.at.UnixMicro()))
	b = append(b, r.who.User[:]...)
	if r.who.Operator {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, text := range []string{r.who.Username, r.who.Address, r.who.Agent, r.Action, r.Resource, r.Key} {
		part([]byte(text))
	}
	for _, json := range [][]byte{r.Before, r.After} {
		if json == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		part(json)
	}
	part(r.previous)
	return sha256.Sum256(b)
}
