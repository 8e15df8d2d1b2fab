package transfer

import (
	"context"
	"encoding/json"
	"errors"
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
	"sede/internal/organization"
	"sede/internal/page"
)

// mayImport says who brings in organizations: everybody who may make one.
var mayImport = access.SignedIn().InPerson()

// Uploaded is an archive that came in.
type Uploaded struct {
	File hydra.Upload
	Copy bool // an operator wants a copy
}

// Import checks an archive and has the organization in it brought in. The answer
// shows the import as it stands after a moment: small ones are done. What is wrong
// with the archive is Unprocessable, and changes nothing.
func (s *Service) Import(ctx context.Context, who *access.Caller, in *Uploaded, t *Transfer) error {
	if err := mayImport.Check(who); err != nil {
		return err
	}
	if err := s.turn(ctx); err != nil {
		return err
	}
	a, err := s.check(ctx, in)
	<-s.turns
	if err != nil {
		return err
	}
	now := s.moment()
	source, err := ident.Parse(a.Manifest.Organization.ID)
	if err != nil {
		return notOurs()
	}
	if err := s.look(ctx, who, source, in.Copy); err != nil {
		return err
	}
	id := s.ids.New()
	given := Transfer{ID: id, Direction: In, State: receiving, Organization: id, Source: null.Of(source), User: who.User, Operator: who.Operator, Name: a.Manifest.Organization.Name,
		Bytes: in.File.Size, CreatedAt: now, UpdatedAt: now, blob: null.Of("imports/" + id.String() + ".zip")}
	if _, err := in.File.File.Seek(0, 0); err != nil {
		return err
	}
	err = s.receive(ctx, who, &given, in)
	if err == nil {
		err = s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
			*t = given
			return s.begin(tx, who, a, in.Copy, t)
		})
	}
	if err != nil {
		return errors.Join(err, s.drop(db.WithoutHooks(context.WithoutCancel(ctx)), &given))
	}
	return s.await(ctx, who, t)
}

// receive stores the file of an import. That there may be one is written down
// before, so that it is found when nothing else comes. From there on it is one of those
// under way, and nobody else takes its place among them.
func (s *Service) receive(ctx context.Context, who *access.Caller, t *Transfer, in *Uploaded) error {
	err := s.db.Write(db.WithoutHooks(ctx), access.Instance(), func(tx *db.Tx) error {
		if err := tx.Lock("transfer/user/" + who.User.String()); err != nil {
			return err
		}
		if err := room(tx, who); err != nil {
			return err
		}
		return insert(tx, t)
	})
	if err != nil {
		return err
	}
	return s.blobs.Write(ctx, t.blob.V, in.File.File)
}

// drop removes a transfer with its file.
func (s *Service) drop(ctx context.Context, t *Transfer) error {
	if t.blob.Valid {
		if err := s.blobs.Delete(ctx, t.blob.V); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		remove(tx, t)
		return nil
	})
}

// check opens an archive and looks at all of it.
func (s *Service) check(ctx context.Context, in *Uploaded) (*archive.Reader, error) {
	key, err := s.signer(ctx)
	if err != nil {
		return nil, err
	}
	a, err := archive.Open(in.File.File, in.File.Size, key)
	if err == nil {
		err = s.suits(ctx, &a.Manifest)
	}
	if err == nil {
		err = a.Verify()
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Unprocessable && len(f.Violations) == 0 {
		err = fault.Broken(fault.Violation{Path: "file", Code: fault.CodeArchive, Text: f.Text})
	}
	return a, err
}

// suits says why an archive can't be imported here.
func (s *Service) suits(ctx context.Context, m *archive.Manifest) error {
	current, _, err := s.db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case m.Kind != archive.KindOrganization:
		return notOurs()
	case m.Schema > current:
		return fault.New(fault.Unprocessable, "The archive comes from a newer sede: its data has version %d, and this one knows %d. Bring this one up to date first.", m.Schema, current)
	case len(m.Counts) == 0:
		return fault.New(fault.Unprocessable, "The archive comes from a sede that made archives for reading only. Make it anew with a newer one.")
	}
	return nil
}

