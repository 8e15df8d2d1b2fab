package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
	"sede/internal/throttle"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	sedetest.Run(t, "testdata/*.txt")
}

// receiver is another program: it keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []arrival
}

type arrival struct {
	header http.Header
	body   string
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, arrival{request.Header, string(body)})
		if r.status == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// take returns what came since the last time.
func (r *receiver) take() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// endpoint is one as its admins see it.
type endpoint struct {
	ID           string
	Secret       string
	Enabled      bool
	Error        string
	DeliveredAt  *string
	FailingSince *string
	RetryAt      *string
}

func register(t *testing.T, in *sedetest.Instance, url, events string) (e endpoint) {
	t.Helper()
	admin(in).Must("POST", "/webhook-endpoints", `{"url":"`+url+`","events":["`+events+`"]}`).JSON(t, &e)
	return e
}

func admin(in *sedetest.Instance) *sedetest.Client { return in.As("owner@other.example", "other") }

func (e *endpoint) reload(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	*e = endpoint{ID: e.ID}
	admin(in).Must("GET", "/webhook-endpoints/"+e.ID, "").JSON(t, e)
}

// verify fails unless the secret has signed the event.
func verify(t *testing.T, secret string, a arrival) {
	t.Helper()
	v, err := standard.NewWebhook(secret)
	if err == nil {
		err = v.VerifyIgnoringTimestamp([]byte(a.body), a.header)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestDelivery sends events to endpoints that answer, and to some that don't.
func TestDelivery(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, other := sedetest.New(t, engine), receive(t)
		e := register(t, in, other.URL, "ping")
		register(t, in, other.URL, "integration.expired") // which does not want it
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		got := other.take()
		if len(got) != 1 || !strings.Contains(got[0].body, `"type":"ping"`) || !strings.Contains(got[0].body, `"organization":"/organizations/`) || strings.Contains(got[0].body, "whsec_") {
			t.Fatalf("%d arrived: %v", len(got), got)
		}
		verify(t, e.Secret, got[0])
		secret := e.Secret
		if e.reload(t, in); e.DeliveredAt == nil || e.FailingSince != nil || e.Secret != "" {
			t.Errorf("%+v", e)
		}

		// The other side is down: the same event comes again, until it arrives.
		other.answer(http.StatusInternalServerError)
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		if e.reload(t, in); e.Error != "refused" || e.FailingSince == nil {
			t.Errorf("%+v", e)
		}
		in.Advance(2 * time.Second)
		other.answer(http.StatusFound) // nobody follows it
		in.RunJobs()
		in.Advance(time.Minute)
		other.answer(http.StatusOK)
		in.RunJobs()
		if got = other.take(); len(got) != 3 || got[0].header.Get("webhook-id") != got[2].header.Get("webhook-id") || got[0].body != got[2].body {
			t.Errorf("%d arrived", len(got))
		}
		if e.reload(t, in); e.Error != "" || e.FailingSince != nil {
			t.Errorf("%+v", e)
		}

		// A secret that is replaced signs for a day as well.
		var rotated endpoint
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/rotate-secret", "").JSON(t, &rotated)
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		got = other.take()
		verify(t, secret, got[0])
		verify(t, rotated.Secret, got[0])
		in.Advance(25 * time.Hour)
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		got = other.take()
		verify(t, rotated.Secret, got[0])
		if strings.Contains(got[0].header.Get("webhook-signature"), " ") {
			t.Error("a secret that was replaced yesterday signs")
		}

		// One that refuses everything for days is switched off, and on by people only.
		other.answer(http.StatusForbidden)
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		for range 40 {
			in.RunJobs()
			in.Advance(4 * time.Hour)
		}
		if e.reload(t, in); e.Enabled {
			t.Errorf("%+v", e)
		}
		other.take()
		admin(in).Must("PATCH", "/webhook-endpoints/"+e.ID, `{"enabled":true}`)
		other.answer(http.StatusGone)
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		if e.reload(t, in); e.Enabled || e.Error != "gone" || len(other.take()) != 1 {
			t.Errorf("%+v", e)
		}
	})
}

