package clearing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/blob"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/organization"
)

// The jobs that clear and restore. From the first removed row on they go on for as
// long as it takes.
var (
	doClear   = jobs.Kind[workArgs]{Name: "organization.clear", Attempts: 60, Timeout: 2 * time.Hour}
	doRestore = jobs.Kind[workArgs]{Name: "organization.restore", Attempts: 60, Timeout: 2 * time.Hour}
)

type workArgs struct{ Clearing ident.ID }

// mostFailures is how many runs may fail before what can be given up is given up.
const mostFailures = 4

// work is a clearing that is being worked on.
type work struct {
	*Service
	job *jobs.Job[workArgs]
	r   record
	org ident.ID
}

// begin loads the clearing; nothing is left to do when it is gone.
func (s *Service) begin(ctx context.Context, job *jobs.Job[workArgs]) (*work, error) {
	w := &work{Service: s, job: job, org: job.Scope.Organization()}
	return w, s.db.Read(ctx, job.Scope, func(tx *db.Tx) error { return find(tx, w.org, job.Args.Clearing, &w.r) })
}

// write runs a step in a transaction that may write although the organization is
// held.
func (w *work) write(ctx context.Context, do func(tx *db.Tx) error) error {
	return w.db.Write(db.InParts(db.ThroughHold(ctx)), w.job.Scope, do)
}

// move stores a step: only one run can take it.
func (w *work) move(tx *db.Tx, to string, change func(r *record)) error {
	next := w.r
	next.state = to
	if change != nil {
		change(&next)
	}
	return update(tx, &next, w.r.state)
}

// doClear brings a clearing to its end.
func (s *Service) doClear(ctx context.Context, job *jobs.Job[workArgs]) error {
	w, err := s.begin(ctx, job)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && w.r.state == archiving {
		if err = w.archive(ctx); err != nil {
			return w.orGiveUp(ctx, err)
		}
		w, err = s.begin(ctx, job)
	}
	if err != nil || w.r.state != removing {
		return err
	}
	if err := w.stored(ctx); err != nil {
		return err
	}
	if err := w.remove(ctx); err != nil {
		return err
	}
	return w.write(ctx, func(tx *db.Tx) error {
		archive.ForgetCounts(tx, archive.OfRole(archive.Working), w.org)
		now := w.moment()
		err := w.move(tx, cleared, func(r *record) {
			r.finishedAt, r.restorableUntil = null.Of(now), null.Of(now.Add(keepArchive))
		})
		return w.finish(tx, err, "cleared")
	})
}

// finish ends the hold and the job with the last step, and writes it down.
func (w *work) finish(tx *db.Tx, err error, action string) error {
	if err != nil {
		return err
	}
	var r record
	if err := find(tx, w.org, w.r.id, &r); err != nil {
		return err
	}
	db.Release(tx, w.org)
	if err := w.record(tx, nil, action, &w.r, &r); err != nil {
		return err
	}
	return w.job.Complete(tx)
}

// archive stores everything that will be removed and goes on to removing.
func (w *work) archive(ctx context.Context) error {
	key := "archives/" + w.org.String() + "/" + w.ids.New().String() + ".zip"
	old := w.r.blob
	err := w.write(ctx, func(tx *db.Tx) error { return w.move(tx, archiving, func(r *record) { r.blob = null.Of(key) }) })
	if err != nil {
		return err
	}
	w.r.blob = null.Of(key)
	if old.Valid { // of a run that did not come to its end
		if err := w.blobs.Delete(ctx, old.V); err != nil {
			return err
		}
	}
	rows, err := w.store(ctx, key)
	if err != nil {
		return err
	}
	return w.write(ctx, func(tx *db.Tx) error {
		var now record
		if err := find(tx, w.org, w.r.id, &now); err != nil {
			return err
		}
		if now.blob != w.r.blob {
			return errOvertaken
		}
		for _, end := range w.ended {
			if err := end(tx, w.job.Scope); err != nil {
				return err
			}
		}
		return w.move(tx, removing, func(r *record) { r.rows = rows })
	})
}

