package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"io"
	"math"
	"strconv"
	"strings"

	"sede/internal/fault"
)

// The part of SVG that is drawn: paths and basic shapes, with fills, strokes and
// gradients, in groups, styled by attributes and style sheets whose selectors are
// names, classes and ids. What could do something (scripts, handlers, links,
// embedded files, entities) and what would be drawn wrong (text, masks, filters,
// patterns, symbols, other selectors, unknown colors and units) is refused with its
// name, so that nobody gets an image that is not theirs.

// The limits on an SVG.
const (
	maxNodes    = 10_000
	maxNesting  = 64
	maxCommands = 200_000
)

// budget bounds the work on a file, in all sizes together. A unit is what a pixel
// of plain color takes, some nanoseconds.
type budget struct{ spent int }

const maxWork = 100_000_000

// errTooMuch ends work that takes too long.
var errTooMuch = errors.New("picture: too much work")

// spend counts work and ends it when it is too much.
func (b *budget) spend(units int) {
	if b.spent += units; b.spent > maxWork {
		panic(errTooMuch)
	}
}

// bounded does work that spends a budget.
func bounded(do func() error) (err error) {
	defer func() {
		if p := recover(); p == errTooMuch { //nolint:errorlint // the very value that spend panics with
			err = tooComplex()
		} else if p != nil {
			panic(p)
		}
	}()
	return do()
}

// vector is a source that was an SVG.
type vector struct {
	x, y, width, height float64 // the view box
	shapes              []shape
	budget              budget
}

func (v *vector) size() (float64, float64) { return v.width, v.height }

func (v *vector) scalable() bool { return true }

func (v *vector) draw(width, height int) (*image.RGBA, error) {
	p := newPaper(width, height, &v.budget)
	view := matrix{float64(width) / v.width, 0, 0, float64(height) / v.height, 0, 0}.times(matrix{1, 0, 0, 1, -v.x, -v.y})
	err := bounded(func() error {
		for i := range v.shapes {
			p.paint(&v.shapes[i], view)
		}
		return nil
	})
	return p.image, err
}

func tooComplex() error {
	return refuse(fault.CodeTooHigh, fault.Textf("The SVG is too complex. Simplify it."))
}

// node is an element of the document.
type node struct {
	name     string
	attrs    map[string]string
	children []*node
	text     []byte // of a style
}

// readSVG takes the document apart and refuses what is not plain drawing.
func readSVG(file []byte) (*vector, error) {
	root, err := parseSVG(file)
	if err != nil {
		return nil, err
	}
	v, err := viewOf(root)
	if err != nil {
		return nil, err
	}
	d := &drawing{vector: v, byID: map[string]*node{}, sheets: map[string][]int{}}
	err = bounded(func() error {
		d.collect(root)
		return d.add(root, initialStyle(), matrix{1, 0, 0, 1, 0, 0})
	})
	switch {
	case err != nil:
		return nil, err
	case d.refused != nil:
		return nil, d.refused
	case len(v.shapes) == 0:
		return nil, refuse(fault.CodeBlank, fault.Textf("There is nothing to see in the SVG."))
	}
	return v, nil
}

const svgSpace = "http://www.w3.org/2000/svg"

// parseSVG builds the tree of the SVG elements; elements of other vocabularies
// are left out.
func parseSVG(file []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(file))
	decoder.CharsetReader = func(encoding string, rest io.Reader) (io.Reader, error) {
		decoder.CharsetReader = nil // a document says it once; each time costs as much as all that is left
		return singleBytes(encoding, rest)
	}
	var b tree
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, damaged(err.Error())
		}
		if err := b.take(token); err != nil {
			return nil, err
		}
	}
	if b.root == nil || b.root.name != "svg" {
		return nil, refuse(fault.CodeFileType, fault.Textf("The file is none of PNG, JPEG, WebP, GIF and SVG."))
	}
	return b.root, nil
}

// singleBytes reads the encodings of one byte for each character that programs for
// drawing write, as ISO 8859-1. In all of them ASCII is what it is everywhere, and
// nothing else is drawn.
func singleBytes(encoding string, file io.Reader) (io.Reader, error) {
	name := strings.ToLower(encoding)
	if name != "us-ascii" && !strings.HasPrefix(name, "iso-8859-") && !strings.HasPrefix(name, "windows-125") {
		return nil, errors.New("picture: the encoding " + strconv.Quote(encoding))
	}
	content, err := io.ReadAll(file)
	text := make([]rune, len(content))
	for i, c := range content {
		text[i] = rune(c)
	}
	return strings.NewReader(string(text)), err
}

// tree is a document of which a part was read.
type tree struct {
	root  *node
	open  []*node
	skip  int // how many elements that are left out are open, within the open ones
	count int // of all elements
}

