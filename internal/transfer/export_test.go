package transfer_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/sedetest"
	"sede/internal/transfer"
)

// TestLargeArchive: of a large organization the archive is made as a job, and is as
// good as one that is sent at once.
func TestLargeArchive(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.NewWith(t, engine, func(c *app.Config) { c.Transfer = transfer.Settings{Direct: 10} })
		who := in.As(owner, "demo")
		a := who.Do(http.MethodGet, "/organizations/demo/archive", "")
		if a.Status != http.StatusConflict || !strings.Contains(a.Body, "POST to the same path") {
			t.Fatal(a.Status, a.Body)
		}
		begun := parse(t, who.Do(http.MethodPost, "/organizations/demo/archive", ""), http.StatusAccepted)
		in.RunJobs()
		made := parse(t, who.Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK)
		if made["state"] != "done" || made["rows"] != made["rowsDone"] || made["bytes"] == 0.0 {
			t.Fatal(made)
		}
		path := made["@id"].(string) + "/file"
		if url := made["file"].(string); !strings.HasSuffix(url, path) {
			t.Error(url)
		}
		file := who.Do(http.MethodGet, path, "")
		if file.Status != http.StatusOK || float64(len(file.Body)) != made["bytes"] {
			t.Fatal(file.Status, len(file.Body), made["bytes"])
		}
		if copied := bring(t, in, owner, file.Body); copied["state"] != "done" {
			t.Error(copied)
		}
		var mails []struct{ Subject, Text string }
		in.With("").Do(http.MethodGet, "/dev/mailbox?limit=1&to="+owner, "", "Accept", "application/json").JSON(t, &mails)
		if len(mails) != 1 || !strings.Contains(mails[0].Text, path) {
			t.Error(mails)
		}
	})
}

// TestNoLongerOwner: who is no owner any more does not get the archive that was made
// for them when they were.
func TestNoLongerOwner(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		who := in.As(owner, "demo")
		begun := parse(t, who.Do(http.MethodPost, "/organizations/demo/archive", ""), http.StatusAccepted)
		in.RunJobs()
		if a := who.Do(http.MethodPost, "/organization-users/"+in.Names["admin-member"]+"/transfer-ownership", ""); a.Status != http.StatusOK {
			t.Fatal(a.Status, a.Body)
		}
		if a := who.Do(http.MethodGet, begun["@id"].(string)+"/file", ""); a.Status != http.StatusForbidden {
			t.Error(a.Status, a.Body)
		}
	})
}

// TestWhileHeld: while the data of an organization is removed or brought back, no
// archive of some of it is made.
func TestWhileHeld(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		org, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		who := in.As(owner, "demo")
		begun := parse(t, who.Do(http.MethodPost, "/organizations/demo/archive", ""), http.StatusAccepted)
		write(t, in, func(tx *db.Tx) error { return db.Hold(tx, org, "clearing", in.Clock.Now()) })
		if a := who.Do(http.MethodGet, "/organizations/demo/archive", ""); a.Status != http.StatusConflict {
			t.Error(a.Status, a.Body)
		}
		in.RunJobs()
		if now := parse(t, who.Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK); now["state"] != "running" {
			t.Error(now)
		}
		write(t, in, func(tx *db.Tx) error { db.Release(tx, org); return nil })
		in.Advance(time.Hour)
		in.RunJobs()
		if now := parse(t, in.As(owner, "demo").Do(http.MethodGet, begun["@id"].(string), ""), http.StatusOK); now["state"] != "done" {
			t.Error(now)
		}
	})
}

func write(t *testing.T, in *sedetest.Instance, do func(tx *db.Tx) error) {
	t.Helper()
	if err := in.App.Database().Write(t.Context(), access.Instance(), do); err != nil {
		t.Fatal(err)
	}
}

// TestCutUpload: an upload whose process died before anything came of it is nobody's
// to see, and a day later it is gone.
func TestCutUpload(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		id := place(t, in, "receiving", "")
		who := in.As(owner, "")
		if a := who.Do(http.MethodGet, "/organization-transfers/"+id.String(), ""); a.Status != http.StatusNotFound {
			t.Error(a.Status, a.Body)
		}
		if n := parse(t, who.Do(http.MethodGet, "/organization-transfers", ""), http.StatusOK)["hydra:totalItems"]; n != 0.0 {
			t.Error(n)
		}
		for _, c := range []struct {
			after time.Duration
			left  int64
		}{{23 * time.Hour, 1}, {2 * time.Hour, 0}} {
			in.Advance(c.after)
			in.RunJobs()
			var n int64
			write(t, in, func(tx *db.Tx) error {
				return tx.Row(`SELECT count(*) FROM organization_transfer WHERE id = $1`, id).Scan(&n)
			})
			if n != c.left {
				t.Errorf("%v later there are %d", c.after, n)
			}
		}
	})
}

// TestReason: why an import failed is told in the reader's language.
func TestReason(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		told := place(t, in, "failed", fault.Textf("The archive is damaged in %s.", "data/location.jsonl").Store())
		before := place(t, in, "failed", "Something of before: 100%.")
		for _, c := range []struct {
			id             ident.ID
			language, want string
		}{
			{told, "en", "The archive is damaged in data/location.jsonl."},
			{told, "pt", "O arquivo está danificado em data/location.jsonl."},
			{before, "pl", "Something of before: 100%."},
		} {
			a := in.As(owner, "").Do(http.MethodGet, "/organization-transfers/"+c.id.String(), "", "Accept-Language", c.language)
			if got := parse(t, a, http.StatusOK)["error"]; got != c.want {
				t.Errorf("%s: %v", c.language, got)
			}
		}
	})
}

// place stores a transfer of the owner's as it may be found in the database.
func place(t *testing.T, in *sedetest.Instance, state, reason string) ident.ID {
	t.Helper()
	id, now := ident.NewSource(in.Clock.Now, nil).New(), in.Clock.Now()
	user, err := ident.Parse(in.Names["owner"])
	if err != nil {
		t.Fatal(err)
	}
	write(t, in, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO organization_transfer (organization_id, id, state, user_id, operator, name, rows_total, rows_done, bytes, left_out, blob_key, error, created_at, updated_at)
			VALUES ($1, $1, $2, $3, $4, 'Cut', 0, 0, 0, '[]', 'imports/cut.zip', $5, $6, $6)`, id, state, user, false, reason, now)
		return err
	})
	return id
}
