package transfer_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/archive"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
	"sede/internal/transfer"
)

const (
	owner    = "owner@demo.example"
	operator = "operator@demo.example"
)

// parse reads a JSON object.
func parse(t *testing.T, a *sedetest.Answer, status int) (object map[string]any) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("%d %.500s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// bring imports an archive and returns how that ended.
func bring(t *testing.T, in *sedetest.Instance, as, content string) map[string]any {
	t.Helper()
	who := in.As(as, "")
	begun := parse(t, who.Do(http.MethodPost, "/organizations/import", sedetest.Form("file", content)), http.StatusAccepted)
	in.RunJobs()
	return parse(t, who.Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK)
}

// export gets an archive.
func export(t *testing.T, in *sedetest.Instance, as, ref string) string {
	t.Helper()
	a := in.As(as, ref).Do(http.MethodGet, "/organizations/"+ref+"/archive", "")
	if a.Status != http.StatusOK {
		t.Fatalf("%d %.300s", a.Status, a.Body)
	}
	return a.Body
}

// trusting is an instance that trusts who has signed the archive.
func trusting(t *testing.T, engine db.Engine, seed byte, content string) *sedetest.Instance {
	t.Helper()
	var signature struct{ PublicKey []byte }
	if err := json.Unmarshal([]byte(contents(t, content)["manifest.sig"]), &signature); err != nil {
		t.Fatal(err)
	}
	return sedetest.Bare(t, engine, operator, seed, func(c *app.Config) {
		c.Transfer = transfer.Settings{Trusted: []ed25519.PublicKey{signature.PublicKey}}
	})
}

// contents are the files of an archive.
func contents(t *testing.T, content string) map[string]string {
	t.Helper()
	return open(t, &sedetest.Answer{Status: http.StatusOK, Body: content})
}

// rows are those of a table in an archive, by their keys.
func rows(t *testing.T, files map[string]string, table *archive.Table) map[string]map[string]any {
	t.Helper()
	list := map[string]map[string]any{}
	for _, line := range strings.Split(strings.TrimSpace(files["data/"+table.Name+".jsonl"]), "\n") {
		if line == "" {
			continue
		}
		row := map[string]any{}
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		key := ""
		for _, name := range table.KeyColumns() {
			key += fmt.Sprint(row[name], " ")
		}
		list[key] = row
	}
	return list
}

// same compares two archives, but for users' ids, what banks ended, and what was
// written down of the import.
func same(t *testing.T, a, b map[string]string) {
	t.Helper()
	for _, table := range archive.Tables() {
		if table.Role != archive.Kept && table.Role != archive.Working {
			continue
		}
		before, after := rows(t, a, &table), rows(t, b, &table)
		if len(after) < len(before) || len(after) > len(before) && table.Name != "audit_log" {
			t.Errorf("%s had %d rows and has %d", table.Name, len(before), len(after))
		}
		for key, row := range before {
			for column, value := range row {
				switch table.Name + "." + column {
				case "organization_user.user_id", "employee.user_id", "organization.updated_at", "audit_head.seq", "audit_head.hash":
					continue
				}
				if strings.HasPrefix(table.Name, "bank_integration") || strings.HasPrefix(table.Name, "bank_consent") || strings.HasPrefix(table.Name, "bank_pull") {
					continue
				}
				if got := after[key][column]; fmt.Sprint(got) != fmt.Sprint(value) {
					t.Errorf("%s %s: %s was %v and is %v", table.Name, key, column, value, got)
				}
			}
		}
	}
	for name, content := range a {
		if strings.HasPrefix(name, "blobs/") && b[name] != content {
			t.Errorf("%s is another", name)
		}
	}
}

// TestThereAndBack moves an organization to the other engine and from there to a
// third instance: what arrives is what went.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	for _, way := range [][3]db.Engine{{db.SQLite, db.PostgreSQL, db.SQLite}, {db.PostgreSQL, db.SQLite, db.PostgreSQL}} {
		t.Run(way[0].String(), func(t *testing.T) {
			t.Parallel()
			from := sedetest.New(t, way[0])
			image := from.As(owner, "demo").Do(http.MethodPost, "/organizations/icon", sedetest.Form("file", dot))
			if image.Status != http.StatusOK {
				t.Fatal(image.Body)
			}
			first := export(t, from, owner, "demo")
			there := trusting(t, way[1], 3, first)
			done := bring(t, there, operator, first)
			if done["state"] != "done" || done["rows"] != done["rowsDone"] || len(done["leftOut"].([]any)) != 0 {
				t.Fatal(done)
			}
			ref := strings.TrimPrefix(done["organization"].(string), "/organizations/")
			if ref != from.Names["demo"] {
				t.Errorf("%s became %s", from.Names["demo"], ref)
			}
			second := export(t, there, become(t, there, owner), ref)
			same(t, contents(t, first), contents(t, second))
			checkChains(t, there)
			back := trusting(t, way[2], 4, second)
			if done := bring(t, back, operator, second); done["state"] != "done" {
				t.Fatal(done)
			}
			same(t, contents(t, second), contents(t, export(t, back, become(t, back, owner), ref)))
			checkChains(t, back)
			if n := parse(t, back.As(operator, ref).Do(http.MethodGet, "/employees", ""), http.StatusOK)["hydra:totalItems"]; n != 3.0 {
				t.Error(n)
			}
		})
	}
}

