// Package phrase turns the sentences of sede into the reader's language:
// English, European Portuguese or Polish. The English sentence is the key; a
// sentence without a translation stays English. A test walks the source and
// fails when a translation is missing or takes other arguments.
//
// It also settles which language a reader wants at all, from Accept-Language
// (RFC 9110, 12.5.4). Names of countries and languages exist in many more
// languages than the sentences do, so a Language has two sides: Tag says in
// which language such names are shown, Text picks the nearest catalog.
package phrase

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/fault"
)

//go:embed pt.json
var portuguese []byte

//go:embed pl.json
var polish []byte

// Language is the language of one reader. The zero Language is English.
// Languages are small and compare with ==.
type Language struct{ choice *choice }

// choice is what one Accept-Language header comes to.
type choice struct {
	tag     language.Tag
	written language.Tag // that of the catalog
	catalog catalog
}

// catalog maps English formats to translated ones. English itself is nil.
type catalog map[string]string

// Tag returns the language in which names, such as those of countries, are
// shown to the reader: always one that package display knows.
func (l Language) Tag() language.Tag {
	if l.choice == nil {
		return language.English
	}
	return l.choice.tag
}

// Written returns the language that Text writes: what stands among sentences, such as
// amounts, is written in it too.
func (l Language) Written() language.Tag {
	if l.choice == nil {
		return language.English
	}
	return l.choice.written
}

// Text returns the sentence in the reader's language, in English when there is
// no translation.
func (l Language) Text(t fault.Text) string {
	format := t.Format
	if l.choice != nil {
		if translated, ok := l.choice.catalog[format]; ok {
			format = translated
		}
	}
	if len(t.Args) == 0 && strings.IndexByte(format, '%') < 0 {
		return format
	}
	return fmt.Sprintf(format, t.Args...)
}

// Match returns the Language that an Accept-Language header asks for, English
// when it asks for none that is known. Headers seen before cost a look-up and
// no parsing.
func Match(acceptLanguage string) Language {
	if acceptLanguage == "" {
		return Language{}
	}
	if c, ok := seen.get(acceptLanguage); ok {
		return Language{c}
	}
	c := tables().choose(acceptLanguage)
	seen.put(acceptLanguage, c)
	return Language{c}
}

// seen remembers what Match found. It holds no state but that.
var seen cache

// tables holds what is made from the embedded catalogs and CLDR, once, when the
// first reader wants something else than the default.
var tables = sync.OnceValue(newNegotiation)

// negotiation finds the languages for a header.
type negotiation struct {
	names     []language.Tag // that package display knows
	byName    language.Matcher
	written   []language.Tag // of the catalogs
	catalogs  []catalog
	byCatalog language.Matcher // English, Portuguese, Polish
}

func newNegotiation() *negotiation {
	n := &negotiation{
		// The first one is what a matcher falls back on.
		names:    append([]language.Tag{language.English}, display.Supported.Tags()...),
		written:  []language.Tag{language.English, language.EuropeanPortuguese, language.Polish},
		catalogs: []catalog{nil, mustLoad(portuguese), mustLoad(polish)},
	}
	n.byName = language.NewMatcher(n.names)
	n.byCatalog = language.NewMatcher(n.written)
	return n
}

// mustLoad reads an embedded catalog. It panics when that is no JSON object of
// texts, which the tests rule out.
func mustLoad(content []byte) catalog {
	var c catalog
	if err := json.Unmarshal(content, &c); err != nil {
		panic("phrase: embedded catalog: " + err.Error())
	}
	return c
}

// maxHeader is how much of a header is read; no reader lists more languages.
const maxHeader = 256

func (n *negotiation) choose(header string) *choice {
	if len(header) > maxHeader {
		header = header[:maxHeader]
		header = header[:strings.LastIndexByte(header, ',')+1]
	}
	wanted, _, _ := language.ParseAcceptLanguage(header) // what can't be read asks for nothing
	if len(wanted) == 0 {
		return nil
	}
	for i, tag := range wanted {
		if tag == language.Portuguese {
			wanted[i] = language.EuropeanPortuguese // as the sentences are; pt-BR must be said
		}
	}
	c := &choice{tag: language.English, written: language.English}
	if _, i, confidence := n.byName.Match(wanted...); confidence > language.No {
		c.tag = n.names[i]
	}
	if _, i, confidence := n.byCatalog.Match(wanted...); confidence > language.No {
		c.written, c.catalog = n.written[i], n.catalogs[i]
	}
	if c.tag == language.English && c.catalog == nil {
		return nil
	}
	return c
}

// maxSeen is how many headers one generation of the cache holds.
const maxSeen = 512

// cache remembers the latest headers in two generations: when the young one is
// full it becomes the old one, so that made-up headers fill neither the memory
// nor the place of those in use.
type cache struct {
	mu         sync.RWMutex
	young, old map[string]*choice
}

func (s *cache) get(header string) (*choice, bool) {
	s.mu.RLock()
	c, ok := s.young[header]
	if ok {
		s.mu.RUnlock()
		return c, true
	}
	c, ok = s.old[header]
	s.mu.RUnlock()
	if ok {
		s.put(header, c) // still in use
	}
	return c, ok
}

func (s *cache) put(header string, c *choice) {
	if len(header) > maxHeader {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= maxSeen {
		s.young, s.old = map[string]*choice{}, s.young
	}
	s.young[strings.Clone(header)] = c
}
