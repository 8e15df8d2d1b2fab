package hydra

import (
	"testing"
	"time"

	"golang.org/x/text/language"

	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/page"
)

func BenchmarkAppendItem(b *testing.B) {
	m, e, item := benchPlanet(b)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = m.appendItem(dst[:0], &item, formatJSONLD, e)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkAppendList30(b *testing.B) {
	m, e, item := benchPlanet(b)
	items := make([]planet, 30)
	for i := range items {
		items[i] = item
	}
	l := listing{path: "/planets", query: page.Query{Number: 1, Size: 30}, total: page.Total{Rows: 1000, Exact: true}, keys: Prefixed, search: m.res.search}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = m.appendList(dst[:0], items, &l, formatJSONLD, e)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkApplyBody(b *testing.B) {
	m, e, _ := benchPlanet(b)
	content := []byte(`{"name":"Mars","kind":"rock","radius":3389,"visited":null,"star":"/stars/SO","inhabited":false}`)
	b.ReportAllocs()
	for b.Loop() {
		item := new(planet)
		if err := m.apply(m.parse(content, typeJSON), item, true, &intake{api: e.api}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchPlanet(b *testing.B) (*model[planet], *encoding, planet) {
	b.Helper()
	api, err := New(Config{Title: "Planets"}, planets())
	if err != nil {
		b.Fatal(err)
	}
	m, err := modelOf[planet](api, api.byName["Planet"])
	if err != nil {
		b.Fatal(err)
	}
	item := planet{
		ID: ident.NewSource(nil, nil).New(), Name: "Mars", Kind: "rock", Radius: 3389, Found: time.Now(), Star: "SO",
		Partner: null.Of(ident.NewSource(nil, nil).New()), Discoverer: "nobody",
	}
	return m, &encoding{api: api, reader: language.English, fields: allFields}, item
}
