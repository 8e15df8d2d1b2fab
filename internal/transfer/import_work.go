package transfer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/blob"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
)

// doImport brings an organization in, or leaves nothing of it.
var doImport = jobs.Kind[workArgs]{Name: "organization.import", Attempts: 60, Timeout: 2 * time.Hour}

type workArgs struct{ Transfer ident.ID }

const (
	// mostFailures is how many runs may fail before a transfer is given up.
	mostFailures = 4
	// batchTime is how long a transaction may hold up others.
	batchTime = time.Millisecond
)

// work is an import that is being worked on.
type work struct {
	*Service
	job    *jobs.Job[workArgs]
	t      Transfer
	a      *archive.Reader
	schema map[string]*db.Table
	plan   *plan
	done   int64 // rows
	head   head
}

// head is the end of the audit chain that comes in.
type head struct {
	seq  int64
	hash []byte
}

// load reads how the transfer stands.
func (w *work) load(ctx context.Context) error {
	return w.db.Read(ctx, access.Instance(), func(tx *db.Tx) error { return find(tx, w.job.Args.Transfer, &w.t) })
}

// write runs a step in a transaction of the organization that comes in.
func (w *work) write(ctx context.Context, do func(tx *db.Tx) error) error {
	return w.db.Write(db.InParts(db.ThroughHold(ctx)), w.job.Scope, do)
}

