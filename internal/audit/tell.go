package audit

import (
	"slices"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/null"
)

// Everything stands for all resources in Tell.
const Everything = "*"

// OnAppend has tell called with each entry whose resource somebody wants to be told
// of, in the transaction of the change: the entry as `GET /audit-logs/{id}` shows it,
// without what names it in the API. It is called once, before the first entry.
func (l *Log) OnAppend(tell func(tx *db.Tx, scope access.Scope, resource string, entry []byte) error) {
	l.tell = tell
}

// Tell says of which resources' changes in the scope's chain OnAppend's function is
// told from the next transaction on, instead of those before.
func Tell(tx *db.Tx, scope access.Scope, resources []string) {
	told := null.Value[string]{V: strings.Join(resources, " "), Valid: len(resources) > 0}
	tx.Queue(`UPDATE audit_head SET told = $2 WHERE organization_id = $1`, scope.Organization(), told)
}

// wants reports whether somebody wants to be told of changes of the resource.
func (e *end) wants(resource string) bool {
	return e.told.Valid && slices.ContainsFunc(strings.Fields(e.told.V), func(name string) bool { return name == resource || name == Everything })
}

// item is the entry as people read it.
func (r *record) item(hash []byte) *Item {
	return &Item{
		ID: r.id, Number: r.seq, CreatedAt: r.at, Actor: optionalID(r.who.User), ActorName: r.who.Username, APIKey: optionalID(r.who.Key),
		Operator: r.who.Operator, Address: r.who.Address, Agent: r.who.Agent, Action: r.Action, Resource: r.Resource, Key: r.Key,
		Before: r.Before, After: r.After, PreviousHash: r.previous, Hash: hash,
	}
}
