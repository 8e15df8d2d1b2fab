package picture

import (
	"image"
	"image/color"
	"math"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// paint is what a shape is filled with: a color, not premultiplied, with the
// opacity in it; or, unless at is nil, one for each place in the shape's own space.
type paint struct {
	color color.NRGBA
	at    func(p point) color.NRGBA
}

// paintOf reads a fill or stroke; nil when it draws nothing.
func (d *drawing) paintOf(text string, s style, opacity float64, box box) *paint {
	if strings.HasPrefix(text, "url(") {
		if p, ok := d.gradient(idIn(text), s, opacity, box); ok {
			return p
		}
		_, text, _ = strings.Cut(text, ")") // what is drawn instead
		text = strings.TrimSpace(text)
	}
	if text == "" {
		return nil
	}
	c := d.color(text, s)
	c.A = uint8(float64(c.A)*opacity + 0.5)
	if c.A == 0 {
		return nil
	}
	return &paint{color: c}
}

// color reads a color. What can't be read is refused.
func (d *drawing) color(text string, s style) color.NRGBA {
	c, ok := colorOf(text, s["color"])
	if !ok {
		d.refuse(text)
	}
	return c
}

// colorOf reads a color (CSS Color 4, all but color spaces), none and transparent;
// false for what can't be read.
func colorOf(text, current string) (c color.NRGBA, ok bool) {
	text, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(text)), " icc-color(")
	if text == "currentcolor" {
		text = strings.ToLower(current)
	}
	if text == "none" || text == "transparent" {
		return c, true
	}
	if named, found := colornames.Map[text]; found {
		return color.NRGBA(named), true
	}
	if digits, found := strings.CutPrefix(text, "#"); found {
		return hexColor(digits)
	}
	function, inner, _ := strings.Cut(text, "(")
	parts := strings.FieldsFunc(strings.TrimSuffix(inner, ")"), func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if len(parts) < 3 || len(parts) > 4 {
		return c, false
	}
	switch function {
	case "rgb", "rgba":
		c, ok = rgbColor(parts)
	case "hsl", "hsla":
		c, ok = hslColor(parts)
	}
	if len(parts) == 4 {
		c.A = uint8(fraction(parts[3])*255 + 0.5)
	}
	return c, ok
}

func rgbColor(parts []string) (color.NRGBA, bool) {
	var channels [3]uint8
	for i := range channels {
		value, whole := strings.CutSuffix(parts[i], "%")
		channel, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return color.NRGBA{}, false
		}
		if whole {
			channel *= 2.55
		}
		channels[i] = channelOf(channel)
	}
	return color.NRGBA{channels[0], channels[1], channels[2], 255}, true
}

// hslColor reads hue, saturation and lightness (CSS Color 4, 7).
func hslColor(parts []string) (color.NRGBA, bool) {
	hue, wrong := strconv.ParseFloat(strings.TrimSuffix(parts[0], "deg"), 64)
	s, wrongS := strconv.ParseFloat(strings.TrimSuffix(parts[1], "%"), 64)
	l, wrongL := strconv.ParseFloat(strings.TrimSuffix(parts[2], "%"), 64)
	if wrong != nil || wrongS != nil || wrongL != nil {
		return color.NRGBA{}, false
	}
	s, l = min(1, max(0, s/100)), min(1, max(0, l/100))
	channel := func(n float64) uint8 {
		k := math.Mod(math.Mod(n+hue/30, 12)+12, 12)
		return channelOf(255 * (l - s*min(l, 1-l)*max(-1, min(k-3, 9-k, 1))))
	}
	return color.NRGBA{channel(0), channel(8), channel(4), 255}, true
}

func channelOf(value float64) uint8 {
	if math.IsNaN(value) {
		return 0
	}
	return uint8(min(255, max(0, value)) + 0.5)
}

