package mail_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/secret"
	"sede/internal/sedetest"
)

// office is a post of the test's own on the database of an instance.
type office struct {
	t    *testing.T
	in   *sedetest.Instance
	q    *jobs.Queue
	post *mail.Post
	mux  *http.ServeMux
}

func newOffice(t *testing.T, engine db.Engine, change func(*mail.Config)) *office {
	t.Helper()
	o := &office{t: t, in: sedetest.New(t, engine), mux: http.NewServeMux()}
	box, err := secret.NewBox(nil, make([]byte, secret.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	ids := ident.NewSource(o.in.Clock.Now, nil)
	o.q = jobs.New(jobs.Config{DB: o.in.App.Database(), Clock: o.in.Clock, IDs: ids, Secret: box})
	config := mail.Config{DB: o.in.App.Database(), Jobs: o.q, IDs: ids, Clock: o.in.Clock, Secret: box}
	if change != nil {
		change(&config)
	}
	o.post = mail.New(config)
	if err := o.q.Register(o.post.Workers(), nil); err != nil {
		t.Fatal(err)
	}
	for _, route := range o.post.Routes(func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(fault.As(err).Kind.Status())
	}) {
		o.mux.Handle(route.Pattern, route.Handler)
	}
	return o
}

func (o *office) demo() access.Scope {
	o.t.Helper()
	id, err := ident.Parse(o.in.Names["demo"])
	if err != nil {
		o.t.Fatal(err)
	}
	return access.System(id)
}

// send sends the message and runs the jobs.
func (o *office) send(scope access.Scope, m mail.Message) {
	o.t.Helper()
	err := o.in.App.Database().Write(o.t.Context(), access.Instance(), func(tx *db.Tx) error {
		o.post.Send(tx, scope, m)
		return nil
	})
	if err == nil {
		_, err = o.q.RunDue(o.t.Context())
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// get asks for a page of the mailbox as a caller on the same machine.
func (o *office) get(target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080"+target, nil)
	r.RemoteAddr = "127.0.0.1:4321"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		if header[i] == "Peer" {
			r.RemoteAddr = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	o.mux.ServeHTTP(w, r)
	return w
}

// kept is a mail as the mailbox tells it.
type kept struct {
	ID, To, Subject, Text, HTML, Language string
	Links                                 []string
}

func (o *office) mailbox(query string) (list []kept) {
	o.t.Helper()
	w := o.get("/dev/mailbox"+query, "Accept", "application/json")
	if w.Code != http.StatusOK {
		o.t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		o.t.Fatal(err)
	}
	return list
}

func welcome(to string) mail.Message {
	return mail.Message{
		To: mail.Address{Name: "Ana <b>Silva</b>", Email: to}, Subject: fault.Textf("Access Denied."),
		Paragraphs: []fault.Text{fault.Textf("%s", "Hello <script>alert(1)</script>")},
		Action:     mail.Action{Label: fault.Textf("Not Found"), URL: "https://sede.example/console/verify?token=a&b=c"},
		After:      []fault.Text{fault.Textf("%s", "Or read https://sede.example/help.")},
	}
}

// TestMailbox keeps what is not sent, newest first, for callers on this machine.
func TestMailbox(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		o := newOffice(t, engine, nil)
		o.post.SetFooter(func(context.Context, ident.ID, string) (string, string, error) {
			return "<b>Demo Ltd</b>", "Demo Ltd", nil
		})
		o.send(o.demo(), welcome("Ana@Example.org"))
		second := welcome("bo@example.org")
		second.Language = "pl"
		o.send(access.Instance(), second)
		list := o.mailbox("")
		if len(list) != 2 || list[0].To != "bo@example.org" || list[1].To != "Ana@Example.org" {
			t.Fatalf("the mailbox has %+v", list)
		}
		if list[0].Subject != "Odmowa dostępu." || list[0].Language != "pl" || strings.Contains(list[0].Text, "Demo Ltd") {
			t.Errorf("the second is %+v", list[0])
		}
		want := "Hello <script>alert(1)</script>\n\nNot Found:\nhttps://sede.example/console/verify?token=a&b=c\n\n" +
			"Or read https://sede.example/help.\n\n-- \nDemo Ltd\n"
		if list[1].Text != want {
			t.Errorf("text %q, want %q", list[1].Text, want)
		}
		if html := list[1].HTML; strings.Contains(html, "<script>") || !strings.Contains(html, "<b>Demo Ltd</b>") ||
			!strings.Contains(html, `href="https://sede.example/console/verify?token=a&amp;b=c"`) {
			t.Errorf("html %s", html)
		}
		if links := list[1].Links; len(links) != 2 || links[1] != "https://sede.example/help" {
			t.Errorf("links %q", links)
		}
		if found := o.mailbox("?to=ana@example.ORG"); len(found) != 1 || found[0].ID != list[1].ID {
			t.Errorf("to ana: %+v", found)
		}
		if found := o.mailbox("?limit=1"); len(found) != 1 || found[0].ID != list[0].ID {
			t.Errorf("the newest: %+v", found)
		}
	})
}

// TestMailboxPages shows mail that can't do anything.
func TestMailboxPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t, db.SQLite, nil)
	o.send(o.demo(), welcome("ana@example.org"))
	for _, path := range []string{"/dev/mailbox", "/dev/mailbox/" + o.mailbox("")[0].ID} {
		w := o.get(path, "Accept", "text/html")
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") ||
			!strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if body := w.Body.String(); strings.Contains(body, "<script>") || strings.Contains(body, "<b>Silva") {
			t.Errorf("%s is not escaped: %s", path, body)
		}
	}
	for _, id := range []string{"x", "018cc6e0-0000-7000-8000-000000000001"} {
		if w := o.get("/dev/mailbox/" + id); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", id, w.Code)
		}
	}
}

// TestMailboxCallers lets only those read it who sit at the machine.
func TestMailboxCallers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, db.SQLite, nil)
	for name, c := range map[string]struct {
		header []string
		want   int
	}{
		"this machine":           {nil, 200},
		"IPv6":                   {[]string{"Peer", "[::1]:4321", "Host", "[::1]:8080"}, 200},
		"another machine":        {[]string{"Peer", "192.0.2.1:4321"}, 404},
		"through a proxy":        {[]string{"X-Forwarded-For", "192.0.2.1"}, 404},
		"a name that leads here": {[]string{"Host", "evil.example"}, 404},
		"another site's script":  {[]string{"Origin", "https://evil.example"}, 404},
		"another site's fetch":   {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 404},
		"a link from elsewhere":  {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"the docs page":          {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "http://localhost:8080"}, 200},
	} {
		if w := o.get("/dev/mailbox", c.header...); w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
	}
	for mode, want := range map[mail.Mailbox]int{mail.Open: 200, mail.Off: 404} {
		o := newOffice(t, db.SQLite, func(c *mail.Config) { c.Mailbox = mode })
		if w := o.get("/dev/mailbox", "Peer", "192.0.2.1:4321"); w.Code != want {
			t.Errorf("%s: %d, want %d", mode, w.Code, want)
		}
	}
}
