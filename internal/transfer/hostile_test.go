package transfer_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/transfer"
)

// forger is an instance that is trusted and means harm: it signs what it likes.
var forger = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// betrayed is an instance that trusts the forger.
func betrayed(t *testing.T, engine db.Engine) *sedetest.Instance {
	t.Helper()
	in := sedetest.Bare(t, engine, operator, 11, func(c *app.Config) {
		c.Transfer = transfer.Settings{Trusted: []ed25519.PublicKey{forger.Public().(ed25519.PublicKey)}}
	})
	in.As(operator, "").Do(http.MethodGet, "/users/me", "") // signing in leaves traces
	return in
}

// sign makes a manifest, and its signature, of what the forger says of the files.
func sign(t *testing.T, m *archive.Manifest) (manifest, signature string) {
	t.Helper()
	content, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	sum := ed25519.Sign(forger, append([]byte(m.Format+"\n"), content...))
	signed, err := json.Marshal(map[string]any{"algorithm": "Ed25519", "publicKey": []byte(forger.Public().(ed25519.PublicKey)), "signature": sum})
	if err != nil {
		t.Fatal(err)
	}
	return string(content), string(signed)
}

// forge changes an archive and signs it anew. The manifest follows the files that
// are changed, and may then be changed itself.
func forge(t *testing.T, content string, file func(name, content string) string, say func(m *archive.Manifest)) string {
	t.Helper()
	var m archive.Manifest
	if err := json.Unmarshal([]byte(contents(t, content)["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	signature := ""
	return rezip(t, content, func(name, content string) string {
		switch i := slices.IndexFunc(m.Files, func(f archive.File) bool { return f.Name == name }); {
		case i >= 0:
			content = file(name, content)
			sum := sha256.Sum256([]byte(content))
			m.Files[i].Bytes, m.Files[i].SHA256 = int64(len(content)), hex.EncodeToString(sum[:])
		case name == "manifest.json":
			say(&m)
			content, signature = sign(t, &m)
		case name == "manifest.sig":
			content = signature
		}
		return content
	})
}

func asIs(_, content string) string { return content }
func silent(*archive.Manifest)      {}

// in returns a change of one file of an archive.
func in(name string, change func(content string) string) func(name, content string) string {
	return func(file, content string) string {
		if file == name {
			return change(content)
		}
		return content
	}
}

// TestHostileArchives: whoever is trusted can't do harm either. Nothing changes, and
// what is packed too well is not unpacked.
func TestHostileArchives(t *testing.T) {
	cases := hostile(t, export(t, sedetest.New(t, db.SQLite), owner, "demo"))
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		victim := betrayed(t, engine)
		for name, c := range cases {
			before := victim.Dump()
			a := victim.As(operator, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", c.content))
			if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, c.says) {
				t.Errorf("%s: %d %.400s", name, a.Status, a.Body)
			}
			victim.Unchanged(before, name)
		}
	})
}

// refusal is an archive, and what is said of it.
type refusal struct{ content, says string }

// hostile are archives made of a good one.
func hostile(t *testing.T, good string) map[string]refusal {
	t.Helper()
	zeros := strings.Repeat("\x00", 96<<20)
	places := "data/location.jsonl"
	many := make([][2]string, 60_000)
	for i := range many {
		many[i] = [2]string{fmt.Sprintf("%s%d", strings.Repeat("n", 100), i), ""}
	}
	return map[string]refusal{
		"newer":         {forge(t, good, asIs, func(m *archive.Manifest) { m.Schema = 1000 }), "comes from a newer sede: its data has version 1000"},
		"other form":    {forge(t, good, asIs, func(m *archive.Manifest) { m.Format = "sede archive 2" }), "can't read archives of the form"},
		"twice":         {rezip(t, good, asIs, [2]string{places, "{}"}), "two files named"},
		"more":          {rezip(t, forgeable(t, good), asIs, [2]string{"../../etc/passwd", "root"}), "files that it did not have"},
		"missing":       {forge(t, good, asIs, func(m *archive.Manifest) { m.Files[0].Name = "data/nothing.jsonl" }), "data/nothing.jsonl is missing"},
		"bomb":          {forge(t, good, in(places, func(string) string { return zeros }), silent), "too large when it is unpacked"},
		"big manifest":  {rezip(t, good, in("manifest.json", func(string) string { return zeros[:20<<20] })), "damaged in manifest.json"},
		"big signature": {rezip(t, good, in("manifest.sig", func(string) string { return zeros[:1<<20] })), "damaged in manifest.sig"},
		"more rows":     {forge(t, good, asIs, func(m *archive.Manifest) { m.Files[0].Rows = 1 << 60 }), "too large when it is unpacked"},
		"less than 0":   {forge(t, good, asIs, func(m *archive.Manifest) { m.Files[0].Rows = -1 }), "too large when it is unpacked"},
		"many files":    {rezip(t, good, asIs, many...), "no archive of sede"},
		"lying sizes":   {lying(t, good), "is not as it was written"},
	}
}

// forgeable is the archive signed by the forger, and not changed.
func forgeable(t *testing.T, content string) string { return forge(t, content, asIs, silent) }

// lying is an archive in which a file says that it is smaller than it is.
func lying(t *testing.T, content string) string {
	t.Helper()
	const most = 100
	forged := forge(t, content, in("data/location.jsonl", func(string) string { return strings.Repeat(" ", most) }), silent)
	reader, err := zip.NewReader(strings.NewReader(forged), int64(len(forged)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range reader.File {
		header := f.FileHeader
		raw, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := io.ReadAll(raw)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "data/location.jsonl" {
			header.Method = zip.Store
			packed = bytes.Repeat([]byte{' '}, 1<<20)
			header.CompressedSize64 = uint64(len(packed))
		}
		w, err := out.CreateRaw(&header)
		if err == nil {
			_, err = w.Write(packed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestUndone: rows that the database does not take end an import, and all of it
// goes away again.
func TestUndone(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		good := export(t, sedetest.New(t, engine), owner, "demo")
		victim := betrayed(t, engine)
		for name, file := range map[string]func(name, content string) string{
			"a foreign employee": in("data/meeting.jsonl", func(content string) string {
				return changed(t, content, "employee_id", "0199aaaa-0000-7000-8000-000000000001")
			}),
			"a wrong type":    in("data/meeting.jsonl", func(content string) string { return changed(t, content, "duration", "long") }),
			"no JSON":         in("data/meeting.jsonl", func(content string) string { return content + "{\"id\":" }),
			"something else":  in("data/meeting.jsonl", func(content string) string { return content + "[]\n" }),
			"unknown columns": in("data/meeting.jsonl", func(content string) string { return changed(t, content, "password_hash", "x") }),
		} {
			before := victim.Dump()
			ended := bring(t, victim, operator, forge(t, good, file, silent))
			if ended["state"] != "failed" || ended["organization"] != nil || ended["error"] == nil {
				t.Errorf("%s: %v", name, ended)
			}
			if a := victim.As(operator, "").Do(http.MethodGet, "/organizations", ""); !strings.Contains(a.Body, `"hydra:totalItems":0`) {
				t.Errorf("%s: %s", name, a.Body)
			}
			for _, change := range before.Changes(victim.Dump()) {
				if !slices.ContainsFunc([]string{"organization_transfer", "audit_", "job", "user_session"}, func(table string) bool { return strings.Contains(change, table) }) {
					t.Errorf("%s: %s", name, change)
				}
			}
		}
	})
}

// changed sets a value in the last line.
func changed(t *testing.T, content, column, value string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(content), "\n")
	var row map[string]any
	decoder := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	decoder.UseNumber()
	if err := decoder.Decode(&row); err != nil {
		t.Fatal(err)
	}
	row[column] = value
	line, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	lines[len(lines)-1] = string(line)
	return strings.Join(lines, "\n") + "\n"
}

// TestAtOnce imports one archive several times at once: one of them keeps the ids, for
// the others the organization is here.
func TestAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		from := sedetest.New(t, engine)
		good := export(t, from, owner, "demo")
		to := trusting(t, engine, 12, good)
		var wait sync.WaitGroup
		var accepted, refused atomic.Int32
		for range 3 {
			wait.Go(func() {
				switch a := to.As(operator, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good)); a.Status {
				case http.StatusAccepted:
					accepted.Add(1)
				case http.StatusConflict, http.StatusTooManyRequests: // the third comes while two are sent
					refused.Add(1)
				default:
					t.Error(a.Status, a.Body)
				}
			})
		}
		wait.Wait()
		to.RunJobs()
		var list []struct{ State, Organization string }
		to.As(operator, "").Do(http.MethodGet, "/organization-transfers", "", "Accept", "application/json").JSON(t, &list)
		kept, seen := 0, map[string]bool{}
		for _, each := range list {
			if each.State != "done" || seen[each.Organization] {
				t.Error(list)
			}
			seen[each.Organization] = true
			if each.Organization == "/organizations/"+from.Names["demo"] {
				kept++
			}
		}
		if len(list) != 1 || kept != 1 || accepted.Load() != 1 || refused.Load() != 2 {
			t.Errorf("%d imports, %d with the old id, %d refused", len(list), kept, refused.Load())
		}
		checkChains(t, to)
	})
}

