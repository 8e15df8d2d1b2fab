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
	filters := w.conditions()
	return hydra.Download{Name: "bank-transactions.csv", Write: func(out io.Writer) error {
		sheet := csv.NewWriter(out)
		sheet.UseCRLF = true
		_ = sheet.Write(exportHeading) // an error stays until Error
		list := make([]exported, 0, exportPage)
		for last := (*Transaction)(nil); last == nil || len(list) == exportPage; {
			err := s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
				list, err = exportAfter(tx, who.Scope(), filters, last, list[:0])
				return err
			})
			if err != nil {
				return err // what was not flushed is not sent
			}
			for i := range list {
				_ = sheet.Write(list[i].cells())
			}
			if sheet.Flush(); sheet.Error() != nil || len(list) == 0 {
				return sheet.Error()
			}
			end := list[len(list)-1].Transaction
			last = &end
		}
		return nil
	}}, nil
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
