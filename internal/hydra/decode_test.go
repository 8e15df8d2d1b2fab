package hydra

import (
	"strings"
	"testing"
	"time"

	"sede/internal/fault"
)

func TestBodiesThatAreNoObjects(t *testing.T) {
	t.Parallel()
	m := &model[planet]{}
	for content, fine := range map[string]bool{
		`{}`:        true,
		` {"a":1} `: true,
		`{"a":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + "}": true,
		`{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + "}":     false,
		`{"a":"` + strings.Repeat("[", maxDepth) + `\""}`:                                 true,
		`[]`:       false,
		`"a"`:      false,
		`{"a":1,}`: false,
		strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000): false,
		``:                 false,
		`{`:                false,
		`{"a":1,"a":2}`:    false,
		`{"a":1} {"b":2}`:  false,
		`{"a":01}`:         false,
		`{'a':1}`:          false,
		`{"a":"\ud800"}`:   false,
		"{\"a\":\"\x80\"}": false,
		"\xef\xbb\xbf{}":   false,
		`{"a":1e400}`:      true, // a JSON number; the field refuses it
	} {
		err := m.parse([]byte(content), typeJSON).err
		if (err == nil) != fine || (err != nil && !fault.Is(err, fault.Invalid)) {
			t.Errorf("%.40q is answered %v, want fine = %v", content, err, fine)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)
	for _, text := range []string{"2030-01-02T09:00:00Z", "2030-01-02T09:00:00+00:00", "2030-01-02T11:00:00+02:00",
		"2030-01-02T09:00:00.999Z", "2030-01-02T09:00:00", "2030-01-02 09:00:00", "2030-01-02T09:00"} {
		if got, err := parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "now", "2030-13-01T00:00:00Z", "2030-01-02T25:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "20300102"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q is read as %v, want an error", text, got)
		}
	}
}

// FuzzBody feeds bodies of every kind to a resource with every kind of field:
// whatever comes, it is taken or refused, and what is taken obeys the rules.
func FuzzBody(f *testing.F) {
	for _, body := range []string{`{"name":"x","officeOpenHour":9}`, `{"data":{"attributes":{"name":"x"}}}`, `{"@id":"/x","name":null}`, `[]`, `{"name":"\u0000"}`} {
		f.Add(body, true)
		f.Add(body, false)
	}
	api, err := New(Config{Title: "Planets"}, planets())
	if err != nil {
		f.Fatal(err)
	}
	m, err := modelOf[planet](api, api.byName["Planet"])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content string, creating bool) {
		for _, media := range []string{typeJSON, typeJSONAPI} {
			item := new(planet)
			err := m.apply(m.parse([]byte(content), media), item, creating, &intake{api: api})
			if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unprocessable) {
				t.Fatalf("%q is answered %v", content, err)
			}
			if err == nil && len(m.broken(item, nil)) > 0 {
				t.Fatalf("%q was taken and breaks rules", content)
			}
			m.appendItem(nil, item, formatJSONLD, &encoding{api: api, fields: allFields})
		}
	})
}