func hexColor(digits string) (color.NRGBA, bool) {
	if len(digits) == 3 || len(digits) == 4 {
		var long []byte
		for _, c := range []byte(digits) {
			long = append(long, c, c)
		}
		digits = string(long)
	}
	if len(digits) == 6 {
		digits += "ff"
	}
	var bytes [4]uint8
	if len(digits) != 8 {
		return color.NRGBA{}, false
	}
	for i := range 8 {
		v := strings.IndexByte("0123456789abcdef", digits[i])
		if v < 0 {
			return color.NRGBA{}, false
		}
		bytes[i/2] = bytes[i/2]<<4 | uint8(v)
	}
	return color.NRGBA{bytes[0], bytes[1], bytes[2], bytes[3]}, true
}

// stop is a color at a place between 0 and 1.
type stop struct {
	at    float64
	color color.NRGBA
}

// maxChain is how many gradients may refer to each other.
const maxChain = 8

// gradient makes the paint of a gradient; false when there is none of that id.
func (d *drawing) gradient(id string, s style, opacity float64, box box) (*paint, bool) {
	n := d.byID[id]
	if n == nil || n.name != "linearGradient" && n.name != "radialGradient" {
		return nil, false
	}
	attrs, stops := map[string]string{}, []stop(nil)
	for at, i := n, 0; at != nil && i < maxChain; at, i = d.byID[idIn(at.attrs["href"])], i+1 {
		d.spend(perProperty * len(at.attrs))
		for key, value := range at.attrs {
			if _, set := attrs[key]; !set {
				attrs[key] = value
			}
		}
		if stops == nil {
			stops = d.stops(at, s, opacity)
		}
		if at.attrs["href"] == "" {
			break
		}
	}
	if len(stops) == 0 {
		return nil, true
	}
	to := matrix{1, 0, 0, 1, 0, 0}
	if attrs["gradientUnits"] != "userSpaceOnUse" {
		to = matrix{box.w, 0, 0, box.h, box.x, box.y}
	}
	if m, ok := transform(attrs["gradientTransform"]); ok {
		to = to.times(m)
	}
	if !to.sane() {
		last := stops[len(stops)-1].color
		return &paint{color: last}, true
	}
	from, spread := to.inverse(), attrs["spreadMethod"]
	where, colors := d.place(n.name, attrs), d.ramp(stops)
	return &paint{at: func(p point) color.NRGBA {
		return colors[int(spreadOut(where(from.apply(p)), spread)*rampSteps+0.5)]
	}}, true
}

// rampSteps is how many colors a gradient has at most, less one.
const rampSteps = 512

// ramp is the colors of a gradient from its begin to its end.
func (d *drawing) ramp(stops []stop) []color.NRGBA {
	d.spend(4 * rampSteps)
	colors := make([]color.NRGBA, rampSteps+1)
	for i := range colors {
		colors[i] = mix(stops, float64(i)/rampSteps)
	}
	return colors
}

// place says how far along a gradient a point is.
func (d *drawing) place(name string, attrs map[string]string) func(p point) float64 {
	across, down, around := 1.0, 1.0, 1.0 // what percentages are of
	if attrs["gradientUnits"] == "userSpaceOnUse" {
		across, down, around = d.width, d.height, d.diagonal()
	}
	at := func(key string, whole, otherwise float64) float64 {
		return d.length(attrs[key], whole, otherwise*whole)
	}
	if name == "radialGradient" {
		cx, cy, r := at("cx", across, 0.5), at("cy", down, 0.5), at("r", around, 0.5)
		return func(p point) float64 {
			if r <= 0 {
				return 1
			}
			return math.Hypot(p.x-cx, p.y-cy) / r
		}
	}
	x1, y1 := at("x1", across, 0), at("y1", down, 0)
	dx, dy := at("x2", across, 1)-x1, at("y2", down, 0)-y1
	square := dx*dx + dy*dy
	return func(p point) float64 {
		if square == 0 {
			return 1
		}
		return ((p.x-x1)*dx + (p.y-y1)*dy) / square
	}
}

// stops reads the stops of a gradient, in order.
func (d *drawing) stops(n *node, s style, opacity float64) (list []stop) {
	for _, c := range n.children {
		if c.name != "stop" {
			continue
		}
		d.spend(4 * perProperty)
		own, _ := d.properties(c)
		one := stop{at: 0, color: color.NRGBA{A: 255}}
		if own["offset"] != "" {
			one.at = fraction(own["offset"])
		}
		if own["stop-color"] != "" {
			one.color = d.color(own["stop-color"], s)
		}
		one.color.A = uint8(float64(one.color.A)*fraction(own["stop-opacity"])*opacity + 0.5)
		if len(list) > 0 {
			one.at = max(one.at, list[len(list)-1].at)
		}
		list = append(list, one)
	}
	return list
}

