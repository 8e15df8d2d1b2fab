package footer

import (
	"slices"
	"testing"
)

var acme = Values{
	Name: "Acme & Sons", ShortName: "Acme", Address: "Rua Augusta 1, 1100-048 Lisboa, Portugal", Website: "https://acme.example/?a=1&b=2",
	Email: "hello@acme.example", Phone: "+351 21 000 00 00", Logo: Image{URL: "https://cdn.example/logo", Width: 120, Height: 40},
}

func TestRender(t *testing.T) {
	for _, c := range []struct{ clean, rendered, plain string }{
		{`<p>{{name}}</p>{{address}}`, `<p>Acme &amp; Sons</p>Rua Augusta 1, 1100-048 Lisboa, Portugal`, "Acme & Sons\n\nRua Augusta 1, 1100-048 Lisboa, Portugal"},
		{`{{logo}} x`, `<img src="https://cdn.example/logo" alt="Acme &amp; Sons" width="120" height="40"/> x`, "Acme & Sons x"},
		{`a{{icon}}b`, `ab`, "ab"}, // there is none
		{`<img src="{{logo}}" width="60" alt="{{shortName}} logo"/>`, `<img src="https://cdn.example/logo" width="60" alt="Acme logo"/>`, "Acme logo"},
		{`<b><img src="{{icon}}"/></b>.`, `<b></b>.`, "."},
		{`<a href="{{website}}">{{name}}</a>`, `<a href="https://acme.example/?a=1&amp;b=2">Acme &amp; Sons</a>`, "Acme & Sons (https://acme.example/?a=1&b=2)"},
		{`{{website}} {{email}}`, `<a href="https://acme.example/?a=1&amp;b=2">https://acme.example/?a=1&amp;b=2</a> <a href="mailto:hello@acme.example">hello@acme.example</a>`,
			"https://acme.example/?a=1&b=2 hello@acme.example"},
		{`<a href="tel:{{phone}}">{{phone}}</a>`, `<a href="tel:+351210000000">+351 21 000 00 00</a>`, "+351 21 000 00 00"},
		{`<a href="mailto:{{email}}">Write</a>{{vatNumber}}`, `<a href="mailto:hello@acme.example">Write</a>`, "Write (hello@acme.example)"},
	} {
		rendered, plain, err := Render(c.clean, &acme)
		if err != nil || rendered != c.rendered || plain != c.plain {
			t.Errorf("%s\n got %s\nwant %s\n got %q\nwant %q %v", c.clean, rendered, c.rendered, plain, c.plain, err)
		}
	}
	if got, _, _ := Render(`<a href="{{website}}">x</a>`, &Values{}); got != `<a>x</a>` {
		t.Errorf("without a website: %s", got)
	}
}

func TestPlain(t *testing.T) {
	for clean, want := range map[string]string{
		"<p>One\n  two</p><p>three<br/>four</p>":                                                        "One two\n\nthree\nfour",
		"<table><tbody><tr><td>Acme</td><td>Lisboa</td></tr><tr><td><p>x</p></td></tr></tbody></table>": "Acme | Lisboa\nx",
		"<ul><li>a</li><li>b</li></ul>c":                                                                "- a\n- b\n\nc",
		"a<hr/>b":                                                                                       "a\n---\nb",
		`<a href="https://acme.example/">acme.example</a>`:                                              "acme.example",
		`<a href="https://acme.example/x"><img alt="Acme"/></a>`:                                        "Acme (https://acme.example/x)",
		`<a href="https://acme.example/x"><img alt=""/></a>`:                                            "https://acme.example/x",
		"a <b>b</b> <i>c</i>d":                                                                          "a b cd",
	} {
		if _, got, _ := Render(clean, &Values{}); got != want {
			t.Errorf("%s\n got %q\nwant %q", clean, got, want)
		}
	}
}

// TestWarnings shows for each rule what breaks it and what does not.
func TestWarnings(t *testing.T) {
	for code, c := range map[string]struct{ bad, good string }{
		"padding":           {`<p style="padding: 4px">x</p>`, `<table><tr><td style="padding: 4px">x</td></tr></table>`},
		"border-radius":     {`<p style="border-radius: 4px">x</p>`, `<p style="border-radius: 0">x</p>`},
		"max-width":         {`<table style="max-width: 400px"></table>`, `<table width="400" style="max-width: 400px"></table>`},
		"block-width":       {`<div style="width: 50%">x</div>`, `<table style="width: 50%"></table>`},
		"image-size":        {`<img src="https://a.example/x.jpg" alt="x"/>`, `<img src="https://a.example/x.jpg" alt="x" width="9"/>`},
		"image-alt":         {`<img src="https://a.example/x.jpg" width="9"/>`, `<img src="https://a.example/x.jpg" alt="x" width="9"/>`},
		"image-format":      {`<img src="https://a.example/x.webp?v=1" width="9" alt="x"/>`, `<img src="https://a.example/x.jpg" alt="x" width="9"/>`},
		"image-svg":         {`<img src="https://a.example/x.SVG" width="9" alt="x"/>`, `<img src="https://a.example/x.webp" alt="x" width="9"/>`},
		"side-by-side":      {`<div style="display: inline-block">x</div>`, `<div style="display: block">x</div>`},
		"color":             {`<p style="color: rgba(1, 2, 3, 0.5)">x</p>`, `<p style="color: #808080">x</p>`},
		"detection":         {`<p>Call +351 21 000 00 00</p>`, `<a href="tel:+351210000000">+351 21 000 00 00</a> since 1998`},
		"small-text":        {`<p style="font-size: 8pt">x</p>`, `<p style="font-size: 7pt; -webkit-text-size-adjust: none">x</p>`},
		"dark-text":         {`<p style="color: #111">x</p>`, `<div style="background: white"><p style="color: black">x</p></div>`},
		"light-background":  {`<p style="background: white">x</p>`, `<p style="background: white; color: black">x</p>`},
		"transparent-image": {`{{logo}}`, `<table><tr><td bgcolor="#ffffff">{{logo}}</td></tr></table>`},
		"wide":              {`<table width="600"></table>`, `<table width="560"></table>`},
	} {
		has := func(clean string) bool {
			return slices.ContainsFunc(Warnings(clean, 0), func(w Warning) bool { return w.Code == code })
		}
		if !has(c.bad) {
			t.Errorf("%s: nothing is said of %s", code, c.bad)
		}
		if has(c.good) {
			t.Errorf("%s is said of %s", code, c.good)
		}
	}
	if list := Warnings("x", large+1); len(list) != 1 || list[0].Code != "clipping" {
		t.Errorf("of a large footer: %v", list)
	}
	codes := map[string]bool{}
	for _, r := range rules {
		if codes[r.code] || !slices.Contains(Clients(), r.client) {
			t.Errorf("%s %s", r.client, r.code)
		}
		codes[r.code] = true
	}
}