func notOurs() error {
	return fault.New(fault.Unprocessable, "This is not the archive of an organization.")
}

// mostImports is how many imports of one user may be under way: their files are kept
// until then.
const mostImports = 3

// room refuses one import more of somebody who has as many under way as there may be.
// Who makes one holds the lock of its user.
func room(tx *db.Tx, who *access.Caller) error {
	n, err := countImports(tx, who.User)
	if err != nil || n < mostImports || who.Operator {
		return err
	}
	full := fault.New(fault.TooManyRequests, "%d imports of yours are under way. Wait until one of them is done.", n)
	full.RetryAfter = time.Minute
	return full
}

// look finds out before anything is stored what target will say, and whether there is
// room for one more.
func (s *Service) look(ctx context.Context, who *access.Caller, source ident.ID, asCopy bool) error {
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		err := room(tx, who)
		if err == nil {
			_, err = s.target(tx, who, source, asCopy)
		}
		return err
	})
}

// target is the id under which the organization comes in. Only operators keep the one
// it had, so that nobody else can take it: a Conflict says that it is here. The rows
// that are kept for good of one that was removed keep its id, too.
func (s *Service) target(tx *db.Tx, who *access.Caller, source ident.ID, asCopy bool) (ident.ID, error) {
	if !who.Operator || asCopy {
		return s.ids.New(), nil
	}
	here, was, err := s.organizations.Known(tx, source)
	switch {
	case err != nil:
		return source, err
	case here:
		return source, fault.New(fault.Conflict, "This organization is here already. To bring it in beside that, with new ids and without what it has bought, send the field copy with the value true.")
	case was:
		return s.ids.New(), nil
	}
	return source, nil
}

// begin makes room for the organization and enqueues the import.
func (s *Service) begin(tx *db.Tx, who *access.Caller, a *archive.Reader, asCopy bool, t *Transfer) (err error) {
	if err := tx.Lock("transfer/" + t.Source.V.String()); err != nil {
		return err
	}
	remove(tx, t) // it becomes one of the organization
	t.State = Running
	if t.Organization, err = s.target(tx, who, t.Source.V, asCopy); err != nil {
		return err
	}
	leaves := t.leaves()
	for i := range a.Manifest.Files {
		if f := &a.Manifest.Files[i]; f.Table != "" {
			t.Rows += f.Rows
			if leaves(f.Table) && f.Rows > 0 {
				t.LeftOut = append(t.LeftOut, Left{Resource: f.Table, Count: f.Rows})
			}
		}
	}
	if err := s.organizations.Await(tx, t.Organization, organization.Standard); err != nil {
		return err
	}
	if err := insert(tx, t); err != nil {
		return err
	}
	doImport.Enqueue(tx, s.jobs, access.System(t.Organization), workArgs{Transfer: t.ID}, jobs.Options{Unique: t.ID.String()})
	return s.audit.Append(tx, who, audit.Entry{Action: "import", Resource: "OrganizationTransfer", Key: t.ID.String(), After: hydra.JSON(fields, t)})
}

// leaves tells which tables an import leaves out: what this instance has not given,
// and books that it does not keep.
func (t *Transfer) leaves() func(table string) bool {
	brings := map[string]bool{}
	for _, each := range archive.Tables() {
		brings[each.Name] = !each.Granted || t.Operator && !t.copies()
	}
	return func(table string) bool { return !brings[table] }
}

// answerWait is how long an answer waits for work that has begun, firstLook after
// what time it looks first.
const (
	answerWait = 5 * time.Second
	firstLook  = 10 * time.Millisecond
)

