package product

import (
	"bytes"
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/page"
)

// Who may do what.
var (
	mayRead  = access.Public()
	mayWrite = access.Operators()
)

// Service holds the use cases of products.
type Service struct {
	db    *db.DB
	audit *audit.Log
	now   clock.Clock
}

// List returns a page of the products.
func (s *Service) List(ctx context.Context, _ *access.Caller, q *page.Query) (r page.Result[Product], err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = list(tx, q)
		return err
	})
	return r, err
}

// Get loads one product by its code; Missing when there is none.
func (s *Service) Get(ctx context.Context, _ *access.Caller, id string, p *Product) error {
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return find(tx, id, p) })
}

// Find loads a product within a transaction; Missing when there is none.
func (s *Service) Find(tx *db.Tx, id string) (p Product, err error) {
	err = find(tx, id, &p)
	return p, err
}

// FindAhead is Find, but on PostgreSQL it travels with the next statement.
func (s *Service) FindAhead(tx *db.Tx, id string) func() (Product, error) { return findAhead(tx, id) }

// Granting returns those that can be bought and grant one of the modules.
func (s *Service) Granting(ctx context.Context, modules []string) (offers fault.Items, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		sold, err := onSale(tx)
		for _, p := range sold {
			if slices.ContainsFunc(p.Modules, func(code string) bool { return slices.Contains(modules, code) }) {
				offers = append(offers, fault.Item{Resource: "Product", Key: p.ID})
			}
		}
		return err
	})
	return offers, err
}

// Modules returns the codes of all modules that what can be bought grants, in
// order.
func (s *Service) Modules(tx *db.Tx) ([]string, error) {
	sold, err := onSale(tx)
	codes := []string{}
	for _, p := range sold {
		codes = append(codes, p.Modules...)
	}
	slices.Sort(codes)
	return slices.Compact(codes), err
}

// Create stores a new product. Its code must be free.
func (s *Service) Create(ctx context.Context, who *access.Caller, p *Product) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *p
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*p = given
		p.Version, p.CreatedAt = 1, s.now.Now().Truncate(time.Second)
		p.UpdatedAt = p.CreatedAt
		if err := insert(tx, p); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Product", Key: p.ID, After: hydra.JSON(fields, p)})
	})
}

// Update loads the product, lets apply change it, and stores what came of it.
// What was sold before keeps its price.
func (s *Service) Update(ctx context.Context, who *access.Caller, id string, p *Product, apply func() error) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*p = Product{}
		if err := find(tx, id, p); err != nil {
			return err
		}
		before := hydra.JSON(fields, p)
		if err := apply(); err != nil {
			return err
		}
		if bytes.Equal(hydra.JSON(fields, p), before) {
			return nil
		}
		p.Version, p.UpdatedAt = p.Version+1, s.now.Now().Truncate(time.Second)
		if err := update(tx, p); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "Product", Key: id, Before: before, After: hydra.JSON(fields, p)})
	})
}
