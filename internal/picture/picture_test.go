package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"sede/internal/fault"
)

// flag is red on the left, blue on the right, with a green dot in the corner at
// the top left, so that no two orientations of it are equal.
func flag(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			switch {
			case x < w/4 && y < h/4:
				m.SetNRGBA(x, y, color.NRGBA{0, 255, 0, 255})
			case x < w/2:
				m.SetNRGBA(x, y, color.NRGBA{255, 0, 0, 255})
			default:
				m.SetNRGBA(x, y, color.NRGBA{0, 0, 255, 255})
			}
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifOf is an animation when there are several images.
func gifOf(t testing.TB, images ...*image.NRGBA) []byte {
	t.Helper()
	all := &gif.GIF{}
	for _, m := range images {
		p := image.NewPaletted(m.Rect, color.Palette{color.Transparent, color.NRGBA{0, 255, 0, 255}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}})
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				p.Set(x, y, m.At(x, y))
			}
		}
		all.Image, all.Delay = append(all.Image, p), append(all.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func webpOf(t testing.TB, m *image.NRGBA) []byte {
	t.Helper()
	rgba := image.NewRGBA(m.Rect)
	draw.Draw(rgba, m.Rect, m, image.Point{}, draw.Src)
	r, err := encode(rgba)
	if err != nil {
		t.Fatal(err)
	}
	return r.WebP
}

// pixelsOf decodes both files of a rendition, which must show the same.
func pixelsOf(t testing.TB, r Rendition) *image.NRGBA {
	t.Helper()
	a, err := png.Decode(bytes.NewReader(r.PNG))
	if err != nil {
		t.Fatal(err)
	}
	b, err := webp.Decode(bytes.NewReader(r.WebP))
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(0, 0, r.Width, r.Height); a.Bounds() != want || b.Bounds() != want {
		t.Fatalf("%v and %v, want %v", a.Bounds(), b.Bounds(), want)
	}
	m := image.NewNRGBA(a.Bounds())
	for y := range r.Height {
		for x := range r.Width {
			c := color.NRGBAModel.Convert(a.At(x, y)).(color.NRGBA)
			if other := color.NRGBAModel.Convert(b.At(x, y)).(color.NRGBA); other != c && (c.A != 0 || other.A != 0) {
				t.Fatalf("at %d,%d of %dx%d PNG has %v, WebP %v", x, y, r.Width, r.Height, c, other)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// near reports whether the colors look the same.
func near(a, b color.NRGBA) bool {
	distance := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return distance(a.R, b.R) < 24 && distance(a.G, b.G) < 24 && distance(a.B, b.B) < 24 && distance(a.A, b.A) < 24
}

// isFlag reports whether the image is the flag, upright.
func isFlag(m *image.NRGBA) bool {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	return near(m.NRGBAAt(w/8, h/8), color.NRGBA{0, 255, 0, 255}) &&
		near(m.NRGBAAt(w/8, h*7/8), color.NRGBA{255, 0, 0, 255}) &&
		near(m.NRGBAAt(w*7/8, h/8), color.NRGBA{0, 0, 255, 255}) &&
		near(m.NRGBAAt(w*7/8, h*7/8), color.NRGBA{0, 0, 255, 255})
}

// files are the flag in every raster format.
func files(t testing.TB, w, h int) map[string][]byte {
	return map[string][]byte{
		"png": pngOf(t, flag(w, h)), "jpeg": jpegOf(t, flag(w, h)), "gif": gifOf(t, flag(w, h)), "webp": webpOf(t, flag(w, h)),
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for name, file := range files(t, 640, 480) {
		list, err := Logo(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var sizes [][2]int
		for _, r := range list {
			sizes = append(sizes, [2]int{r.Width, r.Height})
			if !isFlag(pixelsOf(t, r)) {
				t.Errorf("%s %dx%d: another picture", name, r.Width, r.Height)
			}
		}
		if len(sizes) != 3 || sizes[0] != [2]int{256, 192} || sizes[1] != [2]int{512, 384} || sizes[2] != [2]int{640, 480} {
			t.Errorf("%s: sizes %v", name, sizes)
		}
	}
}

func TestIcon(t *testing.T) {
	t.Parallel()
	list, err := Icon(pngOf(t, flag(400, 200)))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range list {
		if r.Width != IconSizes[i] || r.Height != IconSizes[i] {
			t.Errorf("%dx%d, want %d", r.Width, r.Height, IconSizes[i])
		}
		m := pixelsOf(t, r)
		if m.NRGBAAt(r.Width/2, 1).A != 0 || m.NRGBAAt(r.Width/2, r.Height-2).A != 0 {
			t.Errorf("%d: the edges are not transparent", r.Width)
		}
		inner := m.SubImage(image.Rect(0, r.Height/4, r.Width, r.Height*3/4)).(*image.NRGBA)
		if !isFlag(&image.NRGBA{Pix: inner.Pix, Stride: inner.Stride, Rect: image.Rect(0, 0, inner.Rect.Dx(), inner.Rect.Dy())}) {
			t.Errorf("%d: another picture", r.Width)
		}
	}
}

// TestLogoSizes never enlarges, keeps the proportion and both sides within 1024.
func TestLogoSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, width, height, count int }{
		{1, 1, 1, 1, 1}, {256, 10, 256, 10, 1}, {257, 10, 257, 10, 2}, {1024, 1024, 1024, 1024, 3}, {3000, 500, 1024, 171, 3},
		{100, 4000, 26, 1024, 1}, {4000, 4, 1024, 1, 3}, {2049, 300, 1024, 150, 3},
	} {
		list, err := Logo(pngOf(t, image.NewGray(image.Rect(0, 0, c.w, c.h))))
		if err != nil {
			t.Fatal(err)
		}
		last := list[len(list)-1]
		if len(list) != c.count || last.Width != c.width || last.Height != c.height {
			t.Errorf("%dx%d: %d images up to %dx%d", c.w, c.h, len(list), last.Width, last.Height)
		}
	}
}

func TestTransparencyIsKept(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 600, 600))
	for i := range 600 * 600 {
		m.SetNRGBA(i%600, i/600, color.NRGBA{200, 100, 50, uint8(i % 600 * 255 / 599)})
	}
	for name, file := range map[string][]byte{"png": pngOf(t, m), "webp": webpOf(t, m)} {
		list, err := Logo(file)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, r := range list {
			got := pixelsOf(t, r)
			for _, x := range []int{r.Width / 4, r.Width / 2, r.Width - 2} {
				want := color.NRGBA{200, 100, 50, uint8(x * 255 / r.Width)}
				if c := got.NRGBAAt(x, r.Height/2); !near(c, want) {
					t.Errorf("%s %d: %v at %d, want %v", name, r.Width, c, x, want)
				}
			}
		}
	}
}

// exif is an APP1 segment with an orientation, in either byte order, and a place
// where the photo was taken.
func exif(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("Exif\x00\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = append(b, "MM\x00*\x00\x00\x00\x08"...)
	} else {
		b = append(b, "II*\x00\x08\x00\x00\x00"...)
	}
	b = order.AppendUint16(b, 2)
	b = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x010e), 2), 4), "Dom\x00"...)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x0112), 3), 1)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, orientation), 0), 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(b)+2))
	return append(segment, b...)
}

