package jobs

import (
	"context"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/page"
)

// List returns a page of the jobs of all organizations.
func (q *Queue) List(ctx context.Context, who *access.Caller, query *page.Query) (r page.Result[Item], err error) {
	if err := mayRun.Check(who); err != nil {
		return r, err
	}
	err = q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = list(tx, query)
		return err
	})
	return r, err
}

// Get loads a job; Missing when there is no such one.
func (q *Queue) Get(ctx context.Context, who *access.Caller, id ident.ID, i *Item) error {
	if err := mayRun.Check(who); err != nil {
		return err
	}
	return q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) error { return find(tx, id, i) })
}

// Retry has a job that waits, is failed or was discarded run as soon as possible,
// with all its attempts before it. Conflict for others, and when another with its
// unique key waits or runs.
func (q *Queue) Retry(ctx context.Context, who *access.Caller, id ident.ID, i *Item) error {
	return q.change(ctx, who, "retry", id, i, func(tx *db.Tx) (bool, error) {
		if i.State == running || i.State == done {
			return false, nil
		}
		changed, err := retry(tx, i, q.now())
		if db.IsUnique(err, "job_kind_unique_key") {
			return false, fault.New(fault.Conflict, "Another job that does the same waits or runs.")
		}
		tx.AfterCommit(q.wake)
		return changed, err
	})
}

// Discard gives up a job that waits or is failed; Conflict for others.
func (q *Queue) Discard(ctx context.Context, who *access.Caller, id ident.ID, i *Item) error {
	return q.change(ctx, who, "discard", id, i, func(tx *db.Tx) (bool, error) {
		if i.State != waiting && i.State != failed {
			return false, nil
		}
		return discard(tx, i, q.now())
	})
}

// change does what an operator wants with a job and writes it down. do reports
// whether the job was in a state in which that can be done.
func (q *Queue) change(ctx context.Context, who *access.Caller, action string, id ident.ID, i *Item, do func(tx *db.Tx) (bool, error)) error {
	if err := mayRun.Check(who); err != nil {
		return err
	}
	return q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := find(tx, id, i); err != nil {
			return err
		}
		before := *i
		changed, err := do(tx)
		if err != nil {
			return err
		}
		if !changed {
			return fault.New(fault.Conflict, "This can't be done with a job in the state %q.", i.State)
		}
		if err := find(tx, id, i); err != nil {
			return err
		}
		return q.Audit.Append(tx, who, audit.Entry{Scope: scopeOf(i.Organization.V), Action: action, Resource: "Job", Key: id.String(),
			Before: hydra.JSON(fields, &before), After: hydra.JSON(fields, i)})
	})
}

// byID lets an Action call a use case that takes a UUID; another text is Missing.
func byID(do func(context.Context, *access.Caller, ident.ID, *Item) error) func(context.Context, *access.Caller, string, *hydra.None, *Item) error {
	return func(ctx context.Context, who *access.Caller, key string, _ *hydra.None, i *Item) error {
		id, err := ident.Parse(key)
		if err != nil {
			return fault.Missing()
		}
		return do(ctx, who, id, i)
	}
}
