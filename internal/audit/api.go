package audit

import (
	"encoding/hex"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/throttle"
)

// mayRead is who reads a chain: those who run the organization; operators also
// that of the instance, by naming no organization.
var mayRead = access.Within(access.Admins).OrInstance()

// Item is an entry as people read it.
type Item struct {
	ID           ident.ID
	Number       int64 // in its chain, from 1 without gaps
	CreatedAt    time.Time
	Actor        null.Value[ident.ID] // null: sede itself
	ActorName    string
	APIKey       null.Value[ident.ID] // with which it was done; null: none
	Operator     bool
	Address      string
	Agent        string
	Action       string
	Resource     string
	Key          string
	Before       []byte
	After        []byte
	PreviousHash []byte
	Hash         []byte
}

var fields = []hydra.Field[Item]{
	hydra.ID(func(r *Item) *ident.ID { return &r.ID }),
	hydra.Int("number", func(r *Item) *int64 { return &r.Number }).ReadOnly().
		Doc("The entry's number in the chain of the organization, from 1 without gaps.").Filter(hydra.Range),
	hydra.Time("createdAt", func(r *Item) *time.Time { return &r.CreatedAt }).ReadOnly().Filter(hydra.DateRange).Sortable(),
	hydra.NullID("actor", func(r *Item) *null.Value[ident.ID] { return &r.Actor }).
		Doc("The id of the user who did it; null when sede itself did. The user may be out of sight or gone.").Filter(hydra.Exact),
	hydra.Text("actorName", func(r *Item) *string { return &r.ActorName }).ReadOnly().
		Doc("The username that the actor had then.").Example("ana@demo.example"),
	hydra.NullID("apiKey", func(r *Item) *null.Value[ident.ID] { return &r.APIKey }).
		Doc("The id of the API key with which the actor did it; null: with none. The key may be gone."),
	hydra.Bool("operator", func(r *Item) *bool { return &r.Operator }).ReadOnly().
		Doc("Whether the actor was an operator of the instance."),
	hydra.Text("address", func(r *Item) *string { return &r.Address }).ReadOnly().
		Doc("The IP address that the request came from.").Example("192.0.2.1"),
	hydra.Text("agent", func(r *Item) *string { return &r.Agent }).ReadOnly().
		Doc("The User-Agent of the request."),
	hydra.Text("action", func(r *Item) *string { return &r.Action }).ReadOnly().
		Doc("What was done.").Example("update").Filter(hydra.Exact),
	hydra.Text("resource", func(r *Item) *string { return &r.Resource }).ReadOnly().
		Doc("The name of the resource.").Example("Location").Filter(hydra.Exact),
	hydra.Text("key", func(r *Item) *string { return &r.Key }).ReadOnly().
		Doc("The key of the item, as in its IRI.").Filter(hydra.Exact),
	hydra.Raw("before", func(r *Item) *[]byte { return &r.Before }).
		Doc("The fields before the change; null when there was nothing."),
	hydra.Raw("after", func(r *Item) *[]byte { return &r.After }).
		Doc("The fields after the change; null when nothing is left."),
	hexadecimal("previousHash", func(r *Item) []byte { return r.PreviousHash }).
		Doc("The hash of the entry before; empty in the first."),
	hexadecimal("hash", func(r *Item) []byte { return r.Hash }).
		Doc("SHA-256 over the entry's content and the hash before it."),
}

// hexadecimal shows bytes as a text.
func hexadecimal(name string, at func(*Item) []byte) hydra.Field[Item] {
	return hydra.Text(name, func(r *Item) *string {
		text := hex.EncodeToString(at(r))
		return &text
	}).ReadOnly()
}

// wanted is which entries an export has.
type wanted struct {
	actor, action, resource, key string // empty: any
	from, to                     null.Value[time.Time]
}

// exportFields have the names of the collection's filters.
var exportFields = []hydra.Field[wanted]{
	hydra.Text("actor", func(w *wanted) *string { return &w.actor }).Doc("Only what this user did, by id or IRI."),
	hydra.Text("action", func(w *wanted) *string { return &w.action }).Doc("Only this action."),
	hydra.Text("resource", func(w *wanted) *string { return &w.resource }).Doc("Only what happened to this resource."),
	hydra.Text("key", func(w *wanted) *string { return &w.key }).Doc("Only what happened to the item with this key."),
	hydra.NullTime("createdAt[after]", func(w *wanted) *null.Value[time.Time] { return &w.from }).Doc("Only entries at or after this."),
	hydra.NullTime("createdAt[strictly_before]", func(w *wanted) *null.Value[time.Time] { return &w.to }).Doc("Only entries before this."),
}

// The media types of an export.
const (
	typeLines = "application/x-ndjson"
	typeCSV   = "text/csv"
)

// Reader lets people read the log.
type Reader struct{ DB *db.DB }

// Resources are those of the package, for the composition.
func (r Reader) Resources() []hydra.Declaration {
	return []hydra.Declaration{hydra.Resource[Item]{
		Name: "AuditLog", Path: "/audit-logs",
		Doc: "What was changed, by whom, from where, and what was there before. The newest come first. " +
			"For owners and admins; operators who name no organization read what concerns the instance.",
		Fields: fields,
		Operations: []hydra.Operation{
			hydra.List[Item]{Access: mayRead, Do: hydra.OfAll(r.List)},
			hydra.Get[Item]{Access: mayRead, Do: hydra.ByID(r.Get)},
			hydra.Stream[wanted]{Path: "/audit-logs/export", Access: mayRead, Class: throttle.Heavy,
				Media: []string{typeLines, typeCSV}, Fields: exportFields, Do: r.Export,
				Doc: "Sends the entries from the oldest on: as JSON lines, which `sede audit verify` checks, or as CSV."},
		},
	}}
}
