package picture

import (
	"image"
	"math"

	"github.com/srwiley/rasterx"
	"golang.org/x/image/math/fixed"
)

// tracer takes the outline of a stroke from rasterx and puts it onto the paper.
type tracer struct {
	*paper
	at point
}

func fromFixed(p fixed.Point26_6) point { return point{float64(p.X) / 64, float64(p.Y) / 64} }

// toFixed keeps within what 26.6 numbers can hold with room for reckoning.
func toFixed(p point) fixed.Point26_6 {
	bound := func(v float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(64 * min(8_000, max(-8_000, v)))) }
	return fixed.Point26_6{X: bound(p.x), Y: bound(p.y)}
}

// Start begins an outline.
func (t *tracer) Start(a fixed.Point26_6) { t.at = fromFixed(a) }

// Line goes on with it.
func (t *tracer) Line(b fixed.Point26_6) {
	next := fromFixed(b)
	t.spend(30)
	t.line(t.at, next)
	t.at = next
}

// The rest of rasterx.Scanner is not needed: the paper knows its colors.

// Draw does nothing.
func (*tracer) Draw() {}

// GetPathExtent tells nothing.
func (*tracer) GetPathExtent() fixed.Rectangle26_6 { return fixed.Rectangle26_6{} }

// SetBounds does nothing.
func (*tracer) SetBounds(int, int) {}

// SetColor does nothing.
func (*tracer) SetColor(any) {}

// SetWinding does nothing.
func (*tracer) SetWinding(bool) {}

// Clear does nothing.
func (*tracer) Clear() {}

// SetClip does nothing.
func (*tracer) SetClip(image.Rectangle) {}

// strokeOutline puts the outline of the shape's stroke onto the paper. A
// stretched shape is drawn with a pen of its mean width.
func (p *paper) strokeOutline(s *shape, to matrix) {
	scale := math.Sqrt(math.Abs(to.determinant()))
	width := s.pen.width * scale
	if width < 1.0/16 || width > 60_000 {
		return
	}
	caps := map[string]rasterx.CapFunc{"round": rasterx.RoundCap, "square": rasterx.SquareCap}
	lineCap := caps[s.pen.cap]
	if lineCap == nil {
		lineCap = rasterx.ButtCap
	}
	join, gap := rasterx.Miter, rasterx.FlatGap
	switch s.pen.join {
	case "round":
		join, gap = rasterx.Round, rasterx.RoundGap
	case "bevel":
		join = rasterx.Bevel
	}
	dasher := rasterx.NewDasher(p.w, p.h, &tracer{paper: p})
	dasher.SetStroke(fixed.Int26_6(math.Round(width*64)), fixed.Int26_6(64*min(100, max(1, s.pen.miter))),
		lineCap, lineCap, gap, join, s.pen.scaled(scale), min(30_000, max(0, s.pen.offset*scale)))
	p.trace(s.path, to, dasher)
}

// scaled are the dashes in pixels; none when they are too short to be seen.
func (p *pen) scaled(scale float64) []float64 {
	dashes, total := make([]float64, len(p.dashes)), 0.0
	for i, d := range p.dashes {
		dashes[i] = min(30_000, max(0, d*scale))
		total += dashes[i]
	}
	if total < 0.5 || len(dashes) > 64 {
		return nil
	}
	if len(dashes)%2 == 1 {
		dashes = append(dashes, dashes...)
	}
	return dashes
}

// trace feeds the flattened path to the stroker. Points that fall together are
// left out, since they have no direction.
func (p *paper) trace(path []command, to matrix, out *rasterx.Dasher) {
	var at, start point
	open := false
	last := fixed.Point26_6{}
	begin := func(q point) {
		if open {
			out.Stop(false)
		}
		at, start, open, last = q, q, true, toFixed(q)
		out.Start(last)
	}
	line := func(_, q point) {
		p.spend(200) // joins cost
		if next := toFixed(q); next != last {
			out.Line(next)
			last = next
		}
	}
	for _, c := range path {
		switch c.kind {
		case 'm':
			begin(to.apply(c.to[0]))
		case 'l':
			if !open {
				begin(at)
			}
			next := to.apply(c.to[0])
			line(at, next)
			at = next
		case 'c':
			if !open {
				begin(at)
			}
			at = p.flatten(at, to.apply(c.to[0]), to.apply(c.to[1]), to.apply(c.to[2]), line)
		case 'z':
			if open {
				line(at, start)
				out.Stop(true)
			}
			at, open = start, false
		}
	}
	if open {
		out.Stop(false)
	}
}
