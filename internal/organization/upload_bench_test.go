package organization_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// BenchmarkBesideUpload uploads a logo of 40 megapixels and measures how long
// requests of others take meanwhile: p99 of reads and writes, beside that in quiet.
// What memory it takes tells BenchmarkLargest of picture.
func BenchmarkBesideUpload(b *testing.B) {
	in := sedetest.NewWith(b, db.SQLite, func(c *app.Config) { c.Clock, c.Synchronous = clock.System{}, "full" })
	form := sedetest.Form("file", largest(b))
	other := in.As("owner@other.example", "other")
	ask := func(more func(n int) bool) (list []time.Duration) {
		for n := 0; more(n); n++ {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				began := time.Now()
				if a := other.Do(method, "/locations", `{"name":"Elsewhere"}`); a.Status >= http.StatusBadRequest {
					b.Fatal(a.Status, a.Body)
				}
				list = append(list, time.Since(began))
			}
			time.Sleep(time.Millisecond)
		}
		return list
	}
	quiet := ask(func(n int) bool { return n < 500 })
	var busy []time.Duration
	for b.Loop() {
		var done atomic.Bool
		go func() {
			defer done.Store(true)
			if a := in.As("owner@demo.example", "demo").Do(http.MethodPost, "/organizations/logo", form); a.Status != http.StatusOK {
				b.Error(a.Status, a.Body)
			}
		}()
		busy = append(busy, ask(func(int) bool { return !done.Load() })...)
	}
	b.ReportMetric(float64(sedetest.P99(quiet).Microseconds())/1000, "quiet-p99-ms")
	b.ReportMetric(float64(sedetest.P99(busy).Microseconds())/1000, "busy-p99-ms")
}

// largest is a PNG of the most pixels that an image may have.
func largest(b *testing.B) string {
	b.Helper()
	const width, height = 8000, 5000
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		m.SetNRGBA(i%width, i/width, color.NRGBA{uint8(i % width / 40), uint8(i / width / 25), 90, uint8(255 - i%2)})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		b.Fatal(err)
	}
	return file.String()
}
