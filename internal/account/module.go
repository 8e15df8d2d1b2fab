package account

import (
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/secret"
	"sede/internal/webhook"
)

// Settings are what the operator, or a test, decides.
type Settings struct {
	BaseURL        string           // the issuer of tokens, e.g. https://sede.example; empty: "sede"
	Secret         *secret.Box      // seals the signing keys
	TrustedProxies []netip.Prefix   // whose X-Forwarded-For counts
	Log            *slog.Logger     // nil: discards
	Random         io.Reader        // for refresh tokens and keys; nil: the system's
	Hashing        *argon2id.Params // nil: the default; tests make it cheap
	SignUp         bool             // people make their own accounts
}

// How much is remembered, in entries; up to twice as many are kept.
const (
	keptPasses   = 4096
	keptProfiles = 4096
)

// New returns the use cases. Until SetMemberships is called nobody is a member
// of any organization.
func New(p feature.Platform, settings Settings) *Service {
	s := &Service{
		db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, jobs: p.Jobs, mail: p.Mail,
		baseURL: p.BaseURL, signUp: settings.SignUp,
		random: settings.Random, issuer: settings.BaseURL, proxies: settings.TrustedProxies,
		log: settings.Log, params: settings.Hashing,
		hashing:   newSlots(),
		byAccount: newLimiter(limitPerAccount, limitFree),
		byAddress: newLimiter(limitPerAddress, limitPerAddress),
		passes:    newCache[string, pass](keptPasses),
		keyPasses: newCache[[sha256.Size]byte, pass](keptPasses),
		profiles:  newCache[ident.ID, *profile](keptProfiles),
		changes:   &changes{epoch: -1},
		uses:      uses{of: map[ident.ID]use{}},
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.issuer == "" {
		s.issuer = audience
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.params == nil {
		s.params = defaultHashing()
	}
	s.keys = &keyring{db: p.DB, audit: p.Audit, now: p.Clock, box: settings.Secret, random: s.random}
	return s
}

// SetMemberships says who to ask about organizations. It is called once, before
// the first request.
func (s *Service) SetMemberships(m Memberships) { s.memberships = m }

// OnRename sets who hears of a user's new name or username, in the transaction
// that changes it. Its scope is the instance.
func (s *Service) OnRename(do func(tx *db.Tx, user ident.ID, name, username string) error) {
	s.renamed = do
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: []hydra.Declaration{s.resource(), s.sessionResource(), s.apiKeyResource()},
		Routes:    s.routes(), Describe: []hydra.Describe{describe}, Pages: s.pages(), Chores: s.chores(),
		Workers: []jobs.Worker{
			signUpMail.Worker(s.writeSignUp), resetMail.Worker(s.writeReset), changeMail.Worker(s.writeChange),
		},
		Events:    webhook.Changes("ApiKey"),
		Schedules: []jobs.Schedule{{Name: "account.forget", Every: time.Hour, Do: s.forget}},
	}
}
