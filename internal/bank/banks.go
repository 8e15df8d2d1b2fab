package bank

import (
	"context"
	"strings"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/page"
)

// Bank is a way to a bank that can be connected.
type Bank struct {
	ID             string
	Provider       string
	Name           string
	Country        string
	Institution    string
	MultipleAccess bool
}

func bankOf(provider string, t *kontomatik.Target) Bank {
	return Bank{ID: t.Name, Provider: provider, Name: first(t.OfficialName, t.Name), Country: strings.ToUpper(t.Country), Institution: t.Institution, MultipleAccess: t.PSD2}
}

// provider is whom a new connection of the organization goes through.
func (s *Service) provider(ctx context.Context, who *access.Caller) (name string, err error) {
	err = s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		rehearses, err := s.organizations.Rehearses(tx, who.Scope().Organization())
		name = Kontomatik
		if rehearses || s.providers.real == nil {
			name = Sandbox
		}
		return err
	})
	return name, err
}

// all lists the banks of all providers, the real ones first.
func (s *Service) all(ctx context.Context) (list []Bank, err error) {
	for _, provider := range []string{Kontomatik, Sandbox} {
		if provider == Kontomatik && s.providers.real == nil {
			continue
		}
		banks, err := s.providers.banks(ctx, provider)
		if err != nil {
			return nil, s.orUnavailable(err)
		}
		for i := range banks {
			list = append(list, bankOf(provider, &banks[i]))
		}
	}
	return list, nil
}

// Banks returns a page of the banks that can be connected, in the providers'
// order. It is the same for everybody.
func (s *Service) Banks(ctx context.Context, _ *access.Caller, q *page.Query) (r page.Result[Bank], err error) {
	list, err := s.all(ctx)
	if err != nil {
		return r, err
	}
	r.Items = make([]Bank, 0, q.Size)
	r.Total.Exact = true
	for _, b := range list {
		if !b.passes(q.Filters) {
			continue
		}
		if n := int(r.Total.Rows); n >= q.Offset() && len(r.Items) < q.Size {
			r.Items = append(r.Items, b)
		}
		r.Total.Rows++
	}
	r.More = q.Size > 0 && int(r.Total.Rows) > q.Offset()+len(r.Items)
	return r, nil
}

// passes reports whether the filters let a bank through.
func (b *Bank) passes(filters []page.Filter) bool {
	for i := range filters {
		f := &filters[i]
		has := map[string]string{"name": db.Fold(b.Name), "country": b.Country, "institution": b.Institution, "provider": b.Provider}[f.Field]
		match := false
		for _, v := range f.Values {
			if f.Op == page.Contains {
				match = match || strings.Contains(has, db.Fold(v.Text))
			} else {
				match = match || has == v.Text
			}
		}
		if !match {
			return false
		}
	}
	return true
}

// Bank loads one bank; Missing when there is no such one.
func (s *Service) Bank(ctx context.Context, _ *access.Caller, key string, b *Bank) error {
	list, err := s.all(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID == key {
			*b = list[i]
			return nil
		}
	}
	return fault.Missing()
}
