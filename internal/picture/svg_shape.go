package picture

import (
	"maps"
	"math"
	"strconv"
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

// shape is something to draw, with its style resolved.
type shape struct {
	path    []command
	to      matrix // from its own space into that of the view box
	evenOdd bool
	fill    *paint // nil: none
	stroke  *paint
	pen     pen
}

// pen is how a stroke looks, in the shape's own space.
type pen struct {
	width, miter float64
	cap, join    string
	dashes       []float64
	offset       float64
}

// drawing turns elements into shapes.
type drawing struct {
	*vector
	byID     map[string]*node
	classes  map[string]map[string]string
	commands int
}

// perProperty is what looking at one attribute or property takes.
const perProperty = 50

func (d *drawing) spend(units int) { d.budget.spend(units) }

// collect remembers what others refer to, and the rules of style sheets.
func (d *drawing) collect(n *node) {
	if id := n.attrs["id"]; id != "" {
		d.byID[id] = n
	}
	if n.name == "style" {
		d.sheet(n.text)
	}
	for _, c := range n.children {
		d.collect(c)
	}
}

// sheet reads rules for classes; others do nothing.
func (d *drawing) sheet(text string) {
	for _, rule := range strings.Split(text, "}") {
		selectors, body, _ := strings.Cut(rule, "{")
		declared := declarations(body)
		for _, s := range strings.Split(selectors, ",") {
			name, ok := strings.CutPrefix(strings.TrimSpace(s), ".")
			if !ok {
				continue
			}
			if d.classes[name] == nil {
				d.classes[name] = map[string]string{}
			}
			d.spend(2 * perProperty * len(declared))
			maps.Copy(d.classes[name], declared)
		}
	}
}

// declarations reads "fill: red; stroke: none".
func declarations(text string) map[string]string {
	found := map[string]string{}
	for _, one := range strings.Split(text, ";") {
		if key, value, ok := strings.Cut(one, ":"); ok {
			found[strings.TrimSpace(key)] = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
		}
	}
	return found
}

// properties are what applies to the node itself: attributes, then classes, then
// its own style.
func (d *drawing) properties(n *node) map[string]string {
	own := maps.Clone(n.attrs)
	for _, class := range strings.Fields(n.attrs["class"]) {
		d.spend(perProperty * len(d.classes[class]))
		maps.Copy(own, d.classes[class])
	}
	maps.Copy(own, declarations(n.attrs["style"]))
	return own
}

// add adds the shapes of the node and of those in it.
func (d *drawing) add(n *node, above style, to matrix) error {
	switch n.name {
	case "defs", "style", "linearGradient", "radialGradient", "stop", "clipPath":
		return nil
	}
	own := d.properties(n)
	if own["display"] == "none" {
		return nil
	}
	for _, key := range []string{"mask", "filter"} {
		if own[key] != "" && own[key] != "none" {
			return notDrawn(key)
		}
	}
	if clip := own["clip-path"]; clip != "" && clip != "none" && !d.clipsNothing(clip) {
		return notDrawn("clip-path")
	}
	s := maps.Clone(above)
	for _, key := range inherited {
		if value := own[key]; value != "" && value != "inherit" {
			s[key] = value
		}
	}
	if value := own["opacity"]; value != "" {
		s["opacity"] = strconv.FormatFloat(fraction(s["opacity"])*fraction(value), 'g', -1, 64)
	}
	if text := n.attrs["transform"]; text != "" {
		m, ok := transform(text)
		if !ok {
			return damaged("transform")
		}
		to = to.times(m)
	}
	if n.name != "svg" && n.name != "g" {
		return d.addShape(n, s, to)
	}
	for i, c := range n.children {
		if c.name == "svg" {
			return notDrawn("svg in svg")
		}
		if err := d.add(n.children[i], s, to); err != nil {
			return err
		}
	}
	return nil
}

// clipsNothing reports whether the clip path is a rectangle around all of the
// view box, as design programs write it.
func (d *drawing) clipsNothing(reference string) bool {
	clip := d.byID[idIn(reference)]
	if clip == nil || clip.name != "clipPath" || len(clip.children) != 1 || clip.children[0].name != "rect" || clip.children[0].attrs["transform"] != "" {
		return false
	}
	r := clip.children[0].attrs
	x, y := length(r["x"], 0), length(r["y"], 0)
	return x <= d.x && y <= d.y && x+length(r["width"], 0) >= d.x+d.width && y+length(r["height"], 0) >= d.y+d.height
}

// idIn is the id that "url(#id)" or "#id" names.
func idIn(reference string) string {
	reference = strings.TrimPrefix(strings.TrimSpace(reference), "url(")
	reference, _, _ = strings.Cut(reference, ")")
	return strings.TrimPrefix(strings.Trim(strings.TrimSpace(reference), `"'`), "#")
}

func (d *drawing) addShape(n *node, s style, to matrix) error {
	path, ok := outlineOf(n)
	if !ok {
		return damaged("path data of " + n.name)
	}
	if d.commands += len(path); d.commands > maxCommands {
		return tooComplex()
	}
	if len(path) == 0 || s["visibility"] == "hidden" || s["visibility"] == "collapse" || !to.sane() {
		return nil
	}
	whole := fraction(s["opacity"])
	sh := shape{path: path, to: to, evenOdd: s["fill-rule"] == "evenodd"}
	box := bounds(path)
	sh.fill = d.paintOf(s["fill"], s, whole*fraction(s["fill-opacity"]), box)
	if n.name == "line" {
		sh.fill = nil
	}
	sh.pen = pen{width: length(s["stroke-width"], 1), miter: number(s["stroke-miterlimit"], 4), cap: s["stroke-linecap"], join: s["stroke-linejoin"],
		offset: number(s["stroke-dashoffset"], 0)}
	if sh.pen.width > 0 && sh.pen.width < 1e9 {
		sh.stroke = d.paintOf(s["stroke"], s, whole*fraction(s["stroke-opacity"]), box)
	}
	if dashes := s["stroke-dasharray"]; dashes != "" && dashes != "none" {
		sh.pen.dashes = numbers(dashes)
	}
	if sh.fill == nil && sh.stroke == nil {
		return nil
	}
	d.shapes = append(d.shapes, sh)
	return nil
}

// outlineOf is the path of a shape; false when it can't be read.
func outlineOf(n *node) ([]command, bool) {
	at := func(name string) float64 { return length(n.attrs[name], 0) }
	var p pathBuilder
	switch n.name {
	case "path":
		return parsePath(n.attrs["d"])
	case "line":
		p.move(at("x1"), at("y1"))
		p.line(at("x2"), at("y2"))
	case "polyline", "polygon":
		points := numbers(n.attrs["points"])
		for i := 0; i+1 < len(points); i += 2 {
			if i == 0 {
				p.move(points[0], points[1])
			} else {
				p.line(points[i], points[i+1])
			}
		}
		if n.name == "polygon" && len(points) > 1 {
			p.close()
		}
	case "circle":
		p.ellipse(at("cx"), at("cy"), at("r"), at("r"))
	case "ellipse":
		p.ellipse(at("cx"), at("cy"), at("rx"), at("ry"))
	case "rect":
		rx, ry := length(n.attrs["rx"], -1), length(n.attrs["ry"], -1)
		if rx < 0 {
			rx = ry
		}
		if ry < 0 {
			ry = rx
		}
		p.rect(at("x"), at("y"), at("width"), at("height"), max(0, rx), max(0, ry))
	}
	for _, c := range p.path {
		for _, q := range c.to {
			if math.IsNaN(q.x) || math.IsNaN(q.y) || math.Abs(q.x) > 1e9 || math.Abs(q.y) > 1e9 {
				return nil, false
			}
		}
	}
	return p.path, true
}

// number reads the first number of a text.
func number(text string, otherwise float64) float64 {
	if list := numbers(text); len(list) > 0 {
		return list[0]
	}
	return otherwise
}

// units are how long the units are in pixels (CSS).
var units = map[string]float64{"px": 1, "pt": 4.0 / 3, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96, "em": 16, "ex": 8}

// length reads a length in pixels. A percentage is none.
func length(text string, otherwise float64) float64 {
	factor := 1.0
	if len(text) > 2 {
		if f, ok := units[strings.ToLower(text[len(text)-2:])]; ok {
			factor, text = f, text[:len(text)-2]
		}
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return otherwise
	}
	return value * factor
}

// fraction reads an opacity or offset: 0.5 or 50%, 1 when there is none.
func fraction(text string) float64 {
	percent := strings.HasSuffix(text, "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64)
	if err != nil || math.IsNaN(value) {
		return 1
	}
	if percent {
		value /= 100
	}
	return min(1, max(0, value))
}
