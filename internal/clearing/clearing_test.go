package clearing_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

func TestScripts(t *testing.T) { sedetest.Run(t, "testdata/*.txt") }

// working keeps the rows of a dump that clearing removes.
func working(d sedetest.Dump) (kept sedetest.Dump) {
	for _, row := range d {
		table, _, _ := strings.Cut(row, " ")
		if slices.ContainsFunc(archive.OfRole(archive.Working), func(t archive.Table) bool { return t.Name == table }) {
			kept = append(kept, row)
		}
	}
	return kept
}

// ended are the tables in which a restored connection to a bank is not what it was.
var ended = []string{"bank_integration", "bank_consent", "bank_pull"}

// state is that of the last clearing, and whether the demo can be written to.
func state(t *testing.T, in *sedetest.Instance) string {
	t.Helper()
	var o struct {
		Clearing *struct{ State, Error string }
	}
	in.As("owner@demo.example", "demo").Do(http.MethodGet, "/organizations/demo", "").JSON(t, &o)
	if o.Clearing == nil {
		return "none"
	}
	return o.Clearing.State
}

func post(t *testing.T, in *sedetest.Instance, path, body string) int {
	t.Helper()
	return in.As("owner@demo.example", "demo").Do(http.MethodPost, path, body).Status
}

// quiet ends the demo's connection to a bank, which imports by night.
func quiet(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	if status := post(t, in, "/integrations/kontomatik/revoke", "{}"); status != http.StatusOK {
		t.Fatal(status)
	}
	in.RunJobs()
}

const confirm = `{"confirm":"demo"}`

// stride is how many steps lie between two that fail.
const stride = 4

// TestFaults has steps of the database fail while a job clears, and while it
// restores: in the end all is removed, and all is back as it was.
func TestFaults(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		quiet(t, in)
		there := working(in.Dump())
		// each runs the job with step k failing until a run has no step k.
		each := func(path, body, want string, check func(k int)) {
			for k := 1; ; k += stride {
				if status := post(t, in, path, body); status != http.StatusOK {
					t.Fatalf("%s with step %d failing: %d", path, k, status)
				}
				in.FailAt(k)
				_, _ = in.App.RunJobs(t.Context())
				fired := in.Fired()
				in.FailAt(0)
				for try := 0; try < 10 && state(t, in) != want; try++ {
					in.Advance(10 * time.Minute)
					in.RunJobs()
				}
				if got := state(t, in); got != want {
					t.Fatalf("%s with step %d failing: %s", path, k, got)
				}
				check(k)
				if !fired {
					t.Logf("%s: %d steps", path, k)
					return
				}
				// back to where it can be tried again
				if path == "/organizations/clear" {
					if status := post(t, in, "/organizations/restore", ""); status != http.StatusOK {
						t.Fatal("restore", status)
					}
				} else if status := post(t, in, "/organizations/clear", confirm); status != http.StatusOK {
					t.Fatal("clear", status)
				}
				in.RunJobs()
			}
		}
		each("/organizations/clear", confirm, "cleared", func(k int) {
			if left := working(in.Dump()); len(left) > 0 { // only the demo had any
				t.Fatalf("step %d: %d rows of working data are left", k, len(left))
			}
		})
		each("/organizations/restore", "", "restored", func(k int) {
			if changes := there.Without(ended...).Changes(working(in.Dump()).Without(ended...)); len(changes) > 0 {
				t.Fatalf("step %d: not as it was: %d rows, such as\n%.500s", k, len(changes), changes[0])
			}
		})
	})
}

// TestOnlyWorkingDataGoes compares everything else.
func TestOnlyWorkingDataGoes(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.Token("owner@demo.example")
		other := in.As("owner@other.example", "other")
		for range 3 {
			other.Do(http.MethodPost, "/locations", `{"name":"Elsewhere"}`)
		}
		before := in.Dump()
		if post(t, in, "/organizations/clear", confirm) != http.StatusOK {
			t.Fatal("refused")
		}
		in.RunJobs()
		after := in.Dump()
		if n := len(working(after)); n != 3 {
			t.Errorf("%d rows of working data are left, other has 3", n)
		}
		noted := []string{"audit_log", "audit_head", "job", "job_runner", "job_schedule", "organization_clearing", "archive_key", "row_count", "access_epoch", "access_change", "user_session", "sandbox_bank_record"}
		for _, change := range before.Without(noted...).Changes(after.Without(noted...)) {
			table := strings.Fields(change)[1]
			if change[0] == '+' || !slices.ContainsFunc(archive.Cleared(), func(t archive.Table) bool { return t.Name == table }) {
				t.Error(change)
			}
		}
	})
}

