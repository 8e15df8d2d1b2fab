package organization

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// A closing organization whose time has come is removed in two steps. In one
// transaction it is hidden: from its commit on nobody finds it or is a member of
// it. Then a durable job removes its rows and files, in many short transactions
// that can be repeated. Its own row stays, without any content, and with it what
// the database refuses to remove: numbered invoices with their payments, and the
// audit log.

const (
	removeEvery = time.Hour
	removeBatch = 100 // organizations
)

// purging is the job that removes what a hidden organization had.
var purging = jobs.Kind[struct{}]{Name: "organization.purge", Timeout: 30 * time.Minute}

// OnRemove adds work to the transaction that hides an organization: what must end
// elsewhere. Its jobs are still run.
func (s *Service) OnRemove(do func(tx *db.Tx, scope access.Scope) error) {
	s.onRemove = append(s.onRemove, do)
}

// OnPurge adds the removal of an organization's files, before the rows that name
// them. It is repeated when it fails.
func (s *Service) OnPurge(do func(ctx context.Context, scope access.Scope) error) {
	s.onPurge = append(s.onPurge, do)
}

// due has organizations removed when their time has come.
func (s *Service) due() jobs.Due {
	return jobs.Due{Name: "organization.remove", Table: "organization", Column: "removal_at", Own: true, Every: removeEvery, Do: s.hide,
		Lock: func(tx *db.Tx, scope access.Scope, _ ident.ID) error { return lockMembers(tx, scope) }}
}

// hide makes an organization one that nobody finds, and has its data removed.
func (s *Service) hide(tx *db.Tx, scope access.Scope, id ident.ID) error {
	var o Organization
	err := find(tx, id, &o)
	if fault.Is(err, fault.NotFound) || err == nil && o.Status != Closing {
		return nil // somebody was faster
	}
	if err != nil {
		return err
	}
	for _, do := range s.onRemove {
		if err := do(tx, scope); err != nil {
			return err
		}
	}
	if err := s.membersChanged(tx, id); err != nil {
		return err
	}
	before := o
	o.Name, o.Slug, o.StripeCustomerID, o.StatusReason = "", id.String(), null.Value[string]{}, null.Value[string]{}
	o.iconSet, o.logoSet = null.Value[string]{}, null.Value[string]{}
	o.Version, o.UpdatedAt = o.Version+1, s.now.Now().Truncate(time.Second)
	if err := hide(tx, &o); err != nil {
		return err
	}
	purging.Enqueue(tx, s.jobs, scope, struct{}{}, jobs.Options{Unique: "purge"})
	return s.record(tx, scope, nil, audit.Entry{Action: "remove", Resource: "Organization", Key: id.String(), Before: hydra.JSON(fields[:6], &before)})
}

// purge removes the rows and files of a hidden organization.
func (s *Service) purge(ctx context.Context, job *jobs.Job[struct{}]) error {
	if err := s.purgeImages(ctx, job.Scope); err != nil {
		return err
	}
	for _, do := range s.onPurge {
		if err := do(ctx, job.Scope); err != nil {
			return err
		}
	}
	return s.removeRows(ctx, job.Scope, purged())
}

// removeRows removes what the organization has in the tables, those first that
// point at others, and counts nothing.
func (s *Service) removeRows(ctx context.Context, scope access.Scope, tables []archive.Table) error {
	for _, t := range slices.Backward(tables) {
		r := archive.NewRemover(t, scope.Organization(), s.db.Engine(), s.now.Now)
		for n := int64(-1); n != 0; {
			err := s.db.Write(ctx, scope, func(tx *db.Tx) (err error) {
				n, err = r.Turn(tx)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
			r.Rest(ctx)
		}
	}
	return nil
}

// purged lists the tables whose rows go, what is pointed at first. Jobs are
// forgotten by themselves, once they are done.
func purged() []archive.Table {
	var list []archive.Table
	for _, t := range slices.Concat(archive.OfRole(archive.Trace), archive.OfRole(archive.Kept), archive.Cleared()) {
		if t.Name != "organization" && t.Name != "job" && t.Lasting != "1 = 1" {
			list = append(list, t)
		}
	}
	return list
}

// purgeImages removes the files of all images that the organization ever showed.
func (s *Service) purgeImages(ctx context.Context, scope access.Scope) error {
	for last := (ident.ID{}); ; {
		var sets []imageSet
		err := s.db.Read(ctx, scope, func(tx *db.Tx) (err error) {
			sets, last, err = imagesAfter(tx, scope, last, removeBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, set := range sets {
			for _, size := range set.sizes {
				for _, extension := range []string{extensionPNG, extensionWebP} {
					if err := s.branding.blobs.Delete(ctx, imageKey(set.address, strconv.Itoa(size.width), extension)); err != nil {
						return err
					}
				}
			}
		}
		if len(sets) < removeBatch {
			return nil
		}
	}
}

// Enter finds an organization by its id or slug and tells the caller's role in it,
// within a transaction of the instance: Missing for those who do not belong to it.
func (s *Service) Enter(tx *db.Tx, who *access.Caller, ref string) (o Organization, role access.Role, err error) {
	role, err = s.enter(tx, who, ref, &o)
	return o, role, err
}

// EachImage names the files of all images that the organization ever showed, within
// a transaction that reaches it.
func (s *Service) EachImage(tx *db.Tx, scope access.Scope, each func(key string)) error {
	for last := (ident.ID{}); ; {
		sets, end, err := imagesAfter(tx, scope, last, removeBatch)
		if err != nil || len(sets) == 0 {
			return err
		}
		for _, set := range sets {
			for _, size := range set.sizes {
				for _, extension := range []string{extensionPNG, extensionWebP} {
					each(imageKey(set.address, strconv.Itoa(size.width), extension))
				}
			}
		}
		last = end
	}
}
