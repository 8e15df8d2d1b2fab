package sealing_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sealing"
	"sede/internal/secret"
	"sede/internal/sedetest"
)

// plain are the columns of bytes that hold nothing sealed.
var plain = []string{
	"archive_key.public_key", "signing_key.public_key",
	"audit_log.hash", "audit_log.previous_hash", "audit_head.hash", "idempotency.body_hash",
	"api_key.hash", "mailed_token.hash", "meeting_feed.secret_hash", "organization_user_invitation.token_hash", "refresh_token.hash", "sign_up.hash",
	"bank_consent.session_mark", "bank_transaction.fingerprint", "bank_transaction_removed.fingerprint", "payment_match.mark",
	"text_block.content", "text_segment.directory", "text_segment.steps", // three letters at a time of what stands open in its rows
	"sandbox_bank_record.content", // what the Sandbox bank knows of nobody
}

// TestEveryColumnIsKnown fails when a column of bytes is new: whoever adds one says
// here whether it is sealed.
func TestEveryColumnIsKnown(t *testing.T) {
	t.Parallel()
	tables, err := db.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sealed, there []string
	for _, c := range sealing.Columns() {
		sealed = append(sealed, c.String())
		if table := tables[c.Table]; table == nil || !slices.Equal(table.Key, c.Key) {
			t.Errorf("%s: the key of the table is another: %+v", c.String(), table)
		}
	}
	for name, table := range tables {
		for _, c := range table.Columns {
			if c.Kind == db.KindBytes {
				there = append(there, name+"."+c.Name)
			}
		}
	}
	known := append(slices.Clone(sealed), plain...)
	for _, name := range there {
		if !slices.Contains(known, name) {
			t.Errorf("%s: say in sealing.Columns that it is sealed, or here that it is not", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(there, name) {
			t.Errorf("%s is no column of bytes", name)
		}
	}
}

const apiKey = `{"name": "till", "scopes": ["locations:read"]}`

// fill has something sealed in every column.
func fill(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	if a := in.As("owner@other.example", "").Do("POST", "/api-keys", apiKey, "Idempotency-Key", "one"); a.Status != http.StatusCreated {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	signIn(t, in)
	signUp(t, in, "new@example.com")
	in.Advance(time.Minute)
	in.RunJobs()
	signUp(t, in, "next@example.com")
	in.As("owner@other.example", "").Must("POST", "/integrations/kontomatik/setup", `{"country": "PT", "redirectUri": "https://app.example/back"}`)
	var endpoint struct{ ID string }
	in.As("owner@other.example", "").Must("POST", "/webhook-endpoints", `{"url": "https://app.example/hooks", "events": ["*"]}`).JSON(t, &endpoint)
	in.As("owner@other.example", "").Must("POST", "/webhook-endpoints/"+endpoint.ID+"/rotate-secret", "")
	// Sessions are sealed for the moment until they are used.
	_, box := with(t, in, oldKey)
	err := in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
		for _, table := range []string{"bank_consent", "bank_pull"} {
			var id ident.ID
			if err := tx.Row(`SELECT id FROM ` + table + ` ORDER BY id LIMIT 1`).Scan(&id); err != nil {
				return err
			}
			tx.Queue(`UPDATE `+table+` SET session = $1 WHERE id = $2`, box.Seal(table+".session "+id.String(), []byte("a session")), id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func signUp(t *testing.T, in *sedetest.Instance, username string) {
	t.Helper()
	if a := in.With("").Do("POST", "/users", `{"username": "`+username+`", "name": "New", "password": "correct horse battery"}`); a.Status >= 300 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

// signIn makes a connection and signs in at the Sandbox bank.
func signIn(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	var made struct{ SignInURL string }
	in.As("owner@other.example", "").Must("POST", "/integrations/kontomatik/setup", `{"country": "PL", "redirectUri": "https://app.example/back"}`).JSON(t, &made)
	at, err := url.Parse(made.SignInURL)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"bank": {"Sandbox1Api_pl"}, "login": {"ana+quick"}}
	a := in.With("").Do("POST", at.Path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

func with(t *testing.T, in *sedetest.Instance, keys ...byte) (*sealing.Service, *secret.Box) {
	t.Helper()
	masters := make([][]byte, len(keys))
	for i, k := range keys {
		masters[i] = bytes.Repeat([]byte{k}, secret.MinKey)
	}
	box, err := secret.NewBox(nil, masters[0], masters[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return sealing.New(in.App.Database(), box, audit.New(ident.NewSource(in.Clock.Now, nil), clock.System{})), box
}

func counts(t *testing.T, s *sealing.Service) map[string]int64 {
	t.Helper()
	list, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]int64{}
	for _, c := range list {
		values[c.Column+" "+c.Key.String()] += c.Values
	}
	return values
}

// oldKey seals in instances of tests.
const oldKey, newKey = 7, 8

// TestEverythingIsSealedAgain seals with a new key what a running sede has sealed,
// which goes on with both, and later with the new one alone.
func TestEverythingIsSealedAgain(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.NewWith(t, engine, func(c *app.Config) { c.OlderKeys = [][]byte{bytes.Repeat([]byte{newKey}, secret.MinKey)} })
		fill(t, in)
		s, box := with(t, in, newKey, oldKey)
		before := counts(t, s)
		old := box.Keys()[1].String()
		for _, c := range sealing.Columns() {
			if before[c.String()+" "+old] == 0 {
				t.Errorf("nothing is sealed in %s: have fill seal something", c.String())
			}
		}
		again, lost, err := s.SealAgain(t.Context(), func(r sealing.Result) {
			if n := before[r.Column+" "+old]; r.Again != n || r.Lost != 0 {
				t.Errorf("%+v of %d", r, n)
			}
		})
		if err != nil || again == 0 || lost != 0 {
			t.Fatal(again, lost, err)
		}
		for name, n := range counts(t, s) {
			if column, ok := strings.CutSuffix(name, " "+box.Keys()[0].String()); !ok || n != before[column+" "+old] {
				t.Errorf("%s: %d of %d", name, n, before[column+" "+old])
			}
		}
		if again, lost, err := s.SealAgain(t.Context(), func(sealing.Result) {}); again != 0 || lost != 0 || err != nil {
			t.Errorf("a second time: %d %d %v", again, lost, err)
		}
		in.Advance(time.Minute)
		in.RunJobs() // mail is sent, and the bank asked
		if a := in.As("owner@other.example", "").Do("POST", "/api-keys", apiKey, "Idempotency-Key", "one"); a.Status != http.StatusCreated {
			t.Errorf("repeated: %d %s", a.Status, a.Body)
		}
		back, _ := with(t, in, oldKey, newKey)
		if n, lost, err := back.SealAgain(t.Context(), func(sealing.Result) {}); n == 0 || lost != 0 || err != nil {
			t.Errorf("back: %d %d %v", n, lost, err)
		}
	})
}

// TestUnknownKeyIsCounted has no key for anything.
func TestUnknownKeyIsCounted(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		fill(t, in)
		s, _ := with(t, in, 9)
		before := counts(t, s)
		again, lost, err := s.SealAgain(t.Context(), func(sealing.Result) {})
		var all int64
		for _, n := range before {
			all += n
		}
		if again != 0 || lost != all || err != nil {
			t.Errorf("%d %d of %d, %v", again, lost, all, err)
		}
	})
}

// TestCutOff ends the work at every step of the database in turn. What is sealed
// can be opened at any time, and the next turn goes on.
func TestCutOff(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		fill(t, in)
		s, box := with(t, in, newKey, oldKey)
		for k := 1; ; k++ {
			in.FailAt(k)
			_, lost, err := s.SealAgain(context.WithoutCancel(t.Context()), func(sealing.Result) {})
			fired := in.Fired()
			in.FailAt(0)
			if lost != 0 || (err == nil) == fired {
				t.Fatal(k, lost, err, fired)
			}
			if !fired {
				break
			}
		}
		for name := range counts(t, s) {
			if !strings.HasSuffix(name, box.Keys()[0].String()) {
				t.Errorf("left: %s", name)
			}
		}
		back, _ := with(t, in, oldKey, newKey)
		if _, lost, err := back.SealAgain(t.Context(), func(sealing.Result) {}); lost != 0 || err != nil {
			t.Error(lost, err)
		}
	})
}

// TestOthersWriteMeanwhile changes a value after it was read and before it is
// stored: what was written stays.
func TestOthersWriteMeanwhile(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		fill(t, in)
		s, box := with(t, in, newKey, oldKey)
		stop := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			for {
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
				err := in.App.Database().Write(context.Background(), access.Instance(), func(tx *db.Tx) error {
					_, err := tx.Exec(`UPDATE bank_consent SET redirection = $1`, []byte("written by somebody"))
					return err
				})
				if err != nil {
					done <- err
					return
				}
			}
		}()
		_, _, err := s.SealAgain(t.Context(), func(sealing.Result) {})
		close(stop)
		if err := <-done; err != nil || t.Failed() {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := counts(t, s)["bank_consent.redirection "+box.Keys()[0].String()]; n > 0 {
			t.Errorf("%d values took the place of what somebody wrote", n)
		}
	})
}
