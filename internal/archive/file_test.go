package archive

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

func testKey(seed byte) *Key {
	return &Key{private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

// written is an archive with one table of two rows.
func written(t testing.TB, key *Key) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, key, Manifest{Kind: KindWorking, CreatedAt: time.Unix(1_900_000_000, 0)})
	if err := w.begin(File{Name: "data/location.jsonl", Table: "location", Columns: []string{"id", "name"}, Rows: 2}); err != nil {
		t.Fatal(err)
	}
	lines := `{"id":"01b8dcb4-1680-72eb-8d36-c8496db7fef5","name":"A"}` + "\n" + `{"id":"01b8dcb4-1680-72eb-8d36-c8496db7fef6","name":"\u00e9\n"}` + "\n"
	if _, err := io.WriteString(w, lines); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteFile("blobs/images/a/1.png", []byte("an image")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tryOpen(content []byte, key *Key) error {
	r, err := Open(bytes.NewReader(content), int64(len(content)), key)
	if err == nil {
		err = r.Verify()
	}
	return err
}

// repacked is the archive with its files changed.
func repacked(t *testing.T, content []byte, change func(files map[string][]byte)) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	change(files)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTampered: whatever is changed in an archive is noticed, and named.
func TestTampered(t *testing.T) {
	t.Parallel()
	ours := testKey(1)
	whole := written(t, ours)
	if err := tryOpen(whole, ours); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(repacked(t, whole, func(map[string][]byte) {}), ours); err != nil {
		t.Errorf("packed anew, unchanged: %v", err)
	}
	trusting := testKey(2)
	trusting.trusted = []ed25519.PublicKey{ours.Public()}
	if err := tryOpen(whole, trusting); err != nil {
		t.Errorf("of a trusted instance: %v", err)
	}
	forged := func(files map[string][]byte) { // signed anew by somebody
		files[signatureFile], _ = json.Marshal(signature{Algorithm: ed25519Name, PublicKey: testKey(3).Public(), Signature: testKey(3).sign(files[manifestFile])})
	}
	for name, c := range map[string]struct {
		key    *Key
		change func(files map[string][]byte)
		want   string
	}{
		"another instance": {testKey(2), func(map[string][]byte) {}, "not trusted here"},
		"signed anew":      {ours, forged, "not trusted here"},
		"a row changed":    {ours, func(f map[string][]byte) { f["data/location.jsonl"][60]++ }, "data/location.jsonl is not as it was written"},
		"a row added":      {ours, func(f map[string][]byte) { f["data/location.jsonl"] = append(f["data/location.jsonl"], "{}\n"...) }, "data/location.jsonl is not"},
		"an image changed": {ours, func(f map[string][]byte) { f["blobs/images/a/1.png"][0]++ }, "1.png is not as it was written"},
		"a file missing":   {ours, func(f map[string][]byte) { delete(f, "data/location.jsonl") }, "data/location.jsonl is missing"},
		"a file added":     {ours, func(f map[string][]byte) { f["data/app_user.jsonl"] = []byte("{}\n") }, "files that it did not have"},
		"manifest changed": {ours, func(f map[string][]byte) {
			f[manifestFile] = bytes.Replace(f[manifestFile], []byte("working"), []byte("workinG"), 1)
		}, "changed after it was signed"},
		"no signature":      {ours, func(f map[string][]byte) { delete(f, signatureFile) }, "no archive of sede"},
		"no manifest":       {ours, func(f map[string][]byte) { delete(f, manifestFile) }, "no archive of sede"},
		"a later form":      {ours, func(f map[string][]byte) { f[manifestFile] = []byte(`{"format":"sede archive 9"}`) }, "sede archive 9"},
		"a large signature": {ours, func(f map[string][]byte) { f[signatureFile] = bytes.Repeat([]byte(" "), mostSignature+1) }, "damaged in manifest.sig"},
	} {
		err := tryOpen(repacked(t, whole, c.change), c.key)
		said := fault.As(err).Text
		if err == nil || !IsDamaged(err) || !strings.Contains(fmt.Sprintf(said.Format, said.Args...), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range len(whole) { // cut anywhere
		if tryOpen(whole[:n], ours) == nil {
			t.Fatalf("the first %d bytes pass", n)
		}
	}
}

// TestFlipped: a byte changed anywhere is noticed, or changes nothing that is read.
func TestFlipped(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	whole := written(t, key)
	read := func(content []byte) (all []string, err error) {
		if err := tryOpen(content, key); err != nil {
			return nil, err
		}
		r, err := Open(bytes.NewReader(content), int64(len(content)), key)
		for i := range r.Manifest.Files {
			content, err := r.Read(&r.Manifest.Files[i])
			if err != nil {
				return nil, err
			}
			all = append(all, string(content))
		}
		return all, err
	}
	want, err := read(whole)
	if err != nil || len(want) != 2 {
		t.Fatal(want, err)
	}
	noticed := 0
	for n := range whole {
		for _, flip := range []byte{1, 8, 0xff} {
			changed := bytes.Clone(whole)
			changed[n] ^= flip
			switch have, err := read(changed); {
			case err != nil && !IsDamaged(err):
				t.Errorf("byte %d: %v", n, err)
			case err != nil:
				noticed++
			case !slices.Equal(have, want):
				t.Errorf("byte %d: %q", n, have)
			}
		}
	}
	if noticed < len(whole) {
		t.Errorf("only %d changes of %d bytes were noticed", noticed, len(whole))
	}
}

// FuzzOpen: no file makes trouble, whatever is in it.
func FuzzOpen(f *testing.F) {
	key := testKey(1)
	f.Add(written(f, key))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := tryOpen(content, key); err != nil && !IsDamaged(err) {
			t.Errorf("%v", err)
		}
	})
}

// TestRowsComeBack writes values of all kinds as a line and reads them.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	table := Table{Name: "thing"}
	schema := &db.Table{Name: "thing", Key: []string{"organization_id", "id"}, Columns: []db.TableColumn{
		{Name: "organization_id", Kind: db.KindID}, {Name: "id", Kind: db.KindID}, {Name: "at", Kind: db.KindTime, Null: true},
		{Name: "yes", Kind: db.KindBool, Null: true}, {Name: "n", Kind: db.KindInt, Null: true}, {Name: "f", Kind: db.KindFloat, Null: true},
		{Name: "text", Kind: db.KindText, Null: true}, {Name: "raw", Kind: db.KindBytes, Null: true}}}
	c, err := newCodec(table, schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, at := ident.ID{1, 2, 3}, time.Date(2031, 2, 3, 4, 5, 6, 789_000, time.UTC)
	for _, want := range [][]any{
		{id, at, true, int64(-1 << 62), 1.5e-7, "línea\n\"\u2028\\", []byte{0, 255}},
		{id, nil, nil, nil, nil, nil, nil},
		{id, at, false, int64(0), 0.0, "", []byte{}},
	} {
		for i := range c.cells {
			c.cells[i] = cellOf(want[i])
		}
		for i := range c.cells {
			c.dest[i] = c.cells[i].dest(c.columns[i].Kind)
		}
		line, err := c.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]any, len(c.columns))
		if !c.scan(strings.TrimSuffix(string(line), "\n"), got) {
			t.Errorf("%s is not read the fast way", line)
		}
		for range 2 { // and then as any JSON
			for i := range want {
				if !same(want[i], got[i]) {
					t.Errorf("%s: %v came back as %v", c.columns[i].Name, want[i], got[i])
				}
			}
			if err := c.parse(" "+string(line), got); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	for _, line := range []string{``, `[]`, `{}`, `{"id":1}`, `{"id":null,"at":null,"yes":null,"n":null,"f":null,"text":null,"raw":null}`,
		`{"id":"01020300-0000-0000-0000-000000000000","at":null,"yes":null,"n":1.5,"f":null,"text":null,"raw":null}`,
		`{"id":"01020300-0000-0000-0000-000000000000","at":null,"yes":null,"n":null,"f":null,"text":null,"raw":"?"}`,
		`{"id":"01020300-0000-0000-0000-000000000000","at":null,"yes":null,"n":null,"f":null,"text":null,"other":null}`} {
		if err := c.parse(line, make([]any, len(c.columns))); err == nil {
			t.Errorf("%s passes", line)
		}
	}
}

// FuzzScan: what is read the fast way is what any reader of JSON reads.
func FuzzScan(f *testing.F) {
	columns := []db.TableColumn{{Name: "id", Kind: db.KindID}, {Name: "n", Kind: db.KindInt, Null: true}, {Name: "yes", Kind: db.KindBool}, {Name: "text", Kind: db.KindText, Null: true}}
	c, err := codecOf(Table{Name: "thing"}, &db.Table{Name: "thing", Columns: columns}, []string{"id", "n", "yes", "text"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"id":"01020300-0000-0000-0000-000000000000","n":-12,"yes":true,"text":"a\"b\u00e9"}`)
	f.Add(`{"id":"01020300-0000-0000-0000-000000000000","n":null,"yes":false,"text":"\\"}`)
	f.Fuzz(func(t *testing.T, line string) {
		fast, slow := make([]any, len(columns)), make([]any, len(columns))
		if !c.scan(line, fast) {
			return
		}
		if err := c.decode(jsontext.NewDecoder(strings.NewReader(line)), slow); err != nil {
			if _, ok := fast[3].(string); ok || strings.ContainsAny(line, "+0_") {
				return // JSON refuses some bytes in strings and some ways to write numbers
			}
			t.Fatalf("%s passes: %v", line, err)
		}
		if !slices.Equal(fast, slow) {
			t.Errorf("%s: %v, and %v", line, fast, slow)
		}
	})
}

func cellOf(v any) (c cell) {
	switch v := v.(type) {
	case ident.ID:
		c.id = null.Of(v)
	case time.Time:
		c.time = null.Of(v)
	case bool:
		c.bool = null.Of(v)
	case int64:
		c.int = null.Of(v)
	case float64:
		c.float = null.Of(v)
	case string:
		c.text = null.Of(v)
	case []byte:
		c.bytes = null.Of(v)
	}
	return c
}

func same(a, b any) bool {
	if raw, ok := a.([]byte); ok {
		other, ok := b.([]byte)
		return ok && bytes.Equal(raw, other)
	}
	return a == b
}
