package picture

import (
	"fmt"
	"image"
	"image/color"
	"strconv"
	"strings"
	"testing"
)

// drawSVG draws what stands inside of an svg element with a view box of 100.
func drawSVG(t testing.TB, inner string, w, h int) *image.RGBA {
	t.Helper()
	v, err := readSVG([]byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100">` + inner + `</svg>`))
	if err != nil {
		t.Fatalf("%s: %v", inner, err)
	}
	m, err := v.draw(w, h)
	if err != nil {
		t.Fatalf("%s: %v", inner, err)
	}
	return m
}

var (
	red   = color.NRGBA{255, 0, 0, 255}
	green = color.NRGBA{0, 128, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	none  = color.NRGBA{}
)

// TestSVGDraws looks at single places of a drawing, in the view box.
func TestSVGDraws(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inner string
		at    map[image.Point]color.NRGBA
	}{
		"rectangle": {`<rect x="20" y="20" width="60" height="60" fill="red"/>`,
			map[image.Point]color.NRGBA{{50, 50}: red, {21, 21}: red, {79, 79}: red, {10, 50}: none, {85, 50}: none}},
		"round rectangle": {`<rect width="100" height="100" rx="40" fill="#00f"/>`,
			map[image.Point]color.NRGBA{{50, 50}: blue, {3, 3}: none, {96, 96}: none, {50, 2}: blue}},
		"circle": {`<circle cx="50" cy="50" r="40" style="fill: rgb(255, 0, 0)"/>`,
			map[image.Point]color.NRGBA{{50, 50}: red, {20, 50}: red, {15, 15}: none, {50, 95}: none}},
		"nonzero": {`<path d="M0 0h100v100H0z M20 20h60v60H20z" fill="red"/>`, map[image.Point]color.NRGBA{{50, 50}: red, {10, 10}: red}},
		"even odd": {`<path fill-rule="evenodd" d="M0 0h100v100H0z M20 20h60v60H20z" fill="red"/>`,
			map[image.Point]color.NRGBA{{50, 50}: none, {10, 10}: red, {90, 50}: red}},
		"hole by direction": {`<path d="M0 0h100v100H0z M20 20v60h60V20z" fill="red"/>`, map[image.Point]color.NRGBA{{50, 50}: none, {10, 10}: red}},
		"arc with tight flags": {`<path d="M10 50a40 40 0 0180 0a40 40 0 01-80 0z" fill="blue"/>`,
			map[image.Point]color.NRGBA{{50, 50}: blue, {50, 14}: blue, {50, 86}: blue, {15, 15}: none}},
		"tight numbers": {`<path d="M.5.5l99-.1.1 99-99 .1z" fill="red"/>`, map[image.Point]color.NRGBA{{50, 50}: red}},
		"curves":        {`<path d="M0 100Q50-100 100 100z" fill="red"/>`, map[image.Point]color.NRGBA{{50, 50}: red, {5, 50}: none, {50, 10}: red}},
		"polygon":       {`<polygon points="0,0 100,0 0,100" fill="green"/>`, map[image.Point]color.NRGBA{{20, 20}: green, {80, 80}: none}},
		"stroke":        {`<line x1="0" y1="50" x2="100" y2="50" stroke="red" stroke-width="20"/>`, map[image.Point]color.NRGBA{{50, 50}: red, {50, 43}: red, {50, 35}: none}},
		"closed stroke": {`<rect x="20" y="20" width="60" height="60" fill="none" stroke="blue" stroke-width="10"/>`,
			map[image.Point]color.NRGBA{{50, 50}: none, {20, 50}: blue, {17, 17}: blue, {82, 82}: blue, {50, 30}: none}},
		"dashes": {`<path d="M0 50H100" stroke="red" stroke-width="20" stroke-dasharray="20 20"/>`,
			map[image.Point]color.NRGBA{{10, 50}: red, {30, 50}: none, {50, 50}: red, {70, 50}: none}},
		"group": {`<g transform="translate(50 0) scale(.5)" fill="red"><rect width="100" height="100"/></g>`,
			map[image.Point]color.NRGBA{{75, 25}: red, {25, 25}: none, {75, 75}: none}},
		"rotation": {`<rect width="40" height="40" transform="rotate(180 50 50)" fill="red"/>`, map[image.Point]color.NRGBA{{80, 80}: red, {20, 20}: none}},
		"class": {`<defs><style>.a,.b{fill:red}.b{fill:#0000ff}</style></defs><rect class="b" width="100" height="100"/>`,
			map[image.Point]color.NRGBA{{50, 50}: blue}},
		"current color": {`<g color="red"><rect fill="currentColor" width="100" height="100"/></g>`, map[image.Point]color.NRGBA{{50, 50}: red}},
		"opacity":       {`<g opacity=".5"><rect fill="red" width="100" height="100"/></g>`, map[image.Point]color.NRGBA{{50, 50}: {255, 0, 0, 128}}},
		"nothing": {`<rect fill="none" width="100" height="100"/><g display="none"><rect width="9" height="9"/></g><path d="M90 90h10v10z" fill="red"/>`,
			map[image.Point]color.NRGBA{{5, 5}: none, {98, 93}: red}},
		"linear gradient": {`<linearGradient id="a"><stop offset="0" stop-color="red"/><stop offset="100%" stop-color="blue"/></linearGradient>
			<rect width="100" height="100" fill="url(#a)"/>`, map[image.Point]color.NRGBA{{1, 50}: red, {98, 50}: blue, {50, 50}: {127, 0, 128, 255}}},
		"radial gradient by reference": {`<linearGradient id="a"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
			<radialGradient id="b" xlink:href="#a" gradientUnits="userSpaceOnUse" cx="50" cy="50" r="50"/>
			<rect width="100" height="100" fill="url(#b)"/>`, map[image.Point]color.NRGBA{{50, 50}: {250, 0, 5, 255}, {1, 1}: blue}},
		"clip around all": {`<g clip-path="url(#c)"><rect width="100" height="100" fill="red"/></g><defs><clipPath id="c"><rect width="100" height="100"/></clipPath></defs>`,
			map[image.Point]color.NRGBA{{50, 50}: red}},
		"percentages": {`<rect width="100%" height="50%" fill="red"/><circle cx="25%" cy="75%" r="10%" fill="blue"/><line x1="75%" x2="75%" y1="60%" y2="100%" stroke="green" stroke-width="10%"/>`,
			map[image.Point]color.NRGBA{{50, 25}: red, {50, 60}: none, {25, 75}: blue, {25, 60}: none, {75, 80}: green, {72, 80}: green}},
		"gradient in percent of the drawing": {`<linearGradient id="a" gradientUnits="userSpaceOnUse" x1="50%" x2="100%"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
			<rect width="100" height="100" fill="url(#a)"/>`, map[image.Point]color.NRGBA{{25, 50}: red, {75, 50}: {127, 0, 128, 255}, {98, 50}: blue}},
		"names and ids in a style sheet": {`<style>/* .a{fill:red} */ rect{fill:red} #b , circle#c {fill:blue} .d:hover{fill:red}</style><rect width="50" height="100"/><rect id="b" x="50" width="50" height="100" class="d"/>`,
			map[image.Point]color.NRGBA{{25, 50}: red, {75, 50}: blue}},
		"the heavier rule": {`<style>#a{fill:red}.b.c{fill:green}.b{fill:blue}*{fill:black}</style><rect id="a" class="b" width="50" height="100"/><rect class="c b" x="50" width="50" height="100"/>`,
			map[image.Point]color.NRGBA{{25, 50}: red, {75, 50}: green}},
		"the later rule": {`<style>.a{fill:red}.b{fill:blue}</style><rect class="b a" width="100" height="100"/>`, map[image.Point]color.NRGBA{{50, 50}: blue}},
		"important":      {`<style>.a{fill:red !important}</style><rect class="a" style="fill:blue" width="100" height="100"/>`, map[image.Point]color.NRGBA{{50, 50}: red}},
		"rules for dark screens": {`<style>@charset "utf-8"; @media (prefers-color-scheme: dark) { .a{fill:blue} .b{fill:blue} } .a{fill:red}</style><rect class="a" width="100" height="100"/>`,
			map[image.Point]color.NRGBA{{50, 50}: red}},
		"hue": {`<rect width="50" height="100" fill="hsl(0, 100%, 50%)"/><rect x="50" width="50" height="50" fill="hsl(240deg 100% 50%)"/><rect x="50" y="50" width="50" height="50" fill="hsla(120,100%,25.1%,1)"/>`,
			map[image.Point]color.NRGBA{{25, 50}: red, {75, 25}: blue, {75, 75}: green}},
		"transparent": {`<rect width="100" height="100" fill="transparent" stroke="transparent"/><rect width="50" height="50" fill="#ff0000 icc-color(x)"/>`,
			map[image.Point]color.NRGBA{{75, 75}: none, {25, 25}: red}},
		"use": {`<defs><path id="p" d="M0 0h20v20H0z"/><g id="g" fill="blue"><use xlink:href="#p" x="30%"/><rect y="30" width="20" height="20" transform="translate(0 5)"/></g></defs>
			<use href="#p" fill="red"/><use href="#g" x="10" transform="translate(40 0)"/>`,
			map[image.Point]color.NRGBA{{10, 10}: red, {30, 10}: none, {90, 10}: blue, {60, 45}: blue, {60, 32}: none}},
		"far outside": {`<path d="M-1e8-1e8H1e8V1e8H-1e8z" fill="red"/><path d="M-1e8 50H1e8" stroke="blue" stroke-width="10"/>`,
			map[image.Point]color.NRGBA{{50, 20}: red, {50, 50}: blue}},
	} {
		for _, size := range []int{100, 300} {
			m := drawSVG(t, c.inner, size, size)
			for at, want := range c.at {
				got := color.NRGBAModel.Convert(m.At(at.X*size/100, at.Y*size/100)).(color.NRGBA)
				if !near(got, want) {
					t.Errorf("%s in %d: %v at %v, want %v", name, size, got, at, want)
				}
			}
		}
	}
}

// TestSVGEdges draws half pixels: they are half as strong.
func TestSVGEdges(t *testing.T) {
	t.Parallel()
	m := drawSVG(t, `<path d="M0 0H50.5V100H0z M0 0" fill="red"/>`, 100, 100)
	if got := m.RGBAAt(50, 50).A; got < 120 || got > 136 {
		t.Errorf("half a pixel has alpha %d", got)
	}
	m = drawSVG(t, `<path d="M0 0L100 100H0z" fill="red"/>`, 100, 100)
	for i := range 100 {
		if got := m.RGBAAt(i, i).A; got < 120 || got > 136 {
			t.Fatalf("the diagonal has alpha %d at %d", got, i)
		}
	}
}

func TestSVGIsScaled(t *testing.T) {
	t.Parallel()
	list, err := Logo([]byte(`<?xml version="1.0" encoding="UTF-8"?>
		<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
		<!-- a comment --><svg xmlns="http://www.w3.org/2000/svg" width="20mm" height="10mm"><metadata><x/></metadata><rect width="100%" height="9"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	if last := list[len(list)-1]; len(list) != 3 || last.Width != 1024 || last.Height != 512 {
		t.Errorf("%d sizes up to %dx%d", len(list), last.Width, last.Height)
	}
}

// TestSVGEncodings reads a drawing whose letters are not in UTF-8.
func TestSVGEncodings(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"ISO-8859-1", "windows-1250", "US-ASCII"} {
		file := `<?xml version="1.0" encoding="` + encoding + `"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">` +
			"<title>Caf\xe9</title><rect width=\"9\" height=\"9\"/></svg>"
		if _, err := Icon([]byte(file)); err != nil {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

// TestSVGRefused tries what could do something, or would be drawn wrong.
func TestSVGRefused(t *testing.T) {
	t.Parallel()
	const open = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">`
	var laughs strings.Builder
	laughs.WriteString(`<!DOCTYPE svg [<!ENTITY a "lol">`)
	for c := 'b'; c <= 'k'; c++ {
		laughs.WriteString("<!ENTITY " + string(c) + ` "` + strings.Repeat("&"+string(c-1)+";", 10) + `">`)
	}
	laughs.WriteString("]>" + open + "<title>&k;</title></svg>")
	for file, says := range map[string]string{
		open + `<script>alert(1)</script></svg>`:                                      "script",
		open + `<g><g><SCRIPT href="https://evil.example/x.js"/></g></g></svg>`:       "script",
		open + `<rect width="1" height="1" onclick="alert(1)"/></svg>`:                "script",
		strings.Replace(open, " viewBox", ` onload="alert(1)" viewBox`, 1) + `</svg>`: "script",
		open + `<metadata><script/></metadata></svg>`:                                 "script",
		open + `<a xlink:href="java&#10;script:alert(1)"><rect/></a></svg>`:           "script",
		laughs.String(): "entities",
		`<!DOCTYPE svg SYSTEM "file:///etc/passwd" [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + open + `<title>&x;</title></svg>`: "entities",
		`<?xml-stylesheet href="https://evil.example/x.css"?>` + open + `</svg>`:                                                   "embeds or links",
		open + `<image xlink:href="https://evil.example/pixel.png"/></svg>`:                                                        "embeds or links",
		open + `<image href="data:image/png;base64,AAAA"/></svg>`:                                                                  "embeds or links",
		open + `<use xlink:href="other.svg#x"/></svg>`:                                                                             "embeds or links",
		open + `<rect fill="url( 'https://evil.example/#x')"/></svg>`:                                                              "embeds or links",
		open + `<rect style="background: URL(//evil.example/x)"/></svg>`:                                                           "embeds or links",
		open + `<style>@import "https://evil.example/x.css";</style></svg>`:                                                        "embeds or links",
		open + `<style>.a{fill:url(https://evil.example)}</style></svg>`:                                                           "embeds or links",
		open + `<foreignObject><body/></foreignObject></svg>`:                                                                      "not drawn",
		open + `<text>Acme</text></svg>`:                                                                                           "not drawn",
		open + `<use href="#x"/></svg>`:                                                                                            "not drawn",
		open + `<symbol id="s"><rect width="1" height="1"/></symbol><use href="#s"/></svg>`:                                        `"symbol"`,
		open + `<use href="#s"/><linearGradient id="s"/></svg>`:                                                                    `"use"`,
		open + `<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></svg>`:                                                "too complex",
		open + `<use id="a" href="#a"/></svg>`:                                                                                     "too complex",
		open + `<rect mask="url(#m)"/></svg>`:                                                                                      "not drawn",
		open + `<rect style="filter:url(#m)"/></svg>`:                                                                              "not drawn",
		open + `<g clip-path="url(#c)"/><clipPath id="c"><rect width="2" height="2"/></clipPath></svg>`:                            "not drawn",
		open + `<style>g .a{fill:red}</style><rect class="a" width="9" height="9"/></svg>`:                                         `"g .a"`,
		open + `<style>rect:nth-child(2){fill:red}</style><rect width="9" height="9"/></svg>`:                                      "nth-child",
		open + `<style>@media (min-width: 9px){.a{fill:red}}</style><rect width="9" height="9"/></svg>`:                            "@media",
		open + `<rect width="9" height="9" fill="nosuch"/></svg>`:                                                                  `"nosuch"`,
		open + `<rect width="9" height="9" fill="lab(50% 40 59)"/></svg>`:                                                          "lab(",
		open + `<rect width="9" height="9" style="fill:var(--a)"/></svg>`:                                                          "var()",
		open + `<rect width="9vw" height="9"/></svg>`:                                                                              `"9vw"`,
		open + `<rect width="9" height="9" style="transform:scale(2)"/></svg>`:                                                     "transform",
		open + `<rect width="9" height="9" style="x:2px"/></svg>`:                                                                  "not drawn",
		open + `<rect width="9" height="9" style="mix-blend-mode:multiply"/></svg>`:                                                "mix-blend-mode",
		open + `<path d="M0 0h9" stroke="red" marker-end="url(#m)"/></svg>`:                                                        "marker-end",
		strings.Replace(open, " viewBox", ` style="background:white" viewBox`, 1) + `<rect width="9" height="9"/></svg>`:           "background",
		open + `</svg>`: "nothing to see",
		open + `<rect width="0" height="9"/><path d="M0 0h9" fill="none"/></svg>`: "nothing to see",
		open + `<animate attributeName="x"/></svg>`:                               "not drawn",
		open + `<path d="M0 0L`:                                                   "damaged",
		open + `<path d="M0 0 bogus"/></svg>`:                                     "damaged",
		open + `<g></svg>`:                                                        "damaged",
		open + `&nbsp;</svg>`:                                                     "damaged",
		strings.Repeat(`<?xml version="1.0" encoding="ISO-8859-1"?>`, 2) + open + `</svg>`: "damaged",
		`<?xml version="1.0" encoding="UTF-7"?>` + open + `</svg>`:                         "damaged",
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 1"></svg>`:                 "damaged",
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e-5 1"></svg>`:              "long and thin",
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 NaN 1"></svg>`:               "",
		`<?xml version="1.0"?><html><script>alert(1)</script></html>`:                      "not drawn",
		`<!-- <svg> --><html/>`: "",
		open + strings.Repeat("<g>", 100) + strings.Repeat("</g>", 100) + `</svg>`: "too complex",
		open + strings.Repeat("<g/>", maxNodes+1) + `</svg>`:                       "too complex",
		open + `<path d="M0 0` + strings.Repeat("h1", maxCommands+1) + `"/></svg>`: "too complex",
	} {
		got := refusal([]byte(file))
		if !strings.Contains(got, says) || strings.HasPrefix(got, "a defect") {
			t.Errorf("%.300s: %q, want %q", file, got, says)
		}
	}
}

// endless are drawings that are made to take long.
func endless() map[string]string {
	const gradient, rect = `<linearGradient id="g">`, `<rect width="9" height="9" fill="url(#g)"/>`
	var names, layers, short []string
	for i := range 20_000 {
		short = append(short, strconv.Itoa(i))
	}
	for i := range 30_000 {
		names = append(names, fmt.Sprintf(".a.b%d", i))
	}
	for range 9_000 {
		layers = append(layers, `<rect class="a a a a a a a a a a a a a a a a" width="9" height="9"/>`)
	}
	properties := strings.Repeat("fill:red;", 10_000)
	for i := range 10_000 {
		properties += fmt.Sprintf("p%d:0;", i)
	}
	uses := `<g id="g0"/>`
	for i := range maxUses - 1 {
		uses += fmt.Sprintf(`<g id="g%d">%s</g>`, i+1, strings.Repeat(fmt.Sprintf(`<use href="#g%d"/>`, i), 20))
	}
	return map[string]string{
		"uses of uses":    `<defs>` + uses + `</defs>` + fmt.Sprintf(`<use href="#g%d"/>`, maxUses-1),
		"many rectangles": strings.Repeat(`<rect width="9" height="9"/>`, 9_000),
		"wild path":       `<path d="M0 0` + strings.Repeat("L9 9 0 9 9 0", 40_000) + `"/>`,
		"fine dashes":     `<path stroke="red" stroke-width=".1" stroke-dasharray=".01" d="M0 0` + strings.Repeat("H9V9H0V0", 20_000) + `"/>`,
		"many curves":     `<path stroke="red" stroke-linejoin="round" d="M0 0` + strings.Repeat("c9e6 9e6 9-9 9 9", 20_000) + `"/>`,
		"glass":           strings.Repeat(`<rect width="9" height="9" opacity=".5"/>`, 9_000),
		"gradients":       gradient + `<stop/><stop offset="1"/></linearGradient>` + strings.Repeat(rect, 9_000),
		"many stops":      gradient + strings.Repeat(`<stop offset=".5"/>`, 4_900) + `</linearGradient>` + strings.Repeat(rect, 4_900),
		"selectors":       `<style>` + strings.Join(names, ",") + `{` + properties + `}</style>` + strings.Join(layers, ""),
		"many names":      `<style>.z{fill:red}</style>` + strings.Repeat(`<rect class="`+strings.Join(short, " ")+`"/>`, 40),
		"classes":         `<style>.a{` + properties + `}</style>` + strings.Join(layers, ""),
	}
}

// whole makes a document of some elements.
func whole(inner string) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">` + inner + `</svg>`)
}

// TestSVGTakesBoundedWork draws what is made to take long: each ends when the work
// is used up.
func TestSVGTakesBoundedWork(t *testing.T) {
	t.Parallel()
	for name, inner := range endless() {
		if _, err := Logo(whole(inner)); err == nil || !strings.Contains(err.Error(), "too complex") {
			t.Errorf("%s: %v, want it to be too complex", name, err)
		}
	}
}

// TestSVGStyleInPieces reads a style sheet that comments cut into very many pieces: each
// of its letters is taken once, or this goes on for minutes.
func TestSVGStyleInPieces(t *testing.T) {
	t.Parallel()
	style := "<style>" + strings.Repeat("<!---->a", 500_000) + "{fill:red}</style>"
	root, err := parseSVG(whole(style + `<rect width="5" height="5"/>`))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(root.children[0].text); n != 500_000+len("{fill:red}") {
		t.Error(n, "letters were read")
	}
}

// FuzzIcon takes any file: it is refused or drawn, never a defect.
func FuzzIcon(f *testing.F) {
	for _, file := range files(f, 8, 4) {
		f.Add(file)
	}
	for _, inner := range []string{`<path d="M0 0a1 1 0 011 1z" stroke="red" stroke-dasharray="1 2"/>`, `<circle r="5" fill="url(#a)"/><radialGradient id="a"><stop/></radialGradient>`,
		`<g transform="skewX(9) matrix(1 2 3 4 5 6)" style="opacity:.5"><ellipse rx="1" ry="2"/></g>`} {
		f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">` + inner + `</svg>`))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := read(file, 16)
		if err == nil {
			_, err = s.draw(16, 16)
		}
		if err != nil && !strings.Contains(err.Error(), "file: ") {
			t.Errorf("a defect: %v", err)
		}
	})
}
