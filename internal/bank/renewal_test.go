package bank_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// link is a connection as the API tells of it.
type link struct {
	IRI            string `json:"@id"`
	Status         string `json:"status"`
	Error          string `json:"error"`
	ConsentGivenAt string `json:"consentGivenAt"`
	PullStatus     string `json:"pullStatus"`
	RenewalStatus  string `json:"renewalStatus"`
	RenewalError   string `json:"renewalError"`
}

func theLink(t *testing.T, in *sedetest.Instance) link {
	t.Helper()
	var got struct {
		Members []link `json:"hydra:member"`
	}
	owner(in).Must("GET", "/integrations", "").JSON(t, &got)
	if len(got.Members) != 1 {
		t.Fatalf("%d connections", len(got.Members))
	}
	return got.Members[0]
}

// renewWith takes over a session for a connection that is there.
func renewWith(t *testing.T, in *sedetest.Instance, of link, session, token string) {
	t.Helper()
	access := ""
	if token != "" {
		access = `"multipleAccessId": "` + token + `", `
	}
	owner(in).Must("POST", "/integrations/kontomatik/setup",
		`{"integration": "`+of.IRI+`", "sessionId": "`+session+`", "sessionIdSignature": "s", `+access+`"target": "Stub"}`)
}

// settled does the jobs of half an hour and more.
func settled(in *sedetest.Instance) {
	for range 8 {
		in.RunJobs()
		in.Advance(5 * time.Minute)
	}
	in.RunJobs()
}

// TestRenewalFaults renews a connection with sessions that are good and bad, and lets
// one step of the database fail on the way, each in turn, as if the process had died
// there. The connection has a live consent at every moment: the new one once its import
// is done, else the one before, under which imports go on.
func TestRenewalFaults(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for _, bad := range []bool{false, true} {
			t.Run(fmt.Sprint("bad=", bad), func(t *testing.T) {
				in, bank := withStub(t, engine)
				r := rand.New(rand.NewPCG(8, 8))
				h := newHistory(0, r)
				bank.tell(func(out io.Writer) { writeAccount(out, h.iban, 0, h.window(0, historyDays, r)) })
				bank.waits = 1
				connect(t, in, "first")
				settled(in)
				live := "access"
				stride := 2
				if engine == db.PostgreSQL {
					stride = 5 // the steps are the same
				}
				for k, more := 1, true; more; k += stride {
					in.Advance(24 * time.Hour)
					settled(in) // that of the night
					before, ended := theLink(t, in), len(bank.ended)
					session, token := fmt.Sprint("good-", k), fmt.Sprint("good-", k)
					if bad {
						session, token = fmt.Sprint("bad-", k), fmt.Sprint("bad-", k)
					}
					renewWith(t, in, before, session, token)
					in.FailAt(k)
					for range 4 {
						_, _ = in.App.RunJobs(t.Context())
						in.Advance(4 * time.Second)
					}
					more = in.Fired()
					if now := theLink(t, in); now.Status != "active" || now.Error != "" {
						t.Fatalf("step %d: %+v", k, now)
					}
					settled(in)
					after := theLink(t, in)
					switch {
					case bad && (after.ConsentGivenAt != before.ConsentGivenAt || after.RenewalStatus != "failed" || after.RenewalError != "session-refused"):
						t.Fatalf("step %d: %+v", k, after)
					case !bad && (after.ConsentGivenAt == before.ConsentGivenAt || after.RenewalStatus != ""):
						t.Fatalf("step %d: %+v", k, after)
					}
					gone := token // the bank is told of the one that is not used any more
					if !bad {
						live, gone = token, live
					}
					if got := slices.Compact(bank.ended[ended:]); !slices.Equal(got, []string{gone}) {
						t.Fatalf("step %d: %q ended, want %q", k, got, gone)
					}
					owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
					settled(in)
					if now := theLink(t, in); now.PullStatus != "done" || bank.reused[len(bank.reused)-1] != live {
						t.Fatalf("step %d: %+v with %s", k, now, bank.reused[len(bank.reused)-1])
					}
				}
				for session, n := range bank.imports {
					if n > 1 {
						t.Errorf("session %s imported %d times", session, n)
					}
				}
				h.compare(t, owner(in))
			})
		}
	})
}

