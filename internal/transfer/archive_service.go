package transfer

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/blob"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/organization"
)

// Who may do what. Of an organization only owners get everything.
var mayTake = access.SignedIn().InPerson()

// Service holds the use cases of archives that are handed out, and of organizations
// that come in from them.
type Service struct {
	db            *db.DB
	clock         clock.Clock
	blobs         blob.Store
	organizations *organization.Service
	key           func(tx *db.Tx) (*archive.Key, error)
	schema        func() (map[string]*db.Table, error)
	turns         chan struct{} // a place for each archive that is being made or looked at
	audit         *audit.Log
	jobs          *jobs.Queue
	ids           *ident.Source
	log           *slog.Logger
	mail          *mail.Post
	base          string // of URLs
	mostBytes     int
	direct        int64 // rows
	lookup        func(tx *db.Tx, email string, id ident.ID) (user ident.ID, found, free bool, err error)
	adopt         func(tx *db.Tx, id ident.ID, email, name string) (user ident.ID, itsName, itsEmail string, err error)
	person        func(tx *db.Tx, user ident.ID) (name, email string, err error)
	// arrived hears of organizations that came in, in the transaction that shows them.
	arrived []func(tx *db.Tx, scope access.Scope) error
	// named hears of the people of an archive who become no members.
	named []func(tx *db.Tx, scope access.Scope, by ident.ID, people []organization.Member) error
}

// moment is the time in whole seconds.
func (s *Service) moment() time.Time { return s.clock.Now().Truncate(time.Second) }

// turn waits for a place among those who make and check archives, which is given
// back by reading from turns.
func (s *Service) turn(ctx context.Context) error {
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// signer loads the key that signs, with those that are trusted.
func (s *Service) signer(ctx context.Context) (key *archive.Key, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		key, err = s.key(tx)
		return err
	})
	return key, err
}

// PublicKey is what others need to trust archives of this instance, in base64.
func (s *Service) PublicKey(ctx context.Context) (string, error) {
	key, err := s.signer(ctx)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(key.Public()), nil
}

// Organization sends everything of an organization.
func (s *Service) Organization(ctx context.Context, who *access.Caller, ref, _ string, _ *hydra.None) (hydra.Download, error) {
	if err := mayTake.Check(who); err != nil {
		return hydra.Download{}, err
	}
	var o organization.Organization
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		if o, err = s.owned(tx, who, ref); err != nil {
			return err
		}
		rows, err := counted(tx, o.ID)
		if err == nil && rows > s.direct {
			err = fault.New(fault.Conflict, "The organization is too large for its archive to be made at once: it has %d rows. POST to the same path, and it is made as a job.", rows)
		}
		return err
	})
	if err != nil {
		return hydra.Download{}, err
	}
	return s.download(ctx, fileName(&o), subject(&o), access.System(o.ID), func(tx *db.Tx, w *archive.Writer, schema map[string]*db.Table) error {
		return s.everything(ctx, tx, o.ID, w, schema)
	})
}

// owned is the organization if the caller is an owner of it.
func (s *Service) owned(tx *db.Tx, who *access.Caller, ref string) (organization.Organization, error) {
	o, role, err := s.organizations.Enter(tx, who, ref)
	if err == nil && role != access.Owner {
		err = fault.Denied()
	}
	return o, err
}

// counted is about how many rows an organization has: those that are counted, and
// its audit log.
func counted(tx *db.Tx, organization ident.ID) (rows int64, err error) {
	list, err := archive.Counters(tx, organization)
	if err == nil {
		rows, err = chainLength(tx, organization)
	}
	for _, c := range list {
		if !strings.Contains(c.Resource, "/") { // which is a group of those
			rows += c.Rows
		}
	}
	return rows, err
}

func fileName(o *organization.Organization) string { return o.Slug + ".sede.zip" }

func subject(o *organization.Organization) archive.Manifest {
	return archive.Manifest{Kind: archive.KindOrganization, Organization: archive.Subject{ID: o.ID.String(), Slug: o.Slug, Name: o.Name}}
}

// everything adds all rows and files of an organization that is not held, so that
// they are of one moment.
func (s *Service) everything(ctx context.Context, tx *db.Tx, organization ident.ID, w *archive.Writer, schema map[string]*db.Table) (err error) {
	if err := db.CheckHold(tx, organization); err != nil {
		return err
	}
	if w.Manifest.Counts, err = archive.Counters(tx, organization); err != nil {
		return err
	}
	for _, t := range slices.Concat(archive.OfRole(archive.Kept), archive.OfRole(archive.Working)) {
		if err := w.WriteWhere(tx, t, schema[t.Name], false, t.OwnerColumn()+" = $1", organization); err != nil {
			return err
		}
	}
	return s.images(ctx, tx, access.System(organization), w)
}

// images adds the files of the organization's images.
func (s *Service) images(ctx context.Context, tx *db.Tx, scope access.Scope, w *archive.Writer) error {
	var keys []string
	if err := s.organizations.EachImage(tx, scope, func(key string) { keys = append(keys, key) }); err != nil {
		return err
	}
	for _, key := range keys {
		content, err := s.blobs.Get(ctx, key)
		if errors.Is(err, blob.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := w.WriteFile("blobs/"+key, content); err != nil {
			return err
		}
	}
	return nil
}

// Person sends everything of the caller.
func (s *Service) Person(ctx context.Context, who *access.Caller, _, _ string, _ *hydra.None) (hydra.Download, error) {
	if err := mayTake.Check(who); err != nil {
		return hydra.Download{}, err
	}
	m := archive.Manifest{Kind: archive.KindPerson, User: archive.Subject{ID: who.User.String(), Name: who.Username}}
	return s.download(ctx, "me.sede.zip", m, access.Instance(), func(tx *db.Tx, w *archive.Writer, schema map[string]*db.Table) error {
		for _, p := range personal() {
			t := archive.Table{Name: p.table, Secret: p.without}
			args := []any{who.User, ident.ID{}}
			if !strings.Contains(p.where, "$2") {
				args = args[:1]
			}
			if err := w.WriteWhere(tx, t, schema[p.table], true, p.where, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// download makes an archive in a temporary file and sends it.
func (s *Service) download(ctx context.Context, name string, m archive.Manifest, scope access.Scope,
	fill func(tx *db.Tx, w *archive.Writer, schema map[string]*db.Table) error) (hydra.Download, error) {
	return hydra.Download{Name: name, Write: func(out io.Writer) error {
		file, err := s.make(ctx, m, scope, fill)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(out, file)
		return err
	}}, nil
}

// make writes the archive into a temporary file and stands at its beginning.
func (s *Service) make(ctx context.Context, m archive.Manifest, scope access.Scope,
	fill func(tx *db.Tx, w *archive.Writer, schema map[string]*db.Table) error) (*os.File, error) {
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.turns }()
	schema, err := s.schema()
	if err != nil {
		return nil, err
	}
	if m.Schema, _, err = s.db.SchemaVersion(ctx); err != nil {
		return nil, err
	}
	m.CreatedAt = s.moment()
	key, err := s.signer(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "sede-archive-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // where the system lets: it goes when it is closed
	w := archive.NewWriter(file, key, m)
	err = s.db.Snapshot(ctx, scope, func(tx *db.Tx) error { return fill(tx, w, schema) })
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
