// Package pdf lays out business papers, such as invoices, as PDF: who writes to
// whom, a table, sums and notes, on as many A4 pages as it takes. It knows no
// feature; texts come in as they are to be read. The same papers give the same
// bytes. The font is embedded and has the letters of all European languages
// written in Latin, Greek and Cyrillic; others are shown as boxes.
package pdf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Paper is one document. It begins on a page of its own.
type Paper struct {
	Title   string
	Facts   []Fact // below the title
	Parties []Party
	Columns []Column
	Rows    [][]string // one text for each column
	Sums    []Sum
	Notes   []string
	Logo    []byte // a PNG; nil: none
	Page    func(n int) string
}

// Fact is a label with what it is for this paper.
type Fact struct{ Label, Value string }

// Party is one of those between whom the paper goes.
type Party struct {
	Label, Name string
	Lines       []string
}

// Column is one column of the table.
type Column struct {
	Title string
	Width float64 // its share of the whole
	Right bool    // numbers stand at the right
}

// Sum is one line below the table.
type Sum struct {
	Label, Value string
	Strong       bool
}

// Measures of the page in millimetres.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	margin     = 20.0
	inner      = pageWidth - 2*margin
	bottom     = pageHeight - margin - 5
	lineHeight = 5.0
	logoHeight = 18.0
	logoWidth  = 60.0
)

// font is the family that everything is set in.
const font = "go"

// Write returns the papers as one PDF in the language, a BCP 47 tag.
func Write(papers []Paper, language string, made time.Time) ([]byte, error) {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(made.UTC())
	f.SetModificationDate(made.UTC())
	f.SetProducer("sede", true)
	f.SetLang(language)
	f.SetMargins(margin, margin, margin)
	f.SetAutoPageBreak(false, 0)
	f.AddUTF8FontFromBytes(font, "", goregular.TTF)
	f.AddUTF8FontFromBytes(font, "B", gobold.TTF)
	if len(papers) > 0 {
		f.SetTitle(clean(papers[0].Title), true)
	}
	for i := range papers {
		(&writer{Fpdf: f, paper: &papers[i]}).write()
	}
	var out bytes.Buffer
	if err := errors.Join(f.Error(), f.Output(&out)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// writer sets one paper.
type writer struct {
	*fpdf.Fpdf
	paper *Paper
	page  int
}

func (w *writer) write() {
	w.begin()
	w.head()
	w.parties()
	w.table()
	w.sums()
	w.notes()
}

// begin begins a page and numbers it.
func (w *writer) begin() {
	w.AddPage()
	w.page++
	if w.paper.Page != nil {
		w.style("", 8)
		w.SetXY(margin, pageHeight-margin)
		w.cell(inner, 4, w.paper.Page(w.page), "R")
	}
	w.SetXY(margin, margin)
}

// room begins another page when the height is not left on this one. It reports
// whether it did.
func (w *writer) room(height float64) bool {
	if w.GetY()+height <= bottom {
		return false
	}
	w.begin()
	return true
}

func (w *writer) style(style string, size float64) { w.SetFont(font, style, size) }

// cell writes a text that stays in its line, cut where it is too long.
func (w *writer) cell(width, height float64, text, align string) {
	w.CellFormat(width, height, w.fit(clean(text), width), "", 0, align, false, 0, "")
}

// fit cuts a text that is wider than the width.
func (w *writer) fit(text string, width float64) string {
	if w.GetStringWidth(text) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && w.GetStringWidth(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// clean replaces what a font can't have: control characters and what lies beyond
// the first plane of Unicode.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || 0x7f <= r && r < 0xa0:
			return -1
		case r > 0xffff:
			return '□'
		}
		return r
	}, text)
}

func (w *writer) head() {
	if len(w.paper.Logo) > 0 {
		w.logo()
	}
	w.style("B", 18)
	w.cell(inner, 10, w.paper.Title, "L")
	w.SetXY(margin, w.GetY()+14)
	for _, fact := range w.paper.Facts {
		w.style("", 9)
		w.cell(45, lineHeight, fact.Label, "L")
		w.style("B", 9)
		w.cell(inner-45, lineHeight, fact.Value, "L")
		w.SetXY(margin, w.GetY()+lineHeight)
	}
	w.SetY(w.GetY() + 6)
}