// TestRenewalWaits renews a connection while an import runs at the bank: the two are
// not there at once. One that only waits makes room, and is done when the new consent
// turns out to be none.
func TestRenewalWaits(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		settled(in)
		bank.waits = 2
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		in.RunJobs()
		begun := bank.begun()
		renewWith(t, in, theLink(t, in), "bad", "bad")
		in.RunJobs()
		if now := theLink(t, in); bank.begun() != begun || now.PullStatus != "running" || now.RenewalStatus != "checking" {
			t.Fatalf("%d imports, %+v", bank.begun()-begun, now)
		}
		settled(in)
		if now := theLink(t, in); now.PullStatus != "done" || now.RenewalStatus != "failed" || now.Status != "active" {
			t.Fatalf("%+v", now)
		}

		// The bank is down, and the import waits for five minutes.
		in.Advance(24 * time.Hour)
		settled(in)
		bank.say(func(out io.Writer) {
			fmt.Fprint(out, `<reply status="200 OK"><command id="1" state="error" name="DefaultImportCommand"><exception name="IO"/></command></reply>`)
		})
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{"since": "2029-01-01T00:00:00+00:00"}`)
		in.RunJobs()
		for range 3 {
			in.Advance(4 * time.Second)
			in.RunJobs()
		}
		if now := theLink(t, in); now.PullStatus != "queued" || now.Error != "unavailable" {
			t.Fatalf("%+v", now)
		}
		renewWith(t, in, theLink(t, in), "bad too", "bad")
		in.RunJobs()
		bank.say(nil)
		settled(in)
		if now := theLink(t, in); now.PullStatus != "done" || now.RenewalStatus != "failed" || now.Status != "active" || now.Error != "" {
			t.Fatalf("%+v", now)
		}
		if last := bank.since[len(bank.since)-1]; last != "2029-01-01" {
			t.Errorf("the import that waited was since %s", last)
		}

		// Of two renewals the newer counts.
		before := theLink(t, in)
		in.Advance(24 * time.Hour)
		bank.waits = 1
		renewWith(t, in, before, "good", "good")
		renewWith(t, in, before, "better", "better")
		settled(in)
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		settled(in)
		if now := theLink(t, in); now.PullStatus != "done" || now.RenewalStatus != "" || now.ConsentGivenAt == before.ConsentGivenAt ||
			bank.reused[len(bank.reused)-1] != "better" || slices.Contains(bank.ended, "better") || !slices.Contains(bank.ended, "access") {
			t.Fatalf("%+v, ended %q, used %q", now, bank.ended, bank.reused)
		}
	})
}

// TestRenewalSameAccess takes over a session with the access id that is live: it is
// not told to end.
func TestRenewalSameAccess(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		settled(in)
		for _, session := range []string{"bad", "good"} {
			renewWith(t, in, theLink(t, in), session, "access")
			settled(in)
		}
		in.Advance(24 * time.Hour)
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		settled(in)
		if now := theLink(t, in); now.Status != "active" || now.PullStatus != "done" || len(bank.ended) > 0 {
			t.Fatalf("%+v, ended %q", now, bank.ended)
		}
	})
}

// TestRenewalAtEnd lets the live consent end while a new one is proven: the connection
// is expired in between, and works again when it is.
func TestRenewalAtEnd(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		settled(in)
		var i struct{ ConsentEndsAt time.Time }
		owner(in).Must("GET", theLink(t, in).IRI, "").JSON(t, &i)
		in.Advance(i.ConsentEndsAt.Add(-time.Minute).Sub(in.Clock.Now()))
		in.RunJobs()
		bank.waits = 100
		renewWith(t, in, theLink(t, in), "good", "good")
		in.RunJobs()
		in.Advance(6 * time.Minute)
		in.RunJobs()
		if now := theLink(t, in); now.Status != "expired" || now.RenewalStatus != "checking" {
			t.Fatalf("%+v", now)
		}
		if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != http.StatusConflict {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		bank.waits = 0
		settled(in)
		if now := theLink(t, in); now.Status != "active" || now.RenewalStatus != "" || now.PullStatus != "done" {
			t.Fatalf("%+v", now)
		}
	})
}