// doImport works on an import until it is done or undone.
func (s *Service) doImport(ctx context.Context, job *jobs.Job[workArgs]) error {
	w := &work{Service: s, job: job}
	err := w.load(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil && w.t.State == Running {
		if err = w.bring(ctx); err == nil {
			if err = w.load(ctx); err != nil {
				return err
			}
			return s.expire(ctx, &w.t)
		}
		if !w.hopeless(ctx, err) {
			return err
		}
		s.log.Error("transfer: an organization can't be brought in", "transfer", w.t.ID, "error", err)
		t := w.t
		t.State, t.Error, t.UpdatedAt = undoing, null.Of(reason(err).Store()), s.moment()
		if err = w.write(ctx, func(tx *db.Tx) error { return update(tx, &t, Running) }); err == nil {
			err = w.load(ctx)
		}
	}
	if err != nil || w.t.State != undoing {
		return err
	}
	return w.undo(ctx)
}

// hopeless reports whether trying again does not help. A first run does not look
// whether rows are there: those that it meets may be of one that has overtaken it.
func (w *work) hopeless(ctx context.Context, err error) bool {
	if errors.Is(err, errOvertaken) || ctx.Err() != nil {
		return false
	}
	return archive.IsDamaged(err) || errors.Is(err, blob.ErrNotExist) || db.IsForeignKey(err) || db.IsTaken(err) && w.t.Done > 0 ||
		fault.Is(err, fault.Unprocessable) || w.job.Attempt >= mostFailures
}

// reason is why an import was given up, for people.
func reason(err error) fault.Text {
	switch {
	case db.IsForeignKey(err):
		return fault.Textf("The archive points at something that is not here, such as a coupon or an issuer of invoices.")
	case db.IsTaken(err):
		return fault.Textf("Something in the archive is here already, such as the number of an invoice or a customer at Stripe.")
	}
	return archive.Reason(err, fault.Textf("The archive could not be brought in."))
}

// undo removes everything that was brought in.
func (w *work) undo(ctx context.Context) error {
	if err := w.organizations.Withdraw(ctx, w.job.Scope); err != nil {
		return err
	}
	if err := w.blobs.Delete(ctx, w.t.blob.V); err != nil {
		return err
	}
	return w.db.Write(db.ThroughHold(ctx), access.Instance(), func(tx *db.Tx) error {
		t := w.t
		t.State, t.Done, t.blob, t.UpdatedAt = Failed, 0, null.Value[string]{}, w.moment()
		t.FinishedAt = null.Of(t.UpdatedAt)
		if err := update(tx, &t, undoing); err != nil {
			return err
		}
		w.organizations.Vanish(tx, t.Organization)
		return w.job.Complete(tx)
	})
}

// bring adds all rows and files and shows the organization.
func (w *work) bring(ctx context.Context) error {
	file, size, err := blob.File(ctx, w.blobs, w.t.blob.V)
	if err != nil {
		return err
	}
	defer file.Close()
	key, err := w.signer(ctx)
	if err != nil {
		return err
	}
	if w.a, err = archive.Open(file, size, key); err != nil {
		return err
	}
	if w.schema, err = w.Service.schema(); err != nil {
		return err
	}
	people, err := w.people()
	if err != nil {
		return err
	}
	if err := w.prepare(ctx, people); err != nil {
		return err
	}
	leaves := w.t.leaves()
	for _, t := range archive.Tables() {
		f := w.a.File(t.Name)
		if f == nil || slices.Contains(last, t.Name) || leaves(t.Name) {
			continue
		}
		if err := w.add(ctx, f, t); err != nil {
			return err
		}
	}
	if err := w.images(ctx); err != nil {
		return err
	}
	if err := w.readHead(); err != nil {
		return err
	}
	return w.show(ctx, people)
}

// last are the tables whose rows come in with the last step.
var last = []string{"organization", "organization_user", "audit_head"}

// prepare decides what becomes of ids. Who is who is looked up by the first run and
// written down, since what was written under an id stays.
func (w *work) prepare(ctx context.Context, people []person) error {
	w.plan = &plan{from: w.t.Source.V, to: w.t.Organization}
	err := w.db.Write(db.ThroughHold(ctx), access.Instance(), func(tx *db.Tx) (err error) {
		if w.plan.users, err = planned(tx, &w.t); err != nil || w.plan.users != nil {
			return err
		}
		if w.plan.users, err = w.lookUp(tx, people); err != nil {
			return err
		}
		return keepPlan(tx, &w.t, w.plan.users)
	})
	var images []string
	for i := range w.a.Manifest.Files {
		if address, _, ok := imageOf(w.a.Manifest.Files[i].Name); ok && !slices.Contains(images, address) {
			images = append(images, address)
		}
	}
	w.plan.place(images)
	return err
}

// lookUp finds who the people of the archive are here.
func (w *work) lookUp(tx *db.Tx, people []person) (map[ident.ID]ident.ID, error) {
	users := make(map[ident.ID]ident.ID, len(people))
	for i := range people {
		user, found, free, err := w.lookup(tx, people[i].Email, people[i].User)
		if err != nil {
			return nil, err
		}
		if !found {
			user = people[i].User
			if !free {
				user = derived(w.t.Organization, user)
			}
		}
		users[people[i].User] = user
	}
	return users, nil
}

// derived is a new id for a user whose id somebody else has here.
func derived(organization, user ident.ID) ident.ID {
	p := plan{to: organization}
	return p.id(user)
}

const blobPrefix = "blobs/images/"

// imageOf takes the name of an image's file in an archive apart.
func imageOf(name string) (address, file string, ok bool) {
	rest, ok := strings.CutPrefix(name, blobPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}

// images stores the files of images. Their rows are there before, by which undo finds
// them.
func (w *work) images(ctx context.Context) error {
	for i := range w.a.Manifest.Files {
		f := &w.a.Manifest.Files[i]
		address, file, ok := imageOf(f.Name)
		if !ok {
			continue
		}
		content, err := w.a.Read(f)
		if err != nil {
			return err
		}
		if err := w.blobs.Put(ctx, "images/"+w.plan.address(address)+"/"+file, content); err != nil {
			return err
		}
	}
	return nil
}

// add adds the rows of one table, a few at a time; those that are there were added
// by a run that did not come to its end.
func (w *work) add(ctx context.Context, f *archive.File, t archive.Table) error {
	change := w.plan.changes(&t, f, w.schema[t.Name])
	if t.Name == "audit_log" && w.plan.copies() {
		change = w.chain(f, change)
	}
	loader := archive.Loader{Organization: w.t.Organization, Again: w.t.Done > 0, Budget: batchTime, Now: w.clock.Now}
	var added int64
	loader.Added = func(tx *db.Tx, n int64) error {
		added = n
		return progress(tx, &w.t, w.done+n, w.moment())
	}
	loader.Write = func(do func(tx *db.Tx) error) error {
		err := w.write(ctx, do)
		if err == nil {
			w.done += added
		}
		return err
	}
	return loader.Load(w.a, f, t, w.schema[t.Name], change)
}

// chain computes the hashes of a copy's audit log anew, since they cover the ids.
func (w *work) chain(f *archive.File, change func([]any)) func([]any) {
	at := map[string]int{}
	for i, name := range f.Columns {
		at[name] = i
	}
	w.head = head{hash: []byte{}}
	return func(args []any) {
		change(args)
		text := func(name string) string { s, _ := args[at[name]].(string); return s }
		id := func(name string) ident.ID {
			i, ok := at[name]
			if !ok {
				return ident.ID{}
			}
			id, _ := args[i].(ident.ID)
			return id
		}
		e := audit.Stored{Organization: w.t.Organization, ID: id("id"), Actor: id("actor"), ActorName: text("actor_name"), Address: text("address"),
			Agent: text("agent"), Action: text("action"), Resource: text("resource"), Key: text("resource_key"), Previous: w.head.hash, APIKey: id("api_key_id")}
		e.Seq, _ = args[at["seq"]].(int64)
		e.At, _ = args[at["at"]].(time.Time)
		e.Operator, _ = args[at["operator"]].(bool)
		if before, ok := args[at["before"]].(string); ok {
			e.Before = []byte(before)
		}
		if after, ok := args[at["after"]].(string); ok {
			e.After = []byte(after)
		}
		sum := e.Hash()
		args[at["previous_hash"]], args[at["hash"]] = w.head.hash, sum[:]
		w.head = head{e.Seq, sum[:]}
	}
}

// readHead reads the end of the audit chain, unless it was computed.
func (w *work) readHead() error {
	if w.plan.copies() {
		return nil
	}
	return w.each("audit_head", func(row map[string]any) error {
		w.head.seq, _ = row["seq"].(int64)
		w.head.hash, _ = row["hash"].([]byte)
		return nil
	})
}

// each reads the rows of a small table.
func (w *work) each(table string, do func(row map[string]any) error) error {
	f := w.a.File(table)
	if f == nil {
		return nil
	}
	t := archive.Table{}
	for _, each := range archive.Tables() {
		if each.Name == table {
			t = each
		}
	}
	return w.a.EachRow(f, t, w.schema[table], func(values []any) error {
		row := make(map[string]any, len(f.Columns))
		for i, name := range f.Columns {
			row[name] = values[i]
		}
		return do(row)
	})
}
