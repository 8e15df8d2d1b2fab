package bank

import (
	"context"
	"net/http"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// HistoryQuery says which months are wanted.
type HistoryQuery struct {
	From, To null.Value[string] // both included
}

// History tells what was booked on an account month by month; Missing when the
// organization has no such one.
func (s *Service) History(ctx context.Context, who *access.Caller, account ident.ID, q *HistoryQuery, h *History) error {
	var a Account
	err := s.db.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		if err := findAccount(tx, who.Scope(), account, &a); err != nil {
			return err
		}
		h.Months, err = monthsOf(tx, who.Scope(), account)
		return err
	})
	if err != nil {
		return err
	}
	h.Account, h.Currency = a.ID, a.Currency
	fillClosings(h.Months, a.Balance)
	h.cut(q)
	return nil
}

// cut leaves the months that are wanted.
func (h *History) cut(q *HistoryQuery) {
	if from, ok := parseMonth(q.From.V); ok {
		for len(h.Months) > 0 && h.Months[0].month < from {
			h.Months = h.Months[1:]
		}
	}
	if to, ok := parseMonth(q.To.V); ok {
		for n := len(h.Months); n > 0 && h.Months[n-1].month > to; n-- {
			h.Months = h.Months[:n-1]
		}
	}
}

var historyFields = []hydra.Field[History]{
	hydra.ID(func(h *History) *ident.ID { return &h.Account }),
	hydra.Ref("account", "BankAccount", func(h *History) *ident.ID { return &h.Account }).ReadOnly(),
	hydra.Text("currency", func(h *History) *string { return &h.Currency }).ReadOnly().Doc("ISO 4217.").Example("EUR"),
	hydra.Objects("months", func(h *History) *[]Month { return &h.Months },
		hydra.Text("month", func(m *Month) *string { text := m.month.String(); return &text }).Example("2030-01"),
		hydra.Int("in", func(m *Month) *int64 { return &m.In }).Doc("What came in, in minor units."),
		hydra.Int("out", func(m *Month) *int64 { return &m.Out }).Doc("What went out, in minor units; not negative."),
		hydra.Int("count", func(m *Month) *int64 { return &m.Count }).Doc("How many transactions these are."),
		hydra.NullInt("closingBalance", func(m *Month) *null.Value[int64] { return &m.Closing }).
			Doc("The balance at the end of the month, of the current one after its last transaction. "+
				"As the bank told it, else worked out from other balances; null when there is none."),
	).Doc("The months in which something was booked, the oldest first; the newest 1200 if there are more."),
}

func (s *Service) histories() hydra.Declaration {
	wanted := func(name string, at func(*HistoryQuery) *null.Value[string], doc string) hydra.Field[HistoryQuery] {
		return hydra.NullText(name, at).Doc(doc).Example("2030-01").Check("month", func(q *HistoryQuery) fault.Text {
			if _, ok := parseMonth(at(q).V); !ok {
				return fault.Textf("This value should be a month such as %s.", "2030-01")
			}
			return fault.Text{}
		})
	}
	return hydra.Resource[History]{
		Name: "BankBalanceHistory", Path: "/bank-accounts/{id}/balance-history",
		Doc:    "What was booked on an account month by month, by the day of booking. What is pending does not count.",
		Fields: historyFields,
		Operations: []hydra.Operation{hydra.Action[HistoryQuery, History]{
			Method: http.MethodGet, Path: "/bank-accounts/{id}/balance-history", Access: mayRead,
			Doc: "Retrieves what was booked on a BankAccount resource month by month, with the balance at the end of each month.",
			Fields: []hydra.Field[HistoryQuery]{
				wanted("from", func(q *HistoryQuery) *null.Value[string] { return &q.From }, "The first month. Left out: from the oldest on."),
				wanted("to", func(q *HistoryQuery) *null.Value[string] { return &q.To }, "The last month. Left out: up to the newest."),
			},
			Do: hydra.ActionByID(s.History),
		}},
	}
}
