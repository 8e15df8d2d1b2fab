package console

import (
	"net/url"

	"sede/internal/fault"
	"sede/internal/phrase"
)

// sheet is a View as it is laid out: what the template reads.
type sheet struct {
	*View
	Style  string // path of the style sheet
	Action string // where the form goes
	Rows   []row
	Errors []fault.Text // that belong to no field
	reader phrase.Language
}

// row is a field of the form with what is wrong with it.
type row struct {
	Input
	Errors []fault.Text
	First  bool // gets the cursor
}

// newSheet returns the view with what was typed before and what is wrong with it,
// if anything. Passwords are not repeated.
func newSheet(v *View, typed url.Values, why *fault.Error) *sheet {
	s := &sheet{View: v, Rows: make([]row, len(v.Form.Inputs))}
	at := map[string]int{}
	for i, input := range v.Form.Inputs {
		if typed != nil && input.Kind != "password" {
			input.Value = typed.Get(input.Name)
		}
		s.Rows[i] = row{Input: input, First: i == 0 && why == nil}
		at[input.Name] = i
	}
	if why == nil {
		return s
	}
	if !why.Text.IsZero() {
		s.Errors = append(s.Errors, why.Text)
	}
	first := len(s.Rows)
	for _, broken := range why.Violations {
		i, ok := at[broken.Path]
		if !ok {
			s.Errors = append(s.Errors, broken.Text)
			continue
		}
		s.Rows[i].Errors = append(s.Rows[i].Errors, broken.Text)
		first = min(first, i)
	}
	if first < len(s.Rows) {
		s.Rows[first].First = true
	}
	return s
}

// Say returns the sentence in the reader's language.
func (s *sheet) Say(t fault.Text) string { return s.reader.Text(t) }

// Lang is the tag of that language.
func (s *sheet) Lang() string { return s.reader.Tag().String() }

// HasForm reports whether there is something to send.
func (s *sheet) HasForm() bool { return !s.Form.Button.IsZero() }
