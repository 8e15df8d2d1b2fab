package bank

import (
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// withoutKey lets an Action whose path has no {id} call a use case.
func withoutKey[In, Out any](do func(context.Context, *access.Caller, *In, *Out) error) func(context.Context, *access.Caller, string, *In, *Out) error {
	return func(ctx context.Context, who *access.Caller, _ string, in *In, out *Out) error {
		return do(ctx, who, in, out)
	}
}

var bankFields = []hydra.Field[Bank]{
	hydra.Key(func(b *Bank) *string { return &b.ID }).ReadOnly().Doc("The way to the bank, as sign-ins call it."),
	hydra.Text("provider", func(b *Bank) *string { return &b.Provider }).OneOf(Kontomatik, Sandbox).ReadOnly().
		Doc("Who passes the bank's data on. Organizations of type demo and sandbox connect the Sandbox bank only, and so do all where there is no other.").Filter(hydra.Exact),
	hydra.Text("name", func(b *Bank) *string { return &b.Name }).ReadOnly().Doc("What the bank is called.").Example("Sandbox bank Tejo").Filter(hydra.Partial),
	hydra.KeyRef("country", "Country", func(b *Bank) *string { return &b.Country }).ReadOnly().Filter(hydra.Exact),
	hydra.Text("institution", func(b *Bank) *string { return &b.Institution }).ReadOnly().Doc("The same for all ways to one bank.").Filter(hydra.Exact),
	hydra.Bool("multipleAccess", func(b *Bank) *bool { return &b.MultipleAccess }).ReadOnly().
		Doc("Whether data may be imported again without a sign-in, if the person allows it."),
}

func (s *Service) banks() hydra.Declaration {
	return hydra.Resource[Bank]{
		Name: "Bank", Path: "/integrations/banks",
		Doc:    "A way to a bank that can be connected.",
		Fields: bankFields,
		MaxAge: 3600,
		Operations: []hydra.Operation{
			hydra.List[Bank]{Access: access.Public(), Do: hydra.OfAll(s.Banks)},
			hydra.Get[Bank]{Access: access.Public(), Do: s.Bank},
		},
	}
}

var accountFields = []hydra.Field[Account]{
	hydra.ID(func(a *Account) *ident.ID { return &a.ID }),
	hydra.Ref("integration", "Integration", func(a *Account) *ident.ID { return &a.Integration }).ReadOnly().
		Doc("The connection that imported it last.").Filter(hydra.Exact),
	hydra.Text("kind", func(a *Account) *string { return &a.Kind }).OneOf(KindAccount, KindCard).ReadOnly().Filter(hydra.Exact),
	hydra.Text("name", func(a *Account) *string { return &a.Name }).ReadOnly().Filter(hydra.Partial).Sortable(),
	hydra.NullText("iban", func(a *Account) *null.Value[string] { return &a.IBAN }).ReadOnly().Example("PT50000201231234567890154").Filter(hydra.Exact),
	hydra.NullText("lastDigits", func(a *Account) *null.Value[string] { return &a.LastDigits }).ReadOnly().Doc("How the number of a card ends."),
	hydra.Text("currency", func(a *Account) *string { return &a.Currency }).ReadOnly().Doc("ISO 4217.").Example("EUR").Filter(hydra.Exact),
	hydra.NullInt("balance", func(a *Account) *null.Value[int64] { return &a.Balance }).ReadOnly().Doc("In minor units, when it was last imported."),
	hydra.NullInt("available", func(a *Account) *null.Value[int64] { return &a.Available }).ReadOnly().Doc("What can be spent, in minor units."),
	hydra.Bool("partial", func(a *Account) *bool { return &a.Partial }).ReadOnly().
		Doc("Whether the bank told a part of the transactions only, last time."),
	hydra.NullTime("keptSince", func(a *Account) *null.Value[time.Time] { return &a.KeptSince }).ReadOnly().
		Doc("Transactions of before this day were removed because they are old, and are not imported again."),
	hydra.Time("createdAt", func(a *Account) *time.Time { return &a.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(a *Account) *time.Time { return &a.UpdatedAt }).ReadOnly(),
}

func (s *Service) accounts() hydra.Declaration {
	return hydra.Resource[Account]{
		Name: "BankAccount", Path: "/bank-accounts",
		Doc:     "An account or card at a bank that is connected.",
		Fields:  accountFields,
		Version: func(a *Account) int64 { return a.Version },
		Operations: []hydra.Operation{
			hydra.List[Account]{Access: mayRead, Do: hydra.OfAll(s.Accounts)},
			hydra.Get[Account]{Access: mayRead, Do: hydra.ByID(s.Account)},
		},
	}
}

var transactionFields = []hydra.Field[Transaction]{
	hydra.ID(func(t *Transaction) *ident.ID { return &t.ID }),
	hydra.Ref("account", "BankAccount", func(t *Transaction) *ident.ID { return &t.Account }).ReadOnly().Filter(hydra.Exact),
	hydra.Text("status", func(t *Transaction) *string { return &t.Status }).OneOf(Booked, Pending).ReadOnly().
		Doc("What is pending may still change, or vanish: see /removed-bank-transactions.").Filter(hydra.Exact),
	hydra.Time("transactionOn", func(t *Transaction) *time.Time { return &t.On }).ReadOnly().
		Doc("The day of the transaction, as its beginning in UTC.").Filter(hydra.DateRange).Sortable(),
	hydra.NullTime("bookedOn", func(t *Transaction) *null.Value[time.Time] { return &t.BookedOn }).ReadOnly().
		Doc("The day on which it was booked, as its beginning in UTC.").Filter(hydra.DateRange, hydra.Existence).Sortable(),
	hydra.Int("amount", func(t *Transaction) *int64 { return &t.Amount }).ReadOnly().
		Doc("In minor units; negative: money went out.").Example("-2500").Filter(hydra.Range, hydra.Numeric).Sortable(),
	hydra.Text("currency", func(t *Transaction) *string { return &t.Currency }).ReadOnly().Doc("ISO 4217.").Example("EUR").Filter(hydra.Exact),
	hydra.NullInt("balance", func(t *Transaction) *null.Value[int64] { return &t.Balance }).ReadOnly().Doc("Of the account after it, if the bank says."),
	hydra.Text("title", func(t *Transaction) *string { return &t.Title }).ReadOnly().Doc("What the transaction says.").Example("Invoice INV 2030/0012"),
	hydra.Text("party", func(t *Transaction) *string { return &t.Party }).ReadOnly().Doc("Who is on the other side, often with an address."),
	hydra.NullText("partyIban", func(t *Transaction) *null.Value[string] { return &t.PartyIBAN }).ReadOnly().Filter(hydra.Exact),
	hydra.Text("kind", func(t *Transaction) *string { return &t.Kind }).ReadOnly().Doc("The bank's own wording."),
	hydra.Text("symbols", func(t *Transaction) *string { return &t.Symbols }).ReadOnly().Doc("Czech and Slovak payment symbols."),
	hydra.Texts("labels", func(t *Transaction) *[]string { return &t.Labels }).ReadOnly().Doc("What the transaction is about, in English words.").Filter(hydra.Partial),
	hydra.Text("text", func(t *Transaction) *string { text := searchable(t); return &text }).ReadOnly().
		Doc("Title, party, its IBAN, kind and symbols in one, to search in.").Filter(hydra.Partial),
	hydra.Time("createdAt", func(t *Transaction) *time.Time { return &t.CreatedAt }).ReadOnly(),
	hydra.Time("updatedAt", func(t *Transaction) *time.Time { return &t.UpdatedAt }).ReadOnly().
		Doc("When an import told something new of it.").Filter(hydra.DateRange).Sortable(),
}

func (s *Service) transactions() hydra.Declaration {
	return hydra.Resource[Transaction]{
		Name: "BankTransaction", Path: "/bank-transactions",
		Doc:     "A movement of money on an account at a bank. The newest come first.",
		Fields:  transactionFields,
		Version: func(t *Transaction) int64 { return t.Version },
		Operations: []hydra.Operation{
			hydra.List[Transaction]{Access: mayRead, Do: hydra.OfAll(s.Transactions)},
			hydra.Get[Transaction]{Access: mayRead, Do: hydra.ByID(s.Transaction)},
			s.exports(),
		},
	}
}
