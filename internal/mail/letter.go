package mail

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
	"unicode"

	"sede/internal/phrase"
)

// letter is a Message in the reader's language, as the job carries it.
type letter struct {
	To         Address   `json:"to"`
	ReplyTo    Address   `json:"replyTo,omitzero"`
	Language   string    `json:"language"`
	Subject    string    `json:"subject"`
	Paragraphs []string  `json:"paragraphs"`
	Label      string    `json:"label,omitempty"`
	URL        string    `json:"url,omitempty"`
	After      []string  `json:"after,omitempty"`
	Calendar   *Calendar `json:"calendar,omitempty"`
}

// translate puts the sentences into the reader's language.
func translate(m *Message) letter {
	reader := phrase.Match(m.Language)
	l := letter{
		To: m.To.clean(), ReplyTo: m.ReplyTo.clean(), Language: m.Language,
		Subject: oneLine(reader.Text(m.Subject)), URL: m.Action.URL, Calendar: m.Calendar,
	}
	for _, p := range m.Paragraphs {
		l.Paragraphs = append(l.Paragraphs, reader.Text(p))
	}
	for _, p := range m.After {
		l.After = append(l.After, reader.Text(p))
	}
	if l.URL != "" {
		l.Label = reader.Text(m.Action.Label)
	}
	return l
}

// clean is the address with a name that can stand in a header.
func (a Address) clean() Address { return Address{Name: oneLine(a.Name), Email: a.Email} }

// oneLine is text for a header: what would end the line, or can't be seen, is a
// blank, and nothing is taken for an encoded word (RFC 2047).
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "=?", "= ?")
}

//go:embed layout.html
var layout string

// content is a letter with its footer, ready to be laid out.
type content struct {
	letter
	Lang       string        // of the sentences
	FooterHTML template.HTML // the organization's, clean already
	FooterText string
}

// html lays the letter out for mail programs that show HTML.
func (p *Post) html(c *content) (string, error) {
	var b bytes.Buffer
	err := p.layout.Execute(&b, c)
	return b.String(), err
}

// text lays the letter out as plain text.
func (c *content) text() string {
	var parts []string
	parts = append(parts, c.Paragraphs...)
	if c.URL != "" {
		parts = append(parts, c.Label+":\n"+c.URL)
	}
	parts = append(parts, c.After...)
	text := strings.Join(parts, "\n\n") + "\n"
	if c.FooterText != "" {
		text += "\n-- \n" + strings.TrimRight(c.FooterText, "\n") + "\n" // the usual sign before a signature
	}
	return text
}
