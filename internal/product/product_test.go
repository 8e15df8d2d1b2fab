package product

import (
	"testing"

	"golang.org/x/text/language"
)

func TestNameIn(t *testing.T) {
	t.Parallel()
	p := Product{ID: "team", Names: []Name{{"pl", "Zespół"}, {"en", "Team"}, {"pt", "Equipa"}}}
	for reader, want := range map[string]string{"en": "Team", "en-GB": "Team", "pt-PT": "Equipa", "pt-BR": "Equipa", "pl": "Zespół", "de": "Team", "zh": "Team"} {
		if got := p.NameIn(language.Make(reader)); got != want {
			t.Errorf("%s: %s, want %s", reader, got, want)
		}
	}
	p.Names = p.Names[:1]
	if got := p.NameIn(language.Japanese); got != "Zespół" {
		t.Errorf("without English: %s", got)
	}
	if got := (&Product{ID: "team"}).NameIn(language.English); got != "team" {
		t.Errorf("without names: %s", got)
	}
}