// TestManyImports keeps the files of three imports of a user, and no more.
func TestManyImports(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		good := export(t, in, owner, "demo")
		send := func() *sedetest.Answer {
			return in.As(owner, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good))
		}
		for range 3 {
			if a := send(); a.Status != http.StatusAccepted {
				t.Fatal(a.Status, a.Body)
			}
		}
		before := in.Dump()
		if a := send(); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "3 imports of yours") {
			t.Error(a.Status, a.Body)
		}
		if changes := before.Changes(in.Dump()); len(changes) > 0 {
			t.Errorf("%.500s", changes[0])
		}
		in.RunJobs()
		if a := send(); a.Status != http.StatusAccepted {
			t.Error(a.Status, a.Body)
		}
	})
}

// TestLastPlace: of two archives that a user sends at the same moment one gets the last
// place there is for imports. Both have been looked at before either takes it.
func TestLastPlace(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		good := export(t, in, owner, "demo")
		send := func() int {
			return in.As(owner, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good)).Status
		}
		for range 2 {
			if status := send(); status != http.StatusAccepted {
				t.Fatal(status)
			}
		}
		var wait sync.WaitGroup
		var statuses [2]int
		write(t, in, func(tx *db.Tx) error { // on SQLite the one who writes is busy, on PostgreSQL the table is taken
			if engine == db.PostgreSQL {
				if _, err := tx.Exec(`LOCK TABLE organization_transfer IN EXCLUSIVE MODE`); err != nil {
					return err
				}
			}
			for k := range statuses {
				wait.Go(func() { statuses[k] = send() })
			}
			time.Sleep(500 * time.Millisecond)
			return nil
		})
		wait.Wait()
		slices.Sort(statuses[:])
		if statuses != [2]int{http.StatusAccepted, http.StatusTooManyRequests} {
			t.Error(statuses)
		}
		in.RunJobs()
		if n := parse(t, in.As(owner, "").Do(http.MethodGet, "/organization-transfers", ""), http.StatusOK)["hydra:totalItems"]; n != 3.0 {
			t.Error(n, "imports")
		}
	})
}

