package footer

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

type policy = *bluemonday.Policy

// The forms of values.
const (
	size   = `(?:0|\d{1,4}(?:\.\d{1,3})?(?:px|pt|em|rem|%)?)` // never negative: nothing lies over the letter
	color  = `(?:#[0-9a-f]{3}|#[0-9a-f]{6}|rgba?\([0-9., %]{5,30}\)|[a-z]{3,20})`
	line   = `(?:none|solid|dashed|dotted|double)`
	border = `(?:none|0|` + size + ` ` + line + `(?: ` + color + `)?)`
	sizes  = size + `(?: ` + size + `){0,3}`
	around = `(?:auto|` + size + `)(?: (?:auto|` + size + `)){0,3}`
)

// styles are the CSS properties that stay, with the form of their values in
// lower case.
var styles = map[string]*regexp.Regexp{
	"color":                    exactly(color),
	"background-color":         exactly(color),
	"background":               exactly(color),
	"font-family":              exactly(`[a-z0-9 ,'"_-]{1,200}`),
	"font-size":                exactly(size + `|(?:x-|xx-)?(?:small|large)|medium|smaller|larger`),
	"font-weight":              exactly(`normal|bold|bolder|lighter|[1-9]00`),
	"font-style":               exactly(`normal|italic|oblique`),
	"line-height":              exactly(`normal|` + size),
	"letter-spacing":           exactly(`normal|` + size),
	"text-align":               exactly(`left|right|center|justify|start|end`),
	"text-decoration":          exactly(`none|underline|line-through`),
	"text-transform":           exactly(`none|uppercase|lowercase|capitalize`),
	"vertical-align":           exactly(`baseline|top|middle|bottom|text-top|text-bottom|sub|super`),
	"white-space":              exactly(`normal|nowrap|pre-line|pre-wrap`),
	"word-break":               exactly(`normal|break-all|break-word`),
	"direction":                exactly(`ltr|rtl`),
	"display":                  exactly(`block|inline|inline-block|table|table-row|table-cell`),
	"float":                    exactly(`left|right|none`),
	"width":                    exactly(`auto|` + size),
	"max-width":                exactly(`none|` + size),
	"min-width":                exactly(size),
	"height":                   exactly(`auto|` + size),
	"max-height":               exactly(`none|` + size),
	"padding":                  exactly(sizes),
	"padding-top":              exactly(size),
	"padding-right":            exactly(size),
	"padding-bottom":           exactly(size),
	"padding-left":             exactly(size),
	"margin":                   exactly(around),
	"margin-top":               exactly(`auto|` + size),
	"margin-right":             exactly(`auto|` + size),
	"margin-bottom":            exactly(`auto|` + size),
	"margin-left":              exactly(`auto|` + size),
	"border":                   exactly(border),
	"border-top":               exactly(border),
	"border-right":             exactly(border),
	"border-bottom":            exactly(border),
	"border-left":              exactly(border),
	"border-color":             exactly(color),
	"border-style":             exactly(line),
	"border-width":             exactly(sizes),
	"border-radius":            exactly(sizes),
	"border-collapse":          exactly(`collapse|separate`),
	"border-spacing":           exactly(size + `(?: ` + size + `)?`),
	"list-style-type":          exactly(`none|disc|circle|square|decimal|lower-alpha|lower-roman`),
	"mso-line-height-rule":     exactly(`exactly|at-least`),
	"mso-table-lspace":         exactly(size),
	"mso-table-rspace":         exactly(size),
	"-webkit-text-size-adjust": exactly(`none|auto|\d{1,3}%`),
	"-ms-text-size-adjust":     exactly(`none|auto|\d{1,3}%`),
}

func exactly(form string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + form + `)$`) }

// Forms of attributes.
var (
	formLength  = exactly(`\d{1,4}%?`)
	formNumber  = exactly(`\d{1,3}`)
	formColor   = exactly(`(?i:#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]{3,20})`)
	formAlign   = exactly(`(?i:left|right|center|justify|top|middle|bottom|baseline)`)
	formRole    = exactly(`presentation|none`)
	formDir     = exactly(`ltr|rtl|auto`)
	formLang    = exactly(`[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}`)
	formFace    = exactly(`(?i:[a-z0-9 ,'"_-]{1,200})`)
	formImage   = exactly(`(?i:https)://[^\s@\\/?#]+(?:[/?#][^\s\\]*)?`) // hosted, and no user in it
	formLink    = exactly(`(?i:https?)://[^\s@\\/?#]+(?:[/?#][^\s\\]*)?|(?i:mailto|tel):[^\s\\]+`)
	formOneLine = exactly(`[^\x00-\x1f\x7f]{0,500}`)
)

// newPolicy returns what may stay.
func newPolicy() policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "p", "div", "br", "hr", "a", "img",
		"b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "span", "font", "center", "address", "blockquote",
		"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li")
	p.SkipElementsContent("svg", "math", "template", "textarea", "select", "xmp", "plaintext", "title")
	for name, form := range styles {
		p.AllowStyles(unprefixed(name)).Matching(form).Globally()
	}
	p.AllowAttrs("align", "valign").Matching(formAlign).Globally()
	p.AllowAttrs("dir").Matching(formDir).Globally()
	p.AllowAttrs("lang").Matching(formLang).Globally()
	p.AllowAttrs("title").Matching(formOneLine).Globally()
	p.AllowAttrs("role").Matching(formRole).OnElements("table", "td", "img")
	p.AllowAttrs("width", "height").Matching(formLength).OnElements("table", "td", "th", "img", "hr")
	p.AllowAttrs("cellpadding", "cellspacing", "border").Matching(formNumber).OnElements("table")
	p.AllowAttrs("border", "hspace", "vspace").Matching(formNumber).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(formNumber).OnElements("td", "th")
	p.AllowAttrs("bgcolor").Matching(formColor).OnElements("table", "tr", "td", "th")
	p.AllowAttrs("color").Matching(formColor).OnElements("font")
	p.AllowAttrs("face").Matching(formFace).OnElements("font")
	p.AllowAttrs("size").Matching(exactly(`[1-7]`)).OnElements("font")
	p.AllowAttrs("src").Matching(formImage).OnElements("img")
	p.AllowAttrs("alt").Matching(formOneLine).OnElements("img")
	p.AllowAttrs("href").Matching(formLink).OnElements("a")
	p.RequireParseableURLs(true)
	p.AllowURLSchemes("https", "http", "mailto", "tel")
	return p
}

// unprefixed is how bluemonday calls a property.
func unprefixed(name string) string {
	for _, prefix := range []string{"mso-", "-webkit-", "-ms-"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// tidy takes out of an element's style what does not stay, and writes the rest
// in one way. bluemonday then checks it again.
func tidy(n *html.Node) {
	for i := range n.Attr {
		if a := &n.Attr[i]; a.Namespace == "" && a.Key == "style" {
			a.Val = tidyStyle(a.Val)
		}
	}
}

func tidyStyle(style string) string {
	var b strings.Builder
	for _, d := range declarations(style) {
		if form := styles[d.property]; form == nil || !form.MatchString(strings.ToLower(d.value)) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(d.property + ": " + d.value)
	}
	return b.String()
}

// declaration is one property of a style.
type declaration struct{ property, value string }

// declarations splits a style. A semicolon in quotes ends a declaration too, and
// what is left of it then matches no form.
func declarations(style string) (list []declaration) {
	for _, part := range strings.Split(style, ";") {
		property, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		value = strings.Join(strings.Fields(value), " ")
		value = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		list = append(list, declaration{strings.ToLower(strings.TrimSpace(property)), value})
	}
	return list
}
