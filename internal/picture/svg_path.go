package picture

import (
	"math"
	"strconv"
	"strings"
)

type point struct{ x, y float64 }

// matrix maps (x, y) to (a·x + c·y + e, b·x + d·y + f).
type matrix struct{ a, b, c, d, e, f float64 }

// times is the matrix that applies n first and then m.
func (m matrix) times(n matrix) matrix {
	return matrix{m.a*n.a + m.c*n.b, m.b*n.a + m.d*n.b, m.a*n.c + m.c*n.d, m.b*n.c + m.d*n.d,
		m.a*n.e + m.c*n.f + m.e, m.b*n.e + m.d*n.f + m.f}
}

func (m matrix) apply(p point) point {
	return point{m.a*p.x + m.c*p.y + m.e, m.b*p.x + m.d*p.y + m.f}
}

func (m matrix) determinant() float64 { return m.a*m.d - m.b*m.c }

// sane reports whether the matrix neither flattens nor blows up.
func (m matrix) sane() bool {
	for _, v := range []float64{m.a, m.b, m.c, m.d, m.e, m.f} {
		if math.IsNaN(v) || math.Abs(v) > 1e9 {
			return false
		}
	}
	return math.Abs(m.determinant()) > 1e-12
}

func (m matrix) inverse() matrix {
	k := 1 / m.determinant()
	return matrix{m.d * k, -m.b * k, -m.c * k, m.a * k, (m.c*m.f - m.d*m.e) * k, (m.b*m.e - m.a*m.f) * k}
}

// transform reads the attribute of that name (SVG 2, 8.5).
func transform(text string) (matrix, bool) {
	whole := matrix{1, 0, 0, 1, 0, 0}
	for {
		text = strings.TrimLeft(text, " \t\r\n,")
		if text == "" {
			return whole, true
		}
		name, rest, found := strings.Cut(text, "(")
		inner, after, closed := strings.Cut(rest, ")")
		if !found || !closed {
			return whole, false
		}
		m, ok := oneTransform(strings.TrimSpace(name), numbers(inner))
		if !ok {
			return whole, false
		}
		whole, text = whole.times(m), after
	}
}

func oneTransform(name string, n []float64) (matrix, bool) {
	switch {
	case name == "matrix" && len(n) == 6:
		return matrix{n[0], n[1], n[2], n[3], n[4], n[5]}, true
	case name == "translate" && len(n) == 1:
		return matrix{1, 0, 0, 1, n[0], 0}, true
	case name == "translate" && len(n) == 2:
		return matrix{1, 0, 0, 1, n[0], n[1]}, true
	case name == "scale" && len(n) == 1:
		return matrix{n[0], 0, 0, n[0], 0, 0}, true
	case name == "scale" && len(n) == 2:
		return matrix{n[0], 0, 0, n[1], 0, 0}, true
	case name == "rotate" && (len(n) == 1 || len(n) == 3):
		sin, cos := math.Sincos(n[0] * math.Pi / 180)
		m := matrix{cos, sin, -sin, cos, 0, 0}
		if len(n) == 3 {
			m = matrix{1, 0, 0, 1, n[1], n[2]}.times(m).times(matrix{1, 0, 0, 1, -n[1], -n[2]})
		}
		return m, true
	case name == "skewX" && len(n) == 1:
		return matrix{1, 0, math.Tan(n[0] * math.Pi / 180), 1, 0, 0}, true
	case name == "skewY" && len(n) == 1:
		return matrix{1, math.Tan(n[0] * math.Pi / 180), 0, 1, 0, 0}, true
	}
	return matrix{}, false
}

// numbers reads a list of numbers; what follows something else is left out.
func numbers(text string) (list []float64) {
	r := reader{text}
	for {
		value, ok := r.number()
		if !ok {
			return list
		}
		list = append(list, value)
	}
}

// reader takes numbers off the front of a text.
type reader struct{ rest string }

func (r *reader) skip() { r.rest = strings.TrimLeft(r.rest, " \t\r\n\f,") }

// number takes a number as SVG writes it: "1.5.5-3" is 1.5, .5 and -3.
func (r *reader) number() (float64, bool) {
	r.skip()
	i, digits, dot := 0, 0, false
	if i < len(r.rest) && (r.rest[i] == '-' || r.rest[i] == '+') {
		i++
	}
	for ; i < len(r.rest); i++ {
		if c := r.rest[i]; '0' <= c && c <= '9' {
			digits++
		} else if c == '.' && !dot {
			dot = true
		} else {
			break
		}
	}
	if digits == 0 {
		return 0, false
	}
	if i < len(r.rest) && (r.rest[i] == 'e' || r.rest[i] == 'E') {
		j := i + 1
		if j < len(r.rest) && (r.rest[j] == '-' || r.rest[j] == '+') {
			j++
		}
		if j < len(r.rest) && '0' <= r.rest[j] && r.rest[j] <= '9' {
			for i = j; i < len(r.rest) && '0' <= r.rest[i] && r.rest[i] <= '9'; i++ {
			}
		}
	}
	value, err := strconv.ParseFloat(r.rest[:i], 64)
	r.rest = r.rest[i:]
	return value, err == nil
}