// await gives the work a moment, if this process does it and the answer can still
// show how it stands then.
func (s *Service) await(ctx context.Context, who *access.Caller, t *Transfer) error {
	if !s.jobs.Started() || hydra.AnswerStored(ctx) {
		return nil
	}
	for pause, waited := firstLook, time.Duration(0); t.runs() && waited < answerWait; pause += pause / 2 {
		select {
		case <-time.After(pause):
			waited += pause
		case <-ctx.Done():
			return nil // the work goes on
		}
		var now Transfer
		if err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return find(tx, t.ID, &now) }); err != nil {
			return nil //nolint:nilerr // the work was begun, which is what was asked for
		}
		*t = now
		s.locate(who, t)
	}
	return nil
}

// List returns the caller's transfers; operators see all.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Transfer], err error) {
	if err := mayImport.Check(who); err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who, q)
		return err
	})
	for i := range r.Items {
		s.locate(who, &r.Items[i])
	}
	return r, err
}

// Get loads a transfer of the caller's; operators see all.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, t *Transfer) error {
	if err := mayImport.Check(who); err != nil {
		return err
	}
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return s.enter(tx, who, id, t) })
	s.locate(who, t)
	return err
}

// locate says where the file is, if the caller may have it.
func (s *Service) locate(who *access.Caller, t *Transfer) {
	t.File = null.Value[string]{V: s.base + filePath(t), Valid: t.ready() && t.User == who.User}
}

// enter loads a transfer that the caller may see.
func (s *Service) enter(tx *db.Tx, who *access.Caller, id ident.ID, t *Transfer) error {
	err := find(tx, id, t)
	if err == nil && t.User != who.User && !who.Operator {
		err = fault.Missing()
	}
	return err
}

const (
	// keepRecord is how long transfers are listed that have ended.
	keepRecord = 30 * 24 * time.Hour
	// keepFile is how long an archive can be downloaded that a job has made.
	keepFile = 7 * 24 * time.Hour
	// longUpload is how long after its begin no upload goes on any more.
	longUpload = 24 * time.Hour
)

// forget removes files that are not kept any more, transfers that ended long ago,
// and what is left of uploads that were cut off.
func (s *Service) forget(ctx context.Context) error {
	err := s.each(ctx, func(tx *db.Tx) ([]Transfer, error) { return expired(tx, s.moment()) }, s.expire)
	if err != nil {
		return err
	}
	now := s.moment()
	return s.each(ctx, func(tx *db.Tx) ([]Transfer, error) { return old(tx, now.Add(-keepRecord), now.Add(-longUpload)) }, s.drop)
}

// each does something with all transfers that a query finds until it finds none.
func (s *Service) each(ctx context.Context, find func(tx *db.Tx) ([]Transfer, error), do func(ctx context.Context, t *Transfer) error) error {
	for {
		var list []Transfer
		err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			list, err = find(tx)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := do(ctx, &list[i]); err != nil {
				return err
			}
		}
	}
}

// expire removes the file of a transfer.
func (s *Service) expire(ctx context.Context, t *Transfer) error {
	if err := s.blobs.Delete(ctx, t.blob.V); err != nil {
		return err
	}
	t.blob = null.Value[string]{}
	err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error { return update(tx, t, t.State) })
	if errors.Is(err, errOvertaken) { // it is gone
		return nil
	}
	return err
}

// Forget removes the archives of an organization that is removed for good.
func (s *Service) Forget(ctx context.Context, scope access.Scope) error {
	return s.each(ctx, func(tx *db.Tx) ([]Transfer, error) { return ofOrganization(tx, scope.Organization()) }, s.expire)
}

// origin is what the audit log of an organization says of its import.
func (t *Transfer) origin() []byte {
	content, err := json.Marshal(map[string]any{"transfer": t.ID.String(), "importedBy": "/users/" + t.User.String(), "from": t.Source.V.String()})
	if err != nil {
		panic("transfer: " + err.Error())
	}
	return content
}
