package footer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"sede/internal/fault"
)

// Image is where a picture is loaded from, and how large it is shown.
type Image struct {
	URL           string
	Width, Height int
}

// Values are what placeholders are filled in with. One without a value leaves
// nothing.
type Values struct {
	Name      string
	ShortName string
	Address   string // in one line
	Website   string // a URL
	Email     string
	Phone     string
	VATNumber string
	TIN       string
	Logo      Image
	Icon      Image
}

// text returns the value of a placeholder that stands for text.
func (v *Values) text(name string) string {
	switch name {
	case "name":
		return v.Name
	case "shortName":
		return v.ShortName
	case "address":
		return v.Address
	case "website":
		return v.Website
	case "email":
		return v.Email
	case "phone":
		return v.Phone
	case "vatNumber":
		return v.VATNumber
	case "tin":
		return v.TIN
	}
	return ""
}

func (v *Values) image(name string) Image {
	if name == "icon" {
		return v.Icon
	}
	return v.Logo
}

// The names of placeholders.
var (
	texts  = []string{"name", "shortName", "address", "website", "email", "phone", "vatNumber", "tin"}
	images = []string{"logo", "icon"}
)

// Placeholders lists how all placeholders are written.
func Placeholders() string {
	return "{{" + strings.Join(append(slices.Clone(texts), images...), "}}, {{") + "}}"
}

// mark is a placeholder.
var mark = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// spots are the attributes that a placeholder can be the whole value of, by how
// it is written there. While the HTML is cleaned an address stands in its place.
var spots = []struct{ attribute, written, address string }{
	{"src", "{{logo}}", "https://placeholder.invalid/logo"},
	{"src", "{{icon}}", "https://placeholder.invalid/icon"},
	{"href", "{{website}}", "https://placeholder.invalid/website"},
	{"href", "mailto:{{email}}", "https://placeholder.invalid/email"},
	{"href", "tel:{{phone}}", "https://placeholder.invalid/phone"},
}

// hide prepares the placeholders of a node for cleaning, and says which can't be
// filled in.
func hide(n *html.Node) (broken []fault.Text) {
	if n.Type == html.TextNode {
		if strings.Contains(n.Data, "{{") && !unshown(n) {
			n.Data, broken = spell(n.Data, append(slices.Clone(texts), images...))
		}
		return broken
	}
	for i := range n.Attr {
		a := &n.Attr[i]
		if !mark.MatchString(a.Val) {
			continue
		}
		var wrong []fault.Text
		switch {
		case a.Key == "alt" || a.Key == "title":
			a.Val, wrong = spell(a.Val, texts)
		case a.Key == "src" || a.Key == "href":
			if a.Val, wrong = spell(a.Val, append(slices.Clone(texts), images...)); len(wrong) == 0 {
				a.Val, wrong = hideAddress(a.Key, a.Val)
			}
		case a.Key == "style":
			wrong = []fault.Text{fault.Textf("A placeholder stands in the attribute %q, where none can be filled in.", a.Key)}
		}
		broken = append(broken, wrong...)
	}
	return broken
}

// unshown reports whether the text of a node is none that people see, so that it
// goes.
func unshown(n *html.Node) bool {
	return n.Parent != nil && (n.Parent.DataAtom == atom.Script || n.Parent.DataAtom == atom.Style)
}

// spell writes the placeholders in text in their one spelling, and says which
// are not among the known.
func spell(text string, known []string) (string, []fault.Text) {
	var broken []fault.Text
	text = mark.ReplaceAllStringFunc(text, func(found string) string {
		name := mark.FindStringSubmatch(found)[1]
		if !slices.Contains(known, name) {
			broken = append(broken, fault.Textf("The placeholder %s can't be filled in here. There are %s.",
				found, "{{"+strings.Join(known, "}}, {{")+"}}"))
		}
		return "{{" + name + "}}"
	})
	return text, broken
}

func hideAddress(attribute, value string) (string, []fault.Text) {
	for _, s := range spots {
		if s.attribute == attribute && s.written == strings.TrimSpace(value) {
			return s.address, nil
		}
	}
	return value, []fault.Text{fault.Textf("A placeholder stands in the address %q. There are %s.",
		value, `src="{{logo}}", src="{{icon}}", href="{{website}}", href="mailto:{{email}}", href="tel:{{phone}}"`)}
}