// flag takes a single 0 or 1.
func (r *reader) flag() (float64, bool) {
	r.skip()
	if r.rest == "" || r.rest[0] != '0' && r.rest[0] != '1' {
		return 0, false
	}
	value := float64(r.rest[0] - '0')
	r.rest = r.rest[1:]
	return value, true
}

// command is a part of a path: a move or line to the last point, or a cubic curve.
type command struct {
	kind byte // m, l, c, z
	to   [3]point
}

// pathBuilder makes paths of absolute commands.
type pathBuilder struct {
	path      []command
	at, start point
	control   point // of the curve before
	last      byte  // the command before
}

func (p *pathBuilder) move(x, y float64) {
	p.at, p.start = point{x, y}, point{x, y}
	p.path = append(p.path, command{kind: 'm', to: [3]point{p.at}})
}

func (p *pathBuilder) line(x, y float64) {
	p.at = point{x, y}
	p.path = append(p.path, command{kind: 'l', to: [3]point{p.at}})
}

func (p *pathBuilder) curve(x1, y1, x2, y2, x, y float64) {
	p.control, p.at = point{x2, y2}, point{x, y}
	p.path = append(p.path, command{kind: 'c', to: [3]point{{x1, y1}, {x2, y2}, {x, y}}})
}

func (p *pathBuilder) quad(x1, y1, x, y float64) {
	a := p.at
	p.curve(a.x+2*(x1-a.x)/3, a.y+2*(y1-a.y)/3, x+2*(x1-x)/3, y+2*(y1-y)/3, x, y)
	p.control = point{x1, y1}
}

func (p *pathBuilder) close() {
	p.path = append(p.path, command{kind: 'z'})
	p.at = p.start
}

// quarter is how far the control points of a quarter of a circle are from its
// ends.
const quarter = 0.5522847498307936

func (p *pathBuilder) ellipse(cx, cy, rx, ry float64) {
	if rx <= 0 || ry <= 0 {
		return
	}
	p.rect(cx-rx, cy-ry, 2*rx, 2*ry, rx, ry)
}

func (p *pathBuilder) rect(x, y, w, h, rx, ry float64) {
	if w <= 0 || h <= 0 {
		return
	}
	rx, ry = min(rx, w/2), min(ry, h/2)
	kx, ky := rx*(1-quarter), ry*(1-quarter)
	p.move(x+rx, y)
	p.line(x+w-rx, y)
	if rx > 0 && ry > 0 {
		p.curve(x+w-kx, y, x+w, y+ky, x+w, y+ry)
		p.line(x+w, y+h-ry)
		p.curve(x+w, y+h-ky, x+w-kx, y+h, x+w-rx, y+h)
		p.line(x+rx, y+h)
		p.curve(x+kx, y+h, x, y+h-ky, x, y+h-ry)
		p.line(x, y+ry)
		p.curve(x, y+ky, x+kx, y, x+rx, y)
	} else {
		p.line(x+w, y+h)
		p.line(x, y+h)
	}
	p.close()
}

