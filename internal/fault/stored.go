package fault

import (
	"encoding/json"
	"strings"
)

// stored is a Text as it is kept in the database.
type stored struct {
	Format string `json:"format"`
	Args   []any  `json:"args,omitempty"`
}

// Store returns a form of the sentence that can be kept, so that whoever reads it
// later has it in their language. Its arguments must be texts and whole numbers.
func (t Text) Store() string {
	content, err := json.Marshal(stored(t))
	if err != nil {
		panic("fault: a sentence that can't be kept: " + err.Error())
	}
	return string(content)
}

// Stored returns the sentence of which Store made the text. A text that it has not
// made is a sentence as it stands.
func Stored(text string) Text {
	var t stored
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if !strings.HasPrefix(text, "{") || decoder.Decode(&t) != nil {
		return Text{Format: strings.ReplaceAll(text, "%", "%%")}
	}
	for i, arg := range t.Args {
		if n, ok := arg.(json.Number); ok {
			if whole, err := n.Int64(); err == nil {
				t.Args[i] = whole
			}
		}
	}
	return Text(t)
}