func spreadOut(t float64, method string) float64 {
	switch {
	case math.IsNaN(t):
		return 0
	case method == "repeat":
		return t - math.Floor(t)
	case method == "reflect":
		return math.Abs(math.Mod(math.Abs(t)+1, 2) - 1)
	}
	return min(1, max(0, t))
}

// mix is the color at a place.
func mix(stops []stop, t float64) color.NRGBA {
	i := sort.Search(len(stops), func(i int) bool { return t < stops[i].at })
	if i == 0 {
		return stops[0].color
	}
	if i == len(stops) {
		return stops[i-1].color
	}
	before, s := stops[i-1], stops[i]
	k := (t - before.at) / (s.at - before.at)
	between := func(a, b uint8) uint8 { return uint8(float64(a)*(1-k) + float64(b)*k + 0.5) }
	return color.NRGBA{between(before.color.R, s.color.R), between(before.color.G, s.color.G),
		between(before.color.B, s.color.B), between(before.color.A, s.color.A)}
}

// paper is an image that is drawn on. Its ink holds, for each pixel of the shape
// at work, how much the winding number changes from the pixel to the left.
type paper struct {
	*budget
	image  *image.RGBA
	w, h   int
	stride int
	ink    []float32
	inked  image.Rectangle // where there is ink
}

func newPaper(w, h int, b *budget) *paper {
	b.spend(w * h)
	return &paper{budget: b, image: image.NewRGBA(image.Rect(0, 0, w, h)), w: w, h: h, stride: w + 2, ink: make([]float32, (w+2)*h)}
}

// paint draws a shape; view maps the view box to the paper.
func (p *paper) paint(s *shape, view matrix) {
	to := view.times(s.to)
	if !to.sane() {
		return
	}
	back := to.inverse()
	if s.fill != nil {
		p.outline(s.path, to)
		p.apply(s.evenOdd, s.fill, back)
	}
	if s.stroke != nil {
		p.strokeOutline(s, to)
		p.apply(false, s.stroke, back)
	}
}

// outline puts the flattened path onto the paper, closed.
func (p *paper) outline(path []command, to matrix) {
	var at, start point
	for _, c := range path {
		switch c.kind {
		case 'm':
			p.line(at, start)
			at = to.apply(c.to[0])
			start = at
		case 'l':
			next := to.apply(c.to[0])
			p.line(at, next)
			at = next
		case 'c':
			at = p.flatten(at, to.apply(c.to[0]), to.apply(c.to[1]), to.apply(c.to[2]), p.line)
		case 'z':
			p.line(at, start)
			at = start
		}
	}
	p.line(at, start)
}

// flatten turns a curve into lines that are never further from it than a tenth of
// a pixel, as far as there are not too many, and returns its end.
func (p *paper) flatten(a, b, c, d point, line func(from, to point)) point {
	bend := max(math.Hypot(a.x-2*b.x+c.x, a.y-2*b.y+c.y), math.Hypot(b.x-2*c.x+d.x, b.y-2*c.y+d.y))
	n := max(1, int(min(400, math.Ceil(math.Sqrt(bend*7.5)))))
	from := a
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		u := 1 - t
		next := point{u*u*u*a.x + 3*u*u*t*b.x + 3*u*t*t*c.x + t*t*t*d.x, u*u*u*a.y + 3*u*u*t*b.y + 3*u*t*t*c.y + t*t*t*d.y}
		if i == n {
			next = d
		}
		line(from, next)
		from = next
	}
	return d
}

