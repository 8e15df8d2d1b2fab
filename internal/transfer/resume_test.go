package transfer_test

import (
	"crypto/ed25519"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/transfer"
)

// count is the one number that a query tells.
func count(t *testing.T, in *sedetest.Instance, query string, args ...any) (n int64) {
	t.Helper()
	write(t, in, func(tx *db.Tx) error { return tx.Row(query, args...).Scan(&n) })
	return n
}

// run makes statements.
func run(t *testing.T, in *sedetest.Instance, statements ...string) {
	t.Helper()
	write(t, in, func(tx *db.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestResumed cuts an import off in its last step: nobody is made a user or member by
// then. The run that goes on keeps to who was found first, although their address is
// another one now.
func TestResumed(t *testing.T) {
	t.Parallel()
	from := sedetest.New(t, db.SQLite)
	good := export(t, from, owner, "demo")
	to := trusting(t, db.SQLite, 14, good)
	run(t, to,
		`INSERT INTO app_user (id, username, username_fold, name, name_fold, operator, password_hash, version, created_at, updated_at)
			SELECT x'0199aaaa000070008000000000000001', 'admin@demo.example', 'admin@demo.example', 'Here before', 'here before', 0, '', 1, created_at, updated_at FROM app_user LIMIT 1`,
		`CREATE TRIGGER cut BEFORE UPDATE OF removed_at ON organization WHEN NEW.removed_at IS NULL BEGIN SELECT RAISE(ABORT, 'cut'); END`)
	begun := parse(t, to.As(operator, "").Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good)), http.StatusAccepted)
	to.RunJobs()
	if n := count(t, to, `SELECT count(*) FROM organization_transfer WHERE state = 'running' AND rows_done > 0 AND people IS NOT NULL`); n != 1 {
		t.Fatal("was not cut off")
	}
	if users, members := count(t, to, `SELECT count(*) FROM app_user`), count(t, to, `SELECT count(*) FROM organization_user`); users != 2 || members != 0 {
		t.Errorf("%d users and %d members of half an import", users, members)
	}
	run(t, to, `DROP TRIGGER cut`, `UPDATE app_user SET username = 'moved@demo.example', username_fold = 'moved@demo.example' WHERE username = 'admin@demo.example'`)
	to.Advance(10 * time.Minute)
	to.RunJobs()
	if done := parse(t, to.As(operator, "").Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK); done["state"] != "done" {
		t.Fatal(done)
	}
	if n := count(t, to, `SELECT count(*) FROM organization_user WHERE role = 'admin' AND user_id = x'0199aaaa000070008000000000000001' AND email = 'moved@demo.example'`); n != 1 {
		t.Error("the admin became somebody else")
	}
	if n := count(t, to, `SELECT count(*) FROM app_user WHERE username = 'admin@demo.example'`); n != 0 {
		t.Error("the admin was made anew")
	}
	checkChains(t, to)
}

// TestFileIsNotLost ends sede between the last step of an import and the removal of its
// file: the row tells where the file is, and it is removed later.
func TestFileIsNotLost(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	in := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Blobs = files })
	good := export(t, in, owner, "demo")
	run(t, in, `CREATE TRIGGER cut BEFORE UPDATE OF blob_key ON organization_transfer WHEN NEW.blob_key IS NULL BEGIN SELECT RAISE(ABORT, 'cut'); END`)
	who := in.As(owner, "")
	begun := parse(t, who.Do(http.MethodPost, "/organizations/import", sedetest.Form("file", good)), http.StatusAccepted)
	kept, err := filepath.Glob(filepath.Join(files, "imports", "*"))
	if err != nil || len(kept) == 0 {
		t.Fatal(kept, err)
	}
	content, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = in.App.RunJobs(t.Context())
	if err := os.WriteFile(kept[0], content, 0o600); err != nil { // as if it had not been removed
		t.Fatal(err)
	}
	run(t, in, `DROP TRIGGER cut`)
	if done := parse(t, in.As(owner, "").Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK); done["state"] != "done" {
		t.Fatal(done)
	}
	if n := count(t, in, `SELECT count(*) FROM organization_transfer WHERE state = 'done' AND blob_key IS NOT NULL AND expires_at IS NOT NULL`); n != 1 {
		t.Error("nothing tells of the file")
	}
	in.Advance(2 * time.Hour)
	in.RunJobs()
	if _, err := os.Stat(kept[0]); !os.IsNotExist(err) {
		t.Error("the file is still there:", err)
	}
}

// TestCopyOfOperator brings an organization in beside the one that is here, because an
// operator asks for it: with its people, and without what it has bought.
func TestCopyOfOperator(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		good := export(t, in, owner, "demo")
		form := "--form\r\nContent-Disposition: form-data; name=\"copy\"\r\n\r\ntrue\r\n" + sedetest.Form("file", good)
		begun := parse(t, in.As(operator, "").Do(http.MethodPost, "/organizations/import", form), http.StatusAccepted)
		in.RunJobs()
		done := parse(t, in.As(operator, "").Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK)
		if done["state"] != "done" || done["organization"] == "/organizations/"+in.Names["demo"] || len(done["leftOut"].([]any)) == 0 {
			t.Fatal(done)
		}
		ref := strings.TrimPrefix(done["organization"].(string), "/organizations/")
		first := parse(t, in.As(owner, "demo").Do(http.MethodGet, "/organization-users", ""), http.StatusOK)["hydra:totalItems"]
		if n := parse(t, in.As(owner, ref).Do(http.MethodGet, "/organization-users", ""), http.StatusOK)["hydra:totalItems"]; n != first {
			t.Errorf("%v members of %v", n, first)
		}
	})
}

// TestUndoneImages leaves no files of images behind when an import is given up.
func TestUndoneImages(t *testing.T) {
	t.Parallel()
	from := sedetest.New(t, db.SQLite)
	if a := from.As(owner, "demo").Do(http.MethodPost, "/organizations/icon", sedetest.Form("file", dot)); a.Status != http.StatusOK {
		t.Fatal(a.Body)
	}
	good := export(t, from, owner, "demo")
	files := t.TempDir()
	victim := sedetest.Bare(t, db.SQLite, operator, 15, func(c *app.Config) {
		c.Blobs, c.Transfer = files, transfer.Settings{Trusted: []ed25519.PublicKey{forger.Public().(ed25519.PublicKey)}}
	})
	broken := forge(t, good, in("data/organization_image.jsonl", func(content string) string { return content + "{" }), silent)
	if ended := bring(t, victim, operator, broken); ended["state"] != "failed" {
		t.Fatal(ended)
	}
	err := filepath.WalkDir(files, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Error(path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