// arc adds an elliptical arc as cubic curves (SVG 2, B.2).
func (p *pathBuilder) arc(rx, ry, rotation float64, large, sweep bool, x, y float64) {
	from, to := p.at, point{x, y}
	rx, ry = math.Abs(rx), math.Abs(ry)
	if from == to {
		return
	}
	if rx == 0 || ry == 0 {
		p.line(x, y)
		return
	}
	sin, cos := math.Sincos(rotation * math.Pi / 180)
	dx, dy := (from.x-to.x)/2, (from.y-to.y)/2
	x1, y1 := cos*dx+sin*dy, cos*dy-sin*dx
	if grow := x1*x1/(rx*rx) + y1*y1/(ry*ry); grow > 1 {
		rx, ry = rx*math.Sqrt(grow), ry*math.Sqrt(grow)
	}
	k := math.Sqrt(max(0, (rx*rx*ry*ry-rx*rx*y1*y1-ry*ry*x1*x1)/(rx*rx*y1*y1+ry*ry*x1*x1)))
	if large == sweep {
		k = -k
	}
	cx1, cy1 := k*rx*y1/ry, -k*ry*x1/rx
	center := matrix{cos * rx, sin * rx, -sin * ry, cos * ry, cos*cx1 - sin*cy1 + (from.x+to.x)/2, sin*cx1 + cos*cy1 + (from.y+to.y)/2}
	begin := math.Atan2((y1-cy1)/ry, (x1-cx1)/rx)
	turn := math.Atan2((-y1-cy1)/ry, (-x1-cx1)/rx) - begin
	if sweep && turn < 0 {
		turn += 2 * math.Pi
	} else if !sweep && turn > 0 {
		turn -= 2 * math.Pi
	}
	parts := max(1, int(math.Ceil(math.Abs(turn)/(math.Pi/2)-1e-9)))
	step := turn / float64(parts)
	pull := 4.0 / 3 * math.Tan(step/4)
	for i := range parts {
		s0, c0 := math.Sincos(begin + float64(i)*step)
		s1, c1 := math.Sincos(begin + float64(i+1)*step)
		a, b, end := center.apply(point{c0 - pull*s0, s0 + pull*c0}), center.apply(point{c1 + pull*s1, s1 - pull*c1}), center.apply(point{c1, s1})
		if i == parts-1 {
			end = to
		}
		p.curve(a.x, a.y, b.x, b.y, end.x, end.y)
	}
}

// arguments is how many numbers a command of path data takes.
var arguments = map[byte]int{'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}

// parsePath reads path data (SVG 2, 9.3); false when something in it can't be
// read.
func parsePath(text string) ([]command, bool) {
	var p pathBuilder
	r := reader{text}
	var kind byte
	for r.skip(); r.rest != ""; r.skip() {
		c := r.rest[0]
		upper := c &^ 0x20
		if _, known := arguments[upper]; known && ('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			kind, r.rest = c, r.rest[1:]
		} else if kind == 0 || kind&^0x20 == 'Z' {
			return nil, false
		}
		upper = kind &^ 0x20
		if len(p.path) == 0 && upper != 'M' {
			return nil, false
		}
		if len(p.path) > maxCommands {
			return p.path, true // too many, whatever follows
		}
		var n [7]float64
		for i := range arguments[upper] {
			read := r.number
			if upper == 'A' && (i == 3 || i == 4) {
				read = r.flag
			}
			value, ok := read()
			if !ok || math.Abs(value) > 1e9 {
				return nil, false
			}
			n[i] = value
		}
		p.step(upper, kind >= 'a', n)
		if math.Abs(p.at.x) > 1e9 || math.Abs(p.at.y) > 1e9 {
			return nil, false
		}
		switch kind { // further pairs are lines
		case 'M':
			kind = 'L'
		case 'm':
			kind = 'l'
		}
	}
	return p.path, true
}

// step adds one command of path data.
func (p *pathBuilder) step(kind byte, relative bool, n [7]float64) {
	var o point
	if relative {
		o = p.at
	}
	mirrored := p.at
	if before := p.last; kind == 'S' && (before == 'C' || before == 'S') || kind == 'T' && (before == 'Q' || before == 'T') {
		mirrored = point{2*p.at.x - p.control.x, 2*p.at.y - p.control.y}
	}
	switch kind {
	case 'M':
		p.move(o.x+n[0], o.y+n[1])
	case 'L':
		p.line(o.x+n[0], o.y+n[1])
	case 'H':
		p.line(o.x+n[0], p.at.y)
	case 'V':
		p.line(p.at.x, o.y+n[0])
	case 'C':
		p.curve(o.x+n[0], o.y+n[1], o.x+n[2], o.y+n[3], o.x+n[4], o.y+n[5])
	case 'S':
		p.curve(mirrored.x, mirrored.y, o.x+n[0], o.y+n[1], o.x+n[2], o.y+n[3])
	case 'Q':
		p.quad(o.x+n[0], o.y+n[1], o.x+n[2], o.y+n[3])
	case 'T':
		p.quad(mirrored.x, mirrored.y, o.x+n[0], o.y+n[1])
	case 'A':
		p.arc(n[0], n[1], n[2], n[3] == 1, n[4] == 1, o.x+n[5], o.y+n[6])
	case 'Z':
		p.close()
	}
	p.last = kind
}

// box is the smallest rectangle around the points of a path.
type box struct{ x, y, w, h float64 }

func bounds(path []command) box {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, c := range path {
		count := map[byte]int{'m': 1, 'l': 1, 'c': 3}[c.kind]
		for _, q := range c.to[:count] {
			low = point{min(low.x, q.x), min(low.y, q.y)}
			high = point{max(high.x, q.x), max(high.y, q.y)}
		}
	}
	return box{low.x, low.y, high.x - low.x, high.y - low.y}
}