// show puts placeholders back where hide took them.
func show(n *html.Node) {
	for i := range n.Attr {
		for _, s := range spots {
			if a := &n.Attr[i]; a.Key == s.attribute && a.Val == s.address {
				a.Val = s.written
			}
		}
	}
}

// Render fills the placeholders of clean HTML in, and returns it with its plain
// twin.
func Render(clean string, v *Values) (rendered, plain string, err error) {
	list, err := parse(clean)
	if err != nil {
		return "", "", err
	}
	root := &html.Node{Type: html.ElementNode, Data: "td", DataAtom: atom.Td}
	for _, n := range list {
		root.AppendChild(n)
	}
	var all []*html.Node
	each(root, func(n *html.Node) { all = append(all, n) })
	for _, n := range all[1:] {
		if n.Type == html.TextNode {
			fillText(n, v)
		} else {
			fillAttributes(n, v)
		}
	}
	list = list[:0]
	for n := range root.ChildNodes() {
		list = append(list, n)
	}
	return write(list), plainOf(list), nil
}

// fillText replaces the placeholders of a text by text, links and images.
func fillText(n *html.Node, v *Values) {
	found := mark.FindAllStringSubmatchIndex(n.Data, -1)
	if found == nil {
		return
	}
	text, from := n.Data, 0
	put := func(child *html.Node) { n.Parent.InsertBefore(child, n) }
	for _, at := range found {
		put(textNode(text[from:at[0]]))
		put(v.node(text[at[2]:at[3]], inLink(n)))
		from = at[1]
	}
	n.Data = text[from:]
}

// node is what stands for a placeholder within text.
func (v *Values) node(name string, linked bool) *html.Node {
	if slices.Contains(images, name) {
		img := element(atom.Img)
		fillImage(img, v, name)
		if attribute(img, "src") == "" {
			return textNode("")
		}
		return img
	}
	text := v.text(name)
	address := map[string]string{"website": text, "email": "mailto:" + text}[name]
	if text == "" || address == "" || linked {
		return textNode(text)
	}
	a := element(atom.A)
	set(a, "href", address)
	a.AppendChild(textNode(text))
	return a
}

func inLink(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.DataAtom == atom.A {
			return true
		}
	}
	return false
}

// fillAttributes replaces the placeholders in the attributes of an element. An
// image that there is none of goes, and so does the address of a link.
func fillAttributes(n *html.Node, v *Values) {
	for _, a := range slices.Clone(n.Attr) {
		switch {
		case !strings.Contains(a.Val, "{{"):
		case a.Key == "src":
			if fillImage(n, v, strings.Trim(a.Val, "{}")); attribute(n, "src") == "" {
				n.Parent.RemoveChild(n)
				return
			}
		case a.Key == "href":
			scheme, name, _ := strings.Cut(strings.TrimSuffix(a.Val, "}}"), "{{")
			if text := v.text(name); text != "" {
				set(n, "href", scheme+strings.ReplaceAll(text, " ", ""))
			} else {
				n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "href" })
			}
		default:
			set(n, a.Key, mark.ReplaceAllStringFunc(a.Val, func(found string) string { return v.text(strings.Trim(found, "{}")) }))
		}
	}
}

// fillImage makes an element show an image of the organization, as large as its
// author said or as it is. Without an image its src is empty.
func fillImage(n *html.Node, v *Values, name string) {
	image := v.image(name)
	set(n, "src", image.URL)
	if attribute(n, "alt") == "" {
		set(n, "alt", v.Name)
	}
	if attribute(n, "width") == "" && attribute(n, "height") == "" && image.Width > 0 {
		set(n, "width", strconv.Itoa(image.Width))
		set(n, "height", strconv.Itoa(image.Height))
	}
}

func element(a atom.Atom) *html.Node {
	return &html.Node{Type: html.ElementNode, DataAtom: a, Data: a.String()}
}

func textNode(text string) *html.Node { return &html.Node{Type: html.TextNode, Data: text} }

func set(n *html.Node, name, value string) {
	for i := range n.Attr {
		if n.Attr[i].Key == name {
			n.Attr[i].Val = value
			return
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: name, Val: value})
}