// line adds an edge to the ink: for each row that it crosses, the area to its
// right.
func (p *paper) line(from, to point) {
	direction := 1.0
	if from.y > to.y {
		from, to, direction = to, from, -1
	}
	if from.y == to.y || to.y <= 0 || from.y >= float64(p.h) {
		p.spend(1)
		return
	}
	slope := (to.x - from.x) / (to.y - from.y)
	x := from.x
	if from.y < 0 {
		x, from.y = x-from.y*slope, 0
	}
	first, end := int(from.y), min(p.h, int(math.Ceil(min(to.y, float64(p.h)))))
	for y := first; y < end; y++ {
		dy := min(float64(y+1), to.y) - max(float64(y), from.y)
		next := x + slope*dy
		left, right := clampTo(x, p.w), clampTo(next, p.w)
		if left > right {
			left, right = right, left
		}
		p.row(y, left, right, direction*dy)
		x = next
	}
}

func clampTo(x float64, w int) float64 { return min(float64(w), max(0, x)) }

// row spreads the height of an edge over the pixels of a row from left to right
// that it crosses.
func (p *paper) row(y int, left, right, height float64) {
	i, j := int(left), int(math.Ceil(right))
	p.spend(4 + 2*(j-i))
	p.inked = p.inked.Union(image.Rect(i, y, max(i+1, j)+1, y+1))
	ink := p.ink[y*p.stride : (y+1)*p.stride]
	if j <= i+1 { // within one pixel
		beyond := 0.5*(left+right) - float64(i)
		ink[i] += float32(height * (1 - beyond))
		ink[i+1] += float32(height * beyond)
		return
	}
	per := height / (right - left)
	covered := 0.0 // of the pixels so far
	for x := i; x < j; x++ {
		a, b := max(left, float64(x)), min(right, float64(x+1))
		area := per * (b - a) * (float64(x+1) - 0.5*(a+b)) // of this pixel
		before := per * (a - left)                         // edges to the left cover it whole
		whole := before + area
		ink[x] += float32(whole - covered)
		covered = whole
	}
	ink[j] += float32(height - covered)
}

// The units that a pixel takes with a color for each place, and when it lets what
// is below shine through.
const (
	perPlace = 6
	perBlend = 4
)

// transparent and opaque are what a pixel's alpha is taken for from there on.
const transparent, opaque = 1.0 / 512, 1 - 1.0/512

// apply turns the ink into color and takes it away.
func (p *paper) apply(evenOdd bool, c *paint, back matrix) {
	in := p.inked
	last := min(in.Max.X, p.w)
	for y := in.Min.Y; y < in.Max.Y; y++ {
		p.spend(last - in.Min.X)
		ink := p.ink[y*p.stride : (y+1)*p.stride]
		winding, cover := 0.0, 0.0
		for x := in.Min.X; x < last; x++ {
			if change := ink[x]; change != 0 {
				winding += float64(change)
				cover = covered(winding, evenOdd)
			}
			if cover < transparent {
				continue
			}
			color := c.color
			if c.at != nil {
				p.spend(perPlace)
				color = c.at(back.apply(point{float64(x) + 0.5, float64(y) + 0.5}))
			}
			p.blend(x, y, color, cover*float64(color.A)/255)
		}
		clear(ink[in.Min.X:in.Max.X])
	}
	p.inked = image.Rectangle{}
}

// covered is how much of a pixel is within the shape.
func covered(winding float64, evenOdd bool) float64 {
	if evenOdd {
		return math.Abs(math.Mod(math.Abs(winding)+1, 2) - 1)
	}
	return min(1, math.Abs(winding))
}

// blend puts a color over a pixel.
func (p *paper) blend(x, y int, c color.NRGBA, alpha float64) {
	at := y*p.image.Stride + 4*x
	pixel := (*[4]uint8)(p.image.Pix[at : at+4])
	if alpha > opaque {
		*pixel = [4]uint8{c.R, c.G, c.B, 255}
		return
	}
	p.spend(perBlend)
	for i, v := range [3]uint8{c.R, c.G, c.B} {
		pixel[i] = uint8(float64(v)*alpha + float64(pixel[i])*(1-alpha) + 0.5)
	}
	pixel[3] = uint8(255*alpha + float64(pixel[3])*(1-alpha) + 0.5)
	for i := range 3 { // rounding must not leave more color than there is
		pixel[i] = min(pixel[i], pixel[3])
	}
}
