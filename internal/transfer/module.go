package transfer

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"sync"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/organization"
	"sede/internal/webhook"
)

// Settings say what may come in.
type Settings struct {
	Most    int64               // bytes of an archive; 0: DefaultMost
	Space   int64               // bytes of all that come in at once; 0: four times Most
	Direct  int64               // rows of an organization whose archive is sent at once; 0: DefaultDirect
	Trusted []ed25519.PublicKey // of other instances
}

// FileSpace is how many bytes on disk archives may take together while they come in.
func (s *Settings) FileSpace() int64 { return cmp.Or(s.Space, 4*cmp.Or(s.Most, DefaultMost)) }

// DefaultMost is how large an archive may be.
const DefaultMost = 1 << 30

// DefaultDirect is how many rows an organization may have whose archive is made while
// the caller waits: some seconds.
const DefaultDirect = 250_000

// ImportPath is where archives are sent to.
const ImportPath = "/organizations/import"

// People finds and makes users.
type People struct {
	// Lookup finds the user with an e-mail address, and tells whether the id is free
	// for a new one.
	Lookup func(tx *db.Tx, email string, id ident.ID) (user ident.ID, found, free bool, err error)
	// Adopt is the user with the address, who is made with the id if there is none.
	Adopt func(tx *db.Tx, id ident.ID, email, name string) (user ident.ID, itsName, itsEmail string, err error)
	// Person is the name and the address of a user.
	Person func(tx *db.Tx, user ident.ID) (name, email string, err error)
}

// New returns the use cases and gives organizations their operations. It makes the
// key that signs archives, if there is none yet.
func New(ctx context.Context, p feature.Platform, settings Settings, people People, organizations *organization.Service) (*Service, error) {
	s := &Service{db: p.DB, clock: p.Clock, blobs: p.Blobs, audit: p.Audit, jobs: p.Jobs, ids: p.IDs, log: p.Log, organizations: organizations,
		turns: make(chan struct{}, atOnce), lookup: people.Lookup, adopt: people.Adopt, person: people.Person, mail: p.Mail, base: p.BaseURL, mostBytes: DefaultMost, direct: cmp.Or(settings.Direct, DefaultDirect)}
	if settings.Most > 0 {
		s.mostBytes = int(settings.Most)
	}
	s.key = func(tx *db.Tx) (*archive.Key, error) {
		return archive.LoadKey(tx, p.Secret, p.Random, p.Clock.Now(), settings.Trusted...)
	}
	s.schema = sync.OnceValues(func() (map[string]*db.Table, error) { return db.Schema(context.Background()) })
	organizations.Offer(s.operations()...)
	return s, archive.HaveKey(ctx, p.DB, p.Secret, p.Random, p.Clock.Now())
}

// OnArrive adds work to the transaction that shows an organization that came in.
func (s *Service) OnArrive(do func(tx *db.Tx, scope access.Scope) error) {
	s.arrived = append(s.arrived, do)
}

// OnNamed adds work for the people whom an archive names and who become no members of
// the organization that came in, because it was brought by a user who is no operator. It
// runs in the transaction that shows the organization.
func (s *Service) OnNamed(do func(tx *db.Tx, scope access.Scope, by ident.ID, people []organization.Member) error) {
	s.named = append(s.named, do)
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: []hydra.Declaration{s.resource()},
		Workers:   []jobs.Worker{doImport.Worker(s.doImport), doExport.Worker(s.doExport)},
		Events:    webhook.Changes("OrganizationTransfer"),
		Schedules: []jobs.Schedule{{Name: "transfer.forget", Every: time.Hour, Do: s.forget}},
	}
}
