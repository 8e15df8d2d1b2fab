package reference

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sede/internal/fault"
	"sede/internal/null"
)

// Language is one language that sede offers, for people, texts and documents.
type Language struct {
	ID         string // BCP 47 (RFC 5646), canonical
	NativeName string // as its speakers call it
	tag        language.Tag
}

// newLanguage completes a language by its canonical tag.
func newLanguage(id string) Language {
	l := Language{ID: id, tag: language.Raw.Make(id)}
	if l.NativeName = display.Self.Name(l.tag); l.NativeName == "" {
		l.NativeName = languageName(l.tag, display.Tags(language.English))
	}
	return l
}

// CanonicalLanguage returns the canonical form of a tag (RFC 5646, 4.5): "EN-us"
// becomes "en-US", the withdrawn "iw" becomes "he". It is false when the text is
// no tag, has subtags that nobody registered, or says "several languages" or
// "none that is known", as "mul" and "und" do.
func CanonicalLanguage(text string) (string, bool) {
	tag, err := language.BCP47.Parse(text)
	base, _, _ := tag.Raw()
	none := strings.Contains(" und mul mis zxx ", " "+base.String()+" ")
	if err != nil || none || strings.ContainsRune(text, '_') {
		return "", false
	}
	return tag.String(), true
}

// canonical is CanonicalLanguage with a violation of the field id.
func canonical(text string) (string, error) {
	tag, ok := CanonicalLanguage(text)
	if !ok {
		return "", fault.Broken(fault.Violation{Path: "id", Code: fault.CodeRegex,
			Text: fault.Textf("This value is not a valid language tag. Examples: %s.", "en, pt-BR, zh-Hant")})
	}
	return tag, nil
}

// languageName returns the name by the namer, by the English one if that has
// none, or else the tag itself.
func languageName(tag language.Tag, namer display.Namer) string {
	if namer != nil {
		if name := namer.Name(tag); name != "" {
			return name
		}
	}
	if name := display.Tags(language.English).Name(tag); name != "" {
		return name
	}
	return tag.String()
}

// value returns the fields by which languages are filtered and ordered.
func (s *Service) languageValue(reader language.Tag) value[Language] {
	namer := s.namers.of(reader)
	return func(l *Language, field string) null.Value[string] {
		switch field {
		case "id":
			return null.Of(l.ID)
		case "name":
			return null.Of(languageName(l.tag, namer))
		case "nativeName":
			return null.Of(l.NativeName)
		}
		return null.Value[string]{}
	}
}
