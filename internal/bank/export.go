package bank

import (
	"context"
	"encoding/csv"
	"io"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/money"
	"sede/internal/null"
	"sede/internal/page"
	"sede/internal/throttle"
)

// wanted is which transactions an export has.
type wanted struct {
	account             null.Value[ident.ID]
	status              null.Value[string]
	after, before       null.Value[time.Time] // both included
	smallest, largest   null.Value[int64]     // both included
	currency, text, tag null.Value[string]
}

// wantedFields have the names of the collection's filters.
var wantedFields = []hydra.Field[wanted]{
	hydra.NullRef("account", "BankAccount", func(w *wanted) *null.Value[ident.ID] { return &w.account }).Doc("Only those of this account."),
	hydra.NullText("status", func(w *wanted) *null.Value[string] { return &w.status }).OneOf(Booked, Pending).Doc("Only booked or pending ones."),
	hydra.NullTime("transactionOn[after]", func(w *wanted) *null.Value[time.Time] { return &w.after }).Doc("Only those on or after this day."),
	hydra.NullTime("transactionOn[before]", func(w *wanted) *null.Value[time.Time] { return &w.before }).Doc("Only those on or before this day."),
	hydra.NullInt("amount[gte]", func(w *wanted) *null.Value[int64] { return &w.smallest }).Doc("Only these amounts and larger ones, in minor units."),
	hydra.NullInt("amount[lte]", func(w *wanted) *null.Value[int64] { return &w.largest }).Doc("Only these amounts and smaller ones, in minor units."),
	hydra.NullText("currency", func(w *wanted) *null.Value[string] { return &w.currency }).Length(3, 3).Doc("Only those in this currency."),
	hydra.NullText("text", func(w *wanted) *null.Value[string] { return &w.text }).Length(1, maxShort).Doc("Only those that hold this text."),
	hydra.NullText("labels", func(w *wanted) *null.Value[string] { return &w.tag }).Length(1, maxShort).Doc("Only those with a label that holds this."),
}

// condition is a column with a comparison, and its value.
type condition struct {
	sql   string
	value any
}

func (w *wanted) conditions() (list []condition) {
	add := func(set bool, sql string, value any) {
		if set {
			list = append(list, condition{sql, value})
		}
	}
	add(w.account.Valid, "t.account_id = ", w.account.V)
	add(w.status.Valid, "t.status = ", w.status.V)
	add(w.after.Valid, "t.transaction_on >= ", w.after.V)
	add(w.before.Valid, "t.transaction_on <= ", w.before.V)
	add(w.smallest.Valid, "t.amount >= ", w.smallest.V)
	add(w.largest.Valid, "t.amount <= ", w.largest.V)
	add(w.currency.Valid, "t.currency = ", w.currency.V)
	add(w.text.Valid, `t.text_fold LIKE `, holding(w.text.V))
	add(w.tag.Valid, `lower(t.labels) LIKE `, holding(w.tag.V))
	return list
}

// query asks for the same as conditions.
func (w *wanted) query() *page.Query {
	q := &page.Query{}
	add := func(set bool, field string, op page.Op, v page.Value) {
		if set {
			q.Filters = append(q.Filters, page.Filter{Field: field, Op: op, Values: []page.Value{v}})
		}
	}
	add(w.account.Valid, "account", page.Equal, page.Value{Kind: page.ID, ID: w.account.V})
	add(w.status.Valid, "status", page.Equal, page.Value{Text: w.status.V})
	add(w.after.Valid, "transactionOn", page.After, page.Value{Kind: page.Time, Time: w.after.V})
	add(w.before.Valid, "transactionOn", page.Before, page.Value{Kind: page.Time, Time: w.before.V})
	add(w.smallest.Valid, "amount", page.After, page.Value{Kind: page.Int, Int: w.smallest.V})
	add(w.largest.Valid, "amount", page.Before, page.Value{Kind: page.Int, Int: w.largest.V})
	add(w.currency.Valid, "currency", page.Equal, page.Value{Text: w.currency.V})
	add(w.text.Valid, "text", page.Contains, page.Value{Text: w.text.V})
	add(w.tag.Valid, "labels", page.Contains, page.Value{Text: w.tag.V})
	return q
}

// holding is the pattern of texts that hold this one.
func holding(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(db.Fold(text)) + "%"
}

