package audit

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// An export as JSON lines begins with a line that says of which chain it is, a
// heading. Then comes a line per entry with everything that its hash covers, and
// at the end a line, a closing, that says how many there were and how the chain
// ended. A file without its closing was cut.

// exportFormat names the form of the lines.
const exportFormat = "sede audit 1"

type heading struct {
	Format       string    `json:"format"`
	Organization *ident.ID `json:"organization"` // null: the instance
	Filtered     bool      `json:"filtered"`     // not all entries of the chain are wanted
}

type closing struct {
	Entries int64  `json:"entries"` // lines of entries in this file
	Number  int64  `json:"number"`  // of the chain's last entry
	Hash    string `json:"hash"`    // of that
}

// line is an entry in an export, all but what was there before and after.
type line struct {
	ID           ident.ID  `json:"id"`
	Number       int64     `json:"number"`
	CreatedAt    string    `json:"createdAt"` // RFC 3339 with microseconds
	Actor        *ident.ID `json:"actor"`
	ActorName    string    `json:"actorName"`
	APIKey       *ident.ID `json:"apiKey"`
	Operator     bool      `json:"operator"`
	Address      string    `json:"address"`
	Agent        string    `json:"agent"`
	Action       string    `json:"action"`
	Resource     string    `json:"resource"`
	Key          string    `json:"key"`
	PreviousHash string    `json:"previousHash"`
	Hash         string    `json:"hash"`
}

// microseconds is the layout of times in exports.
const microseconds = "2006-01-02T15:04:05.000000-07:00"

// An export reads so many entries at once, or so many bytes of JSON in them, and
// waits for the caller outside of transactions.
const (
	exportPage  = 500
	exportBytes = 4 << 20
)

// selection is a wanted in SQL.
type selection []condition

type condition struct {
	sql   string // a column and a comparison
	value any
}

// conditions turns what is wanted into SQL. An actor that is no id matches
// nothing.
func (w *wanted) conditions() (s selection) {
	add := func(set bool, sql string, value any) {
		if set {
			s = append(s, condition{sql, value})
		}
	}
	actor, _ := ident.Parse(w.actor[strings.LastIndexByte(w.actor, '/')+1:])
	add(w.actor != "", "actor =", actor)
	add(w.action != "", "action =", w.action)
	add(w.resource != "", "resource =", w.resource)
	add(w.key != "", "resource_key =", w.key)
	add(w.from.Valid, "at >=", w.from.V)
	add(w.to.Valid, "at <", w.to.V)
	return s
}

// Export sends the wanted entries up to the last one there is now.
func (r Reader) Export(ctx context.Context, who *access.Caller, _, media string, w *wanted) (hydra.Download, error) {
	if err := mayRead.Check(who); err != nil {
		return hydra.Download{}, err
	}
	e := export{db: r.DB, scope: chainOf(who), wanted: w.conditions()}
	err := r.DB.Read(ctx, e.scope, func(tx *db.Tx) (err error) {
		e.end, err = findHead(tx, e.scope)
		return err
	})
	if media == typeCSV {
		return hydra.Download{Name: "audit.csv", Write: func(out io.Writer) error { return e.csv(ctx, out) }}, err
	}
	return hydra.Download{Name: "audit.ndjson", Write: func(out io.Writer) error { return e.lines(ctx, out) }}, err
}

// export is one export on its way.
type export struct {
	db     *db.DB
	scope  access.Scope
	wanted selection
	end    head
}

// each calls write for every wanted entry, outside of transactions.
func (e *export) each(ctx context.Context, write func(*Item) error) error {
	var items []Item
	for n, more := int64(0), true; more; {
		err := e.db.Read(ctx, e.scope, func(tx *db.Tx) error {
			items, more = items[:0], false
			bytes := 0
			return after(tx, e.scope, e.wanted, n, e.end.seq, func(i *Item) bool {
				items = append(items, *i)
				bytes += len(i.Before) + len(i.After)
				more = len(items) == exportPage || bytes >= exportBytes
				return !more
			})
		})
		if err != nil {
			return err
		}
		for i := range items {
			n = items[i].Number
			if err := write(&items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// lines writes JSON lines.
func (e *export) lines(ctx context.Context, out io.Writer) error {
	organization := e.scope.Organization()
	first := heading{Format: exportFormat, Organization: orNull(organization), Filtered: len(e.wanted) > 0}
	if err := writeLine(out, first); err != nil {
		return err
	}
	last := closing{Number: e.end.seq, Hash: hex.EncodeToString(e.end.hash)}
	err := e.each(ctx, func(r *Item) error {
		last.Entries++
		content, err := r.line()
		if err == nil {
			_, err = out.Write(content)
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeLine(out, last)
}

func writeLine(out io.Writer, v any) error {
	content, err := json.Marshal(v)
	if err == nil {
		_, err = out.Write(append(content, '\n'))
	}
	return err
}

// orNull is nil for the zero id.
func orNull(id ident.ID) *ident.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}

// line is the entry as a line. Its JSON stands there byte for byte, because it
// is hashed.
func (r *Item) line() ([]byte, error) {
	content, err := json.Marshal(line{
		ID: r.ID, Number: r.Number, CreatedAt: r.CreatedAt.UTC().Format(microseconds), Actor: orNull(r.Actor.V), ActorName: r.ActorName, APIKey: orNull(r.APIKey.V),
		Operator: r.Operator, Address: r.Address, Agent: r.Agent, Action: r.Action, Resource: r.Resource, Key: r.Key,
		PreviousHash: hex.EncodeToString(r.PreviousHash), Hash: hex.EncodeToString(r.Hash),
	})
	if err != nil {
		return nil, err
	}
	content = content[:len(content)-1]
	for name, value := range r.states {
		content = append(append(append(content, `,"`...), name...), `":`...)
		if value == nil {
			value = []byte("null")
		}
		content = append(content, value...)
	}
	return append(content, "}\n"...), nil
}

// states are what was there before and after.
func (r *Item) states(yield func(name string, value []byte) bool) {
	_ = yield("before", r.Before) && yield("after", r.After)
}

// csv writes a table with the names of the fields in the first line.
func (e *export) csv(ctx context.Context, out io.Writer) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	err := w.Write([]string{"id", "number", "createdAt", "actor", "actorName", "apiKey", "operator", "address", "agent",
		"action", "resource", "key", "before", "after", "previousHash", "hash"})
	if err != nil {
		return err
	}
	err = e.each(ctx, func(r *Item) error {
		return w.Write([]string{r.ID.String(), strconv.FormatInt(r.Number, 10), r.CreatedAt.UTC().Format(microseconds), idCell(r.Actor),
			hydra.Cell(r.ActorName), idCell(r.APIKey), strconv.FormatBool(r.Operator), hydra.Cell(r.Address), hydra.Cell(r.Agent),
			hydra.Cell(r.Action), hydra.Cell(r.Resource), hydra.Cell(r.Key), string(r.Before), string(r.After),
			hex.EncodeToString(r.PreviousHash), hex.EncodeToString(r.Hash)})
	})
	if err != nil {
		return err // what was not flushed is not sent
	}
	w.Flush()
	return w.Error()
}

func idCell(id null.Value[ident.ID]) string {
	if !id.Valid {
		return ""
	}
	return id.V.String()
}