// TestNoSpace: while an archive comes in that fills the room there is, others find none,
// whether they say how long they are or not. When it is answered they do.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 64<<10)
	in := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Transfer.Space = int64(len(large)) + 100 })
	server := httptest.NewServer(in.App.Handler())
	t.Cleanup(server.Close)
	token := in.Token(owner)
	send := func(body io.Reader) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/organizations/import", body)
		if err != nil {
			t.Error(err)
			return nil
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=form")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return nil
		}
		_ = a.Body.Close()
		return a
	}
	begun, end, _ := strings.Cut(sedetest.Form("file", large+"|"), "|")
	out, first := io.Pipe()
	answered := make(chan int)
	go func() { answered <- send(out).StatusCode }()
	if _, err := io.WriteString(first, begun); err != nil {
		t.Fatal(err)
	}
	small := sedetest.Form("file", strings.Repeat("y", 8<<10))
	for name, body := range map[string]func() io.Reader{
		"with length":    func() io.Reader { return strings.NewReader(small) },
		"without length": func() io.Reader { return io.MultiReader(strings.NewReader(small)) },
	} {
		status, waits := 0, ""
		for range 100 { // until the first is there
			if a := send(body()); a != nil {
				status, waits = a.StatusCode, a.Header.Get("Retry-After")
			}
			if status != http.StatusUnprocessableEntity {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if status != http.StatusServiceUnavailable || waits == "" {
			t.Errorf("%s: %d, Retry-After %q", name, status, waits)
		}
	}
	if _, err := io.WriteString(first, end); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if status := <-answered; status != http.StatusUnprocessableEntity {
		t.Error(status)
	}
	if a := send(strings.NewReader(small)); a != nil && a.StatusCode != http.StatusUnprocessableEntity {
		t.Error(a.StatusCode)
	}
}

// TestTwoRuns: a run that another one has overtaken meets the other's rows. It leaves
// them, and the import comes to its end.
func TestTwoRuns(t *testing.T) {
	t.Parallel()
	from := sedetest.New(t, db.SQLite)
	good := export(t, from, owner, "demo")
	to := trusting(t, db.SQLite, 13, good)
	if a := to.As(operator, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good)); a.Status != http.StatusAccepted {
		t.Fatal(a.Status, a.Body)
	}
	var id string
	for _, row := range rows(t, contents(t, good), &archive.Table{Name: "location"}) {
		id = strings.ReplaceAll(row["id"].(string), "-", "")
	}
	err := to.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TRIGGER other_run AFTER UPDATE OF people ON organization_transfer BEGIN
			INSERT INTO location (organization_id, id, name, name_fold, time_zone, version, created_at, updated_at)
				VALUES (NEW.organization_id, x'` + id + `', 'Lisboa', 'lisboa', 'Europe/Lisbon', 1, NEW.created_at, NEW.created_at);
			UPDATE organization_transfer SET rows_done = 1 WHERE id = NEW.id;
		END`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	to.RunJobs()
	to.Advance(time.Minute)
	to.RunJobs()
	if a := to.As(operator, "").Do(http.MethodGet, "/organization-transfers", ""); !strings.Contains(a.Body, `"state":"done"`) {
		t.Error(a.Body)
	}
}
