package footer

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"sede/internal/fault"
)

// The programs that warnings are about.
const (
	Outlook   = "outlook" // on Windows, which lays mail out like Word
	Gmail     = "gmail"
	AppleMail = "appleMail"
	DarkMode  = "darkMode" // of all programs
	Phones    = "phones"
)

// Clients lists the programs that warnings are about.
func Clients() []string { return []string{Outlook, Gmail, AppleMail, DarkMode, Phones} }

// Warning says what a program will break.
type Warning struct {
	Client string
	Code   string // names the rule
	Text   fault.Text
}

// letterWidth is how wide letters are, in pixels.
const letterWidth = 560

// large is how many bytes a footer may have before Gmail may cut the mail off
// within it.
const large = 32 << 10

// rules are what programs break, each with the elements that it happens to.
var rules = []struct {
	client, code string
	breaks       func(n *node) bool
	text         fault.Text
}{
	{Outlook, "padding", func(n *node) bool {
		return !n.is(atom.Td, atom.Th) && n.hasAny("padding", "padding-top", "padding-right", "padding-bottom", "padding-left")
	}, fault.Textf("Outlook on Windows ignores padding outside of table cells.")},
	{Outlook, "border-radius", func(n *node) bool { return n.has("border-radius") },
		fault.Textf("Outlook on Windows shows rounded corners square.")},
	{Outlook, "max-width", func(n *node) bool { return n.has("max-width") && attribute(n.Node, "width") == "" },
		fault.Textf("Outlook on Windows ignores max-width. Set the attribute width as well.")},
	{Outlook, "block-width", func(n *node) bool { return n.has("width") && !n.is(atom.Table, atom.Td, atom.Th, atom.Img) },
		fault.Textf("Outlook on Windows ignores the width of what is no table, cell or image.")},
	{Outlook, "image-size", func(n *node) bool { return n.isImage() && !n.isPlaceholder() && attribute(n.Node, "width") == "" },
		fault.Textf("Outlook on Windows shows an image in its full size unless it has the attribute width.")},
	{Outlook, "image-alt", func(n *node) bool { return n.isImage() && !n.isPlaceholder() && attribute(n.Node, "alt") == "" },
		fault.Textf("Outlook loads images when the reader asks for them. Say with the attribute alt what stands in their place.")},
	{Outlook, "image-format", func(n *node) bool { return n.loads(".webp", ".avif", ".svg") },
		fault.Textf("Outlook on Windows shows no WebP, AVIF and SVG images. Use PNG, JPEG or GIF.")},
	{Outlook, "side-by-side", func(n *node) bool { return n.style("display") == "inline-block" || n.has("float") },
		fault.Textf("Outlook on Windows puts below each other what inline-block or float puts side by side. Use the cells of a table.")},
	{Outlook, "color", func(n *node) bool { return strings.Contains(attribute(n.Node, "style"), "rgb") },
		fault.Textf("Outlook on Windows does not know colours with rgb() and rgba(). Write them as #rrggbb.")},
	{Gmail, "image-svg", func(n *node) bool { return n.loads(".svg") }, fault.Textf("Gmail shows no SVG images. Use PNG, JPEG or GIF.")},
	{AppleMail, "detection", func(n *node) bool { return n.Type == html.TextNode && !inLink(n.Node) && detected.MatchString(n.Data) },
		fault.Textf("Apple Mail makes blue links of phone numbers and addresses. A link around them, such as tel: or https:, keeps your colours.")},
	{AppleMail, "small-text", func(n *node) bool {
		size, ok := pixels(n.style("font-size"))
		return ok && 0 < size && size < 11 && n.style("-webkit-text-size-adjust") == ""
	}, fault.Textf("Apple Mail on phones enlarges text below 11 pixels, and lines may break elsewhere.")},
	{DarkMode, "dark-text", func(n *node) bool { return lightness(n.color()) == dark && !n.onBackground() },
		fault.Textf("In dark mode dark text may stand on a dark background. Leave its colour out, or set a background as well.")},
	{DarkMode, "light-background", func(n *node) bool { return lightness(n.background()) == light && !n.underColor() },
		fault.Textf("In dark mode text may turn light on a background that stays light. Set the colour of the text as well.")},
	{DarkMode, "transparent-image", func(n *node) bool {
		return n.isImage() && !n.onBackground() && (n.isPlaceholder() || !n.loads(".jpg", ".jpeg"))
	}, fault.Textf("In dark mode an image that is transparent stands on black. Set a light background behind it.")},
	{Phones, "wide", func(n *node) bool { return n.width() > letterWidth },
		fault.Textf("Letters are %d pixels wide, and phones are narrower. Use width=\"100%%\" instead of what is wider.", letterWidth)},
}

// detected are phone numbers, and the placeholders for what is found like them.
var detected = regexp.MustCompile(`\{\{(?:phone|address)\}\}|\+?\d[\d ()/.-]{6,}\d`)

