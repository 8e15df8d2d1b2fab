package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

var made = time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)

func sample(rows int) Paper {
	p := Paper{Title: "Faktura INV-000001", Facts: []Fact{{"Data wystawienia", "2.01.2030"}},
		Parties: []Party{{"Sprzedawca", "Zażółć gęślą jaźń Sp. z o.o.", []string{"ul. Łąkowa 1", "00-950 Łódź"}}, {"Nabywca", "São João Ção, Lda", nil}},
		Columns: []Column{{"Opis", 5, false}, {"Ilość", 1, true}, {"Kwota", 2, true}},
		Sums:    []Sum{{"Razem", "1 234,56 zł", true}}, Notes: []string{strings.Repeat("Długa uwaga. ", 40)},
		Page: func(n int) string { return "Strona " + string(rune('0'+n)) }}
	for range rows {
		p.Rows = append(p.Rows, []string{strings.Repeat("Zespół: miejsca ", 8), "5", "30,00 €"})
	}
	return p
}

var (
	streams = regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`)
	shown   = regexp.MustCompile(`(?s)\(((?:\\.|[^\\)])*)\)\s*Tj`)
)

// textOf reads the text of a PDF, page by page: the codes of its fonts are those of
// Unicode.
func textOf(t *testing.T, content []byte) (pages []string) {
	t.Helper()
	for _, stream := range streams.FindAllSubmatch(content, -1) {
		z, err := zlib.NewReader(bytes.NewReader(stream[1]))
		if err != nil {
			continue // not compressed: no page
		}
		plain, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(plain, []byte(" Tf")) {
			continue
		}
		var page strings.Builder
		for _, text := range shown.FindAllSubmatch(plain, -1) {
			raw := regexp.MustCompile(`(?s)\\(.)`).ReplaceAllFunc(text[1], func(escaped []byte) []byte {
				if escaped[1] == 'r' {
					return []byte("\r")
				}
				return escaped[1:]
			})
			units := make([]uint16, len(raw)/2)
			for i := range units {
				units[i] = binary.BigEndian.Uint16(raw[2*i:])
			}
			page.WriteString(string(utf16.Decode(units)) + "\n")
		}
		pages = append(pages, page.String())
	}
	return pages
}

func TestWrite(t *testing.T) {
	content, err := Write([]Paper{sample(3)}, "pl", made)
	if err != nil {
		t.Fatal(err)
	}
	pages := textOf(t, content)
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	for _, want := range []string{"Faktura INV-000001", "Zażółć gęślą jaźń Sp. z o.o.", "00-950 Łódź", "São João Ção, Lda", "Zespół: miejsca", "1 234,56 zł", "30,00 €", "Strona 1"} {
		if !strings.Contains(pages[0], want) {
			t.Errorf("no %q in %q", want, pages[0])
		}
	}
}

func TestPages(t *testing.T) {
	content, err := Write([]Paper{sample(60), sample(1)}, "pl", made)
	if err != nil {
		t.Fatal(err)
	}
	pages := textOf(t, content)
	if len(pages) < 4 {
		t.Fatalf("%d pages", len(pages))
	}
	rows := 0
	for _, text := range pages {
		rows += strings.Count(text, "30,00")
	}
	if rows != 61 {
		t.Errorf("%d rows of 61", rows)
	}
	if !strings.Contains(pages[len(pages)-1], "Strona 1") || !strings.Contains(pages[1], "Opis") {
		t.Errorf("pages: %q", pages)
	}
}

func TestSameBytes(t *testing.T) {
	p := sample(5)
	p.Logo = logo(t, 300, 80)
	first, err := Write([]Paper{p}, "pl", made)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, err := Write([]Paper{p}, "pl", made); err != nil || !bytes.Equal(first, again) {
			t.Fatal("the same paper gives other bytes", err)
		}
	}
}

func logo(t testing.TB, width, height int) []byte {
	t.Helper()
	i := image.NewNRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		i.SetNRGBA(x, x%height, color.NRGBA{200, 10, 10, 128})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzWrite checks that no text breaks a paper.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\x00\xff", "日本語 🎉 שלום", strings.Repeat("ẞ", 500), "\u200b\ufeff\uffff", "(){}\\ {nb}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := sample(1)
		p.Title, p.Parties[0].Name, p.Rows[0][0], p.Notes, p.Sums[0].Label = s, s, s, []string{s}, s
		content, err := Write([]Paper{p}, "pt", made)
		if err != nil || !bytes.HasPrefix(content, []byte("%PDF-")) {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	p := sample(5)
	p.Logo = logo(b, 300, 80)
	for b.Loop() {
		if _, err := Write([]Paper{p}, "pl", made); err != nil {
			b.Fatal(err)
		}
	}
}