func checkChains(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	err := in.App.Database().Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
		_, err := audit.Verify(tx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCopy imports an organization that is here: the copy has ids of its own
// everywhere, and points at nothing of the first.
func TestCopy(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		if a := in.As(owner, "demo").Do(http.MethodPost, "/organizations/icon", sedetest.Form("file", dot)); a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		if a := in.As(owner, "demo").Do(http.MethodPatch, "/employees/"+in.Names["ana"], `{"user":"/users/`+in.Names["owner"]+`"}`); a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		first := export(t, in, owner, "demo")
		done := bring(t, in, owner, first)
		if done["state"] != "done" || len(done["leftOut"].([]any)) == 0 {
			t.Fatal(done)
		}
		ref := strings.TrimPrefix(done["organization"].(string), "/organizations/")
		o := parse(t, in.As(owner, ref).Do(http.MethodGet, "/organizations/"+ref, ""), http.StatusOK)
		if o["slug"] != "demo-2" || o["type"] != "sandbox" || o["currentSubscription"] != nil {
			t.Error(o["slug"], o["type"], o["currentSubscription"])
		}
		if a := in.As(owner, "demo").Do(http.MethodGet, o["icon"].([]any)[0].(map[string]any)["url"].(string), ""); a.Status != http.StatusOK {
			t.Error(a.Status, o["icon"])
		}
		checkChains(t, in)
		before, after := contents(t, first), contents(t, export(t, in, owner, ref))
		old := map[string]bool{in.Names["demo"]: true}
		for _, table := range archive.Tables() {
			for _, row := range rows(t, before, &table) {
				if id, ok := row["id"].(string); ok {
					old[id] = true
				}
			}
		}
		for name, content := range after {
			for id := range old {
				if _, err := ident.Parse(id); err == nil && strings.Contains(content, id) && name != "data/audit_log.jsonl" {
					t.Errorf("%s has %s", name, id)
				}
			}
		}
		for _, table := range archive.Tables() {
			if table.Granted || table.Role == archive.Trace || table.Name == "audit_log" || table.Name == "organization_user" || strings.HasPrefix(table.Name, "bank_") {
				continue
			}
			if a, b := rows(t, before, &table), rows(t, after, &table); len(a) != len(b) {
				t.Errorf("%s: %d and %d", table.Name, len(a), len(b))
			}
		}
		if linked := rows(t, after, &archive.Table{Name: "employee"}); !strings.Contains(fmt.Sprint(linked), in.Names["owner"]) {
			t.Error("nobody is the owner any more")
		}
		if again := bring(t, in, owner, first); again["state"] != "done" || again["organization"] == done["organization"] {
			t.Error(again)
		}
	})
}

// TestWrongArchives: what is wrong is said, and not one row changes.
func TestWrongArchives(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		good := export(t, in, owner, "demo")
		other := sedetest.Bare(t, engine, operator, 3, nil)
		if a := other.As(operator, "").Do(http.MethodPost, "/organizations", `{"name":"Foreign"}`); a.Status != http.StatusCreated {
			t.Fatal(a.Body)
		}
		foreign := export(t, other, operator, "foreign")
		person := in.As(owner, "demo").Do(http.MethodGet, "/users/me/archive", "").Body
		for name, c := range map[string]struct{ content, says string }{
			"empty":       {"", "no archive of sede"},
			"no ZIP":      {strings.Repeat("sede", 1000), "no archive of sede"},
			"truncated":   {good[:len(good)*2/3], "no archive of sede"},
			"one byte":    {flip(good, 200), "not as it was written"},
			"changed row": {rezip(t, good, func(name, content string) string { return strings.Replace(content, "Lisbon", "Lisboa", 1) }), "is not as it was written"},
			"manifest": {rezip(t, good, func(name, content string) string {
				if name == "manifest.json" {
					return strings.Replace(content, `"kind": "organization"`, `"kind": "organisation"`, 1)
				}
				return content
			}), "changed after it was signed"},
			"not trusted": {foreign, "not trusted here"},
			"of a person": {person, "not the archive of an organization"},
		} {
			before := in.Dump()
			a := in.As(owner, "demo").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", c.content))
			if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, c.says) || !strings.Contains(a.Body, `"propertyPath":"file"`) {
				t.Errorf("%s: %d %.400s", name, a.Status, a.Body)
			}
			in.Unchanged(before, name)
		}
	})
}

func flip(content string, at int) string {
	b := []byte(content)
	b[at] ^= 1
	return string(b)
}

// rezip packs an archive anew with other content, and with more files: each a name and
// what is in it.
func rezip(t *testing.T, content string, change func(name, content string) string, more ...[2]string) string {
	t.Helper()
	in, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	pack := func(name, text string) {
		w, err := out.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		pack(f.Name, change(f.Name, string(text)))
	}
	for _, f := range more {
		pack(f[0], f[1])
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// dot is a PNG of two pixels.
const dot = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x02\x00\x00\x00\x01\x08\x02\x00\x00\x00{@\xe8\xdd\x00\x00\x00\x0dIDATx\xdac\x10P0\x00\x22\x00\x02g\x00\xc1L\x1a\x1cq\x00\x00\x00\x00IEND\xaeB`\x82"

// become lets a person who came in without a password set one, as mail lets them.
func become(t *testing.T, in *sedetest.Instance, username string) string {
	t.Helper()
	nobody := in.With("")
	nobody.Do(http.MethodPost, "/users/forgot-password", `{"username":"`+username+`"}`)
	in.RunJobs()
	var mails []struct{ Links []string }
	nobody.Do(http.MethodGet, "/dev/mailbox?limit=1&to="+username, "", "Accept", "application/json").JSON(t, &mails)
	if len(mails) != 1 || len(mails[0].Links) == 0 {
		t.Fatal("no link", mails)
	}
	_, token, _ := strings.Cut(mails[0].Links[0], "token=")
	if a := nobody.Do(http.MethodPost, "/users/reset-password", `{"token":"`+token+`","password":"`+sedetest.Password+`"}`); a.Status != http.StatusNoContent {
		t.Fatal(a.Status, a.Body)
	}
	return username
}