// TestReach keeps events out of the own network and within those who want them.
func TestReach(t *testing.T) {
	t.Parallel()
	in, other := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.LocalWebhooks = false }), receive(t)
	if a := admin(in).Do("POST", "/webhook-endpoints", `{"url":"`+other.URL+`","events":["*"]}`); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for _, inside := range []string{"https://127.0.0.1:1/", "https://localhost/", "https://10.0.0.8/hooks", "https://[fd00::1]/"} {
		if a := admin(in).Do("POST", "/webhook-endpoints", `{"url":"`+inside+`","events":["*"]}`); a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(a.Body), "not on the internet") {
			t.Errorf("%s: %d %s", inside, a.Status, a.Body)
		}
	}
}

// TestReasons tells why nothing arrives.
func TestReasons(t *testing.T) {
	t.Parallel()
	in := sedetest.New(t, db.SQLite)
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // with a certificate of its own
	t.Cleanup(secure.Close)
	closed := receive(t)
	closed.Close()
	down := receive(t)
	down.answer(http.StatusBadGateway)
	for url, want := range map[string]string{secure.URL: "certificate", closed.URL: "unreachable", down.URL: "refused"} {
		e := register(t, in, url, "ping")
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		in.RunJobs()
		if e.reload(t, in); e.Error != want {
			t.Errorf("%s: %q, want %q", url, e.Error, want)
		}
	}
}

// TestSilent sends nothing out of demo organizations.
func TestSilent(t *testing.T) {
	t.Parallel()
	in, other := sedetest.New(t, db.SQLite), receive(t)
	demo := in.As("owner@demo.example", "demo")
	var e endpoint
	demo.Must("POST", "/webhook-endpoints", `{"url":"`+other.URL+`","events":["*"]}`).JSON(t, &e)
	demo.Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
	in.RunJobs()
	demo.Must("GET", "/webhook-endpoints/"+e.ID, "").JSON(t, &e)
	if got := other.take(); len(got) != 0 || e.Error != "silent" {
		t.Errorf("%d arrived, %+v", len(got), e)
	}
}

// TestOthers tells nobody what happens in another organization.
func TestOthers(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, other := sedetest.New(t, engine), receive(t)
		register(t, in, other.URL, "*")
		demo := in.As("owner@demo.example", "demo")
		demo.Must("POST", "/webhook-endpoints", `{"url":"`+other.URL+`","events":["*"]}`)
		demo.Must("POST", "/integrations/kontomatik/revoke", `{}`)
		var deliveries struct {
			Jobs []struct{ Organization string } `json:"hydra:member"`
		}
		in.As("operator@demo.example", "").Must("GET", "/jobs?kind=webhook.deliver", "").JSON(t, &deliveries)
		if len(deliveries.Jobs) != 2 {
			t.Errorf("%d deliveries, want that the connection changed, and how", len(deliveries.Jobs))
		}
		for _, j := range deliveries.Jobs {
			if j.Organization != "/organizations/"+in.Names["demo"] {
				t.Errorf("%+v is not demo's", j)
			}
		}
	})
}

// TestHanging: an endpoint that never answers keeps nobody else's work waiting, and its
// own deliveries wait for it, one at a time.
func TestHanging(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		var mu sync.Mutex
		var begun, now, most int
		hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			mu.Lock()
			begun, now = begun+1, now+1
			most = max(most, now)
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			now--
			mu.Unlock()
		}))
		t.Cleanup(func() { hang.CloseClientConnections(); hang.Close() })
		e := register(t, in, hang.URL, "ping")
		for range 60 {
			admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
		}
		in.App.Jobs().Start()
		defer in.App.Jobs().Close()
		demo := in.As("owner@demo.example", "demo")
		demo.Must("POST", "/organizations/clear", `{"confirm":"demo"}`)
		began := time.Now()
		for state := ""; state != "cleared"; {
			if time.Since(began) > 15*time.Second {
				t.Fatal("another organization's work waits")
			}
			time.Sleep(20 * time.Millisecond)
			var o struct{ Clearing struct{ State string } }
			demo.Must("GET", "/organizations/demo", "").JSON(t, &o)
			state = o.Clearing.State
		}
		hang.CloseClientConnections() // ends what hangs
		time.Sleep(300 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		if most != 1 || begun != 1 {
			t.Errorf("%d deliveries began, %d at once", begun, most)
		}
		if e.reload(t, in); e.RetryAt == nil {
			t.Errorf("%+v", e)
		}
	})
}

