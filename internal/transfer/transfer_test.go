package transfer_test

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

func TestScripts(t *testing.T) { sedetest.Run(t, "testdata/*.txt") }

// open reads all files of an archive.
func open(t *testing.T, a *sedetest.Answer) map[string]string {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("%d %.300s", a.Status, a.Body)
	}
	in, err := zip.NewReader(strings.NewReader(a.Body), int64(len(a.Body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}

// TestEverythingAndNothingElse compares the archive of an organization with the
// database: every row is in it, and nothing of another organization.
func TestEverythingAndNothingElse(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		other := in.As("owner@other.example", "other")
		for _, name := range []string{"Elsewhere", "Nowhere"} {
			other.Do(http.MethodPost, "/locations", `{"name":"`+name+`"}`)
		}
		files := open(t, in.As("owner@demo.example", "demo").Do(http.MethodGet, "/organizations/demo/archive", ""))
		id, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		tables := slices.Concat(archive.OfRole(archive.Kept), archive.OfRole(archive.Working))
		var counts []archive.Count
		err = in.App.Database().Read(t.Context(), access.System(id), func(tx *db.Tx) (err error) {
			counts, err = archive.Counts(tx, tables, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range counts {
			lines := strings.Count(files["data/"+c.Table+".jsonl"], "\n")
			if secret := slices.Contains(tables[i].Secret, archive.All); secret && lines > 0 || !secret && int64(lines) != c.Rows {
				t.Errorf("%s has %d rows, the archive %d", c.Table, c.Rows, lines)
			}
		}
		for name, content := range files {
			for _, foreign := range []string{in.Names["other"], in.Names["other-owner"], "owner@other.example", "Elsewhere", "Nowhere", "$argon2"} {
				if strings.Contains(content, foreign) {
					t.Errorf("%s in %s", foreign, name)
				}
			}
		}
		if !strings.Contains(files["data/location.jsonl"], `"name":"Lisbon office"`) || !strings.Contains(files["data/employee.jsonl"], in.Names["ana"]) {
			t.Errorf("%.500s", files["data/location.jsonl"])
		}
	})
}

// TestSameFromBothEngines: rows look the same from SQLite and PostgreSQL.
func TestSameFromBothEngines(t *testing.T) {
	t.Parallel()
	var tables [2]map[string][]string
	for i, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		in := sedetest.New(t, engine)
		files := open(t, in.As("owner@demo.example", "demo").Do(http.MethodGet, "/organizations/demo/archive", ""))
		tables[i] = map[string][]string{}
		for name, content := range files {
			lines := bufio.NewScanner(strings.NewReader(content))
			lines.Buffer(nil, 1<<20)
			if lines.Scan() && strings.HasPrefix(name, "data/") {
				var row map[string]any
				if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
					t.Fatal(name, err)
				}
				for column, value := range row {
					kind := "other"
					if text, ok := value.(string); ok {
						kind = "text"
						if _, err := ident.Parse(text); err == nil {
							kind = "id"
						}
					}
					tables[i][name] = append(tables[i][name], column+" "+kind)
				}
				slices.Sort(tables[i][name])
			}
		}
	}
	for name, columns := range tables[0] {
		if !slices.Equal(columns, tables[1][name]) {
			t.Errorf("%s:\n%v\n%v", name, columns, tables[1][name])
		}
	}
}

// TestPerson looks into the archive of a person: their own things, without what is
// secret, and nothing of others.
func TestPerson(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		admin := in.As("admin@demo.example", "demo")
		if a := admin.Do(http.MethodPatch, "/employees/"+in.Names["ana"], `{"user":"/users/`+in.Names["member"]+`"}`); a.Status != http.StatusOK {
			t.Fatal(a.Status)
		}
		files := open(t, in.As("member@demo.example", "demo").Do(http.MethodGet, "/users/me/archive", ""))
		for name, want := range map[string]string{
			"data/app_user.jsonl": `"username":"member@demo.example"`, "data/organization_user.jsonl": in.Names["member-member"],
			"data/employee.jsonl": in.Names["ana"], "data/user_session.jsonl": `"agent"`, "data/audit_log.jsonl": `"actor":"` + in.Names["member"] + `"`,
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s lacks %s: %.300s", name, want, files[name])
			}
		}
		for name, content := range files {
			for _, foreign := range []string{"argon2", "owner@demo.example", "admin@demo.example", in.Names["owner"], in.Names["admin"]} {
				if strings.Contains(content, foreign) {
					t.Errorf("%s in %s: %.300s", foreign, name, content)
				}
			}
		}
	})
}

// TestSnapshot: while rows are added an archive is of one moment, so that no row
// points at one that is not in it.
func TestSnapshot(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		id, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		admin := in.As("admin@demo.example", "demo")
		d := in.App.Database()
		err = d.Snapshot(t.Context(), access.System(id), func(tx *db.Tx) error {
			count := func() (n int64) {
				if err := tx.Row(`SELECT count(*) FROM location WHERE organization_id = $1`, id).Scan(&n); err != nil {
					t.Error(err)
				}
				return n
			}
			before := count()
			if status := admin.Do(http.MethodPost, "/locations", `{"name":"Tejo"}`).Status; status != http.StatusCreated {
				t.Error(status)
			}
			if after := count(); after != before {
				t.Errorf("%d locations, then %d", before, after)
			}
			if _, err := tx.Exec(`DELETE FROM location`); err == nil {
				t.Error("a snapshot writes")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
