package footer

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// plainOf is what clean HTML says without any formatting: a line for each block
// and row, images by their alternative text, and addresses of links behind what
// they say.
func plainOf(list []*html.Node) string {
	var p plain
	for _, n := range list {
		p.add(n)
	}
	var lines []string
	for _, line := range strings.Split(p.String(), "\n") {
		line = strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "|"))
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue // one empty line is enough
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

type plain struct{ strings.Builder }

// blocks begin and end a line; paragraphs are followed by an empty one.
var (
	blocks = map[atom.Atom]bool{
		atom.Div: true, atom.Table: true, atom.Tr: true, atom.Caption: true, atom.Center: true, atom.Address: true, atom.Li: true,
	}
	paragraphs = map[atom.Atom]bool{
		atom.P: true, atom.Blockquote: true, atom.Ul: true, atom.Ol: true,
		atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
	}
)

func (p *plain) add(n *html.Node) {
	if n.Type == html.TextNode {
		p.words(n.Data)
		return
	}
	switch n.DataAtom {
	case atom.Br:
		p.WriteByte('\n')
		return
	case atom.Hr:
		p.newLine()
		p.WriteString("---\n")
		return
	case atom.Img:
		p.words(attribute(n, "alt"))
		return
	}
	block := blocks[n.DataAtom] || paragraphs[n.DataAtom]
	if block {
		p.newLine()
	}
	if n.DataAtom == atom.Li {
		p.WriteString("- ")
	}
	before := p.Len()
	for child := range n.ChildNodes() {
		p.add(child)
	}
	switch {
	case n.DataAtom == atom.A:
		p.address(n, p.String()[before:])
	case n.DataAtom == atom.Td || n.DataAtom == atom.Th:
		if n.NextSibling != nil && p.Len() > before && !strings.HasSuffix(p.String(), "\n") {
			p.WriteString(" | ")
		}
	case block:
		p.newLine()
		if paragraphs[n.DataAtom] {
			p.WriteByte('\n')
		}
	}
}

// words adds text with single blanks.
func (p *plain) words(text string) {
	fields := strings.Fields(text)
	if text != "" && strings.TrimLeft(text, " \t\r\n") != text {
		p.blank()
	}
	p.WriteString(strings.Join(fields, " "))
	if len(fields) > 0 && strings.TrimRight(text, " \t\r\n") != text {
		p.blank()
	}
}

// blank separates what follows, once.
func (p *plain) blank() {
	if s := p.String(); s != "" && !strings.HasSuffix(s, " ") && !strings.HasSuffix(s, "\n") {
		p.WriteByte(' ')
	}
}

func (p *plain) newLine() {
	if s := p.String(); s != "" && !strings.HasSuffix(s, "\n") {
		p.WriteByte('\n')
	}
}

// address adds where a link leads, unless what it says tells that.
func (p *plain) address(n *html.Node, said string) {
	href := attribute(n, "href")
	said = strings.TrimSpace(said)
	short := href
	for _, prefix := range []string{"mailto:", "tel:", "https://", "http://"} {
		short = strings.TrimPrefix(short, prefix)
	}
	if href == "" || strings.EqualFold(strings.TrimSuffix(short, "/"), said) || href == said ||
		strings.HasPrefix(href, "tel:") && digits(said) == digits(short) {
		return
	}
	if said == "" {
		p.WriteString(href)
		return
	}
	p.blank()
	p.WriteString("(" + strings.TrimPrefix(href, "mailto:") + ")")
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, text)
}