// TestAtOnce clears and restores from many places at once: one does it.
func TestAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.Token("owner@demo.example")
		for _, step := range []struct{ path, body string }{{"/organizations/clear", confirm}, {"/organizations/restore", ""}} {
			statuses := make([]int, 12)
			var wait sync.WaitGroup
			for i := range statuses {
				wait.Go(func() { statuses[i] = post(t, in, step.path, step.body) })
			}
			wait.Wait()
			slices.Sort(statuses)
			if statuses[0] != http.StatusOK || slices.ContainsFunc(statuses[1:], func(s int) bool { return s != http.StatusConflict }) {
				t.Errorf("%s: %v", step.path, statuses)
			}
			in.RunJobs()
		}
		if got := state(t, in); got != "restored" {
			t.Error(got)
		}
	})
}

// TestDamagedArchive restores from an archive that is not as it was written: all
// stays cleared, the reason is shown, and the organization can be worked in.
func TestDamagedArchive(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	in := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Blobs = files })
	if post(t, in, "/organizations/clear", confirm) != http.StatusOK {
		t.Fatal("refused")
	}
	in.RunJobs()
	found, err := filepath.Glob(filepath.Join(files, "archives", "*", "*.zip"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	whole, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []func() []byte{
		func() []byte { return whole[:len(whole)/2] },
		func() []byte { d := slices.Clone(whole); d[200] ^= 1; return d },
		func() []byte { return nil },
	} {
		if err := os.WriteFile(found[0], damage(), 0o600); err != nil {
			t.Fatal(err)
		}
		if status := post(t, in, "/organizations/restore", ""); status != http.StatusOK {
			t.Fatal(status)
		}
		in.RunJobs()
		var o struct{ Clearing struct{ State, Error string } }
		in.As("owner@demo.example", "demo").Do(http.MethodGet, "/organizations/demo", "").JSON(t, &o)
		if o.Clearing.State != "cleared" || o.Clearing.Error == "" || strings.Contains(o.Clearing.Error, "%") {
			t.Errorf("%+v", o.Clearing)
		}
		if n := len(working(in.Dump())); n != 0 {
			t.Errorf("%d rows came back", n)
		}
	}
	if err := os.WriteFile(found[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if post(t, in, "/organizations/restore", "") != http.StatusOK {
		t.Fatal("refused")
	}
	in.RunJobs()
	if got := state(t, in); got != "restored" {
		t.Error(got)
	}
}

// TestArchiveCanNotBeStored clears while there is no place for the archive: after
// some tries nothing is removed and the organization is free again.
func TestArchiveCanNotBeStored(t *testing.T) {
	t.Parallel()
	files := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(files, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Blobs = files })
	quiet(t, in)
	before := working(in.Dump())
	if post(t, in, "/organizations/clear", confirm) != http.StatusOK {
		t.Fatal("refused")
	}
	for range 6 {
		in.RunJobs()
		in.Advance(10 * time.Minute)
	}
	if got := state(t, in); got != "failed" {
		t.Error(got)
	}
	if changes := before.Changes(working(in.Dump())); len(changes) > 0 {
		t.Errorf("%d rows changed, such as\n%.500s", len(changes), changes[0])
	}
	if status := in.As("admin@demo.example", "demo").Do(http.MethodPost, "/locations", `{"name":"Tejo"}`).Status; status != http.StatusCreated {
		t.Error("still held:", status)
	}
}

// begin begins to clear demo and says how far that is, and where the archive.
func begin(t *testing.T, in *sedetest.Instance, state, archive string) {
	t.Helper()
	quiet(t, in)
	if post(t, in, "/organizations/clear", confirm) != http.StatusOK {
		t.Fatal("refused")
	}
	err := in.App.Database().Write(db.ThroughHold(t.Context()), access.Instance(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE organization_clearing SET state = $1, blob_key = $2`, state, archive)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestArchiveIsGone removes nothing when the archive is not where it was stored.
func TestArchiveIsGone(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		begin(t, in, "removing", "archives/gone.zip")
		before := working(in.Dump())
		in.RunJobs()
		if changes := before.Changes(working(in.Dump())); len(changes) > 0 {
			t.Errorf("%d rows changed, such as\n%.500s", len(changes), changes[0])
		}
	})
}

// TestExpiresWhileHeld forgets the archive of a clearing that was given up also while the
// next one of the organization goes on.
func TestExpiresWhileHeld(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		begin(t, in, "failed", "archives/given-up.zip")
		organization, err := ident.Parse(in.Names["demo"])
		if err != nil {
			t.Fatal(err)
		}
		in.Advance(25 * time.Hour) // the schedule is due
		in.RunJobs()
		var kept, held int64
		err = in.App.Database().Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
			if err := db.CheckHold(tx, organization); db.IsHeld(err) {
				held = 1
			}
			return tx.Row(`SELECT count(*) FROM organization_clearing WHERE blob_key IS NOT NULL`).Scan(&kept)
		})
		if err != nil || kept != 0 || held != 1 {
			t.Errorf("%d archives of clearings that were given up; held: %d; %v", kept, held, err)
		}
	})
}
