// Package picture makes clean images out of files that somebody sent. What a
// file is, is told by its content: PNG, JPEG, WebP, GIF or SVG. Its size is
// checked before it is decoded, it is decoded once, and new PNG and WebP files
// are made from the pixels alone: no metadata, script, profile or trailing data
// of the sender's is in them.
//
// What can't be taken is a fault.Unprocessable error on the field "file".
// Decoding takes up to maxMemory at once and seconds of one core, so callers do
// one at a time.
package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"github.com/HugoSmits86/nativewebp"

	"sede/internal/fault"
)

// The limits on files.
const (
	MaxBytes  = 5 << 20    // of a file
	maxPixels = 40_000_000 // of an image, width times height
	maxMemory = 200 << 20  // bytes that decoding may take

	maxProportion = 1000 // how much longer one side may be than the other
)

// IconSizes are the sides of the squares that an icon is made in: those of
// browser tabs, Windows, bookmarks on iOS, and web app manifests.
var IconSizes = []int{16, 32, 48, 180, 192, 512}

// LogoWidths are the widths that a logo is made in, as far as the file has them.
var LogoWidths = []int{256, 512, 1024}

// maxLogo bounds both sides of a logo.
const maxLogo = 1024

// Rendition is one image that was made from a file.
type Rendition struct {
	Width, Height int
	PNG, WebP     []byte // the same pixels, both lossless
}

// source is an image that can be drawn in any size.
type source interface {
	// size is in pixels; that of a vector image is only a proportion.
	size() (width, height float64)
	// draw returns the whole image, stretched to the size.
	draw(width, height int) (*image.RGBA, error)
	// scalable reports whether drawing larger than size loses nothing.
	scalable() bool
}

// Icon makes squares of all IconSizes. An image that is no square is centered on
// a transparent one.
func Icon(file []byte) ([]Rendition, error) {
	s, err := read(file, IconSizes[len(IconSizes)-1])
	if err != nil {
		return nil, err
	}
	list := make([]Rendition, 0, len(IconSizes))
	for _, side := range IconSizes {
		w, h := s.size()
		width, height := fit(w, h, side, side)
		drawn, err := s.draw(width, height)
		if err != nil {
			return nil, err
		}
		r, err := encode(centered(drawn, side))
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Logo makes the image in each of LogoWidths that is not wider than the file's
// own, and in the file's own width when that is below the largest. Both sides stay
// within the largest; the proportion is kept.
func Logo(file []byte) ([]Rendition, error) {
	s, err := read(file, maxLogo)
	if err != nil {
		return nil, err
	}
	w, h := s.size()
	largest, _ := fit(w, h, maxLogo, maxLogo)
	if !s.scalable() {
		largest = min(largest, int(w))
	}
	var list []Rendition
	for _, width := range append(below(LogoWidths, largest), largest) {
		width, height := fit(w, h, width, maxLogo)
		drawn, err := s.draw(width, height)
		if err != nil {
			return nil, err
		}
		r, err := encode(drawn)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// below returns the first widths that are smaller than the limit.
func below(widths []int, limit int) []int {
	n := 0
	for n < len(widths) && widths[n] < limit {
		n++
	}
	return widths[:n:n]
}

// fit returns the largest size in the proportion of w to h that is within width
// and height, at least one pixel each.
func fit(w, h float64, width, height int) (int, int) {
	scale := min(float64(width)/w, float64(height)/h)
	return max(1, min(width, int(w*scale+0.5))), max(1, min(height, int(h*scale+0.5)))
}

// read finds out what the file is and decodes it. Nothing larger than target
// pixels will be drawn.
func read(file []byte, target int) (source, error) {
	if len(file) == 0 {
		return nil, refuse(fault.CodeBlank, fault.Textf("The file is empty."))
	}
	if len(file) > MaxBytes {
		return nil, refuse(fault.CodeTooLong, fault.Textf("The file is too large. It may have up to %d bytes.", MaxBytes))
	}
	switch f := sniff(file); f {
	case unknown:
		return nil, refuse(fault.CodeFileType, fault.Textf("The file is none of PNG, JPEG, WebP, GIF and SVG."))
	case formatSVG:
		return readSVG(file)
	default:
		return readRaster(file, f, target)
	}
}

// encode writes the image in both formats.
func encode(m *image.RGBA) (Rendition, error) {
	r := Rendition{Width: m.Rect.Dx(), Height: m.Rect.Dy()}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, m); err != nil {
		return r, fmt.Errorf("picture: %w", err)
	}
	r.PNG = bytes.Clone(b.Bytes())
	b.Reset()
	if err := nativewebp.Encode(&b, m, nil); err != nil {
		return r, fmt.Errorf("picture: %w", err)
	}
	r.WebP = bytes.Clone(b.Bytes())
	return r, nil
}

func tooThin() error {
	return refuse(fault.CodeTooHigh, fault.Textf("The image is too long and thin. One side may be up to %d times as long as the other.", maxProportion))
}

// refuse is the error for a file that can't be taken.
func refuse(code string, text fault.Text) error {
	return fault.Broken(fault.Violation{Path: "file", Code: code, Text: text})
}

// damaged is the error for a file that breaks off or is not what it begins as.
// The cause is told to developers.
func damaged(cause string) error {
	return fault.Broken(fault.Violation{Path: "file", Code: fault.CodeImage, Text: fault.Textf("The image is damaged or incomplete."), Hint: cause})
}
