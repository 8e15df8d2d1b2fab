package picture

import (
	"image"
	"image/color"
	"os"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkLargest makes a logo of 40 megapixels again and again, and reports the
// most memory that the process ever had resident.
func BenchmarkLargest(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 8000, 5000))
	for i := range 8000 * 5000 {
		m.SetNRGBA(i%8000, i/8000, color.NRGBA{uint8(i % 8000 / 40), uint8(i / 8000 / 25), 90, uint8(255 - i%2)})
	}
	for name, file := range map[string][]byte{"png": pngOf(b, m), "jpeg": jpegOf(b, m)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Logo(file); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(peak(b), "MiB-peak")
		})
	}
}

// BenchmarkEndless refuses drawings that are made to take long.
func BenchmarkEndless(b *testing.B) {
	for name, inner := range endless() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Logo(whole(inner)); err == nil {
					b.Fatal("it was drawn")
				}
			}
		})
	}
}

// peak is the process's largest resident size since it began, with what making
// the files took.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
