package picture

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// style holds the properties that children inherit, as they are written.
type style map[string]string

func initialStyle() style {
	return style{"fill": "black", "stroke": "none", "stroke-width": "1", "color": "black"}
}

// inherited are the properties that shapes are drawn by. The opacities of groups
// are multiplied into their shapes.
var inherited = []string{"fill", "stroke", "fill-rule", "fill-opacity", "stroke-opacity", "stroke-width", "stroke-linecap",
	"stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "color", "visibility"}

// single are the properties that count for the element alone.
var single = []string{"opacity", "display", "clip-path", "stop-color", "stop-opacity", "transform", "background", "background-color"}

// usual are the values of properties with which nothing is drawn otherwise than it
// would be without them.
var usual = []struct {
	property string
	values   []string
}{
	{"mask", []string{"none"}},
	{"filter", []string{"none"}},
	{"mix-blend-mode", []string{"normal"}},
	{"paint-order", []string{"normal", "fill", "fill stroke", "fill stroke markers"}},
	{"vector-effect", []string{"none"}},
	{"marker", []string{"none"}},
	{"marker-start", []string{"none"}},
	{"marker-mid", []string{"none"}},
	{"marker-end", []string{"none"}},
}

// geometry are the attributes of shapes that a style may set too, which is not read.
var geometry = []string{"d", "x", "y", "cx", "cy", "r", "rx", "ry", "width", "height"}

// looks are all properties that have to do with what is drawn.
var looks = func() map[string]bool {
	set := map[string]bool{}
	for _, property := range slices.Concat(inherited, single, geometry) {
		set[property] = true
	}
	for _, u := range usual {
		set[u.property] = true
	}
	return set
}()

// declared is what a style says; what is important beats what is not.
type declared struct{ plain, important map[string]string }

// declarations reads "fill: red; stroke: none !important".
func declarations(text string) declared {
	found := declared{map[string]string{}, map[string]string{}}
	for _, one := range strings.Split(text, ";") {
		key, value, ok := strings.Cut(one, ":")
		if !ok {
			continue
		}
		value, important := strings.CutSuffix(strings.TrimSpace(value), "!important")
		into := found.plain
		if important {
			into = found.important
		}
		into[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return found
}

// rule is what a style sheet says for a selector.
type rule struct {
	name     string   // of the element; empty: any
	parts    []string // its classes and ids: ".a", "#b"
	weight   int      // the heavier one counts, of equal ones the later
	declared declared
}

// forms of selectors: a name, classes and ids of one element; and what holds only
// while somebody points at it.
var (
	selectorForm = regexp.MustCompile(`^(\*|[A-Za-z][A-Za-z0-9_-]*)?((?:[.#][^\s.#:>+~*()\[\]\\]+)*)$`)
	partForm     = regexp.MustCompile(`[.#][^.#]+`)
	pointedAt    = regexp.MustCompile(`:(?:hover|focus|focus-within|focus-visible|active|visited)\b`)
)

// ruleOf reads a selector; false when it is more than a name, classes and ids.
func ruleOf(selector string) (r rule, ok bool) {
	if selector == ":root" {
		return rule{name: "svg", weight: 10}, true
	}
	found := selectorForm.FindStringSubmatch(selector)
	if found == nil || selector == "" {
		return r, false
	}
	if r.parts = partForm.FindAllString(found[2], -1); found[1] != "*" && found[1] != "" {
		r.name, r.weight = found[1], 1
	}
	for _, part := range r.parts {
		if r.weight += 10; part[0] == '#' {
			r.weight += 90
		}
	}
	return r, true
}

// key is what a node that the rule is for has.
func (r *rule) key() string {
	if len(r.parts) > 0 {
		return r.parts[0]
	}
	return r.name
}

// sheet reads a style sheet. What it says and is not understood is refused.
func (d *drawing) sheet(text string) {
	for text = withoutComments(text); ; {
		selectors, rest, found := strings.Cut(text, "{")
		if !found {
			return
		}
		selectors = strings.TrimSpace(selectors[strings.LastIndexByte(selectors, ';')+1:]) // behind @charset and the like
		if strings.HasPrefix(selectors, "@") {
			text = rest[endOfBlock(rest):]
			d.atRule(selectors)
			continue
		}
		body, after, _ := strings.Cut(rest, "}")
		d.rules(selectors, declarations(body))
		text = after
	}
}

// atRule refuses what would change the drawing.
func (d *drawing) atRule(prelude string) {
	name, condition, _ := strings.Cut(prelude, " ")
	condition = strings.ReplaceAll(condition, " ", "")
	switch {
	case name == "@font-face", name == "@page":
	case name == "@media" && (condition == "print" || condition == "(prefers-color-scheme:dark)"): // the image is for light screens
	default:
		d.refuse(name)
	}
}

// rules keeps what is declared for each of the selectors.
func (d *drawing) rules(selectors string, declared declared) {
	for _, selector := range strings.Split(selectors, ",") {
		selector = strings.TrimSpace(selector)
		if selector == "" || pointedAt.MatchString(selector) {
			continue
		}
		r, ok := ruleOf(selector)
		if !ok {
			if declared.looks() {
				d.refuse(selector)
			}
			continue
		}
		d.spend(2 * perProperty)
		r.declared = declared
		d.sheets[r.key()] = append(d.sheets[r.key()], len(d.all))
		d.all = append(d.all, r)
	}
}

func (d *declared) looks() bool {
	for _, m := range []map[string]string{d.plain, d.important} {
		for property := range m {
			if looks[property] {
				return true
			}
		}
	}
	return false
}

// matching lists the rules for the node, those that count most last.
func (d *drawing) matching(n *node) []*rule {
	has := []string{"", n.name, "#" + n.attrs["id"]}
	for _, class := range strings.Fields(n.attrs["class"]) {
		if class = "." + class; !slices.Contains(has, class) {
			d.spend(len(has))
			has = append(has, class)
		}
	}
	var found []int
	for _, key := range has {
		for _, i := range d.sheets[key] {
			r := &d.all[i]
			d.spend(perProperty + len(has)*len(r.parts))
			if (r.name == "" || r.name == n.name) && !slices.ContainsFunc(r.parts, func(part string) bool { return !slices.Contains(has, part) }) {
				found = append(found, i)
			}
		}
	}
	slices.SortFunc(found, func(i, j int) int { return cmp.Or(cmp.Compare(d.all[i].weight, d.all[j].weight), cmp.Compare(i, j)) })
	list := make([]*rule, len(found))
	for at, i := range found {
		list[at] = &d.all[i]
	}
	return list
}

// properties are what applies to the node itself: attributes, and what styles say
// over them. styled are the latter alone.
func (d *drawing) properties(n *node) (all, styled map[string]string) {
	list, inline := d.matching(n), declarations(n.attrs["style"])
	styled = map[string]string{}
	add := func(m map[string]string) {
		d.spend(perProperty * len(m))
		maps.Copy(styled, m)
	}
	for _, r := range list {
		add(r.declared.plain)
	}
	add(inline.plain)
	for _, r := range list {
		add(r.declared.important)
	}
	add(inline.important)
	all = maps.Clone(n.attrs)
	maps.Copy(all, styled)
	return all, styled
}

// unlike names a property of the node that would be drawn wrong; empty when there
// is none.
func unlike(n *node, all, styled map[string]string) string {
	for _, u := range usual {
		if value := all[u.property]; value != "" && !slices.Contains(u.values, value) {
			return u.property
		}
	}
	if value := styled["transform"]; value != "" && value != "none" {
		return "transform"
	}
	if all["transform-origin"] != "" && n.attrs["transform"] != "" {
		return "transform-origin"
	}
	for _, property := range []string{"background", "background-color"} {
		if value := styled[property]; n.name == "svg" && value != "" && value != "none" && value != "transparent" {
			return property
		}
	}
	for _, property := range geometry {
		if value, ok := styled[property]; ok && n.name != "svg" && value != n.attrs[property] {
			return property
		}
	}
	for _, function := range []string{"var(", "calc(", "env("} {
		for property, value := range all {
			if looks[property] && strings.Contains(value, function) {
				return function + ")"
			}
		}
	}
	return ""
}

// endOfBlock returns where the block that text is in has ended.
func endOfBlock(text string) int {
	depth := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func withoutComments(css string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(css, "/*")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, css, _ = strings.Cut(rest, "*/")
	}
}
