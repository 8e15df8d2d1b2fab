package coupon

import (
	"bytes"
	"context"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// mayManage says who sees and writes coupons.
var mayManage = access.Operators()

// Service holds the use cases of coupons.
type Service struct {
	db    *db.DB
	audit *audit.Log
	ids   *ident.Source
	now   clock.Clock
}

// List returns a page of the coupons.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Coupon], err error) {
	if err := mayManage.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = list(tx, q)
		return err
	})
	return r, err
}

// Get loads one coupon; Missing when there is none.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, c *Coupon) error {
	if err := mayManage.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return find(tx, id, c) })
}

// Create stores a new coupon. Its code must be free.
func (s *Service) Create(ctx context.Context, who *access.Caller, c *Coupon) error {
	if err := mayManage.Check(who); err != nil {
		return err
	}
	given := *c
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*c = given
		c.ID, c.Code, c.Version = s.ids.New(), Normal(c.Code), 1
		c.CreatedAt = s.now.Now().Truncate(time.Second)
		c.UpdatedAt = c.CreatedAt
		if err := insert(tx, c); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Coupon", Key: c.ID.String(), After: hydra.JSON(fields, c)})
	})
}

// Update loads the coupon, lets apply change it, and stores what came of it. What
// it takes off stays as it was.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, c *Coupon, apply func() error) error {
	if err := mayManage.Check(who); err != nil {
		return err
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		*c = Coupon{}
		if err := find(tx, id, c); err != nil {
			return err
		}
		before := hydra.JSON(fields, c)
		if err := apply(); err != nil {
			return err
		}
		if bytes.Equal(hydra.JSON(fields, c), before) {
			return nil
		}
		c.Version, c.UpdatedAt = c.Version+1, s.now.Now().Truncate(time.Second)
		if err := update(tx, c); err != nil {
			return err
		}
		return s.audit.Append(tx, who, audit.Entry{Action: "update", Resource: "Coupon", Key: id.String(), Before: before, After: hydra.JSON(fields, c)})
	})
}

// Find loads the coupon with the id within a transaction.
func (s *Service) Find(tx *db.Tx, id ident.ID) (c Coupon, err error) {
	err = find(tx, id, &c)
	return c, err
}

// ByCode returns the coupon with the code if it can be redeemed now, else the
// Refusal. Within a Write it stays as it is until the transaction ends.
func (s *Service) ByCode(tx *db.Tx, scope access.Scope, code string) (c Coupon, err error) {
	if err = findByCode(tx, Normal(code), &c); err == nil && !c.Good(tx.Now(scope)) || fault.Is(err, fault.NotFound) {
		err = Refusal()
	}
	return c, err
}

// Redeem counts one redemption of the coupon, or is the Refusal when there is
// none left. Whoever redeems takes turns, so that there are never too many.
func (s *Service) Redeem(tx *db.Tx, scope access.Scope, id ident.ID) error {
	counted, err := redeem(tx, id, tx.Now(scope))
	if err == nil && !counted {
		err = Refusal()
	}
	return err
}
