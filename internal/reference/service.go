package reference

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/page"
)

// Who may do what.
var (
	mayRead = access.Public()
	mayAdd  = access.Operators()
)

// Service holds the use cases of countries and languages.
type Service struct {
	db     *db.DB
	audit  *audit.Log
	now    clock.Clock
	reader func(ctx context.Context) language.Tag // who reads the answer
	atlas  *atlas
	namers perReader[display.Namer] // of languages

	mu        sync.Mutex // held while languages are read
	languages catalog
	stale     atomic.Bool // a language was added since
}

// catalog is the languages as they were read last, ordered by id. Its list is
// replaced, never changed.
type catalog struct {
	list []Language
	read time.Time
}

// maxAge is how long a language that another process added may be unknown in
// collections. Items are looked up when they are not known.
const maxAge = time.Second

// ListCountries returns a page of the countries.
func (s *Service) ListCountries(ctx context.Context, _ *access.Caller, q *page.Query) (page.Result[Country], error) {
	return pageOf(s.atlas.list, q, s.atlas.value(s.reader(ctx))), nil
}

// Country loads the country with that code, in capitals, or fails with Missing.
func (s *Service) Country(_ context.Context, _ *access.Caller, id string, c *Country) error {
	found := s.atlas.byID[id]
	if found == nil {
		return fault.Missing()
	}
	*c = *found
	return nil
}

// CountryName returns the name of a country in a reader's language; a code that
// is none stands for itself.
func (s *Service) CountryName(id string, reader language.Tag) string {
	c := s.atlas.byID[id]
	if c == nil {
		return id
	}
	return s.atlas.name(c, reader)
}

// ListLanguages returns a page of the languages.
func (s *Service) ListLanguages(ctx context.Context, _ *access.Caller, q *page.Query) (r page.Result[Language], err error) {
	list, err := s.current(ctx, maxAge)
	if err != nil {
		return r, err
	}
	return pageOf(list, q, s.languageValue(s.reader(ctx))), nil
}

// Language loads the language with that canonical tag, or fails with Missing.
func (s *Service) Language(ctx context.Context, _ *access.Caller, id string, l *Language) error {
	for _, age := range []time.Duration{maxAge, 0} { // not known: maybe another process added it
		list, err := s.current(ctx, age)
		if err != nil {
			return err
		}
		if i, ok := find(list, id); ok {
			*l = list[i]
			return nil
		}
		if tag, err := canonical(id); err != nil || tag != id {
			break // nobody can have added it
		}
	}
	return fault.Missing()
}

// AddLanguage stores a language under its canonical tag. It fails with
// Unprocessable when the tag is not valid and with Conflict when the language
// is there already.
func (s *Service) AddLanguage(ctx context.Context, who *access.Caller, l *Language) error {
	if err := mayAdd.Check(who); err != nil {
		return err
	}
	id, err := canonical(l.ID)
	if err != nil {
		return err
	}
	*l = newLanguage(id)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := insert(tx, l); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.stale.Store(true) })
		return s.audit.Append(tx, who, audit.Entry{Action: "create", Resource: "Language", Key: l.ID, After: hydra.JSON(s.languageFields(), l)})
	})
}

// current returns the languages as they were at most age ago.
func (s *Service) current(ctx context.Context, age time.Duration) ([]Language, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now.Now()
	if c := &s.languages; !s.stale.Swap(false) && c.list != nil && now.Sub(c.read) < age && !now.Before(c.read) {
		return c.list, nil
	}
	var list []Language
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		list, err = all(tx)
		return err
	})
	if err != nil {
		s.stale.Store(true)
		return nil, err
	}
	if !same(list, s.languages.list) {
		s.languages.list = list
	}
	s.languages.read = now
	return s.languages.list, nil
}

func find(list []Language, id string) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(l Language, id string) int { return strings.Compare(l.ID, id) })
}

func same(a, b []Language) bool {
	return slices.EqualFunc(a, b, func(a, b Language) bool { return a.ID == b.ID })
}