// take adds what comes next in the document.
func (b *tree) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		if bytes.ContainsAny(t, "[&%") {
			return refuse(fault.CodeFileType, fault.Textf("The SVG declares entities. Save it without them."))
		}
	case xml.ProcInst:
		if t.Target != "xml" {
			return outside()
		}
	case xml.StartElement:
		return b.begin(&t)
	case xml.EndElement:
		return b.end()
	case xml.CharData:
		if b.skip == 0 && len(b.open) > 0 && b.open[len(b.open)-1].name == "style" {
			last := b.open[len(b.open)-1]
			last.text = append(last.text, t...)
		}
	}
	return nil
}

// begin opens an element.
func (b *tree) begin(t *xml.StartElement) error {
	if b.count++; b.count > maxNodes || len(b.open)+b.skip > maxNesting {
		return tooComplex()
	}
	if err := checkElement(t); err != nil {
		return err
	}
	foreign := t.Name.Space != svgSpace && t.Name.Space != ""
	switch name := t.Name.Local; {
	case b.skip > 0 || foreign || unseen[name]:
		b.skip++
		return nil
	case !drawn[name]:
		return notDrawn(name)
	}
	n := &node{name: t.Name.Local, attrs: map[string]string{}}
	for _, a := range t.Attr {
		n.attrs[a.Name.Local] = strings.TrimSpace(a.Value)
	}
	if len(b.open) > 0 {
		parent := b.open[len(b.open)-1]
		parent.children = append(parent.children, n)
	} else if b.root == nil {
		b.root = n
	}
	b.open = append(b.open, n)
	return nil
}

// end closes the element that was opened last.
func (b *tree) end() error {
	if b.skip > 0 {
		b.skip--
		return nil
	}
	closed := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if pointsOutside(strings.ToLower(strings.Join(strings.Fields(string(closed.text)), ""))) {
		return outside()
	}
	return nil
}

// unseen are elements that tell about the drawing and are not part of it.
var unseen = map[string]bool{"title": true, "desc": true, "metadata": true}

// drawn are the elements that are understood.
var drawn = map[string]bool{
	"svg": true, "g": true, "defs": true, "style": true, "path": true, "rect": true, "circle": true, "ellipse": true, "line": true,
	"polyline": true, "polygon": true, "use": true, "linearGradient": true, "radialGradient": true, "stop": true, "clipPath": true,
}

// checkElement refuses what could do something, wherever it stands, and what
// can't be drawn right.
func checkElement(t *xml.StartElement) error {
	name := t.Name.Local
	if strings.EqualFold(name, "script") || strings.EqualFold(name, "handler") || strings.EqualFold(name, "listener") {
		return script()
	}
	for _, a := range t.Attr {
		key, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.Join(strings.Fields(a.Value), ""))
		switch {
		case strings.HasPrefix(key, "on") && a.Name.Space == "", strings.Contains(value, "javascript:"):
			return script()
		case (key == "href" || key == "src") && !strings.HasPrefix(value, "#"):
			return outside()
		case pointsOutside(value):
			return outside()
		}
	}
	return nil
}

// pointsOutside reports whether a style, in lower case and without blanks, loads
// something that is not in the document.
func pointsOutside(style string) bool {
	for rest := style; ; {
		_, after, found := strings.Cut(rest, "url(")
		if !found {
			return strings.Contains(style, "@import") || strings.Contains(style, "image-set(")
		}
		if rest = strings.TrimLeft(after, `"'`); !strings.HasPrefix(rest, "#") {
			return true
		}
	}
}

func script() error {
	return refuse(fault.CodeFileType, fault.Textf("The SVG contains a script. Save it without."))
}

func outside() error {
	return refuse(fault.CodeFileType, fault.Textf("The SVG embeds or links something. Save it without."))
}

func notDrawn(name string) error {
	if len(name) > 40 {
		name = name[:40]
	}
	return refuse(fault.CodeFileType, fault.Textf("The SVG uses %q, which is not drawn. Convert everything to plain paths.", name))
}

// viewOf reads the view box, else width and height.
func viewOf(root *node) (*vector, error) {
	v := &vector{width: length(root.attrs["width"], 300), height: length(root.attrs["height"], 150)}
	if box := numbers(root.attrs["viewBox"]); len(box) == 4 {
		v.x, v.y, v.width, v.height = box[0], box[1], box[2], box[3]
	}
	sane := func(f float64) bool { return f > 1e-6 && f < 1e9 }
	if !sane(v.width) || !sane(v.height) || math.Abs(v.x) > 1e9 || math.Abs(v.y) > 1e9 {
		return nil, damaged("no usable view box")
	}
	if v.width > maxProportion*v.height || v.height > maxProportion*v.width {
		return nil, tooThin()
	}
	return v, nil
}
