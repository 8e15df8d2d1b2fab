package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime/debug"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"sede/internal/fault"
)

// raster is a source of pixels, upright and no larger than needed.
type raster struct{ pixels *image.RGBA }

func (r *raster) size() (float64, float64) {
	return float64(r.pixels.Rect.Dx()), float64(r.pixels.Rect.Dy())
}

func (r *raster) scalable() bool { return false }

func (r *raster) draw(width, height int) (*image.RGBA, error) {
	return resize(r.pixels, width, height), nil
}

// codec decodes a format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	meta   imagemeta.ImageFormat // 0: the format has no orientation
}

func codecOf(f format) codec {
	switch f {
	case formatPNG:
		return codec{png.DecodeConfig, png.Decode, imagemeta.PNG}
	case formatJPEG:
		return codec{jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG}
	case formatWebP:
		return codec{webp.DecodeConfig, webp.Decode, imagemeta.WebP}
	default:
		return codec{gif.DecodeConfig, gif.Decode, 0}
	}
}

// readRaster decodes an image after all that can be checked without decoding.
func readRaster(file []byte, f format, target int) (source, error) {
	c := codecOf(f)
	config, err := c.config(bytes.NewReader(file))
	if err != nil {
		return nil, damaged(err.Error())
	}
	pixels := int64(config.Width) * int64(config.Height)
	if pixels < 1 {
		return nil, damaged("no pixels")
	}
	if pixels > maxPixels {
		return nil, refuse(fault.CodeTooHigh, fault.Textf("The image is too large. It may have up to %d megapixels.", maxPixels/1_000_000))
	}
	if config.Width > maxProportion*config.Height || config.Height > maxProportion*config.Width {
		return nil, tooThin()
	}
	if err := checkOutline(file, f); err != nil {
		return nil, err
	}
	needed := memory(file, f, pixels)
	if needed > maxMemory {
		return nil, refuse(fault.CodeTooHigh, fault.Textf("Reading the image takes too much memory. Make it smaller, or save it with 8 bits per channel, not interlaced and not progressive."))
	}
	decoded, err := c.decode(bytes.NewReader(file))
	if err != nil {
		return nil, damaged(err.Error())
	}
	canvas := image.Rect(0, 0, config.Width, config.Height) // the frame of a GIF may be smaller
	small := upright(reduce(decoded, canvas, target), orientation(file, c.meta))
	if decoded = nil; needed > maxMemory/8 {
		debug.FreeOSMemory() // else it would stand beside what is drawn now, and the next image
	}
	return &raster{small}, nil
}

// memory estimates the bytes that decoding takes at its peak, from the header and
// what the standard library and golang.org/x/image do.
func memory(file []byte, f format, pixels int64) int64 {
	switch f {
	case formatPNG: // IHDR: depth, color type, compression, filter, interlace
		depth, color, interlaced := file[24], file[25], file[28] == 1
		bytes := int64(4)
		switch {
		case depth == 16:
			bytes = 8
		case color == 3:
			bytes = 1
		}
		if interlaced { // the passes are images too
			return 2 * bytes * pixels
		}
		return bytes * pixels
	case formatJPEG:
		return memoryJPEG(file, pixels)
	case formatGIF:
		return pixels
	default: // the larger of NRGBA, and YCbCr with alpha
		return 4 * pixels
	}
}

// memoryJPEG adds up the samples of a JPEG's components; a progressive one keeps
// 4 bytes for each besides, and some color spaces are converted.
func memoryJPEG(file []byte, pixels int64) int64 {
	rgb := false
	for at := 2; at+10 <= len(file) && file[at] == 0xff; {
		marker := file[at+1]
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == 0xee && at+16 <= len(file) && string(file[at+4:at+9]) == "Adobe" {
			rgb = file[at+15] == 0 // no transform
		}
		if marker != 0xc0 && marker != 0xc1 && marker != 0xc2 {
			at += 2 + size
			continue
		}
		count := int(file[at+9])
		if at+10+3*count > len(file) {
			break
		}
		var samples, whole int64
		for i := range count {
			factors := file[at+11+3*i]
			samples += int64(factors>>4) * int64(factors&15)
			whole = max(whole, int64(factors>>4)*int64(factors&15))
		}
		total := pixels
		if whole > 0 {
			total = pixels * samples / whole
		}
		needed := total
		if marker == 0xc2 {
			needed += 4 * total
		}
		if count == 4 || rgb || count == 3 && string([]byte{file[at+10], file[at+13], file[at+16]}) == "RGB" {
			needed += 4 * pixels
		}
		return needed
	}
	return 8 * pixels
}

