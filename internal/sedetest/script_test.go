package sedetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `# A first one.
as owner@demo.example in demo
POST /things
Accept: text/csv
Content-Type:
{"a": 1,
 "b": "<x>"}
< 201
< Location: /things/<id>
< !ETag
{"id": "<id>",
 "rest": "<*>"}

advance 2h
as nobody
= not a request body
`

func TestParse(t *testing.T) {
	t.Parallel()
	_, err := parseScript("s.txt", sample)
	if err == nil || !strings.HasPrefix(err.Error(), "s.txt:16: not understood") {
		t.Fatalf("the last line should not be understood: %v", err)
	}
	s, err := parseScript("s.txt", strings.Replace(sample, "= not a request body", "PUT /x\n= \"a\\xff\"*2 + \"b\"\n< 200\n< empty", 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.steps) != 3 || s.steps[1].move.Hours() != 2 {
		t.Fatalf("steps: %+v", s.steps)
	}
	first, last := s.steps[0], s.steps[2]
	if first.line != 3 || first.title != "A first one." || first.user != "owner@demo.example" || first.org != "demo" {
		t.Errorf("first: %+v", first)
	}
	if first.body != "{\"a\": 1,\n \"b\": \"<x>\"}" || len(first.header) != 2 || first.want.status != 201 || len(first.want.header) != 2 {
		t.Errorf("first: %+v", first)
	}
	if first.want.rule != bodyJSON || first.want.json.line() != `{"id": "<id>", "rest": "<*>"}` {
		t.Errorf("first body: %+v", first.want)
	}
	if last.user != "" || !last.raw || last.body != "a\xffa\xffb" || last.want.rule != bodyEmpty {
		t.Errorf("last: %+v", last)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	n := newNames(map[string]string{"known": "k1"})
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"plain", "plain", true},
		{"plain", "other", false},
		{"/a/<known>", "/a/k1", true},
		{"/a/<known>", "/a/k2", false},
		{"/a/<fresh>.jsonld?x=1", "/a/f1.jsonld?x=1", true},
		{"<fresh>", "f1", true},
		{"<fresh>", "f2", false},
		{"/a/<slash>", "/a/b/c", false},
		{"<*> of <*>", "one of many", true},
		{"<whole>", "all of it", true},
		{"a.c", "abc", false},
	} {
		if got := n.match(c.pattern, c.text); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
	if n.fill("x<fresh>y<nobody><*>") != "xf1y<nobody><*>" || n.unknown("<fresh><nobody>") != "nobody" {
		t.Errorf("values: %v", n.values)
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got, merged string
		partly, same      bool
	}{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, `{"b": 2, "a": 1}`, false, true},
		{`{"a":1}`, `{"a":1,"b":2}`, `{"a": 1, "b": 2}`, false, false},
		{`{"a":1}`, `{"a":1,"b":2}`, `{"a": 1}`, true, true},
		{`{"a":1,"c":3}`, `{"a":1}`, `{"a": 1}`, true, false},
		{`{"a":{"x":"<*>"}}`, `{"a":{"x":7,"y":8}}`, `{"a": {"x": "<*>"}}`, true, true},
		{`[1,2]`, `[1]`, `[1]`, true, false},
		{`[{"a":1}]`, `[{"a":1,"b":2},3]`, `[{"a": 1}, 3]`, true, false},
		{`"<id>"`, `"v"`, `"<id>"`, false, true},
		{`{"x":"<id>","y":"<id>"}`, `{"x":"v","y":"w"}`, `{"x": "<id>", "y": "w"}`, false, false},
		{`null`, `0`, `0`, false, false},
		{`1`, `1.0`, `1.0`, false, false},
		{`"1"`, `1`, `1`, false, false},
		{`[]`, `{}`, `{}`, false, false},
	} {
		want, err := parseJSON(c.want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseJSON(c.got)
		if err != nil {
			t.Fatal(err)
		}
		merged, same := newNames(nil).reconcile(&want, &got, c.partly)
		if same != c.same || merged.line() != c.merged {
			t.Errorf("%s against %s: %v, %s", c.want, c.got, same, merged.line())
		}
	}
	if _, err := parseJSON(`{"a":1,"a":1}`); err == nil {
		t.Error("a name that occurs twice was let pass")
	}
}

// TestRewrite takes a script through -update twice: the second time changes
// nothing.
func TestRewrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.txt")
	content := "GET /a\n\n# kept\nGET /b\n< 200\n< ETag: old\n{\"id\": \"<*>\", \"n\": 1}\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := []*Answer{
		{Status: 200, Body: `{"id":"018cc6e0-0000-7000-8000-000000000001"}`},
		{Status: 201, Header: map[string][]string{"Etag": {"new"}}, Body: `{"id":"018cc6e0-0000-7000-8000-000000000001","n":2}`},
	}
	var wrong int
	for range 2 {
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		p := &player{script: s, t: t, names: newNames(nil), came: map[int][]string{}}
		wrong = 0
		for i := range s.steps {
			if got := p.difference(&s.steps[i], answers[i]); got != "" {
				wrong++
			}
		}
		if err := p.rewrite(); err != nil {
			t.Fatal(err)
		}
	}
	if wrong != 0 {
		t.Errorf("%d steps differ after the update", wrong)
	}
	got, err := os.ReadFile(path)
	want := "GET /a\n< 200\n{\"id\": \"<id1>\"}\n\n# kept\nGET /b\n< 201\n< ETag: new\n{\"id\": \"<*>\", \"n\": 2}\n"
	if err != nil || string(got) != want {
		t.Errorf("rewritten: %q, %v", got, err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	before, after := Dump{"a 1", "a 2", "b 1"}, Dump{"a 1", "b 1", "b 2"}
	if got := strings.Join(before.Changes(after), "|"); got != "- a 2|+ b 2" {
		t.Error(got)
	}
	if got := before.Without("a").Changes(after.Without("a")); len(got) != 1 {
		t.Error(got)
	}
}
