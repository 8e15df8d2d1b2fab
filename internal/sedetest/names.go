package sedetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// names are what a script calls the ids, tokens and other values that it can't
// know beforehand. A pattern is a text with <name> in it: a name that is known
// stands for its value, a new one takes whatever stands there, <*> is anything.
type names struct {
	values map[string]string
	counts map[string]int // of the names made up for an update, by their stem
}

func newNames(known map[string]string) *names {
	n := &names{values: map[string]string{"*": ""}, counts: map[string]int{}}
	for name, value := range known {
		n.values[name] = value
	}
	return n
}

var (
	placeholder = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9-]*|\*)>`)
	uuidText    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	jwtText     = regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`)
	secretText  = regexp.MustCompile(`^[\w-]{40,}$`)
)

// fill replaces the names that are known by their values; others stay.
func (n *names) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, ok := n.values[found[1:len(found)-1]]; ok && found != "<*>" {
			return value
		}
		return found
	})
}

// unknown returns the first name in the text that has no value, empty when all
// have one.
func (n *names) unknown(text string) string {
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		if _, ok := n.values[found[1]]; !ok {
			return found[1]
		}
	}
	return ""
}

// match reports whether the text is what the pattern says, and takes the values
// of new names from it if so.
func (n *names) match(pattern, text string) bool {
	if pattern == text {
		return true
	}
	whole := placeholder.FindString(pattern) == pattern
	var expression strings.Builder
	var fresh []string
	rest := pattern
	for rest != "" {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			expression.WriteString(regexp.QuoteMeta(rest))
			break
		}
		expression.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		name := rest[at[2]:at[3]]
		value, known := n.values[name]
		switch {
		case name == "*":
			expression.WriteString(`(?s:.+?)`)
		case known:
			expression.WriteString(regexp.QuoteMeta(value))
		case slices.Contains(fresh, name):
			return false // a new name twice in one text can't be told
		case whole:
			expression.WriteString(`(.+)`)
			fresh = append(fresh, name)
		default:
			expression.WriteString(`([^/?#&\s"<>;,]+)`)
			fresh = append(fresh, name)
		}
		rest = rest[at[1]:]
	}
	found := regexp.MustCompile(`^` + expression.String() + `$`).FindStringSubmatch(text)
	if found == nil {
		return false
	}
	for i, name := range fresh {
		n.values[name] = found[i+1]
	}
	return true
}

// spell is the opposite of fill: it writes the names for the values, and makes
// up names for ids and secrets that have none.
func (n *names) spell(text string) string {
	if secretText.MatchString(text) {
		return n.nameOf(text, "secret")
	}
	text = jwtText.ReplaceAllStringFunc(text, func(found string) string { return n.nameOf(found, "jwt") })
	return uuidText.ReplaceAllStringFunc(text, func(found string) string { return n.nameOf(found, "id") })
}

// nameOf returns <name> for a value, with a new name if it has none.
func (n *names) nameOf(value, stem string) string {
	var known []string
	for name, v := range n.values {
		if v == value {
			known = append(known, name)
		}
	}
	if len(known) > 0 {
		slices.Sort(known)
		return "<" + known[0] + ">"
	}
	for {
		n.counts[stem]++
		name := fmt.Sprint(stem, n.counts[stem])
		if _, taken := n.values[name]; !taken {
			n.values[name] = value
			return "<" + name + ">"
		}
	}
}

// reconcile compares what is wanted with what came. It returns what came in the
// spelling of what was wanted wherever the two agree, and whether they agree
// everywhere. With partly, objects that came may have more members.
func (n *names) reconcile(want *node, got *node, partly bool) (node, bool) {
	switch {
	case want == nil:
		return n.spelled(got), false
	case want.kind == '"' && want.text == "<*>":
		return *want, true
	case want.kind != got.kind:
		return n.spelled(got), false
	case got.kind == '{':
		return n.reconcileObject(want, got, partly)
	case got.kind == '[':
		merged, same := node{kind: '['}, len(want.items) == len(got.items)
		for i := range got.items {
			var wanted *node
			if i < len(want.items) {
				wanted = &want.items[i]
			}
			item, ok := n.reconcile(wanted, &got.items[i], partly)
			merged.items, same = append(merged.items, item), same && ok
		}
		return merged, same
	case got.kind == '"' && n.match(want.text, got.text):
		return *want, true
	}
	return n.spelled(got), want.text == got.text
}

func (n *names) reconcileObject(want, got *node, partly bool) (node, bool) {
	merged, same := node{kind: '{'}, true
	for i := range got.members {
		m := &got.members[i]
		wanted := want.find(m.name)
		if wanted == nil && partly {
			continue
		}
		value, ok := n.reconcile(wanted, &m.value, partly)
		merged.members, same = append(merged.members, member{m.name, value}), same && ok
	}
	for _, m := range want.members {
		same = same && got.find(m.name) != nil
	}
	return merged, same
}

// spelled returns the value with names for the values of its texts.
func (n *names) spelled(v *node) node {
	copied := node{kind: v.kind, text: v.text}
	if v.kind == '"' {
		copied.text = n.spell(v.text)
	}
	for _, m := range v.members {
		copied.members = append(copied.members, member{m.name, n.spelled(&m.value)})
	}
	for i := range v.items {
		copied.items = append(copied.items, n.spelled(&v.items[i]))
	}
	return copied
}