// logo sets the logo at the upper right, as large as fits.
func (w *writer) logo() {
	info := w.RegisterImageOptionsReader(imageName(w.paper.Logo), fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(w.paper.Logo))
	if w.Err() || info.Height() == 0 {
		return
	}
	width, height := info.Width()/info.Height()*logoHeight, logoHeight
	if width > logoWidth {
		width, height = logoWidth, info.Height()/info.Width()*logoWidth
	}
	w.ImageOptions(imageName(w.paper.Logo), pageWidth-margin-width, margin, width, height, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	w.SetXY(margin, margin+logoHeight+4)
}

func (w *writer) parties() {
	top, low := w.GetY(), w.GetY()
	width := inner / float64(max(1, len(w.paper.Parties)))
	for i, p := range w.paper.Parties {
		x := margin + float64(i)*width
		w.SetXY(x, top)
		w.style("", 8)
		w.cell(width-5, lineHeight, p.Label, "L")
		w.SetXY(x, w.GetY()+lineHeight)
		w.style("B", 10)
		w.block(x, width-5, p.Name)
		w.style("", 9)
		for _, line := range p.Lines {
			w.block(x, width-5, line)
		}
		low = max(low, w.GetY())
	}
	w.SetXY(margin, low+8)
}

// block writes a text in as many lines as it takes.
func (w *writer) block(x, width float64, text string) {
	for _, line := range w.lines(text, width) {
		w.SetX(x)
		w.cell(width, lineHeight, line, "L")
		w.SetXY(x, w.GetY()+lineHeight)
	}
}

// lines breaks a text where words end.
func (w *writer) lines(text string, width float64) []string {
	text = clean(text)
	if text == "" {
		return []string{""}
	}
	return w.SplitText(text, width)
}

func (w *writer) widths() []float64 {
	var whole float64
	for _, c := range w.paper.Columns {
		whole += c.Width
	}
	list := make([]float64, len(w.paper.Columns))
	for i, c := range w.paper.Columns {
		list[i] = c.Width / whole * inner
	}
	return list
}

func (w *writer) table() {
	if len(w.paper.Columns) == 0 {
		return
	}
	w.titles()
	for _, row := range w.paper.Rows {
		w.row(row)
	}
	w.rule(w.GetY() + 1)
	w.SetY(w.GetY() + 4)
}

// titles writes the titles of the columns.
func (w *writer) titles() {
	w.style("B", 9)
	w.SetX(margin)
	for i, width := range w.widths() {
		w.cell(width, lineHeight+1, w.paper.Columns[i].Title, alignment(w.paper.Columns[i]))
	}
	w.rule(w.GetY() + lineHeight + 1)
	w.SetXY(margin, w.GetY()+lineHeight+2)
}

func alignment(c Column) string {
	if c.Right {
		return "R"
	}
	return "L"
}

func (w *writer) rule(y float64) { w.Line(margin, y, pageWidth-margin, y) }

// row writes one row, which stays on one page.
func (w *writer) row(texts []string) {
	w.style("", 9)
	widths := w.widths()
	cells, high := make([][]string, len(widths)), 1
	for i, width := range widths {
		cells[i] = w.lines(texts[i], width-2)
		high = max(high, len(cells[i]))
	}
	if w.room(float64(high) * lineHeight) {
		w.titles()
		w.style("", 9)
	}
	top := w.GetY()
	x := margin
	for i, width := range widths {
		for n, line := range cells[i] {
			w.SetXY(x, top+float64(n)*lineHeight)
			w.cell(width, lineHeight, line, alignment(w.paper.Columns[i]))
		}
		x += width
	}
	w.SetXY(margin, top+float64(high)*lineHeight)
}

func (w *writer) sums() {
	w.room(float64(len(w.paper.Sums)) * lineHeight)
	for _, s := range w.paper.Sums {
		w.style(map[bool]string{true: "B"}[s.Strong], 9)
		w.SetX(margin + inner/2)
		w.cell(inner/4+10, lineHeight, s.Label, "L")
		w.cell(inner/4-10, lineHeight, s.Value, "R")
		w.SetXY(margin, w.GetY()+lineHeight)
	}
	w.SetY(w.GetY() + 8)
}

func (w *writer) notes() {
	w.style("", 9)
	for _, note := range w.paper.Notes {
		for _, line := range w.lines(note, inner) {
			if w.room(lineHeight) {
				w.style("", 9)
			}
			w.SetX(margin)
			w.cell(inner, lineHeight, line, "L")
			w.SetXY(margin, w.GetY()+lineHeight)
		}
		w.SetY(w.GetY() + 2)
	}
}

// imageName tells images apart by what they show.
func imageName(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