// orientation is the EXIF orientation, 1 to 8; 1, upright, when there is none or
// it can't be read.
func orientation(file []byte, f imagemeta.ImageFormat) int {
	found := 1
	if f == 0 {
		return found
	}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(file), ImageFormat: f, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if value, ok := tag.Value.(uint16); ok && 1 <= value && value <= 8 {
				found = int(value)
			}
			return imagemeta.ErrStopWalking
		},
	})
	if err != nil {
		return 1
	}
	return found
}

// reduce averages squares of pixels so that the longer side is at most twice the
// target, which bounds what resizing takes. Pixels of the canvas that the image
// does not have are transparent. It goes row by row, so that it needs little
// memory beside the image.
func reduce(m image.Image, canvas image.Rectangle, target int) *image.RGBA {
	w, h := canvas.Dx(), canvas.Dy()
	k := max(1, (max(w, h)+2*target-1)/(2*target))
	if k == 1 {
		whole := image.NewRGBA(canvas)
		draw.Draw(whole, m.Bounds(), m, m.Bounds().Min, draw.Src)
		return whole
	}
	small := image.NewRGBA(image.Rect(0, 0, (w+k-1)/k, (h+k-1)/k))
	row := image.NewRGBA(image.Rect(0, 0, w, 1))
	sums := make([]uint32, len(small.Pix)/small.Rect.Dy())
	for y := range small.Rect.Dy() {
		end := min(h, (y+1)*k)
		for at := y * k; at < end; at++ {
			place := image.Rect(0, at, w, at+1)
			here := place.Intersect(m.Bounds())
			clear(row.Pix)
			draw.Draw(row, here.Sub(place.Min), m, here.Min, draw.Src)
			addSquares(sums, row.Pix, 4*k)
		}
		averages(small.Pix[y*small.Stride:], sums, w, k, end-y*k)
		clear(sums)
	}
	return small
}

// addSquares adds the pixels of a row, premultiplied as they are, to the sums of
// the squares that they are in, which are size bytes wide.
func addSquares(sums []uint32, row []uint8, size int) {
	for at := 0; len(row) > 0; at += 4 {
		part := row[:min(size, len(row))]
		row = row[len(part):]
		sum := sums[at : at+4]
		for ; len(part) >= 4; part = part[4:] {
			sum[0] += uint32(part[0])
			sum[1] += uint32(part[1])
			sum[2] += uint32(part[2])
			sum[3] += uint32(part[3])
		}
	}
}

// averages writes the means of squares of k columns and some rows.
func averages(dst []uint8, sums []uint32, w, k, rows int) {
	for i, sum := range sums {
		n := uint32(rows * min(k, w-i/4*k))
		dst[i] = uint8((sum + n/2) / n)
	}
}

// upright turns and mirrors the image as its EXIF orientation says (CIPA
// DC-008, 4.6.5).
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	turned := image.NewRGBA(m.Rect)
	if orientation >= 5 {
		turned = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range turned.Rect.Dy() {
		for x := range turned.Rect.Dx() {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(turned.Pix[turned.PixOffset(x, y):][:4], m.Pix[m.PixOffset(sx, sy):])
		}
	}
	return turned
}

// resize stretches the image with a kernel that keeps edges sharp.
func resize(m *image.RGBA, width, height int) *image.RGBA {
	if m.Rect.Dx() == width && m.Rect.Dy() == height {
		return m
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(to, to.Rect, m, m.Rect, draw.Src, nil)
	return to
}

// centered puts the image in the middle of a transparent square.
func centered(m *image.RGBA, side int) *image.RGBA {
	if m.Rect.Dx() == side && m.Rect.Dy() == side {
		return m
	}
	to := image.NewRGBA(image.Rect(0, 0, side, side))
	at := image.Pt((side-m.Rect.Dx())/2, (side-m.Rect.Dy())/2)
	draw.Draw(to, m.Rect.Add(at), m, image.Point{}, draw.Src)
	return to
}
