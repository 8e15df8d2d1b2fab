package transfer

import (
	"context"
	"errors"
	"io"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/organization"
)

// doExport makes the archive of an organization.
var doExport = jobs.Kind[workArgs]{Name: "organization.archive", Attempts: 10, Timeout: 2 * time.Hour}

// Export has the archive of an organization made, for its owner. One that is being
// made for them is not begun again. The answer shows how it stands after a moment.
func (s *Service) Export(ctx context.Context, who *access.Caller, ref string, _ *hydra.None, t *Transfer) error {
	if err := mayTake.Check(who); err != nil {
		return err
	}
	id := s.ids.New()
	err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		o, err := s.owned(tx, who, ref)
		if err != nil {
			return err
		}
		if err := tx.Lock("transfer/" + o.ID.String()); err != nil {
			return err
		}
		if err := making(tx, o.ID, who.User, t); err == nil || !fault.Is(err, fault.NotFound) {
			return err
		}
		now := s.moment()
		*t = Transfer{ID: id, Direction: Out, State: Running, Organization: o.ID, User: who.User, Operator: who.Operator, Name: o.Name,
			CreatedAt: now, UpdatedAt: now, blob: null.Of("exports/" + id.String() + ".zip")}
		if t.Rows, err = counted(tx, o.ID); err != nil {
			return err
		}
		if err := insert(tx, t); err != nil {
			return err
		}
		scope := access.System(o.ID)
		doExport.Enqueue(tx, s.jobs, scope, workArgs{Transfer: id}, jobs.Options{Unique: id.String()})
		return s.audit.Append(tx, who, audit.Entry{Scope: scope, Action: "archive", Resource: "OrganizationTransfer", Key: id.String(), After: hydra.JSON(fields, t)})
	})
	if err != nil {
		return err
	}
	return s.await(ctx, who, t)
}

// doExport makes an archive and tells whoever asked. It takes the place of the one
// before.
func (s *Service) doExport(ctx context.Context, job *jobs.Job[workArgs]) error {
	w := &work{Service: s, job: job}
	err := w.load(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil || w.t.State != Running:
		return err
	}
	rows, size, err := w.export(ctx)
	if err == nil {
		if err = w.exported(ctx, rows, size); err != nil {
			return err
		}
		return s.each(ctx, func(tx *db.Tx) ([]Transfer, error) { return made(tx, w.t.Organization, w.t.User, w.t.ID) }, s.expire)
	}
	if errors.Is(err, errOvertaken) || ctx.Err() != nil || job.Attempt < mostFailures {
		return err
	}
	s.log.Error("transfer: an archive can't be made", "transfer", w.t.ID, "error", err)
	if err := s.blobs.Delete(ctx, w.t.blob.V); err != nil {
		return err
	}
	return w.end(ctx, func(t *Transfer) {
		t.State, t.blob, t.Done = Failed, null.Value[string]{}, 0
		t.Error = null.Of(fault.Textf("The archive could not be made.").Store())
	}, nil)
}

// export makes the archive in a temporary file and stores it.
func (w *work) export(ctx context.Context) (rows, size int64, err error) {
	o := organization.Organization{ID: w.t.Organization}
	err = w.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		list, err := w.organizations.Briefs(tx, []ident.ID{o.ID})
		o.Name, o.Slug = list[o.ID].Name, list[o.ID].Slug
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	file, err := w.make(ctx, subject(&o), w.job.Scope, func(tx *db.Tx, a *archive.Writer, schema map[string]*db.Table) error {
		a.Wrote = w.telling(ctx, &rows)
		return w.everything(ctx, tx, o.ID, a, schema)
	})
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	if size, err = file.Seek(0, io.SeekEnd); err != nil {
		return 0, 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, 0, err
	}
	return rows, size, w.blobs.Write(ctx, w.t.blob.V, file)
}

// tellEvery is how often a job writes down how far it is.
const tellEvery = time.Second

// telling notes how many rows are written. It does not wait long for a connection
// to the database, since it has one.
func (w *work) telling(ctx context.Context, rows *int64) func(int64) error {
	told := w.clock.Now()
	return func(n int64) error {
		*rows = n
		now := w.clock.Now()
		if now.Sub(told) < tellEvery {
			return nil
		}
		told = now
		short, cancel := context.WithTimeout(ctx, tellEvery)
		defer cancel()
		err := w.write(short, func(tx *db.Tx) error { return progress(tx, &w.t, min(n, w.t.Rows), w.moment()) })
		if short.Err() != nil && ctx.Err() == nil {
			return nil
		}
		return err
	}
}

// exported ends the transfer and mails whoever asked.
func (w *work) exported(ctx context.Context, rows, size int64) error {
	return w.end(ctx, func(t *Transfer) {
		t.State, t.Rows, t.Done, t.Bytes = Done, max(rows, t.Rows), max(rows, t.Rows), size
		t.ExpiresAt = null.Of(w.moment().Add(keepFile))
	}, func(tx *db.Tx, t *Transfer) error {
		name, language, zone, err := w.organizations.Letterhead(tx, w.job.Scope)
		if err != nil {
			return err
		}
		where, err := time.LoadLocation(zone)
		if err != nil {
			return err
		}
		to := mail.Address{}
		to.Name, to.Email, err = w.person(tx, t.User)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		w.mail.Send(tx, w.job.Scope, letter(to, language, name, w.base+filePath(t), t.ExpiresAt.V.In(where).Format("2006-01-02 15:04 MST")))
		return nil
	})
}

// letter says that an archive can be downloaded.
func letter(to mail.Address, language, organization, url, until string) mail.Message {
	return mail.Message{
		To: to, Language: language,
		Subject: fault.Textf("The archive of %s is ready", organization),
		Paragraphs: []fault.Text{
			fault.Textf("You have asked for everything of %s as one file. It can be downloaded until %s.", organization, until),
			fault.Textf("Send your token along, as with every request: %s", url),
			fault.Textf("Whoever has the file has all data of the organization. If you have not asked for it, change your password now."),
		},
	}
}

// end stores the last step of a transfer that runs, together with more.
func (w *work) end(ctx context.Context, change func(t *Transfer), also func(tx *db.Tx, t *Transfer) error) error {
	return w.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		t := w.t
		change(&t)
		t.UpdatedAt = w.moment()
		t.FinishedAt = null.Of(t.UpdatedAt)
		if err := update(tx, &t, Running); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx, &t); err != nil {
				return err
			}
		}
		return w.job.Complete(tx)
	})
}

// filePath is where the file of a transfer can be downloaded.
func filePath(t *Transfer) string { return "/organization-transfers/" + t.ID.String() + "/file" }

// File sends the archive that a transfer has made to whoever asked for it, while
// they are an owner.
func (s *Service) File(ctx context.Context, who *access.Caller, key, _ string, _ *hydra.None) (hydra.Download, error) {
	if err := mayTake.Check(who); err != nil {
		return hydra.Download{}, err
	}
	id, err := ident.Parse(key)
	if err != nil {
		return hydra.Download{}, fault.Missing()
	}
	var t Transfer
	var name string
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := find(tx, id, &t); err != nil {
			return err
		}
		if t.User != who.User || !t.ready() {
			return fault.Missing()
		}
		o, err := s.owned(tx, who, t.Organization.String())
		name = fileName(&o)
		return err
	})
	if err != nil {
		return hydra.Download{}, err
	}
	return hydra.Download{Name: name, Write: func(out io.Writer) error {
		in, err := s.blobs.Open(ctx, t.blob.V)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(out, in)
		return err
	}}, nil
}