// TestOrientation stores the flag turned and mirrored in all eight ways: it comes
// out upright, and nothing of the metadata is left.
func TestOrientation(t *testing.T) {
	t.Parallel()
	inverse := []int{0, 1, 2, 3, 4, 5, 8, 7, 6}
	for orientation := 1; orientation <= 8; orientation++ {
		whole := image.NewRGBA(image.Rect(0, 0, 320, 160))
		draw.Draw(whole, whole.Rect, flag(320, 160), image.Point{}, draw.Src)
		stored := jpegOf(t, upright(whole, inverse[orientation]))
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			file := append(append(stored[:2:2], exif(order, uint16(orientation))...), stored[2:]...)
			list, err := Logo(file)
			if err != nil {
				t.Fatal(err)
			}
			last := list[len(list)-1]
			if last.Width != 320 || last.Height != 160 || !isFlag(pixelsOf(t, last)) {
				t.Errorf("orientation %d %v: %dx%d, or another picture", orientation, order, last.Width, last.Height)
			}
			if bytes.Contains(last.PNG, []byte("Dom")) || bytes.Contains(last.WebP, []byte("Dom")) {
				t.Error("metadata is left")
			}
		}
	}
}

// TestWebPIsRight encodes images of many sizes and kinds and reads them with
// another implementation.
func TestWebPIsRight(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]func(x, y int) color.RGBA{
		"noise": func(x, y int) color.RGBA {
			n := random.Uint32()
			return color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 255}
		},
		"flat":     func(x, y int) color.RGBA { return color.RGBA{1, 2, 3, 255} },
		"gradient": func(x, y int) color.RGBA { return color.RGBA{uint8(x), uint8(y), uint8(x + y), 255} },
		"checks":   func(x, y int) color.RGBA { return color.RGBA{uint8((x ^ y) & 1 * 255), 0, 0, 255} },
		"clear":    func(x, y int) color.RGBA { a := uint8(random.Uint32()); return color.RGBA{a / 2, a, a / 3, a} },
	}
	for name, at := range kinds {
		for _, size := range [][2]int{{1, 1}, {1, 9}, {2, 1}, {3, 3}, {7, 5}, {8, 8}, {9, 17}, {16, 16}, {33, 1}, {48, 48}, {180, 180}, {257, 31}} {
			m := image.NewRGBA(image.Rect(0, 0, size[0], size[1]))
			for y := range size[1] {
				for x := range size[0] {
					m.SetRGBA(x, y, at(x, y))
				}
			}
			r, err := encode(m)
			if err != nil {
				t.Fatalf("%s %v: %v", name, size, err)
			}
			pixelsOf(t, r)
		}
	}
}

