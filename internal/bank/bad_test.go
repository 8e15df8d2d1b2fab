package bank_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestBadReplies has the bank answer with what is broken or hostile, behind some
// transactions that are whole. The import fails with a documented error, what was
// there stays, and the next import brings the rest: everything once.
func TestBadReplies(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		r := rand.New(rand.NewPCG(7, 7))
		h := newHistory(0, r)
		for len(h.rows) < 600 {
			h.rows = append(h.rows, newHistory(0, r).rows...)
		}
		bank.tell(func(out io.Writer) { writeAccount(out, h.iban, 0, h.rows[:100]) })
		connect(t, in, "first")
		in.RunJobs()
		account := accountOf(t, owner(in), h.iban)
		if n := len(movements(t, owner(in), account)); n != 100 {
			t.Fatalf("%d transactions", n)
		}
		const head = `<reply status="200 OK"><command id="1" state="successful" name="DefaultImportCommand"><result><accounts>`
		for i, tail := range []string{
			`&secret;`, strings.Repeat("<a>", 1000), `<account><iban>` + strings.Repeat("1", 1<<20) + `</iban>`, "\xff\xfe", ``,
		} {
			bank.say(func(out io.Writer) {
				fmt.Fprint(out, head)
				writeAccount(out, h.iban, 0, h.rows[:200+i*50])
				fmt.Fprint(out, tail)
			})
			failsToPull(t, in, fmt.Sprintf("tail %.20q", tail))
			if n := len(movements(t, owner(in), account)); n < 100 || n > 200+i*50 {
				t.Errorf("tail %.20q: %d transactions", tail, n)
			}
			in.Advance(25 * time.Hour)
		}
		for _, whole := range []string{`<html><body>Bad Gateway</body></html>`, `<?xml version="1.0" encoding="utf-16"?><reply/>`,
			`<!DOCTYPE reply SYSTEM "file:///etc/passwd"><reply/>`} {
			bank.say(func(out io.Writer) { fmt.Fprint(out, whole) })
			failsToPull(t, in, whole)
			in.Advance(25 * time.Hour)
		}
		bank.say(nil)
		bank.tell(func(out io.Writer) { writeAccount(out, h.iban, 0, h.rows) })
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		for range 5 {
			in.RunJobs()
			in.Advance(time.Minute)
		}
		if n := len(movements(t, owner(in), account)); n != len(h.rows) {
			t.Errorf("%d transactions, the bank has %d", n, len(h.rows))
		}
	})
}

// TestSinceLongAgo asks for what happened a century ago: the bank is asked for what it
// may still have.
func TestSinceLongAgo(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		in.RunJobs()
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{"since": "1900-01-01T00:00:00+00:00"}`)
		in.RunJobs()
		if want := sedetest.Start.Add(-10 * 366 * 24 * time.Hour).Format(time.DateOnly); len(bank.since) != 2 || bank.since[1] != want {
			t.Errorf("imports since %q, the last should be since %s", bank.since, want)
		}
		if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{"since": "soon"}`); a.Status != http.StatusBadRequest {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}

// say sets the whole answer about commands, nil: the usual one.
func (s *stub) say(raw func(out io.Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = raw
}

// failsToPull asks for an import and waits until it has failed.
func failsToPull(t *testing.T, in *sedetest.Instance, name string) {
	t.Helper()
	owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
	var got struct {
		Members []struct{ Status, PullStatus, Error, ErrorMessage string } `json:"hydra:member"`
	}
	for range 20 {
		in.RunJobs()
		in.Advance(20 * time.Minute)
		owner(in).Must("GET", "/integrations", "").JSON(t, &got)
		if got.Members[0].PullStatus == "failed" {
			break
		}
	}
	if m := got.Members[0]; m.PullStatus != "failed" || m.Error == "" || m.ErrorMessage == "" || m.Status == "revoked" {
		t.Errorf("%s: %+v", name, m)
	}
}

// TestForeignSession has an organization take over a session that another has used.
func TestForeignSession(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		in.RunJobs()
		const body = `{"sessionId": "first", "sessionIdSignature": "s", "multipleAccessId": "access", "target": "Stub"}`
		third := in.As("owner@demo.example", "").Must("POST", "/organizations", `{"name": "Third"}`).Header.Get("Location")
		before := bank.begun()
		for _, c := range []*sedetest.Client{owner(in), in.As("owner@demo.example", strings.TrimPrefix(third, "/organizations/"))} {
			a := c.Do("POST", "/integrations/kontomatik/setup", body)
			if a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(a.Body), "This session was used already.") {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		in.RunJobs()
		if bank.begun() != before {
			t.Error("a session was used twice")
		}
	})
}