// TestPing limits how often people try an endpoint.
func TestPing(t *testing.T) {
	t.Parallel()
	in, other := sedetest.NewWith(t, db.SQLite, func(c *app.Config) { c.Limits = throttle.Default() }), receive(t)
	e := register(t, in, other.URL, "ping")
	for range 10 {
		admin(in).Must("POST", "/webhook-endpoints/"+e.ID+"/ping", "")
	}
	if a := admin(in).Do("POST", "/webhook-endpoints/"+e.ID+"/ping", ""); a.Status != http.StatusTooManyRequests {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// TestChanges tells an endpoint of changes, with their entries in the audit log.
func TestChanges(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, other := sedetest.New(t, engine), receive(t)
		told := func() (list []change) {
			t.Helper()
			in.RunJobs()
			for _, a := range other.take() {
				var c change
				if err := json.Unmarshal([]byte(a.body), &c); err != nil {
					t.Fatal(err)
				}
				list = append(list, c)
			}
			return list
		}
		var lisbon struct{ ID string }
		admin(in).Must("POST", "/locations", `{"name":"Before"}`)
		e := register(t, in, other.URL, "location.changed")
		admin(in).Must("POST", "/locations", `{"name":"Lisboa"}`).JSON(t, &lisbon)
		admin(in).Must("PATCH", "/locations/"+lisbon.ID, `{"name":"Lisbon"}`)
		admin(in).Must("PATCH", "/locations/"+lisbon.ID, `{"name":"Lisbon"}`) // which changes nothing
		admin(in).Must("POST", "/employees", `{"firstName":"Ana","lastName":"Silva"}`)
		got := told()
		if len(got) != 2 {
			t.Fatalf("%d arrived: %+v", len(got), got)
		}
		for n, action := range []string{"create", "update"} {
			c, entry := got[n], got[n].Data.AuditLog
			if c.Type != "location.changed" || entry.Action != action || entry.Resource != "Location" || entry.Key != lisbon.ID || entry.ActorName != "owner@other.example" {
				t.Errorf("%+v", c)
			}
			var shown entryOfLog
			admin(in).Must("GET", "/audit-logs/"+entry.ID, "").JSON(t, &shown)
			if !reflect.DeepEqual(shown, entry) {
				t.Errorf("told %+v, shown %+v", entry, shown)
			}
		}
		if first, second := got[0].Data.AuditLog, got[1].Data.AuditLog; second.Number != first.Number+1 || second.PreviousHash != first.Hash || second.Before["name"] != "Lisboa" || second.After["name"] != "Lisbon" {
			t.Errorf("%+v", got)
		}

		// What is refused is told to nobody.
		admin(in).Do("PATCH", "/locations/"+lisbon.ID, `{"name":""}`)
		if got = told(); len(got) != 0 {
			t.Errorf("%+v", got)
		}

		// All means all, but nothing of others and not the endpoints themselves.
		admin(in).Must("PATCH", "/webhook-endpoints/"+e.ID, `{"events":["*"]}`)
		in.As("admin@demo.example", "demo").Must("POST", "/locations", `{"name":"Elsewhere"}`)
		admin(in).Must("POST", "/employees", `{"firstName":"Rui","lastName":"Costa"}`)
		if got = told(); len(got) != 1 || got[0].Type != "employee.changed" {
			t.Errorf("%+v", got)
		}

		// Nobody listens any more.
		admin(in).Must("DELETE", "/webhook-endpoints/"+e.ID, "")
		admin(in).Must("PATCH", "/locations/"+lisbon.ID, `{"name":"Lisboa"}`)
		if got = told(); len(got) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestHeld delivers once while the organization is held.
func TestHeld(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, other := sedetest.New(t, engine), receive(t)
		e := register(t, in, other.URL, "location.changed")
		admin(in).Must("POST", "/locations", `{"name":"Lisboa"}`)
		org, err := ident.Parse(in.Names["other"])
		if err != nil {
			t.Fatal(err)
		}
		err = in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			return db.Hold(tx, org, "Its data is being cleared.", in.Clock.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
		in.RunJobs()
		in.Advance(time.Minute)
		in.RunJobs()
		if got := other.take(); len(got) != 1 {
			t.Errorf("%d arrived", len(got))
		}
		if e.reload(t, in); e.DeliveredAt == nil {
			t.Errorf("%+v", e)
		}
	})
}

// change is an event of a change.
type change struct {
	Type string
	Data struct{ AuditLog entryOfLog }
}

type entryOfLog struct {
	ID, Action, Resource, Key, ActorName, CreatedAt, PreviousHash, Hash string
	Number                                                              int
	Before, After                                                       map[string]any
}
