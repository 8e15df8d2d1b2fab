// Package footer makes the HTML that ends the mail of an organization safe and
// fit for mail: it cleans what somebody wrote, fills placeholders in, derives
// the plain text, and says what mail programs will break.
//
// Clean HTML has the tags, attributes and styles of the tables in this package
// and nothing else: nothing in it acts, loads anything but images over HTTPS, or
// reaches out of the place where it is put. Cleaning clean HTML changes nothing.
package footer

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"sede/internal/fault"
)

// Most is how many bytes a footer may have. Gmail cuts mail off at 102 KB.
const Most = 48 << 10

// passes is how often cleaning is repeated until nothing changes any more.
const passes = 6

// Cleaner cleans footers. It is safe for concurrent use.
type Cleaner struct{ policy policy }

// NewCleaner returns a Cleaner.
func NewCleaner() *Cleaner { return &Cleaner{policy: newPolicy()} }

// Clean returns what may stay of the source, with placeholders in their one
// spelling, and what the author must mend: unknown placeholders, placeholders
// where none can be filled in, too much of it.
func (c *Cleaner) Clean(source string) (string, []fault.Text) {
	if len(source) > Most {
		return "", []fault.Text{fault.Textf("The footer is too large. It may have up to %d bytes.", Most)}
	}
	clean := strings.ToValidUTF8(source, string(utf8.RuneError))
	for range passes {
		before := clean
		var broken []fault.Text
		if clean, broken = c.pass(before); len(broken) > 0 {
			return "", broken
		}
		if len(clean) > Most {
			return "", []fault.Text{fault.Textf("The footer is too large. It may have up to %d bytes.", Most)}
		}
		if clean == before {
			return clean, nil
		}
	}
	return "", []fault.Text{tangled()}
}

func tangled() fault.Text {
	return fault.Textf("The HTML is too tangled to be cleaned. Write it more simply.")
}

// pass cleans once.
func (c *Cleaner) pass(source string) (string, []fault.Text) {
	list, err := parse(source)
	if err != nil {
		return "", []fault.Text{tangled()}
	}
	var broken []fault.Text
	for _, n := range list {
		each(n, func(n *html.Node) {
			broken = append(broken, hide(n)...)
			tidy(n)
		})
	}
	if len(broken) > 0 {
		return "", broken
	}
	list, err = parse(c.policy.Sanitize(write(list)))
	if err != nil {
		return "", []fault.Text{tangled()}
	}
	for _, n := range list {
		each(n, show)
	}
	return strings.TrimSpace(write(list)), nil
}

// parse reads HTML as it would stand in the cell of a table, where footers are
// put: what it opens it closes, and it closes nothing else.
func parse(source string) ([]*html.Node, error) {
	return html.ParseFragment(strings.NewReader(source), &html.Node{Type: html.ElementNode, Data: "td", DataAtom: atom.Td})
}

// write is the HTML of the nodes. What can't be written is left out.
func write(list []*html.Node) string {
	var b strings.Builder
	for _, n := range list {
		_ = html.Render(&b, n) // fails on what parse does not make
	}
	return b.String()
}

// each calls do with the node and all below it, from the top to the bottom.
func each(n *html.Node, do func(*html.Node)) {
	do(n)
	for child := range n.ChildNodes() {
		each(child, do)
	}
}

// attribute returns the value of an attribute, empty without it.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}
