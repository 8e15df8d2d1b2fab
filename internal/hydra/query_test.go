package hydra

import (
	"reflect"
	"testing"
	"time"

	"sede/internal/fault"
	"sede/internal/page"
)

func TestReadPage(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]int{
		"":                            {1, 30},
		"page=3":                      {3, 30},
		"itemsPerPage=5":              {1, 5},
		"itemsPerPage=0":              {1, 0},
		"itemsPerPage=1000":           {1, 100},
		"page[number]=2&page[size]=7": {2, 7},
		"page=99999999999999999999":   {maxPage, 30},
		"pagination=false&partial=1":  {1, 30},
		"page=0":                      {},
		"page=-1":                     {},
		"page=-99999999999999999999":  {},
		"page=abc":                    {},
		"page=":                       {},
		"itemsPerPage=-1":             {},
		"itemsPerPage=x":              {},
		"itemsPerPage=0&page=2":       {},
	} {
		var q page.Query
		err := readPage(parseQuery(raw), &q)
		if want == [2]int{} {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("?%s is answered %v, want a 400", raw, err)
			}
			continue
		}
		if err != nil || q.Number != want[0] || q.Size != want[1] {
			t.Errorf("?%s asks for page %d of %d, %v; want %v", raw, q.Number, q.Size, err, want)
		}
	}
}

// filtering is an API with one resource that declares every filter.
func filtering() (*API, *resource) {
	res := &resource{name: "Thing", path: "/things", specs: []*spec{
		{name: "name", filters: []Filter{Partial}, sortable: true},
		{name: "kind", filters: []Filter{Exact, Existence}},
		{name: "open", kind: kindBool, filters: []Filter{Boolean}},
		{name: "size", kind: kindInt, filters: []Filter{Numeric, Range}},
		{name: "at", kind: kindTime, filters: []Filter{DateRange}},
		{name: "end", kind: kindTime},
		{name: "secret"},
	}, spans: []Span{{Name: "during", From: "at", To: "end"}}}
	return &API{byName: map[string]*resource{"Thing": res}}, res
}

func TestReadFilters(t *testing.T) {
	t.Parallel()
	api, res := filtering()
	noon := page.Value{Time: time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC), Kind: page.Time}
	number := func(n int64) page.Value { return page.Value{Int: n, Kind: page.Int} }
	for raw, want := range map[string]page.Query{
		"name=x&name[]=y":     {Filters: []page.Filter{{Field: "name", Op: page.Contains, Values: []page.Value{{Text: "x"}, {Text: "y"}}}}},
		"kind=a":              {Filters: []page.Filter{{Field: "kind", Values: []page.Value{{Text: "a"}}}}},
		"kind[0]=a&kind[1]=b": {Filters: []page.Filter{{Field: "kind", Values: []page.Value{{Text: "a"}, {Text: "b"}}}}},
		"open=1":              {Filters: []page.Filter{{Field: "open", Values: []page.Value{{Bool: true, Kind: page.Bool}}}}},
		"size=3":              {Filters: []page.Filter{{Field: "size", Values: []page.Value{number(3)}}}},
		"size[between]=1..5": {Filters: []page.Filter{
			{Field: "size", Op: page.After, Values: []page.Value{number(1)}}, {Field: "size", Op: page.Before, Values: []page.Value{number(5)}}}},
		"size[gt]=1":                            {Filters: []page.Filter{{Field: "size", Op: page.StrictlyAfter, Values: []page.Value{number(1)}}}},
		"at[before]=2030-01-02T12:00:00Z":       {Filters: []page.Filter{{Field: "at", Op: page.Before, Values: []page.Value{noon}}}},
		"at[after]=2030-01-02T13:00:00%2B01:00": {Filters: []page.Filter{{Field: "at", Op: page.After, Values: []page.Value{noon}}}},
		"during[from]=2030-01-02T12:00:00Z":     {Filters: []page.Filter{{Field: "during", Op: page.StrictlyAfter, Values: []page.Value{noon}}}},
		"during[to]=2030-01-02T12:00:00Z":       {Filters: []page.Filter{{Field: "during", Op: page.StrictlyBefore, Values: []page.Value{noon}}}},
		"during[to]=never&during[x]=2030-01-02": {},
		"during=2030-01-02":                     {},
		"exists[kind]=false":                    {Filters: []page.Filter{{Field: "kind", Op: page.Exists, Values: []page.Value{{Kind: page.Bool}}}}},
		"order[name]=DESC":                      {Order: []page.Order{{Field: "name", Descending: true}}},
		"order[kind]=asc":                       {}, // not sortable
		"order[name]=up":                        {},
		"secret=x":                              {}, // no filter
		"open=maybe":                            {},
		"size=many":                             {},
		"size[between]=5":                       {},
		"at[before]=yesterday":                  {},
		"at[near]=2030-01-02":                   {},
		"unknown=1&[]=2&[=3&]=4&=5":             {},
	} {
		var got page.Query
		api.readFilters(res, parseQuery(raw), &got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("?%s\nasks %+v\nwant %+v", raw, got, want)
		}
	}
}

func FuzzReadFilters(f *testing.F) {
	f.Add("name[]=x&order[name]=asc&exists[kind]=1&size[between]=1..2&properties[]=name")
	api, res := filtering()
	f.Fuzz(func(t *testing.T, raw string) {
		var q page.Query
		parameters := parseQuery(raw)
		if readPage(parameters, &q) == nil && (q.Number < 1 || q.Size < 0 || q.Size > maxSize || q.Offset() < 0) {
			t.Fatalf("%q asks for %+v", raw, q)
		}
		api.readFilters(res, parameters, &q)
		_ = readFields(res, parameters)
		if link := pageLink(nil, "/x", parameters, 2); len(parseQuery(string(link[3:]))) == 0 {
			t.Fatalf("%q links to %s", raw, link)
		}
	})
}

func TestPageLink(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                         "/x?page=2",
		"page=7":                   "/x?page=2",
		"name=a b&page=7&n[]=1":    "/x?name=a%20b&n%5B%5D=1&page=2",
		"order[name]=asc&q=%C3%A9": "/x?order%5Bname%5D=asc&q=%C3%A9&page=2",
	} {
		if got := string(pageLink(nil, "/x", parseQuery(raw), 2)); got != want {
			t.Errorf("?%s links to %s, want %s", raw, got, want)
		}
	}
}

func TestReadFields(t *testing.T) {
	t.Parallel()
	_, res := filtering()
	for raw, want := range map[string]fieldSet{
		"":                                    allFields,
		"name=x":                              allFields,
		"properties[]=name":                   1,
		"properties[]=name&properties[]=kind": 3,
		"properties[kind][]=x":                2,
		"properties[]=nothing":                0,
		"properties[0]=name":                  1,
	} {
		if got := readFields(res, parseQuery(raw)); got != want {
			t.Errorf("?%s asks for fields %b, want %b", raw, got, want)
		}
	}
}
