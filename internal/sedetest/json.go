package sedetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is a JSON value that keeps the order of object members, so that what is
// shown and rewritten reads like the answer did.
type node struct {
	kind    byte   // '{', '[', '"', or 'x' for numbers, true, false and null
	text    string // of a string, or the literal
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

// parseJSON reads one JSON value. It fails when names occur twice in an object
// or something follows the value.
func parseJSON(text string) (node, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	n, err := readNode(decoder)
	if err != nil {
		return n, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return n, errors.New("something follows the JSON value")
	}
	return n, nil
}

func readNode(decoder *json.Decoder) (node, error) {
	token, err := decoder.Token()
	if err != nil {
		return node{}, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return readObject(decoder)
		}
		n := node{kind: '['}
		for decoder.More() {
			item, err := readNode(decoder)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item)
		}
		_, err := decoder.Token()
		return n, err
	case string:
		return node{kind: '"', text: v}, nil
	case nil:
		return node{kind: 'x', text: "null"}, nil
	default:
		return node{kind: 'x', text: fmt.Sprint(v)}, nil
	}
}

func readObject(decoder *json.Decoder) (node, error) {
	n := node{kind: '{'}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return n, err
		}
		name := token.(string)
		if n.find(name) != nil {
			return n, fmt.Errorf("the name %q occurs twice in an object", name)
		}
		value, err := readNode(decoder)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := decoder.Token()
	return n, err
}

// find returns the member of that name, nil when there is none.
func (n *node) find(name string) *node {
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}

// lineWidth is how long a line may get before a value is broken into several.
const lineWidth = 110

// format writes the value as people like to read it: on one line when that is
// short enough, else one member or item a line.
func (n *node) format(indent int) string {
	if line := n.line(); len(line)+indent <= lineWidth || (n.kind != '{' && n.kind != '[') {
		return line
	}
	inner, outer := strings.Repeat("  ", indent/2+1), strings.Repeat("  ", indent/2)
	var parts []string
	for _, m := range n.members {
		parts = append(parts, inner+quote(m.name)+": "+m.value.format(indent+2))
	}
	for _, item := range n.items {
		parts = append(parts, inner+item.format(indent+2))
	}
	return string(n.kind) + "\n" + strings.Join(parts, ",\n") + "\n" + outer + string(n.kind+2)
}

// line writes the value on one line.
func (n *node) line() string {
	var parts []string
	switch n.kind {
	case '"':
		return quote(n.text)
	case '{':
		for _, m := range n.members {
			parts = append(parts, quote(m.name)+": "+m.value.line())
		}
	case '[':
		for _, item := range n.items {
			parts = append(parts, item.line())
		}
	default:
		return n.text
	}
	return string(n.kind) + strings.Join(parts, ", ") + string(n.kind+2)
}

// quote writes a JSON string without escaping what HTML would mind.
func quote(s string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
