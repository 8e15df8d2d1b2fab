package hydra

import (
	"testing"

	"sede/internal/fault"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ accept, want string }{
		{"", typeJSONLD},
		{"*/*", typeJSONLD},
		{"application/*", typeJSONLD},
		{"application/json", typeJSON},
		{"Application/JSON", typeJSON},
		{"application/json;q=0.5, application/hal+json", typeHAL},
		{"application/json;q=0, */*", typeJSONLD},
		{"application/ld+json;q=0, */*;q=0.1", typeJSON},
		{"text/plain, */*;q=0.5", typeJSONLD},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", typeHTML},
		{"*/*; charset=utf-8", typeJSONLD},
		{"application/vnd.api+json; charset=utf-8", typeJSONAPI},
		{"text/plain", ""},
		{"application/ld+json;q=oops", ""},
		{"nonsense", ""},
		{",,,;;;", ""},
		{"application/json;q=2", ""},
	} {
		got := ""
		if f := choose(c.accept, itemFormats); f != nil {
			got = f.media
		}
		if got != c.want {
			t.Errorf("Accept %q chooses %q, want %q", c.accept, got, c.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("text/html;q=0.5,*/*")
	f.Fuzz(func(t *testing.T, accept string) {
		if f := choose(accept, itemFormats); f == nil && accept == "" {
			t.Fatal("no header means the default")
		}
	})
}

func TestBodyType(t *testing.T) {
	t.Parallel()
	accepted := []string{typeJSONLD, typeJSON, typeMultipart}
	for header, want := range map[string]string{
		"application/ld+json":                 typeJSONLD,
		"application/ld+json; charset=utf-8":  typeJSONLD,
		"APPLICATION/JSON":                    typeJSON,
		`multipart/form-data; boundary="a b"`: typeMultipart,
		"text/plain":                          "",
		"":                                    "",
		"application/json; charset":           "",
		"application/merge-patch+json; charset=latin1": "",
	} {
		got, _, err := bodyType(header, accepted)
		if got != want || (want == "") != fault.Is(err, fault.UnsupportedMediaType) {
			t.Errorf("Content-Type %q is read as %q, %v; want %q", header, got, err, want)
		}
	}
}