// Warnings says what mail programs will break of clean HTML, each thing once.
// size is how many bytes it has when it is rendered.
func Warnings(clean string, size int) []Warning {
	list, err := parse(clean)
	if err != nil {
		return nil
	}
	var warnings []Warning
	found := make([]bool, len(rules))
	for _, top := range list {
		each(top, func(h *html.Node) {
			n := node{h, declarations(attribute(h, "style"))}
			for i := range rules {
				found[i] = found[i] || rules[i].breaks(&n)
			}
		})
	}
	for i, r := range rules {
		if found[i] {
			warnings = append(warnings, Warning{r.client, r.code, r.text})
		}
	}
	if size > large {
		warnings = append(warnings, Warning{Gmail, "clipping",
			fault.Textf("Gmail cuts mail off after 102 KB, and this footer takes %d KB of them.", (size+1023)/1024)})
	}
	return warnings
}

// node is a node with its style.
type node struct {
	*html.Node
	declared []declaration
}

func (n *node) is(atoms ...atom.Atom) bool { return slices.Contains(atoms, n.DataAtom) }

// style returns the value of a property in lower case, empty without it.
func (n *node) style(property string) string {
	for _, d := range slices.Backward(n.declared) {
		if d.property == property {
			return strings.ToLower(d.value)
		}
	}
	return ""
}

// has reports whether a property is set to something that shows.
func (n *node) has(property string) bool {
	value := n.style(property)
	return value != "" && value != "none" && value != "auto" && strings.Trim(value, "0px ") != ""
}

func (n *node) hasAny(properties ...string) bool { return slices.ContainsFunc(properties, n.has) }

func (n *node) isImage() bool {
	return n.is(atom.Img) && attribute(n.Node, "src") != "" || n.isPlaceholder()
}

// isPlaceholder reports whether the node shows the logo or icon.
func (n *node) isPlaceholder() bool {
	if n.Type == html.TextNode {
		return strings.Contains(n.Data, "{{logo}}") || strings.Contains(n.Data, "{{icon}}")
	}
	return strings.HasPrefix(attribute(n.Node, "src"), "{{")
}

// loads reports whether the node shows an image whose file has one of the
// endings.
func (n *node) loads(endings ...string) bool {
	src, _, _ := strings.Cut(attribute(n.Node, "src"), "?")
	return slices.Contains(endings, strings.ToLower(path.Ext(src)))
}

func (n *node) color() string {
	if n.is(atom.Font) {
		return attribute(n.Node, "color")
	}
	return n.style("color")
}

func (n *node) background() string {
	for _, value := range []string{n.style("background-color"), n.style("background"), attribute(n.Node, "bgcolor")} {
		if value != "" && value != "transparent" {
			return value
		}
	}
	return ""
}

// onBackground reports whether the node or one around it has a background.
func (n *node) onBackground() bool {
	return n.within(func(n *node) bool { return n.background() != "" })
}

// underColor reports whether the node or one around it sets the colour of text.
func (n *node) underColor() bool { return n.within(func(n *node) bool { return n.color() != "" }) }

func (n *node) within(holds func(n *node) bool) bool {
	for h := n.Node; h != nil; h = h.Parent {
		if holds(&node{h, declarations(attribute(h, "style"))}) {
			return true
		}
	}
	return false
}

// width is how many pixels wide the node is made, 0 when that is not said.
func (n *node) width() float64 {
	most, _ := pixels(n.style("width"))
	if w, ok := pixels(attribute(n.Node, "width")); ok {
		most = max(most, w)
	}
	w, _ := pixels(n.style("min-width"))
	return max(most, w)
}

// pixels reads a length in pixels or points.
func pixels(value string) (float64, bool) {
	scale := 1.0
	switch {
	case strings.HasSuffix(value, "px"):
		value = strings.TrimSuffix(value, "px")
	case strings.HasSuffix(value, "pt"):
		value, scale = strings.TrimSuffix(value, "pt"), 4.0/3
	}
	n, err := strconv.ParseFloat(value, 64)
	return n * scale, err == nil
}

// How light a colour is.
const (
	medium = iota
	dark
	light
)

// named are the names of colours that are dark or light and in use.
var named = map[string]string{
	"black": "#000000", "navy": "#000080", "darkblue": "#00008b", "maroon": "#800000", "darkred": "#8b0000", "darkgreen": "#006400",
	"indigo": "#4b0082", "purple": "#800080", "midnightblue": "#191970", "darkslategray": "#2f4f4f", "darkslategrey": "#2f4f4f",
	"white": "#ffffff", "snow": "#fffafa", "ivory": "#fffff0", "whitesmoke": "#f5f5f5", "lightyellow": "#ffffe0",
	"lightgray": "#d3d3d3", "lightgrey": "#d3d3d3", "beige": "#f5f5dc", "gainsboro": "#dcdcdc", "yellow": "#ffff00",
}

// lightness tells whether a colour is dark or light; medium when it is neither
// or not known.
func lightness(value string) int {
	value = strings.ToLower(value)
	if hex, ok := named[value]; ok {
		value = hex
	}
	hex, ok := strings.CutPrefix(value, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	bits, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return medium
	}
	switch luma := (299*(bits>>16) + 587*(bits>>8&0xff) + 114*(bits&0xff)) / 1000; {
	case luma < 80:
		return dark
	case luma > 190:
		return light
	}
	return medium
}