// stored fails unless the archive is where it can be brought back from.
func (w *work) stored(ctx context.Context) error {
	file, err := w.blobs.Open(ctx, w.r.blob.V)
	if err != nil {
		return fmt.Errorf("clearing: nothing more is removed without its archive: %w", err)
	}
	return file.Close()
}

// store writes the archive into a file as it is made.
func (w *work) store(ctx context.Context, blobKey string) (rows []organization.Rows, err error) {
	var key *archive.Key
	err = w.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		key, err = w.key(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	schema, err := w.schema()
	if err != nil {
		return nil, err
	}
	m := archive.Manifest{Kind: archive.KindWorking, CreatedAt: w.moment(), Organization: archive.Subject{ID: w.org.String()}}
	if m.Schema, _, err = w.db.SchemaVersion(ctx); err != nil {
		return nil, err
	}
	read := func(do func(*db.Tx) error) error { return w.db.Read(ctx, w.job.Scope, do) }
	if m.Counts, err = w.counted(ctx); err != nil {
		return nil, err
	}
	in, out := io.Pipe()
	made := make(chan error, 1)
	go func() {
		err := func() error {
			a := archive.NewWriter(out, key, m)
			for _, t := range archive.OfRole(archive.Working) {
				if err := a.WriteRows(read, t, schema[t.Name], w.org); err != nil {
					return err
				}
			}
			if err := a.Close(); err != nil {
				return err
			}
			for _, f := range a.Manifest.Files {
				rows = append(rows, organization.Rows{Resource: f.Table, Count: f.Rows})
			}
			return nil
		}()
		_ = out.CloseWithError(err)
		made <- err
	}()
	err = w.blobs.Write(ctx, blobKey, in)
	_ = in.CloseWithError(err)
	return rows, errors.Join(<-made, err)
}

// counted reads the counters of what is removed.
func (w *work) counted(ctx context.Context) (list []archive.Counter, err error) {
	tables := archive.OfRole(archive.Working)
	err = w.db.Read(ctx, w.job.Scope, func(tx *db.Tx) (err error) {
		list, err = archive.Counters(tx, w.org)
		return err
	})
	list = slices.DeleteFunc(list, func(c archive.Counter) bool { return !archive.Counted(tables, c.Resource) })
	return list, err
}

// remove removes all working data and what was made from it, a few rows at a time.
func (w *work) remove(ctx context.Context) error {
	for _, t := range slices.Backward(archive.Cleared()) {
		r := archive.NewRemover(t, w.org, w.db.Engine(), w.clock.Now)
		for n := int64(-1); n != 0; {
			err := w.write(ctx, func(tx *db.Tx) (err error) {
				var now record
				if err := find(tx, w.org, w.r.id, &now); err != nil {
					return err
				}
				if now.state != w.r.state {
					return errOvertaken
				}
				n, err = r.Turn(tx)
				return err
			})
			if err != nil {
				return err
			}
			r.Rest(ctx)
		}
	}
	return nil
}

// orGiveUp ends a clearing of which nothing was removed yet, when it can't go on. The
// step to removing may have been stored although its answer was lost: then this one is
// not, and the archive stays. What is left of it is removed by expire.
func (w *work) orGiveUp(ctx context.Context, cause error) error {
	if w.job.Attempt < mostFailures || errors.Is(cause, errOvertaken) || ctx.Err() != nil {
		return cause
	}
	err := w.write(ctx, func(tx *db.Tx) error {
		err := w.move(tx, failed, func(r *record) {
			r.err, r.finishedAt = null.Of(fault.Textf("The archive could not be stored.").Store()), null.Of(w.moment())
		})
		return w.finish(tx, err, "clear-failed")
	})
	if err == nil {
		w.log.Error("clearing: given up before anything was removed", "organization", w.org, "error", cause)
	}
	return err
}

// doRestore brings back what was cleared, or leaves everything cleared.
func (s *Service) doRestore(ctx context.Context, job *jobs.Job[workArgs]) error {
	w, err := s.begin(ctx, job)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && w.r.state == restoring {
		if err = w.restore(ctx); err == nil {
			return nil
		}
		if !w.hopeless(ctx, err) {
			return err
		}
		w.log.Error("clearing: what was cleared can't be brought back", "organization", w.org, "error", err)
		reason := archive.Reason(err, fault.Textf("The archive could not be brought back.")).Store()
		err = w.write(ctx, func(tx *db.Tx) error { return w.move(tx, undoing, func(r *record) { r.err = null.Of(reason) }) })
		if err != nil {
			return err
		}
		w, err = s.begin(ctx, job)
	}
	if err != nil || w.r.state != undoing {
		return err
	}
	if err := w.remove(ctx); err != nil {
		return err
	}
	return w.write(ctx, func(tx *db.Tx) error { return w.finish(tx, w.move(tx, cleared, nil), "restore-failed") })
}

// hopeless reports whether trying again does not help.
func (w *work) hopeless(ctx context.Context, err error) bool {
	if errors.Is(err, errOvertaken) || ctx.Err() != nil {
		return false
	}
	return archive.IsDamaged(err) || errors.Is(err, blob.ErrNotExist) || db.IsForeignKey(err) || w.job.Attempt >= mostFailures
}

// restore reads the archive and adds its rows; those that are there were added by a
// run that did not come to its end.
func (w *work) restore(ctx context.Context) error {
	file, size, err := blob.File(ctx, w.blobs, w.r.blob.V)
	if err != nil {
		return err
	}
	defer file.Close()
	var key *archive.Key
	err = w.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		key, err = w.key(tx)
		return err
	})
	if err != nil {
		return err
	}
	a, err := archive.Open(file, size, key)
	if err == nil {
		err = a.Verify()
	}
	if err != nil {
		return err
	}
	schema, err := w.schema()
	if err != nil {
		return err
	}
	for _, t := range archive.OfRole(archive.Working) {
		for i := range a.Manifest.Files {
			if f := &a.Manifest.Files[i]; f.Table == t.Name {
				if err := w.add(ctx, a, f, t, schema[t.Name]); err != nil {
					return err
				}
			}
		}
	}
	return w.write(ctx, func(tx *db.Tx) error {
		for _, c := range a.Manifest.Counts {
			archive.SetCount(tx, w.org, c)
		}
		for _, end := range w.ended {
			if err := end(tx, w.job.Scope); err != nil {
				return err
			}
		}
		return w.finish(tx, w.move(tx, restored, func(r *record) { r.restoredAt = null.Of(w.moment()) }), "restored")
	})
}