// refusal is the sentence with which a file is refused, empty when it is taken.
func refusal(file []byte) string {
	_, err := Icon(file)
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Unprocessable || len(e.Violations) != 1 || e.Violations[0].Path != "file" {
		return "a defect: " + err.Error()
	}
	return fmt.Sprintf(e.Violations[0].Text.Format, e.Violations[0].Text.Args...)
}

// TestTruncated cuts files everywhere.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, file := range files(t, 20, 10) {
		for n := range len(file) {
			got := refusal(file[:n])
			if got == "" || strings.HasPrefix(got, "a defect") {
				t.Errorf("%s cut to %d of %d bytes: %q", name, n, len(file), got)
			}
		}
	}
}

func TestAnimated(t *testing.T) {
	t.Parallel()
	still := pngOf(t, flag(8, 8))
	control := []byte("\x00\x00\x00\x08acTL\x00\x00\x00\x02\x00\x00\x00\x00\xf3\x8d\x93\x70")
	apng := append(append(bytes.Clone(still[:33]), control...), still[33:]...)
	frame := webpOf(t, flag(8, 8))[12:]
	moving := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x07\x00\x00\x07\x00\x00ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	moving = append(moving, frame...)
	binary.LittleEndian.PutUint32(moving[4:], uint32(len(moving)-8))
	for name, file := range map[string][]byte{"gif": gifOf(t, flag(8, 8), flag(8, 8)), "png": apng, "webp": moving} {
		if got := refusal(file); !strings.Contains(got, "animated") && name != "webp" || got == "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestPolyglot hangs something else to the end of images.
func TestPolyglot(t *testing.T) {
	t.Parallel()
	for name, file := range files(t, 20, 10) {
		for what, more := range map[string]string{"page": "<script>alert(1)</script>", "archive": "PK\x03\x04rest", "program": "#!/bin/sh\n"} {
			if got := refusal(append(bytes.Clone(file), more...)); !strings.HasPrefix(got, "Something follows") {
				t.Errorf("%s with a %s: %q", name, what, got)
			}
		}
	}
	photo := jpegOf(t, flag(20, 10)) // cameras put a second picture behind the first
	if got := refusal(append(bytes.Clone(photo), photo...)); got != "" {
		t.Errorf("a photo with its preview: %q", got)
	}
}

// claims changes the size that a PNG says it has.
func claims(file []byte, w, h uint32) []byte {
	binary.BigEndian.PutUint32(file[16:], w)
	binary.BigEndian.PutUint32(file[20:], h)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

// TestBombs are small files of large images.
func TestBombs(t *testing.T) {
	t.Parallel()
	dot := image.Rect(0, 0, 1, 1)
	if got := refusal(claims(pngOf(t, image.NewGray(dot)), 1<<20, 1<<20)); !strings.Contains(got, "megapixels") {
		t.Errorf("a terapixel: %q", got)
	}
	if got := refusal(claims(pngOf(t, image.NewGray(dot)), 40_000_001, 1)); !strings.Contains(got, "megapixels") {
		t.Errorf("one pixel too many: %q", got)
	}
	for _, size := range [][2]uint32{{40_000_000, 1}, {1, 40_000_000}, {600_000, 1}, {199_001, 199}} {
		if got := refusal(claims(pngOf(t, image.NewGray(dot)), size[0], size[1])); !strings.Contains(got, "long and thin") {
			t.Errorf("%d x %d: %q", size[0], size[1], got)
		}
	}
	if got := refusal(claims(pngOf(t, image.NewGray(dot)), 8000, 5000)); !strings.Contains(got, "damaged") {
		t.Errorf("pixels that are not there: %q", got)
	}
	deep := image.NewNRGBA64(dot)
	deep.Set(0, 0, color.NRGBA{1, 2, 3, 4})
	if got := refusal(claims(pngOf(t, deep), 8000, 5000)); !strings.Contains(got, "memory") {
		t.Errorf("16 bits per channel: %q", got)
	}
	progressive := jpegOf(t, flag(16, 16))
	sof := bytes.Index(progressive, []byte{0xff, 0xc0})
	progressive[sof+1] = 0xc2
	binary.BigEndian.PutUint32(progressive[sof+5:], 6000<<16|6000)
	if got := refusal(progressive); !strings.Contains(got, "memory") {
		t.Errorf("progressive: %q", got)
	}
	scan := bytes.Index(progressive, []byte{0xff, 0xda})
	many := append(bytes.Clone(progressive[:scan]), bytes.Repeat(progressive[scan:len(progressive)-2], maxScans+1)...)
	if got := refusal(append(many, 0xff, 0xd9)); !strings.Contains(got, "damaged") {
		t.Errorf("many scans: %q", got)
	}
}
