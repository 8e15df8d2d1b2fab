package picture

import (
	"maps"
	"math"
	"strconv"
	"strings"
)

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
	all      []rule           // of style sheets, in their order
	sheets   map[string][]int // those rules by their keys
	commands int
	uses     int   // that are being followed
	refused  error // the first thing that can't be drawn right
}

// refuse says that something can't be drawn right.
func (d *drawing) refuse(name string) {
	if d.refused == nil {
		d.refused = notDrawn(name)
	}
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
		d.sheet(string(n.text))
	}
	for _, c := range n.children {
		d.collect(c)
	}
}

// add adds the shapes of the node and of those in it.
func (d *drawing) add(n *node, above style, to matrix) error {
	switch n.name {
	case "defs", "style", "linearGradient", "radialGradient", "stop", "clipPath":
		return nil
	}
	d.spend(perProperty * (1 + len(n.attrs)))
	own, styled := d.properties(n)
	if own["display"] == "none" {
		return nil
	}
	if name := unlike(n, own, styled); name != "" {
		return notDrawn(name)
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
	switch n.name {
	case "svg", "g":
	case "use":
		return d.addUse(n, s, to)
	default:
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

// maxUses is how deep uses may be within what others use.
const maxUses = 8

// addUse adds what an element stands for: a shape or a group, moved and with the
// style of the element above it (SVG 2, 5.6).
func (d *drawing) addUse(n *node, s style, to matrix) error {
	target := d.byID[idIn(n.attrs["href"])]
	if target == nil || !usable[target.name] {
		return notDrawn(n.name)
	}
	if d.uses++; d.uses > maxUses {
		return tooComplex()
	}
	defer func() { d.uses-- }()
	x, y := d.length(n.attrs["x"], d.width, 0), d.length(n.attrs["y"], d.height, 0)
	return d.add(target, s, to.times(matrix{1, 0, 0, 1, x, y}))
}

// usable are the elements that a use may stand for.
var usable = map[string]bool{
	"g": true, "use": true, "path": true, "rect": true, "circle": true, "ellipse": true, "line": true, "polyline": true, "polygon": true,
}

// clipsNothing reports whether the clip path is a rectangle around all of the
// view box, as design programs write it.
func (d *drawing) clipsNothing(reference string) bool {
	clip := d.byID[idIn(reference)]
	if clip == nil || clip.name != "clipPath" || len(clip.children) != 1 || clip.children[0].name != "rect" || clip.children[0].attrs["transform"] != "" {
		return false
	}
	r := clip.children[0].attrs
	x, y := d.length(r["x"], d.width, 0), d.length(r["y"], d.height, 0)
	return x <= d.x && y <= d.y && x+d.length(r["width"], d.width, 0) >= d.x+d.width && y+d.length(r["height"], d.height, 0) >= d.y+d.height
}

// idIn is the id that "url(#id)" or "#id" names.
func idIn(reference string) string {
	reference = strings.TrimPrefix(strings.TrimSpace(reference), "url(")
	reference, _, _ = strings.Cut(reference, ")")
	return strings.TrimPrefix(strings.Trim(strings.TrimSpace(reference), `"'`), "#")
}

func (d *drawing) addShape(n *node, s style, to matrix) error {
	path, ok := d.outlineOf(n)
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
	sh.pen = pen{width: d.length(s["stroke-width"], d.diagonal(), 1), miter: number(s["stroke-miterlimit"], 4), cap: s["stroke-linecap"], join: s["stroke-linejoin"],
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

// diagonal is what percentages are of that belong to no direction (SVG 2, 8.9).
func (v *vector) diagonal() float64 { return math.Hypot(v.width, v.height) / math.Sqrt2 }

// length reads a length in the user space of the view box. A percentage is of a
// whole.
func (d *drawing) length(text string, whole, otherwise float64) float64 {
	if text == "" || text == "auto" {
		return otherwise
	}
	part, percent := strings.CutSuffix(text, "%")
	value := length(part, math.NaN())
	if math.IsNaN(value) {
		d.refuse(text)
		return otherwise
	}
	if percent {
		return value / 100 * whole
	}
	return value
}

// outlineOf is the path of a shape; false when it can't be read.
func (d *drawing) outlineOf(n *node) ([]command, bool) {
	across := func(name string) float64 { return d.length(n.attrs[name], d.width, 0) }
	down := func(name string) float64 { return d.length(n.attrs[name], d.height, 0) }
	var p pathBuilder
	switch n.name {
	case "path":
		return parsePath(n.attrs["d"])
	case "line":
		p.move(across("x1"), down("y1"))
		p.line(across("x2"), down("y2"))
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
		r := d.length(n.attrs["r"], d.diagonal(), 0)
		p.ellipse(across("cx"), down("cy"), r, r)
	case "ellipse":
		p.ellipse(across("cx"), down("cy"), across("rx"), down("ry"))
	case "rect":
		rx, ry := d.length(n.attrs["rx"], d.width, -1), d.length(n.attrs["ry"], d.height, -1)
		if rx < 0 {
			rx = ry
		}
		if ry < 0 {
			ry = rx
		}
		p.rect(across("x"), down("y"), across("width"), down("height"), max(0, rx), max(0, ry))
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