// add adds the rows of one table, a few at a time.
func (w *work) add(ctx context.Context, a *archive.Reader, f *archive.File, t archive.Table, schema *db.Table) error {
	loader := archive.Loader{
		Organization: w.org, Again: true, Budget: batchTime, Now: w.clock.Now,
		Write: func(do func(tx *db.Tx) error) error { return w.write(ctx, do) },
		Added: func(tx *db.Tx, _ int64) error {
			var now record
			if err := find(tx, w.org, w.r.id, &now); err != nil {
				return err
			}
			if now.state != restoring {
				return errOvertaken
			}
			return nil
		},
	}
	return loader.Load(a, f, t, schema, nil)
}

// Forget removes the archives of an organization that is removed for good.
func (s *Service) Forget(ctx context.Context, scope access.Scope) error {
	var keys []string
	err := s.db.Read(ctx, scope, func(tx *db.Tx) (err error) {
		keys, err = stored(tx, scope.Organization())
		return err
	})
	for _, key := range keys {
		err = errors.Join(err, s.blobs.Delete(ctx, key))
	}
	return err
}

// expire removes the archives that can't be asked for any more.
func (s *Service) expire(ctx context.Context) error {
	for {
		var list []record
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			list, err = overdue(tx, s.moment())
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := s.expireOne(ctx, &list[i]); err != nil {
				return err
			}
		}
	}
}

func (s *Service) expireOne(ctx context.Context, r *record) error {
	if err := s.blobs.Delete(ctx, r.blob.V); err != nil {
		return err
	}
	from := r.state
	r.blob = null.Value[string]{}
	if from == cleared {
		r.state = expired
	}
	// Another clearing of the organization does not keep this one, or expire would find it
	// again and again.
	err := s.db.Write(db.ThroughHold(ctx), access.System(r.organization), func(tx *db.Tx) error { return update(tx, r, from) })
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}