// exported is a line of an export.
type exported struct {
	Transaction
	account string // its IBAN, without one its name
}

// exportPage is how many transactions an export reads at once.
const exportPage = 500

// Export sends transactions as CSV, the newest first, in short reads: what changes
// meanwhile may be in it or not.
func (s *Service) Export(ctx context.Context, who *access.Caller, _, _ string, w *wanted) (hydra.Download, error) {
	if err := mayRead.Check(who); err != nil {
		return hydra.Download{}, err
	}
	if w.account.Valid {
		var a Account
		if err := s.Account(ctx, who, w.account.V, &a); err != nil {
			return hydra.Download{}, orUnknown(err)
		}
	}
	source := &exporting{s: s, scope: who.Scope(), filters: w.conditions(), query: w.query()}
	return hydra.Download{Name: "bank-transactions.csv", Write: func(out io.Writer) error {
		sheet := csv.NewWriter(out)
		sheet.UseCRLF = true
		_ = sheet.Write(exportHeading) // an error stays until Error
		for more := true; more; {
			list, err := source.next(ctx)
			if err != nil {
				return err // what was not flushed is not sent
			}
			for i := range list {
				_ = sheet.Write(list[i].cells())
			}
			if sheet.Flush(); sheet.Error() != nil {
				return sheet.Error()
			}
			more = !source.done
		}
		return nil
	}}, nil
}

// exporting reads the transactions of an export, a part at a time: those with a text
// by their ids, which the index of texts tells, others in their order.
type exporting struct {
	s       *Service
	scope   access.Scope
	filters []condition
	query   *page.Query

	begun, indexed, done bool
	keys                 []ident.ID // that are not read yet
	last                 *Transaction
	list                 []exported
}

func (e *exporting) next(ctx context.Context) ([]exported, error) {
	err := e.s.db.Read(ctx, e.scope, func(tx *db.Tx) (err error) {
		e.list = e.list[:0]
		if !e.begun {
			if e.keys, e.indexed, err = transactionListing.Matching(tx, e.scope, e.query); err != nil {
				return err
			}
		}
		if e.indexed {
			e.list, err = exportListed(tx, e.scope, e.query, e.keys[:min(len(e.keys), exportPage)], e.list)
		} else {
			e.list, err = exportAfter(tx, e.scope, e.filters, e.last, e.list)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	e.begun = true
	if e.indexed {
		e.keys = e.keys[min(len(e.keys), exportPage):]
		e.done = len(e.keys) == 0
		return e.list, nil
	}
	if e.done = len(e.list) < exportPage; !e.done {
		end := e.list[len(e.list)-1].Transaction
		e.last = &end
	}
	return e.list, nil
}

// orUnknown turns Missing into what is wrong with the filter on accounts.
func orUnknown(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Broken(fault.Violation{Path: "account", Text: fault.Textf("There is no such account.")})
	}
	return err
}

var exportHeading = []string{"transactionOn", "bookedOn", "status", "account", "amount", "currency", "balance", "title", "party", "partyIban",
	"kind", "symbols", "labels", "id"}

// cells are the line's. Amounts are decimals with a point.
func (e *exported) cells() []string {
	booked, balance := "", ""
	if e.BookedOn.Valid {
		booked = e.BookedOn.V.Format(time.DateOnly)
	}
	if e.Balance.Valid {
		balance = money.Decimal(e.Balance.V, e.Currency)
	}
	return []string{e.On.Format(time.DateOnly), booked, e.Status, hydra.Cell(e.account), money.Decimal(e.Amount, e.Currency), e.Currency, balance,
		hydra.Cell(e.Title), hydra.Cell(e.Party), hydra.Cell(e.PartyIBAN.V), hydra.Cell(e.Kind), hydra.Cell(e.Symbols),
		hydra.Cell(strings.Join(e.Labels, ", ")), e.ID.String()}
}

// exports is the operation that sends them.
func (s *Service) exports() hydra.Operation {
	return hydra.Stream[wanted]{Path: "/bank-transactions/export", Access: mayRead, Class: throttle.Heavy, Media: []string{"text/csv"},
		Fields: wantedFields, Do: s.Export,
		Doc: "Sends the transactions as CSV, the newest first, however many there are. Amounts are decimals."}
}
